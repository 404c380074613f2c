# %% [markdown] id="why"
# ## Why it matters
#
# A flight lands, and its message is on the way to you. At this moment your program is killed. When it is back:
# is the flight counted? Once?
#
# A new release is ready. It has passed every test. At noon you put it in the place of the old one. How many
# passengers get no answer meanwhile? And if it is worse than the old one: who notices, after how many flights?
#
# Such questions are not answered by care, but by an *order of steps* that is right, and by a *rule* that is
# decided before. In this lesson you kill real processes, change releases under real traffic, and find out
# what a bad release costs until it is gone.

# %% tags=["parameters"] id="imports"
import time

import numpy as np

from mlops_school import champion, containers, landings, quiz, rollouts, stream, swaps
from mlops_school import release_views as views
from mlops_school.exercises import ____
from mlops_school.exercises.streaming_release import q1, q2, q3, q4, q5
from mlops_school.paths import new_folder

kills = 4  # how often the consumer is killed
seconds = 1.5  # of traffic, in each experiment

# %% [markdown] id="requirements-intro"
# ## What was promised
#
# Four requirements are at stake whenever something changes in production. Each names the place where a release
# that breaks it is undone: here, and by a machine, before many have noticed.

# %% id="requirements"
from mlops_school.process import load_requirements

for name in ["R5", "R6", "R11", "R12"]:
    requirement = load_requirements()[name]
    print(requirement, f"[rollback: {requirement.rollback}]\n")

# %% [markdown] id="log-intro"
# ## Part 1: a stream that may be interrupted
#
# Every landing of 1 July is a message, an **event**. Producers add events to the end of a **log**, and each gets
# a number there, its **offset**. Reading takes nothing away: a consumer only remembers how far it has come, and
# several consumers can read the same log, each at its own pace.
#
# Ours is a file with an event a line. It stands in for Apache Kafka, which does the same on several computers:
# there, a stream has a name, its *topic*, and is cut into several such logs, its *partitions*.

# %% id="log"
folder = new_folder("13-streaming-release")
landed = landings.of_day(7, 1)
log = stream.Log(folder / "landings.log")
log.append(landed)

for offset, event in list(log.read())[:3]:
    print(offset, {name: event[name] for name in ["carrier", "flight", "origin", "dest", "late"]})
print(f"… {len(landed)} events")

# %% [markdown] id="kill-intro"
# ### Two steps, and a kill between them
#
# The consumer counts landings in a database. For each event it does two things: the **effect** (count it), and
# the **offset** (remember to go on after it). Which first?
#
# We try both. `stream.kill` starts a consumer in a process of its own, and the operating system kills it between
# the two steps. Three times; then a fourth consumer finishes the log.

# %% id="kill"
for handler in ["offset first", "effect first"]:
    counted = stream.count_with_kills(log.path, folder / "count.db", handler, [100, 200, 300])
    print(f"{handler}: {counted} counted, {len(landed)} have landed")

# %% [markdown] id="q1-task"
# Three kills, three wrong events, in either order:
#
# | order | after a kill | called |
# |---|---|---|
# | offset, then effect | the event is never counted | **at most once** |
# | effect, then offset | the event is counted again | **at least once** |
#
# No third order exists. But both steps write into the *same* SQLite file, and a database can keep two changes
# *as one*: all that happens in a `with database:` block is a *transaction*.
#
# ### Exercise 1: neither lost nor twice
#
# Write `handle`. It calls `count(database, event)`, and `remember(database, following)` with the offset from which
# the next process must go on. The check kills it before each statement in turn, starts it again, and looks at the
# count.

# %% id="q1"
from mlops_school.stream import count, remember


def handle(database, offset, event):
    ### BEGIN SOLUTION
    following = offset + 1
    with database:
        count(database, event)
        remember(database, following)
    ### END SOLUTION


q1.check(handle)
# q1.hint()
# q1.solution()

# %% [markdown] id="q2-task"
# Killed anywhere, it counts each event once. An event may still be *delivered* twice; what happens once is its
# effect. That is what is meant by **exactly once**. (Kafka offers it for effects that are written back to Kafka.
# For a database of yours, you do what you did here.)
#
# ### The producer repeats itself, too
#
# A station at an airport sends a message and gets no confirmation, since the line breaks at this moment. So
# it sends it *again*. Now the log holds the flight twice, at two offsets, and no transaction helps.
#
# The cure is a **key** by which the consumer knows a flight that it has counted.
#
# ### Exercise 2: by what is a flight known?
#
# Our events have `carrier`, `flight` (its number), `origin`, `dest`, `departure` (date and time of the
# timetable), `landed` and `late`. Suppose that each message also has `sent`, the moment when it was sent. Which of
# these columns make the key? The check tries yours on all flights of the year.

# %% id="q2"
### BEGIN SOLUTION
key = ["carrier", "flight", "origin", "departure"]
### END SOLUTION
q2.check(key)
# q2.hint()
# q2.solution()

# %% [markdown] id="retry-intro"
# With such a key in the same transaction, counting is **idempotent**: doing it again changes nothing. Now fifty
# messages are repeated, and consumers are killed at random events, in the middle of their transaction. One
# consumer (`together`) works as yours, the other one also remembers keys.

# %% id="retry"
repeated = stream.Log(folder / "repeated.log", anew=True)
repeated.append(landed + landed[-50:])
moments = np.random.default_rng(13).integers(1, 150, size=kills)

for handler in ["together", "once per flight"]:
    counted = stream.count_with_kills(repeated.path, folder / "count.db", handler, moments)
    print(f"{handler}: {counted} counted, {len(landed)} have landed")

# %% [markdown] id="late-intro"
# Killed again and again, `together` is wrong by exactly the fifty repetitions, and the key takes care of those.
# With the key, even "effect first" would be right: delivered at least once, counted once. Where effect and offset
# cannot share a transaction, as they lie in two systems, this is the way.
#
# ### When it happened is not when you heard of it
#
# You count landings by the hour and want to give out each number as soon as the hour is over. But on this day
# (we make that up) the line to Chicago is down from 15 to 18 o'clock, and its messages come at 18. Hours by
# the *clock on your wall* would put these flights into the wrong hour. So count by **event time**, the time
# that stands in the event, and *wait* a little before you close an hour. How long?

# %% id="late"
delayed = landings.with_line_down(landed, "ORD", down=15, up=18)
for wait in [0, 1, 2]:
    hours, too_late = stream.count_by_hour(delayed, wait)
    print(f"wait {wait} h: {sum(hours.values())} counted, {too_late} came too late")

# %% [markdown] id="gateway-intro"
# Waiting costs freshness, not waiting costs flights. No setting has both: say which one is needed, and count
# what comes too late, so that you notice.
#
# ## Part 2: a release takes the place of another
#
# Release 1 is in service. Release 2 has learned from May, too. Each runs as a process of its own, and in front
# of them stands a **gateway**: clients know only its address, and its table says which release answers. (Ours is a
# small one. In companies, nginx, Envoy or an ingress of Kubernetes does this.)

# %% id="gateway"
from mlops_school.gateway import Gateway
from mlops_school.model_package import ModelPackage

one, two = ModelPackage.load(champion.folder()), champion.train("2", months=(1, 2, 3, 4, 5))
folders = {"1": champion.folder(), "2": two.write(folder / "2")}
servers = swaps.start(folders)
addresses = {release: server.address for release, server in servers.items()}
gateway = Gateway(releases=addresses, live="1")

# %% [markdown] id="hasty-intro"
# Clients ask for flights of an afternoon, eight a second. After half a second we change
# over as it comes to mind: stop the old one, bring up the new one, send the clients there. The new one runs
# already, so we are kind and take only one second for it.

# %% id="hasty"
bodies = swaps.afternoon(month=7, day=2)


def hasty():
    servers["1"].stop()
    time.sleep(1)
    gateway.route(live="2")


gateway.route(live="1")
answers = swaps.under_load(gateway, bodies, hasty, seconds=seconds)
print("R11 is", "BROKEN" if swaps.lost(answers) else "met")

# %% [markdown] id="q3-task"
# About eight clients asked in that second. Nobody was there, and they got an error.
#
# ### Exercise 3: the order of the steps
#
# Write down the four steps that put release 2 in the place of release 1 without losing a request, and end with
# release 1 stopped. A step is one of these words and the number of a release, such as `"start 2"`:
#
# - `start` starts it and returns when it is healthy (R12);
# - `stop` ends it at once, whatever it is doing;
# - `route` sends all *new* requests to it;
# - `drain` waits until it has answered all requests that it has got.

# %% id="q3"
### BEGIN SOLUTION
steps = ["start 2", "route 2", "drain 1", "stop 1"]
### END SOLUTION
q3.check(steps)
# q3.hint()
# q3.solution()

# %% [markdown] id="swap-intro"
# Now for real. Release 3 is out: it is release 2 with a threshold that someone has set anew. We take the steps in
# the right order, under the same traffic, with one change: release 2 is *not* stopped. Two complete
# environments, one in service and one at rest, are called **blue/green**. What the second one costs in memory, it
# pays back on the day when you want to go back.

# %% id="swap"
folders["3"] = rollouts.in_percent(two, "3").write(folder / "3")


def careful():
    servers.update(swaps.start({"3": folders["3"]}))
    addresses["3"] = servers["3"].address
    gateway.route(releases=addresses, live="3")
    gateway.drain("2")


answers = swaps.under_load(gateway, bodies, careful, seconds=seconds)
print("requests without an answer:", swaps.lost(answers))
print("warnings by release 3:", gateway.counts("3").warned)

# %% [markdown] id="shadow-intro"
# Zero requests lost, while a process of several hundred megabytes started beside the traffic. A perfect change.
#
# Look at the second line. **Release 3 never warns.** Somebody wrote its threshold in percent, 16, where a share
# is expected, 0.16. The service would have refused that, but a helpful script had cut it to the highest share that
# there is, 1. So it starts, it is healthy, it answers fast, and to *everyone* it says that all is well. The swap was
# without a gap, and from this moment on no late flight of New York is warned of.
#
# Back to release 2 is one call, since it still runs. But how could one have known before? By a **shadow**: the
# new release gets a copy of each request, and its answers are compared and thrown away.

# %% id="shadow"
gateway.route(live="2", shadow="3")
answers = swaps.under_load(gateway, bodies, seconds=seconds)
shadow = gateway.counts("3")
print("requests without an answer:", swaps.lost(answers))
print("answers of release 3 that differ:", "some" if shadow.differ else "none")

gateway.route(shadow="1")  # it has been stopped
answers = swaps.under_load(gateway, bodies, seconds=0.5)
print("requests without an answer, with a dead shadow:", swaps.lost(answers))

# %% [markdown] id="canary-intro"
# Clients do not notice a shadow, not even a dead one. That makes it the safest of all, but it shows only what
# answers *are*, not what they *do*.
#
# ### A canary: some flights first
#
# The other way lets the new release answer a *share* of the flights. Which ones is not drawn anew for each
# request: the gateway computes a number from 0 to 1 from the flight itself (a *hash*), and takes the flights below the
# share. So a flight that is asked for twice meets the same release twice, and a larger share keeps all flights
# that it had.
#
# Two rules watch, and go back by themselves: the first asks for what can be seen at once of R5 and R6, the
# second whether the candidate warns about as often as the stable release. We try release 3 with the first, then
# with both.

# %% id="canary"
promises, alike = swaps.breaks_a_promise, swaps.warns_otherwise(needed=10, margin=0.25)
gateway.route(shadow=None)

for rules, limit in [([promises], 1.5), ([alike, promises], 20)]:
    reason = swaps.try_canary(gateway, "3", 0.5, rules, bodies, seconds=limit)
    print("rolled back:", reason or "no")

# %% [markdown] id="hurt-intro"
# The rule about promises sees nothing: release 3 keeps every promise that can be measured at the gateway. The
# second one rolls it back after some ten answers. **A canary finds only what its rule looks at.**
#
# ### What does a canary cost?
#
# Ten answers were enough on one afternoon. We replay all of July, where release 1 was in service, with release 3
# as the candidate, from noon of 26 days. *Hurt* is a flight for which release 1 would have done better, counted
# until the rule decides. One rule needs 50 *answers*, the other one 50 *landings*, since only then the dollars are
# known.

# %% id="hurt"
from mlops_school.rollouts import Rule

july = rollouts.outcomes([7], [one, two, rollouts.in_percent(two, "3")])
rules = {
    "50 answers": Rule(share=0.1, needed=50, margin=0.25),
    "50 landings": Rule(share=0.1, needed=50, margin=1, until="landing"),
}
views.show_canaries(july, "3", "2", rules)
rollouts.judge(july, "3", "2", rules["50 landings"]).round(1)

# %% [markdown] id="q4-task"
# A rule that counts *answers* hurts about as many flights whatever the share: 50 answers are 50 answers, and the
# share only says how soon. With *landings* it is another story: hours pass until one knows, and in each of
# them a large share hurts many more.
#
# And then one knows little. Below the picture stands how 50 landings did with a tenth of the flights: in 3 of 26
# starts they kept release 3, and in 6 they sent the good release 2 away. The dollars of 50 flights are mostly
# chance. **A canary is for gross faults, and for signals that are there at once.**
#
# ### Exercise 4: set the canary
#
# Choose `share` and `needed` (answers) for the rule about warnings, with a margin of 0.25, so that
#
# - release 3 is found in each of the 26 starts, on average within 24 hours,
# - at most 30 flights are hurt on average,
# - release 2, which is good, is never rolled back.
#
# To try: `rollouts.judge(july, "3", "2", Rule(share, needed, 0.25))` returns all of these.

# %% id="q4"
### BEGIN SOLUTION
share, needed = 0.1, 50
### END SOLUTION
q4.check(share, needed, july)
# q4.hint()
# q4.solution()

# %% [markdown] id="peek-intro"
# ## Is it better? An A/B test that may be watched
#
# A canary finds what is grossly wrong. Whether release 2 is *better* than release 1 is a finer question. Half of
# the flights get A, half B. Hours later they have landed, and only then one knows how many dollars a flight B
# costs more. Days, not flights, are what we count: the flights of a day share its weather.
#
# People look at such a test every morning and stop when the 95 percent interval excludes zero. What does that do?
# Try it where the truth is known: an **A/A test**, release 1 against itself, a thousand times, on real flights.

# %% id="peek"
same = rollouts.same_by_day(july, times=1000)
views.show_false_alarms(same)

# %% [markdown] id="ab-intro"
# There is nothing to find, and more than a quarter of the tests "find" it: each morning is another chance to be
# fooled. The usual interval is made for *one* look, on a day that was fixed before.
#
# A **confidence sequence** is made for looking every day: it is wider, so that with a probability of at least 95
# percent *all* of its intervals hold the truth (T. L. Lai, 1976; H. Wang and A. Ramdas, 2024). You may stop on the
# day when it excludes zero, if its assumption holds: that a day says nothing of the next one. Now the real test.

# %% id="ab"
summer = rollouts.outcomes([7, 8], [one, two])
autumn = rollouts.outcomes([9, 10, 11], [one, two])
series = {
    "A/B, July on": rollouts.by_day(summer, "2", share=0.5),
    "shadow, July on": rollouts.by_day(summer, "2"),
    "shadow, September on": rollouts.by_day(autumn, "2"),
}
views.show_sequences(series)
for name, t in {"summer": summer, "autumn": autumn}.items():
    print(f"{name}: {t['late'].mean():.0%} late, {t['warned 2'].mean():.0%} warned of by release 2")
rollouts.decisions(series)

# %% [markdown] id="containers-intro"
# After about a month, the bands of summer leave zero: release 2 costs less. The **shadow** decides a little sooner,
# since it knows for *every* flight what both would have cost. That works because a warning makes no plane late or
# early. Where answers change what people do (who sees a price, buys or does not), only an A/B test can tell.
#
# May we stop? In summer, bad weather lasts: `like yesterday` is the correlation of a day with the one before, and
# the sequence takes it as 0. With days so alike, it cheats again. *Three* days together as one value depend less on
# each other, and `by threes` they have *not decided* after two months. (Fix such a unit before the test begins.)
#
# And look at autumn: release 2 is the *dearer* one, by threes as well! Its threshold was chosen in June. In autumn
# far fewer flights are late, and it warns of as many as before. What holds in summer says nothing of other seasons.
# So a winner is watched, too, and the loser's package is kept.
#
# ## Part 3: let a machine do it
#
# You started, asked for health, routed, drained and stopped by hand. **Kubernetes** does these steps on a
# *cluster*, computers that work together, for any number of **replicas**, equal copies of a service. A *Dockerfile*
# says what is in them, *manifests* say what you want. In `course/deploy` are those of our service, complete, and
# checked by strict tools (hadolint, kubernetes-validate). They were not run here: that needs Docker and a cluster.
# These are the parts to read.

# %% id="containers"
lines = containers.DOCKERFILE.splitlines()
print(*[line for line in lines if line.startswith(("FROM", "USER"))], sep="\n", end="\n\n")

deployment = containers.manifests()["deployment.yaml"]["spec"]
pod = deployment["template"]["spec"]["containers"][0]
names = ["startupProbe", "readinessProbe", "lifecycle", "resources"]
print(containers.to_yaml({"strategy": deployment["strategy"]}))
print(containers.to_yaml({name: pod[name] for name in names}))

# %% [markdown] id="q5-task"
# A base image with its exact version, and a user that is not root. As for the rest, you know each field already:
#
# | field | what you did |
# |---|---|
# | `maxUnavailable: 0`, `maxSurge: 1` | start the new one before you stop the old one (R11) |
# | `startupProbe` | wait until it is healthy: `start` |
# | `readinessProbe` | who gets requests: `route` |
# | `preStop` | let it answer what it has got: `drain` |
# | `resources` | know what a replica needs: half a core, 512 MB of memory |
#
# One is missing: the `livenessProbe`. If it fails three times, the replica is *killed and started again*.
#
# ### Exercise 5: what should the probes ask?
#
# Suppose the service had three paths. `/alive`: the process answers. `/health`: its model is loaded as well.
# `/deep`: the weather source answers as well. (Without weather, our model still forecasts, a little worse.)
# Which path, or `None`, is right for `liveness`, and which for `readiness`? The check runs a small simulation
# of a *node*, one computer of the cluster, with three replicas: the weather source is away for five minutes, and
# later one replica hangs. The cell after the exercise draws what the most diligent liveness probe would do.

# %% id="q5"
### BEGIN SOLUTION
liveness, readiness = "/alive", "/health"
### END SOLUTION
q5.check(liveness, readiness)
# q5.hint()
# q5.solution()

# %% id="probes"
views.show_probes(["/deep", "/alive"], readiness="/health")

# %% [markdown] id="scale-intro"
# Three replicas that could have answered were killed, together, again and again, for the fault of another. Asking
# *everything* looks like diligence, and takes whole services down.
#
# ### How many replicas?
#
# The **HorizontalPodAutoscaler** asks every 15 seconds: replicas × (load of each / target), rounded up. A difference
# below 10 percent is ignored. It adds replicas at once. It takes away only those that were not needed at any time
# within the **stabilization window**, 300 seconds by default.
#
# The flights of a day would not keep one replica busy. So suppose an app reminds all passengers, and of each flight
# 1000 questions come within two minutes. The timetable is real. A replica answers some 30
# requests a second, and we aim at half of that. What does the window do?

# %% id="scale"
from mlops_school import data
from mlops_school.autoscaling import Autoscaler, questions, simulate

day = data.load_flights([7]).query("day == 2")
load = questions(60 * day["hour"] + day["minute"], each=1000, minutes=2)
runs = {
    f"window {window} s": simulate(load, Autoscaler(15, stabilization=window), capacity=30)
    for window in [0, 300, 1800]
}
views.show_replicas(runs, hours=(12, 15))
for name, run in runs.items():
    print(f"{name}: {run['replicas'].mean():.1f} replicas on average,", end=" ")
    print(f"{run['overloaded'].sum() / 4:.0f} minutes with too few")

# %% [markdown] id="recap"
# Without a window, replicas are stopped and needed again a minute later, and each takes half a minute to start:
# **flapping**. A longer window costs replicas, and buys minutes without overload.
#
# ## What you take with you
#
# - **Effect and offset in one transaction**, and a key for what is repeated: then a kill changes nothing.
# - **Start, route, drain, stop.** In this order, no request is lost.
# - **A shadow hurts nobody, a canary few, a swap all.** A canary finds only what its rule looks at.
# - **Looking every day needs an interval made for it**, and days that do not depend on each other. And the winner of
#   a summer may lose in autumn.
# - **A liveness probe asks for nothing outside of its process.**
#
# ## Check what you know

# %% tags=["quiz", "nbval-ignore-output"] id="quiz"
quiz.show("13_streaming_release")
