# %% [markdown] id="why"
# ## Why it matters
#
# In lesson 13, landings came through a log: a file with an event a line, on one computer. When that computer is off,
# nobody reports and nobody reads. And one file is read by one consumer, however many landings there are.
#
# **Apache Kafka** keeps such logs on several computers, its *brokers*, and cuts each stream into several logs, so
# that several consumers share the work. The ideas stay: an offset, an effect, a kill between the two. New
# are two questions: which log does a message go into? And who reads which?

# %% tags=["parameters"] id="imports"
from mlops_school import labs, landings, stream

labs.require("kafka")

import json
import zlib
from collections import Counter
from contextlib import closing

from mlops_school import kafka as school
from mlops_school.exercises import ____
from mlops_school.exercises.labs.kafka import q1, q2
from mlops_school.kafka import read
from mlops_school.paths import new_folder

# %% [markdown] id="cluster-intro"
# ## Brokers
#
# Your **client** here is the real one: `confluent-kafka`, with the library librdkafka inside, which companies use. The
# **brokers are an emulator**: librdkafka brings a small cluster for its own tests, which speaks Kafka's protocol over
# real connections, keeps everything in memory, and ends with this kernel. It has neither disks nor rights nor
# copies. The real one needs Java or Docker, such as `docker run -p 9092:9092 apache/kafka`. Its address in the place of
# ours, and the code below stays as it is.

# %% id="cluster"
cluster = school.Cluster()
producer = school.producer(cluster.address)
landed = landings.of_day(7, 1)
brokers = cluster.address.split(",")
print(f"{len(brokers)} brokers, {len(landed)} landings to send")

# %% [markdown] id="place-intro"
# ## Which log?
#
# A stream has a name, its **topic**. Its logs are called **partitions**, here four. The producer chooses one by the
# message's **key**: it computes a number from the key, divides by four, and takes the remainder. So equal keys come
# into the same partition, and **order is kept only within one**.
#
# A colleague takes the airport as key. We send the landings of 1 July, note what Kafka reports, and compute the place
# ourselves.


# %% id="place"
def send(topic, events, key):
    reports = []

    def confirm(problem, message):
        reports.append((problem, message))

    for event in events:
        producer.produce(topic, json.dumps(event), key(event), on_delivery=confirm)
    producer.flush()
    return [message for problem, message in reports if problem is None]


stored = send("by-airport", landed, key=lambda event: event["origin"])
ours = [zlib.crc32(message.key()) % 4 for message in stored]
print("as computed by hand:", ours == [message.partition() for message in stored])
print(f"{len(stored)} messages, by partition:", dict(sorted(Counter(ours).items())))

# %% [markdown] id="q1-task"
# Each message is confirmed, and each is where we thought. (Clients in other languages may compute another number. If
# two of them write to one topic, set `partitioner` to the same in both.)
#
# But three keys fill two of four partitions, and one of these has two thirds of all. Two consumers would have nothing to
# do. Why a key at all? Without one, messages are spread evenly. But a flight can be reported twice, first wrong, then corrected, and
# the correction could overtake the report in another partition.
#
# ### Exercise 1: choose the key
#
# Write `key`, which returns a text for an event. The report of a flight and its correction (which has another
# `landed` and `late`) must come into the same partition, and no partition may get more than 35 percent of the messages.
# An event has `carrier`, `flight`, `origin`, `dest`, `departure`, `landed` and `late`.


# %% id="q1"
def key(event):
    ### BEGIN SOLUTION
    return f"{event['carrier']} {event['flight']}"
    ### END SOLUTION


q1.check(key)
# q1.hint()
# q1.solution()

# %% [markdown] id="group-intro"
# ## Who reads which?
#
# Consumers with the same `group.id` are a **group**: Kafka gives each partition to one of them. When a member comes or
# goes, the partitions are shared out anew, which is called a **rebalance**. (`group.protocol` is set to `consumer`: the
# brokers decide who gets what. In the older protocol, one of the members does.)

# %% id="group"


def by_flight(event):
    return f"{event['carrier']} {event['flight']} {event['departure']}"


print(len(send("landings", landed, by_flight)), "messages sent")
members = [school.consumer(cluster.address, "board") for _ in range(2)]
for number, member in enumerate(members, 1):
    member.subscribe(["landings"])
    print(f"{number} in the group, partitions of each:", school.settle(*members[:number]))
members.pop().close()
print("one has left, partitions of the other:", school.settle(*members))
members.pop().close()

# %% [markdown] id="replay-intro"
# Nobody has told the second consumer what to do, and when it left, the first one took over. With a fifth consumer on
# four partitions, one would have nothing to do: **the number of partitions limits how many can work.**
#
# Reading takes nothing away. Two groups read the same topic, each at its own pace. A group that has **committed** its
# offsets goes on after them.

# %% id="replay"
for group in ["screens", "archive", "screens"]:
    reader = school.consumer(cluster.address, group)
    school.take_all(reader, "landings")
    messages = list(school.until_the_end(reader))
    print(f"{group}: {len(messages)} messages")
    if messages:
        reader.commit(asynchronous=False)
    reader.close()

# %% [markdown] id="kill-intro"
# ## Kill it
#
# `screens` came back, and there was nothing new for it.
#
# Now a consumer counts landings in a database (the effect), and commits to Kafka after each 100. A process of its own
# runs it, and the operating system kills it after the effect of event 250. The next one goes on where Kafka says. (Both
# take all partitions by themselves, by `assign`. In a group that shares them, Kafka first waits whether a silent member
# comes back, 45 seconds by default.)

# %% id="kill"
folder = new_folder("labs/kafka")


def kill_and_resume(database, once):
    school.kill_counter(cluster.address, "landings", database, once, event=250)
    again, counted = school.count_landings(cluster.address, "landings", database, once)
    print(f"{again} messages after the kill; {counted} counted, {len(landed)} have landed")


kill_and_resume(folder / "always.db", once=False)

# %% [markdown] id="once-intro"
# 200 were committed, so the 50 after them came *again*, and were counted again. That is *at least once*, and Kafka
# cannot know better: your database is not its own. (For what is written back to Kafka, it has transactions.)
#
# The cure is the one of lesson 13: keep in the same transaction by which key a flight is known, and leave out what
# has been counted.

# %% id="once"
kill_and_resume(folder / "once.db", once=True)

# %% [markdown] id="poison-intro"
# Delivered at least once, counted once. It does not matter when the offset is committed, as long as it is *after* the
# effect.
#
# ## Break it: a message that nobody can read
#
# Landings of 2 July come. A station has a fault, and among them is half a message, and one without `late`.
# The consumer stops, and a careful operator starts it again.

# %% id="poison"
second = landings.of_day(7, 2)
send("second-of-july", second, by_flight)
without_late = {name: value for name, value in second[0].items() if name != "late"}
for value in ['{"carrier": "UA", "fl', json.dumps(without_late)]:
    producer.produce("second-of-july", value, "a station with a fault")
producer.flush()

for attempt in [1, 2, 3]:
    try:
        school.count_landings(cluster.address, "second-of-july", folder / "second.db", once=True)
    except ValueError as problem:
        print(f"start {attempt}: stops. {problem}")

# %% [markdown] id="q2-task"
# Such a message is called a **poison pill**. It is never handled, so its offset is never committed, so it comes again,
# and all that is behind it in its partition waits. For ever.
#
# The usual cure is a **dead letter topic**: what cannot be read is put there, with the reason, and the consumer goes on.
# Somebody must look into it.
#
# ### Exercise 2: bury only the dead
#
# Write `handle`. `read(value)` returns the event, or raises a `ValueError` if there is none. `count(event)` counts it.
# `bury(value, reason)` puts a message aside. But if the *disk is full*, each message fails in `count`, and none of them
# is to blame: let such an error through.


# %% id="q2"
def handle(value, count, bury):
    ### BEGIN SOLUTION
    try:
        event = read(value)
    except ValueError as reason:
        return bury(value, str(reason))
    return count(event)
    ### END SOLUTION


q2.check(handle)
# q2.hint()
# q2.solution()

# %% [markdown] id="dead-intro"
# The package has such a function, too. It gets the day again, as the group `careful`, and then we open the grave.

# %% id="dead"
reader = school.consumer(cluster.address, "careful")
school.take_all(reader, "second-of-july")
with closing(stream.connect(folder / "careful.db")) as database:
    for message in school.until_the_end(reader):
        school.handle(message.value(), database, producer, "dead-letters")
    producer.flush()
    reader.commit(asynchronous=False)
    print(f"{stream.counted(database)} counted, {len(second)} have landed")

school.take_all(reader, "dead-letters")
for message in sorted(school.until_the_end(reader), key=lambda message: message.value()):
    print(message.headers()[0][1].decode(), "|", message.value().decode()[:40])
reader.close()

# %% [markdown] id="recap"
# ## What you take with you
#
# - **The key decides the partition, and order is kept only there.** What belongs together needs the same key, and
#   keys must be many.
# - **A group shares the partitions**, and shares them anew when a member comes or goes. More members than partitions
#   have nothing to do.
# - **Effect, then commit, gives at least once.** A key of your own in the same transaction makes it count once.
# - **A message that cannot be read goes to a dead letter topic**, and only such a message.
# - **Is it worth it?** For one producer and one consumer, a table in a database will do, and lesson 13's log teaches
#   the same. Kafka pays when many read the same stream, when it is too much for one computer, and when nothing may stop
#   while one of them is off. Real brokers must be run by somebody, day and night: the emulator hides that.
