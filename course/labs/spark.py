# %% [markdown] id="why"
# ## Why it matters
#
# A year of flights from New York fits into the memory of your laptop, and pandas does all that this course needs. The
# flights of the whole world, over ten years, do not fit. Then the table lies in parts on many computers, and each of
# them works on its part.
#
# **Apache Spark** spreads such work. You write what looks like pandas, and Spark decides who does what. In this
# lab the real Spark runs on your computer, with two cores in the place of two machines. You will see what changes in
# your thinking when no one sees all rows, prove that its numbers are right, and let it follow a stream of
# files, through a kill.

# %% tags=["parameters"] id="imports"
from mlops_school import data, labs, landings

labs.require("spark")

import inspect
import timeit

import pandas as pd
from pyspark.sql import Window
from pyspark.sql import functions as F

from mlops_school import spark as school
from mlops_school.exercises import ____
from mlops_school.exercises.labs.spark import q1, q2
from mlops_school.features import LATE_FROM
from mlops_school.paths import DATA, new_folder

# %% [markdown] id="hand-intro"
# ## Two that do not see each other
#
# First without Spark. One of two colleagues has the files from January to May, the other one June to December. Each
# computes the share of late flights by airport, and you take the average of both. Is that the share of the year?

# %% id="hand"
flights = data.load_flights(columns=["month", "day", "origin", "arr_delay"]).dropna()
flights["late"] = flights["arr_delay"] >= LATE_FROM
halves = [flights[flights["month"] <= 5], flights[flights["month"] > 5]]

shares = [half.groupby("origin")["late"].mean() for half in halves]
table = pd.DataFrame({"first": shares[0], "second": shares[1]})
table["average of both"] = table.mean(axis=1)
table["truth"] = flights.groupby("origin")["late"].mean()
table.round(4)

# %% [markdown] id="q1-task"
# Close, and wrong at each airport. The second colleague has more flights, and her share should weigh more. Nobody would
# notice.
#
# ### Exercise 1: what do they have to send?
#
# Write `partial`, which each colleague applies to her `rows` (with the columns `origin` and `late`), and `final`, which
# gets a list of what they return and gives the share of late flights by airport. Rows are many and the network is slow:
# `partial` may return at most one row for each airport.


# %% id="q1"
def partial(rows):
    ### BEGIN SOLUTION
    return rows.groupby("origin")["late"].agg(["sum", "count"])
    ### END SOLUTION


def final(parts):
    ### BEGIN SOLUTION
    total = pd.concat(parts).groupby("origin").sum()
    return total["sum"] / total["count"]
    ### END SOLUTION


q1.check(partial, final)
# q1.hint()
# q1.solution()

# %% [markdown] id="lazy-intro"
# ## Now Spark
#
# `school.session` starts it: a Java program in the background, with 512 MB of memory, which talks to this computer only.
# Its address is `local[2]`, two cores. In a company, that of a cluster stands there, and the code below stays as it is.
#
# We ask for the late flights of each airport and day. The line returns at once, since *nothing has been computed*.
# Spark is *lazy*: it notes what you want, and makes a **plan**. Read it from the bottom up.

# %% id="lazy"
folder = new_folder("labs/spark")
spark = school.session(folder)
spark.sparkContext.setLogLevel("ERROR")

keys = ["origin", "month", "day"]


def count_late():
    year = spark.read.parquet(str(DATA / "flights"))
    late = (F.col("arr_delay") >= LATE_FROM).cast("int")
    arrived = year.where("arr_delay is not null").groupBy(*keys)
    return arrived.agg(F.count("*").alias("flights"), F.sum(late).alias("late"))


print(school.plan(count_late()))

# %% [markdown] id="action-intro"
# - `FileScan`: of 19 columns, it will read four. Being lazy pays: it knows what is not needed.
# - `HashAggregate` with `partial_count` and `partial_sum`: each core on its own files. Your `partial`!
# - `Exchange`: the **shuffle**. Rows of one airport and day must come together, so each is sent to the core that the hash
#   of its key names. On a cluster this goes over the network, and it is what costs most.
# - `HashAggregate` once more: your `final`.
#
# An **action** such as `toPandas` makes it compute. Does it find what pandas finds, for all days?

# %% id="action"
by_spark = count_late().toPandas().set_index(keys).sort_index().astype("int64")
by_pandas = flights.groupby(keys)["late"].agg(flights="count", late="sum")
pd.testing.assert_frame_equal(by_spark, by_pandas, check_index_type=False)
print(f"{len(by_spark):,} days at an airport, {by_spark['flights'].sum():,} flights: equal")

# %% [markdown] id="price-intro"
# Equal, to the last flight. And how long do they take? Both read the files each time; the best of three counts. (Yours
# may differ from what is stored here.)


# %% tags=["nbval-ignore-output"] id="price"
def with_pandas():
    table = data.load_flights(columns=[*keys, "arr_delay"]).dropna()
    return (table["arr_delay"] >= LATE_FROM).groupby([table[key] for key in keys]).agg("sum")


for name, count in {"Spark": lambda: count_late().toPandas(), "pandas": with_pandas}.items():
    seconds = min(timeit.repeat(count, number=1, repeat=3))
    print(f"{name}: {seconds:.2f} s")

# %% [markdown] id="lag-intro"
# On a laptop, with data that fit into memory, expect pandas to win: it has no plan to make, no Java to talk to, and no
# rows to shuffle. Spark pays when the data do not fit, or when one machine would take hours.
#
# ## A feature: was the plane late before?
#
# A plane that comes late leaves late. A **window** lets a row look at other rows: those of the same plane
# (`partitionBy`), in the order of departure. `lag` looks one row back. A colleague takes the delay of the plane's last
# flight as a feature. The warning is due two hours before departure. When had that last flight landed?

# %% id="lag"
july = spark.read.parquet(str(DATA / "flights" / "2013-07.parquet")).where("tailnum is not null")
departure = F.unix_timestamp("time_hour") + 60 * F.col("minute")  # in seconds
landed = F.col("departure") + 60 * (F.col("dep_delay").cast("int") + F.col("air_time"))
legs = july.withColumn("departure", departure).withColumn("landed", landed)
legs = legs.withColumn("name", F.concat_ws(" ", "carrier", "flight", "origin", "day"))

plane = Window.partitionBy("tailnum").orderBy("departure", "flight")
legs = legs.withColumn("before", F.lag("landed").over(plane)).cache()
asked = legs.where("before is not null").count()
unknown = legs.where("before > departure - 2 * 3600").count()
print(f"{unknown:,} of {asked:,} last flights had not landed when the warning was due")

# %% [markdown] id="asof-intro"
# That is **leakage** once more. They are few, one in some ninety, and in training each of them would know what nobody can
# know in service. The row before is not what was *known* before.
#
# pandas has a join for this, `merge_asof`, which lesson 08 uses. A table of Spark has none. But there is a trick: put facts and
# questions into *one* table, in the order of time, and let each question take the last fact above it. We compare with
# the join of pandas (`last_known_delay`), for each flight of July.

# %% id="asof"
facts = legs.where("arr_delay is not null")
facts = facts.selectExpr("0 as asks", "tailnum", "name", "landed as moment", "arr_delay as delay")
questions = legs.selectExpr("1", "tailnum", "name", "departure - 2 * 3600", "null")
in_time = Window.partitionBy("tailnum").orderBy("moment", "asks")
newest = F.last("delay", ignorenulls=True).over(in_time)
answers = facts.union(questions).withColumn("newest", newest).where("asks = 1")
by_spark = answers.toPandas().set_index("name")["newest"].astype("float64")

frame = data.load_flights([7]).dropna(subset="tailnum")
names = frame[["carrier", "flight", "origin", "day"]].astype("string").agg(" ".join, axis=1)
by_pandas = landings.last_known_delay(frame).set_axis(list(names))
different = by_spark.sort_index().compare(by_pandas.sort_index())
print(f"{len(different)} of {len(by_spark):,} flights differ")

# %% [markdown] id="stream-intro"
# None. Two programs that share no code agree on each flight, so that you can use the feature in training with the one
# and in service with the other.
#
# ## A stream of files
#
# The landings of each day come as a file into the folder `incoming`. **Spark Structured Streaming** treats such a folder
# as a table that grows. Below is our whole program:
#
# - `foreachBatch` hands over what is new as a **batch** with a number; here each file is one.
# - The **checkpoint** is a folder in which Spark writes down *before* a batch which files are in it, and *after* it that
#   it is done: the offsets of lesson 13.
# - `availableNow` means: do all that is there, then end. So a scheduler can start it every night, like any other job.
#
# Two days arrive, and it runs twice. Our `effect` writes the rows at the end of the file `appended.json`.

# %% id="stream"
print(inspect.getsource(school.run_stream))
home = folder / "stream"
landed = [school.deliver(day, home / "incoming") for day in [1, 2]]
for attempt in ["first run", "second run"]:
    print(f"{attempt}: batches {school.run_stream(spark, home, school.both)}")

# %% [markdown] id="kill-intro"
# Batches 0 and 1, and then nothing, since nothing is new. The checkpoint remembers.
#
# ### Break it: kill it
#
# The third day arrives. `kill_stream` runs the same program as a process of its own, with a Spark of its own, and the
# operating system kills it when batch 2 has had its effect, and before Spark has written that it is done. Then we
# start it again.

# %% id="kill"
landed.append(school.deliver(3, home / "incoming"))
school.kill_stream(home)
print("after the kill: batches", school.run_stream(spark, home, school.both))

appended = pd.read_json(home / "appended.json", lines=True)
print(f"{sum(landed):,} have landed, {len(appended):,} are written")

# %% [markdown] id="q2-task"
# Batch 2 came again, and that is what you want: Spark did not know whether it had had its effect. The same files, the
# same number. But the third day is now written *twice*. The checkpoint gives you *at least once*, and the rest is
# up to your effect. (Spark's own sink for files keeps a book of the batches that it has written. `foreachBatch` keeps none, nor does the
# sink for Kafka.)
#
# ### Exercise 2: an effect that may come twice
#
# `save` gets the `rows` of a batch (a pandas frame) and its number, `batch`, and writes them to a file in `folder`. To
# which `path`, so that its flights are there once even if the batch comes again? The cell after it looks at what `school.replace` has kept, which was killed and started beside
# `append`.


# %% id="q2"
def save(rows, batch, folder):
    ### BEGIN SOLUTION
    path = folder / f"{batch}.json"
    ### END SOLUTION
    rows.to_json(path, orient="records", lines=True)


q2.check(save)
# q2.hint()
# q2.solution()

# %% id="after"
kept = [pd.read_json(path, lines=True) for path in sorted((home / "batches").iterdir())]
print([len(batch) for batch in kept], "by batch,", [*landed], "have landed")
spark.stop()

# %% [markdown] id="recap"
# ## What you take with you
#
# - **Sums and counts can be added up in any order, on any machine.** Shares and averages cannot.
# - **Spark plans first.** It reads only the columns it needs, and the shuffle (`Exchange`) is what to look for in a plan.
# - **A window looks at rows, not at what was known.** Order facts and questions by time, and a question sees the past only.
# - **A checkpoint gives at least once.** With an effect that the batch's number decides, it becomes exactly once.
# - **Is it worth it?** While the data fit into the memory of one computer, pandas is faster, and simpler to repair. Spark
#   pays when they do not, or when a company has a cluster that is there already. What you have written stays the same.
