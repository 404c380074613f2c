# %% [markdown] id="why"
# ## Why it matters
#
# In lesson 05, a month was a file, written whole and then renamed. Now let a table grow: hundreds of files, rows
# that are corrected when the month is long over, and several programs that write. A reader may come at any moment.
# Which files belong together? And what did the table say on the day when a model was trained, which R4 wants to
# know?
#
# **Delta Lake** answers with one idea: beside the Parquet files lies a **log** that says which of them count. In this
# lab the real thing runs on your computer. Its library `deltalake` needs no server and no Java; Spark and many
# others read the same tables. You will append, refuse, break, restore and correct. And you will destroy the past, once.

# %% tags=["parameters"] id="imports"
from mlops_school import bureau, crashes, data, labs, plots, table_views

labs.require("delta")

import json

import pandas as pd
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError

from mlops_school.exercises import ____
from mlops_school.exercises.labs.delta import q1, q2
from mlops_school.paths import new_folder

# %% [markdown] id="first-intro"
# ## A table is files and a log
#
# It is the morning of 1 February. January is there, but of its last day nobody knows yet how late the flights
# arrived, and the flights of the late evening are missing. We store what there is, with a folder for each month
# (a **partition**). Then we look at what has been written, without the library.

# %% id="first"
folder = new_folder("labs/delta")
table = folder / "flights"
january = data.load_flights([1])
early = january.query("day < 31 or hour < 20").reset_index(drop=True)
early.loc[early["day"] == 31, ["arr_time", "arr_delay", "air_time"]] = float("nan")
write_deltalake(table, early, partition_by=["month"])


def actions(version):
    commit = table / "_delta_log" / f"{version:020}.json"
    return [json.loads(line) for line in commit.read_text(encoding="utf-8").splitlines()]


print("files:", sorted(path.suffix for path in table.rglob("*.*")))
print("actions:", [kind for action in actions(0) for kind in action])
print(json.loads(actions(0)[-1]["add"]["stats"])["maxValues"]["distance"], "miles at most")

# %% [markdown] id="versions-intro"
# One Parquet file, and one file of JSON: the first **commit** of the log. Each of its lines is an *action*. `protocol`
# says who may read the table, `metaData` has its columns and their types. `add` says: from now on, this file belongs
# to the table. It even tells the smallest and largest values in it, so that whoever looks for a distance that is not
# in between need not open the file.
#
# The table at a **version** is then: all files that were added up to there, without those that were removed. That is
# the whole idea, in six lines. We append two months, and compare with what the library says.

# %% id="versions"


def files_at(version):
    files = set()
    for number in range(version + 1):
        files |= {action["add"]["path"] for action in actions(number) if "add" in action}
        files -= {action["remove"]["path"] for action in actions(number) if "remove" in action}
    return files


for month in [2, 3]:
    write_deltalake(table, data.load_flights([month]), mode="append")
for version in range(3):
    known = {uri.rpartition("/")[2] for uri in DeltaTable(table, version=version).file_uris()}
    ours = {path.rpartition("/")[2] for path in files_at(version)}
    print(f"version {version}: {len(known)} files, {'the same' if known == ours else 'OTHERS'}")

# %% [markdown] id="kill-intro"
# ## Kill it
#
# The order of the steps is the one of lesson 05: first the data, and last, in one small step, the commit that makes
# them count. So what does a kill leave? As there, a real program writes April, and the operating system kills it after
# 4 chunks of 5,000 rows.

# %% id="kill"


def read(version=None):
    rows = data.as_flights(DeltaTable(table, version=version).to_pyarrow_table())
    return rows.to_pandas(types_mapper={pa.string(): data.TEXT}.get)


before = len(read())
april_csv = bureau.deliver(4, folder / "raw")
crashes.kill_while_writing(april_csv, table, "append to Delta", chunks=4)
print(f"version {DeltaTable(table).version()}, {len(read()) - before} rows more")

# %% [markdown] id="bad-intro"
# Not one row more. Files of April may lie in the folder, but no commit knows them, so no reader does.
#
# ## What is refused, and what is not
#
# A table has a schema, and a writer has to fit in: **schema enforcement**. Three bad deliveries of April come:
# a column with another name; a word where a number should be; and kilometres again, with decimals this time.

# %% id="bad"
april = data.load_flights([4])
deliveries = {
    "another name": april.rename(columns={"distance": "miles"}),
    "a word": april.assign(distance="far"),
    "kilometres": april.assign(distance=april["distance"] * data.KM_PER_MILE),
}
for name, delivery in deliveries.items():
    try:
        write_deltalake(table, delivery, mode="append")
        print(f"{name}: taken, version {DeltaTable(table).version()}")
    except DeltaError as problem:
        print(f"{name}: refused. {problem}")

# %% [markdown] id="restore-intro"
# Two are refused as a whole. (A folder of plain Parquet files would have taken all three, and the *reader* would
# have had the trouble.) The third one is in the table, as version 3. How does it look?
#
# Then we go back. `restore` brings a version back. It deletes nothing: it is one more commit, which adds and removes
# files.

# %% id="restore"
print(read().groupby("month")["distance"].mean().round(1).to_dict())
print("delivered:", deliveries["kilometres"]["distance"].head(3).round(2).tolist())
print("stored:   ", read().query("month == 4")["distance"].head(3).tolist(), "\n")

DeltaTable(table).restore(2)
print(f"version {DeltaTable(table).version()}: {len(read()):,} rows")
print("the files of version 2:", files_at(4) == files_at(2))
print(f"version 3 can still be read: {len(read(3)):,} rows")

# %% [markdown] id="q1-task"
# Flights in April are not 60 percent longer. And there is more: the column holds whole numbers, so the decimals were
# *cut off, without a word*. This library enforces the type that is *stored*, and converts what it can. Other writers
# may do otherwise. So never trust "schema enforcement" until you have tried it with a wrong delivery.
#
# Now the mistake is out, and whoever has to explain it can still see it. But the next delivery in kilometres would be
# taken again. Types cannot see it; a **constraint** can. That is a rule in SQL which the table keeps for itself: a
# commit is refused as a whole unless the rule is *true* for each of its rows.
#
# ### Exercise 1: write the rule
#
# No airliner here flies faster than 750 miles an hour over the ground. Write this as a rule about `distance` (miles)
# and `air_time` (minutes), which good flights keep and flights in kilometres do not. Remember the cancelled ones. The
# cell after the exercise puts such a rule into the table. (Rows that are there already must keep it, too.) Then both
# Aprils come, the bad one and the good one.

# %% id="q1"
### BEGIN SOLUTION
rule = "air_time is null or distance / air_time * 60 <= 750"
### END SOLUTION
q1.check(rule)
# q1.hint()
# q1.solution()

# %% id="constraint"
speed = "air_time is null or distance / air_time * 60 <= 750"
DeltaTable(table).alter.add_constraint({"speed": speed})

for delivery in [deliveries["kilometres"], april]:
    try:
        write_deltalake(table, delivery, mode="append")
        print(f"taken, version {DeltaTable(table).version()}: {len(read()):,} rows")
    except DeltaError as problem:
        print(str(problem).splitlines()[0])

# %% [markdown] id="merge-intro"
# Only 1,136 of the flights in kilometres are impossibly fast, and one would have been enough. The rule belongs to the
# table, not to a program: whoever appends is held to it.
#
# ## Late corrections
#
# In May the bureau sends the last day of January again, complete: some rows are corrected, some are new. Replacing
# the month, as in lesson 05, would do. But here only these rows come. **Merge** finds for each row of the *source* the
# row of the *target* it belongs to: found, it is updated; not found, it is inserted. You give the condition. A
# colleague is sure that a flight is known by its airline and its number.

# %% id="merge"
corrections = january.query("day == 31").reset_index(drop=True)


def merge(key):
    merging = DeltaTable(table).merge(
        corrections, key, source_alias="source", target_alias="target"
    )
    done = merging.when_matched_update_all().when_not_matched_insert_all().execute()
    print({name: done[f"num_target_rows_{name}"] for name in ["updated", "inserted", "copied"]})


merge("target.carrier = source.carrier and target.flight = source.flight")
print("flights on 31 January:", len(read().query("month == 1 and day == 31")))

# %% [markdown] id="q2-task"
# A flight number flies every day, from January to April. All these rows *are* now flights of 31 January. No error
# was raised, since every row has the right types and keeps its rule. With plain files this is the moment to look
# for a backup. With versions it is one line, which the cell after the exercise begins with.
#
# ### Exercise 2: which row is it?
#
# Write the condition by which a correction finds its flight, and only that. The columns are those of the flights, such
# as `carrier`, `flight`, `origin`, `tailnum`, `year`, `month`, `day`, `time_hour`, `minute`. A tail number can be
# missing. The cell after it merges with a key that is right, and asks whether the table is, row by row, what the
# bureau has in its books.

# %% id="q2"
### BEGIN SOLUTION
key = (
    "target.carrier = source.carrier and target.flight = source.flight"
    " and target.origin = source.origin and target.time_hour = source.time_hour"
)
### END SOLUTION
q2.check(key)
# q2.hint()
# q2.solution()

# %% id="again"
DeltaTable(table).restore(6)
columns = ["carrier", "flight", "origin", "time_hour"]
merge(" and ".join(f"target.{name} = source.{name}" for name in columns))

books = data.load_flights([1, 2, 3, 4]).sort_values(columns, ignore_index=True)
pd.testing.assert_frame_equal(read().sort_values(columns, ignore_index=True), books)
print(f"all {len(books):,} rows and {books.shape[1]} columns are equal")

# %% [markdown] id="travel-intro"
# Equal. A second merge of the same rows would find them all and change nothing: with the right key, merging is
# idempotent.
#
# ## Time travel
#
# The model of March was trained on version 2, and has written that down. What did the table say then about
# 31 January? The picture is drawn from the log by our six lines.

# %% id="travel"
for version in [2, 9]:
    day = read(version).query("month == 1 and day == 31")
    print(f"version {version}: {len(day)} flights, {day['arr_delay'].notna().sum()} have arrived")

history = sorted(DeltaTable(table).history(), key=lambda commit: commit["version"])
words = [f"{commit['version']}\n{commit['operation'].lower()}" for commit in history]
versions = {word.replace(" ", "\n"): files_at(number) for number, word in enumerate(words)}
plots.show(table_views.files_grid(versions), table_views.describe_files(versions))

# %% [markdown] id="vacuum-intro"
# Read it from left to right. An append adds one file. A restore adds none, it takes old files back. The bad merge
# wrote every month anew, the good one only January: Parquet files are never changed, so a file in which one row is
# corrected is written again as a whole.
#
# ### Break it: tidy up
#
# That is why old files pile up, and `vacuum` removes those that the newest version does not need. By default it keeps
# what was in use within 7 days. Somebody is short of disk, and switches the protection off.

# %% id="vacuum"
print("by default:", len(DeltaTable(table).vacuum(dry_run=True)), "files to remove")
present = len(list(table.rglob("*.parquet")))
DeltaTable(table).vacuum(0, enforce_retention_duration=False, dry_run=False)
print("in a hurry:", present - len(list(table.rglob("*.parquet"))), "files removed")

for version in [9, 2]:
    try:
        print(f"version {version}: {len(read(version)):,} rows")
    except FileNotFoundError:
        print(f"version {version}: a file that belongs to it is not there")

# %% [markdown] id="recap"
# Today's table is whole. But the data of the March model are gone, and R4 with them: no command brings a removed file
# back. Only the raw deliveries could. **Keep versions for as long as somebody may ask for them**
# (`delta.deletedFileRetentionDuration`), or keep a copy of those that a release was trained on.
#
# ## When is it worth it?
#
# | | plain Parquet | DVC (lesson 05) | Delta Lake |
# |---|---|---|---|
# | a version is | what lies there now | a Git commit with pointers | a commit in the table's own log |
# | what has versions | nothing | any file: data, models, next to the code | the rows of one table |
# | a killed writer | half a file, unless you rename | nothing, until you commit | nothing, until it commits |
# | wrong types, wrong values | nobody looks | nobody looks | schema and constraints, within limits |
# | a few rows are corrected | write the file again | write it again, and push it | merge, which writes touched files again |
#
# Our twelve files of half a megabyte need none of it: the pipeline of lesson 05 is simpler. A table format pays when
# there are many files, several writers, and corrections of rows. And they go together: a training run can record the
# version of the table, and Git the code.
#
# ## What you take with you
#
# - **The log decides which files count.** The commit comes last, so a kill leaves nothing half done.
# - **Enforcement converts what it can.** Try it with a wrong delivery, and add constraints about values.
# - **A merge is as good as its key.** One that is too small overwrites without an error.
# - **Restore is a new commit**, so nothing is hidden. **Vacuum is the end of time travel.**
