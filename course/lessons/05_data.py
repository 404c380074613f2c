# %% [markdown] id="why"
# ## Why it matters
#
# Every month the bureau publishes the flights of the month before, and somebody downloads the file. One day a
# month is in the table twice, because a script was started again. One day half a file is trained on, because a
# laptop was closed. One day last week's number cannot be made again, because the bureau has corrected a file.
#
# No model repairs that. A **data pipeline** takes care of it: it may be started twice, may be killed at any
# moment, knows where each row comes from, and gives back the data of any earlier day. You build one, and you
# break it in four ways.

# %% tags=["parameters"] id="imports"
import matplotlib.pyplot as plt
import pandas as pd

from mlops_school import bureau, crashes, data, data_views, etl, plots, quiz
from mlops_school.data_versions import DataRepository
from mlops_school.etl import FLOAT, INTEGER, TEXT, Column
from mlops_school.exercises import ____
from mlops_school.exercises.data import q1, q2, q3, q4, q5
from mlops_school.files import md5, sha256
from mlops_school.paths import new_folder
from mlops_school.process import load_requirements

# %% [markdown] id="requirements-intro"
# ## What is asked of the data
#
# Two requirements of the delay service rest on this lesson. R4 needs the data of the day on which a model was
# trained, and R8 allows no row to get lost. The picture shows the way that a month goes. **Parquet** is a file
# format for tables. It takes less room than CSV, and it keeps the type of each column.

# %% id="requirements"
for name in ["R4", "R8"]:
    print(load_requirements()[name], "\n")
plots.show(data_views.flow(), "The bureau's CSV, raw deliveries, Parquet with records, versions.")

# %% [markdown] id="raw-intro"
# ## Raw data arrive
#
# The course has no internet, so a stand-in plays the bureau: `bureau.deliver` makes from the course's data
# what you would download, a CSV file that looks like the real thing. `2013-01_1.csv` is January, first
# delivery. The folder `raw` keeps every file *as it came*. Nobody ever edits it: it is the one thing that
# cannot be made again.
#
# We look at the first lines and at a cancelled flight. Then pandas guesses the types, once from 500 rows and
# once from all.

# %% id="raw"
home = new_folder("05-data")
raw = home / "raw"
january = bureau.deliver(1, raw)

lines = january.read_text(encoding="utf-8").splitlines()
print(*lines[:3], sep="\n")
print(next(line for line in lines if ",NA," in line), "\n")

guesses = {rows: pd.read_csv(january, nrows=rows).dtypes for rows in (500, None)}
pd.DataFrame({"from 500 rows": guesses[500], "from all": guesses[None]}).loc["dep_time":"dep_delay"]

# %% [markdown] id="schema-intro"
# A CSV file has no types, only text. `0517` is a clock time in the form hhmm, an empty field is a missing
# number, and a missing tail number (which plane it was) is written `NA`. So pandas guesses, and the guess
# depends on *which rows it has seen*: without a cancelled flight `dep_time` is a whole number, with one it is a
# float, and seventeen
# minutes past five becomes `517.0`. A program that works in one month fails in the next.
#
# ## A schema: what is promised
#
# A **schema** ends the guessing. For every column it says the name, the type, the unit, and whether a value may
# be missing.

# %% id="schema"
etl.describe()

# %% [markdown] id="q1-task"
# `dep_time` is a whole number *and* may be missing: Parquet can store that, and needs no float for it. Look at
# the units, too: we will need the `miles`. `int32` is a whole number, in our code `INTEGER`; `string` is `TEXT`.
# The last three columns are not in the CSV file; they follow from others.
#
# ### Exercise 1: promise something
#
# From next year on, the bureau's files have three more columns. Its letter says: *`gate`: empty if unknown.
# `taxi_out`: whole minutes, empty if the flight never left. `sold`: number of tickets sold, always given.*
#
# ```
# gate,taxi_out,sold
# 07,14,151
# 12B,,98
# ,9,120
# ```
#
# Declare them. `Column("arr_delay", INTEGER, "minutes", nullable=True)` is one that we have; the other types are
# `TEXT` and `FLOAT`.

# %% id="q1"
### BEGIN SOLUTION
new_columns = [
    Column("gate", TEXT, nullable=True),
    Column("taxi_out", INTEGER, "minutes", nullable=True),
    Column("sold", INTEGER, "tickets"),
]
### END SOLUTION
q1.check(new_columns)
# q1.hint()
# q1.solution()

# %% [markdown] id="refuse-intro"
# ## Extract, transform, load
#
# That is **ETL**, in three steps. *Extract* reads the file, every value as text. *Transform* gives the types
# that the schema promises, and adds what follows from other columns, such as `time_hour`, the moment in UTC.
# *Load* stores the result.
#
# A promise is worth something only if a file that breaks it is *refused as a whole*, as R8 says, before
# anything is stored. Three damaged copies of January arrive.

# %% id="refuse"
text = january.read_text(encoding="utf-8")
other_type = text.replace(",2,0830,", ",two,0830,", 1)
other_column = text.replace("distance", "miles", 1)
cut_off = text[:1_000_000]

damaged = home / "damaged" / january.name
damaged.parent.mkdir(exist_ok=True)
for content in [other_type, other_column, cut_off]:
    damaged.write_text(content, encoding="utf-8", newline="\n")
    try:
        etl.run_month(damaged, damaged.parent)
    except etl.Refused as problem:
        print(problem)

# %% [markdown] id="append-intro"
# Each message says which file, what, and where. The last fault is the sly one: if a file is cut off in its last
# field, 1400 miles become 14, and no reader of CSV complains. So `extract` looks at the very last byte. (A cut
# exactly at the end of a line would pass even so. Only a count or a hash from the bureau could tell.)
#
# ## Load it once, even if you load it twice
#
# Now the good files. The simplest load appends the new month to a table. On Friday somebody is not sure
# whether it ran, and starts it again. Be that somebody:

# %% id="append"
february = bureau.deliver(2, raw)


def read_month(path, month):
    return etl.transform(etl.extract(path), month)[0].to_pandas()


stored = read_month(january, "2013-01")
arriving = read_month(february, "2013-02")
for day in ["Thursday", "Friday"]:
    stored = pd.concat([stored, arriving])
    print(f"{day}: February has {(stored['month'] == 2).sum():,} flights")

# %% [markdown] id="q2-task"
# Nothing failed. Every average over February alone is still right, so no one notices. But February now counts
# double in every model, and if a copy lands in the test month, the model is tested on flights that it has
# learned.
#
# A step is **idempotent** if doing it twice gives what doing it once gives. Then *"not sure? run it again"* is
# always safe.
#
# ### Exercise 2: make it idempotent
#
# Write `replace_month`: it returns all rows of `stored`, except that this month's are exactly those of
# `arriving`, *once*. Think of Friday's second start, and of a month that arrives again *corrected*.


# %% id="q2"
def replace_month(stored, arriving, month):
    ### BEGIN SOLUTION
    others = stored[stored["month"] != month]
    return pd.concat([others, arriving])
    ### END SOLUTION


q2.check(replace_month)
# q2.hint()
# q2.solution()

# %% [markdown] id="twice-intro"
# The rule behind it: **the month is the key, and loading replaces what is stored under the key.** With one
# file for each month, that is all there is to do. So our pipeline writes `2013-02.parquet`, and a second run
# writes it again. Is it the same, to the last byte? A **hash** such as SHA-256 answers: 64 digits that are made
# of all bytes of a file; change one byte, and they are others.

# %% id="twice"
staged = home / "staged" / "flights"
once = etl.run_month(february, staged)
twice = etl.run_month(february, staged)
print("the same bytes" if once.output_sha256 == twice.output_sha256 else "DIFFERENT")
print(f"{once.rows_read:,} rows read, {once.rows_written:,} written, left out: {once.rejected}")

# %% [markdown] id="kill-intro"
# Two lines of the CSV were there twice. That happens where long lists come in pages: our bureau repeats the last
# line of each page of 10,000 at the top of the next. Identical rows are one flight, so they are left out, and
# *counted*. Read = written + left out, and so no row is lost without a trace.
#
# ## Kill it
#
# A laptop is closed, a job runs out of memory, someone presses the wrong button. No `except` and no `finally`
# runs then. `kill_while_writing` starts a real second program, lets it write 2 chunks of 5,000 rows over the
# month, and has it killed by the operating system. We begin with a naive writer, which writes straight into
# the file that others read: once as Parquet, once as CSV.

# %% id="kill"
killed = home / "killed"
month = killed / "2013-02.parquet"
etl.run_month(february, killed)
crashes.kill_while_writing(february, month, "in place", chunks=2)
try:
    pd.read_parquet(month)
except ValueError as error:
    print("Parquet:", str(error).partition(": ")[2])

crashes.kill_while_writing(february, killed / "2013-02.csv", "CSV in place", chunks=2)
print(f"CSV: {len(pd.read_csv(killed / '2013-02.csv')):,} rows, and no complaint")

# %% [markdown] id="q3-task"
# The good February of yesterday is gone. Parquet at least says so: it keeps its table of contents at the end,
# which was never written. The CSV is worse: 10,000 of 24,951 flights, and a model would be trained on
# them tonight.
#
# ### Exercise 3: all or nothing
#
# A write is **atomic** if others see the old file or the new one, and never anything between. The trick: write
# under another name, and when all is written, rename. `other.replace(path)` gives the file `other` the name
# `path`, whatever had it before. For the operating system that is *one* step, if both are on the same disk.
#
# Repair the writer. Its `chunks` are the rows of the month, a few thousand at a time.
# `etl.write_in_place(chunks, path)` writes them as above, and you may use it. The check looks at
# `path` before each chunk, just as a kill would leave it.


# %% id="q3"
def careful_write(chunks, path):
    ### BEGIN SOLUTION
    part = path.with_name(f"{path.name}.part")
    etl.write_in_place(chunks, part)
    part.replace(path)
    ### END SOLUTION


q3.check(careful_write)
# q3.hint()
# q3.solution()

# %% [markdown] id="whole-intro"
# Does it hold against a real kill? The writer of our pipeline, `etl.write_whole`, works like yours; it also
# makes sure (`os.fsync`) that the bytes have reached the disk before the rename.

# %% id="whole"
etl.run_month(february, killed)
before = sha256(month)
crashes.kill_while_writing(february, month, "whole", chunks=2)
print("February is", "untouched" if sha256(month) == before else "DAMAGED")
print("left over:", *[path.name for path in killed.glob("*.part")])

etl.run(raw, killed)
print("after the next run:", *[path.name for path in killed.glob("*.part")] or ["nothing"])

# %% [markdown] id="batch-intro"
# ## Lineage, and the next month
#
# Beside each month the pipeline leaves a **record**, a few lines of JSON: which file was read, with its hash,
# what became of the rows, by which schema and which Git commit of the code. That is **lineage**: for every number
# you can tell which raw file it comes from.
#
# The record has a second use. When March arrives, `etl.run` compares the hash of each raw file with the record,
# and does only what is new.

# %% id="batch"
etl.run(raw, staged)
bureau.deliver(3, raw)
runs = {attempt: etl.run(raw, staged) for attempt in ["March has arrived", "once more"]}
print(pd.DataFrame(runs), "\n")

march = etl.read_record(staged, "2013-03")
pd.Series(vars(march), name="record").drop(["code", "output_sha256"]).to_frame()

# %% [markdown] id="dvc-intro"
# Only March was processed, and the second time nothing. (Two entries of the record are not shown, since they
# differ from one computer to the next: the Git commit and the hash of the output.)
#
# Such a run can be started every night by a clock. It may come late, twice, or after a crash, and the result is
# the same. A file that is refused does not hold up the other months: the run says why, and goes on.
#
# ## Versions of data
#
# Git keeps every version of the code. Could it keep the data, too? It would store every month, and every
# correction, in every copy of the repository, for ever. **DVC** (*Data Version Control*) splits the work: the
# data go to a store, the **remote**, and Git keeps a *pointer* to them. Our remote is a folder; in a company it
# would be shared storage.
#
# The pipeline writes into a new Git repository from now on. `versions.dvc("add", …)` runs the program `dvc`, as
# `dvc add …` does in a terminal. This is the pointer that it makes:

# %% tags=["nbval-ignore-output"] id="pointer"
remote = new_folder("05-data/remote")
versions = DataRepository.create(new_folder("05-data/repository"), remote)
flights = versions.folder / "flights"
etl.run(raw, flights)

versions.dvc("add", *[f"flights/2013-{number:02d}.parquet" for number in (1, 2, 3)])
print((flights / "2013-03.parquet.dvc").read_text(encoding="utf-8"))

# %% [markdown] id="push-intro"
# A hash (`md5`), a size, a name: that is all that Git needs. Whoever has the pointer can ask the store for
# exactly these bytes. Push the data to the remote, commit the pointers, and give the commit a name.

# %% id="push"
print(versions.dvc("push"))
versions.repository.commit("January to March", date="2013-04-02 09:00")
versions.repository.tag("v1")

print("\nIn Git:", versions.repository.git("ls-files", "flights"), sep="\n")
kept = [path for path in remote.rglob("*") if path.is_file()]
named = [path.parent.name + path.name for path in kept]
print(f"\nIn the remote: {len(kept)} files. Is the name of each the hash of its bytes?")
print(all(md5(path) == name for path, name in zip(kept, named)))

# %% [markdown] id="correction-intro"
# Git has pointers and records, which are short texts, and a `.gitignore`, by which DVC tells it to leave the
# Parquet files alone. The remote has those, each under its own hash (its first two digits are the name of a
# folder). Push *before* you commit, or a commit points to data that nobody else can get.
#
# ### A correction arrives
#
# In May the bureau delivers April, and March a second time: "improved". The pipeline takes both, and
# `versions.save` does the four steps for us: add, push, commit, tag. Then we look at a number that should
# hardly change, the average distance.

# %% id="correction"
bureau.deliver(3, raw, number=2, in_kilometres=True)
bureau.deliver(4, raw)
print(etl.run(raw, flights))
versions.save("v2", "April, and March corrected", date="2013-05-02 09:00")

table = data.load_flights([1, 2, 3, 4], ["month", "distance"], folder=versions.folder)
average = table.groupby("month")["distance"].mean().round()
figure, axes = plt.subplots(figsize=(8, 2.6))
axes.bar_label(axes.bar(["January", "February", "March", "April"], average), fmt="%.0f")
axes.set(title="Average distance of a flight", ylabel="miles", ylim=(0, 1900))
plots.show(figure, "Average distance: " + ", ".join(f"{a:.0f}" for a in average) + " miles")

# %% [markdown] id="q4-task"
# Flights in March were not 60 percent longer. (We have just asked the bureau for kilometres; in real life you
# would only see the bar.) The schema had no chance: 1,400 miles are 2,253 kilometres, and both are whole numbers.
#
# ### Exercise 4: which file was it?
#
# The raw files of March are called `2013-03_1.csv` and `2013-03_2.csv`. Which of them does March in v2 come from?
# Ask the record, not your memory: assign the file's name to `culprit`. Then make sure that nobody has exchanged the
# file since: assign to `untouched` whether the file in `raw` still has the hash that was recorded.
#
# `versions.lineage("v2")` gives the records of that version, by month (`"2013-03"`), and `sha256(path)` a file's
# hash. The table above shows what a record has.

# %% id="q4"
### BEGIN SOLUTION
record = versions.lineage("v2")["2013-03"]
culprit = record.source
untouched = sha256(raw / culprit) == record.source_sha256
### END SOLUTION
q4.check(culprit, untouched, raw, versions)
# q4.hint()
# q4.solution()

# %% [markdown] id="repaired-intro"
# You send name and hash to the bureau, and there is nothing to discuss: these bytes are wrong. In June it
# delivers May, and March for the third time. The picture is drawn from the records in Git; no data are needed
# for it.

# %% id="repaired"
bureau.deliver(3, raw, number=3)
bureau.deliver(5, raw)
etl.run(raw, flights)
versions.save("v3", "May, and March in miles again", date="2013-06-03 09:00")

print(versions.dvc("diff", "v2", "v3").replace("\\", "/"))  # Windows writes \
print("\nfiles in the remote:", sum(path.is_file() for path in remote.rglob("*")))
lineage = {version: versions.lineage(version) for version in ["v1", "v2", "v3"]}
plots.show(data_views.versions_grid(lineage), data_views.describe_versions(lineage))

# %% [markdown] id="back-intro"
# `dvc diff` names the months that differ. And count: v1 brought 3 files, v2 the wrong March and April, v3 only
# May, which makes 6. The third delivery of March gives the same bytes as the first, so the store has them
# already: equal bytes are kept *once*.
#
# ## Go back
#
# In May someone trained a model on v2. The data in the folder are others now, and yet R4 asks for *the same*
# model. `versions.switch` runs `git checkout` (which brings the pointers) and `dvc checkout` (which brings the
# data they point to). Are they the bytes whose hash was recorded then? And what is March in each version?

# %% id="back"
for version, records in lineage.items():
    versions.switch(version)
    march = data.load_flights([3], ["distance"], folder=versions.folder)["distance"]
    same = all(sha256(flights / r.output) == r.output_sha256 for r in records.values())
    print(f"{version}: {len(records)} months, {'each the same bytes' if same else 'OTHER BYTES'}")
    print(f"    average distance in March: {march.mean():.0f}")
versions.switch("main")

# %% [markdown] id="q5-task"
# Every version gives its own number again, the wrong one too. Being able to repeat a mistake is what lets you
# explain it. A training run that records `v2` can be made again.
#
# ### Exercise 5: the auditor's March
#
# An auditor wants to see what the service was told in May. She clones your repository, and has the pointers of
# today (v3), but no data yet. Write the commands that she types to get **March as it was in v2, and all other
# months as they are today**. Each line begins with `git` or `dvc`. The check makes a new clone and runs them.
#
# You may need: `git checkout VERSION` (all files of a version), `git checkout VERSION -- FILE` (one file of it),
# `dvc checkout` (put the data of the pointers into the folder, if they are on this computer already), `dvc pull`
# (the same, and fetch from the remote what is not).

# %% id="q5"
### BEGIN SOLUTION
commands = """
git checkout v2 -- flights/2013-03.parquet.dvc flights/2013-03.json
dvc pull
"""
### END SOLUTION
q5.check(commands, versions)
# q5.hint()
# q5.solution()

# %% [markdown] id="year-intro"
# ## The whole year
#
# The rest of the year arrives, and all twelve months go through the pipeline at once. Three things to prove:
# a second run does nothing; read = written + left out in every month; and what came through CSV, schema and
# Parquet is *exactly* what the course ships, all 19 columns of it.

# %% id="year"
for number in range(6, 13):
    bureau.deliver(number, raw)
whole = new_folder("05-data/year") / "flights"
for attempt in ["first run", "second run"]:
    print(f"{attempt}: {pd.Series(etl.run(raw, whole)).value_counts().to_dict()}")

records = [etl.read_record(whole, f"2013-{number:02d}") for number in range(1, 13)]
lost = [r.rows_read - r.rows_written - sum(r.rejected.values()) for r in records]
year = data.load_flights(folder=whole.parent)
print(f"R8: {sum(lost)} of {sum(r.rows_read for r in records):,} rows lost")
pd.testing.assert_frame_equal(year, data.load_flights())
print(f"{len(year):,} flights, equal to the course's own")

# %% [markdown] id="recap"
# All three hold. The bureau's files have 24 lines more than the year has flights: those had come twice, and every
# one of them is counted in a record.
#
# ## What you take with you
#
# - **Raw data are never edited.** Everything else can be made again from them.
# - **A schema promises** names, types, units and gaps; a file that breaks it is refused as a whole.
# - **Idempotent**: the key (here the month) decides, and loading replaces. Running it again is always safe.
# - **Atomic**: write beside it, then rename. A kill leaves the old or the new, never a half.
# - **Lineage**: every month knows its source, by name and by hash, so a run can leave alone what has not changed.
# - **A version of data is a Git commit with pointers.** DVC gets the bytes, today's or those of any version. (It
#   can run the steps of a pipeline, too, by the same rule as ours: `dvc repro` skips what has not changed.)
#
# One thing went wrong in front of our eyes: kilometres in a column of miles, with the right type. A schema of
# types cannot see that. Rules about *values* can, and the lesson on validation writes them.
#
# ## Check what you know

# %% tags=["quiz", "nbval-ignore-output"] id="quiz"
quiz.show("05_data")
