# %% [markdown] id="why"
# ## Why it matters
#
# In the lab on Feast, one definition of the weather features served training and service. **Tecton** is a feature store, too, but
# a product: definitions are Python, and all else is a service that a company pays for, in an account. Its Python package can
# be had by everyone, and its engine **Rift** answers on your computer what features *were* at past moments.
#
# Two things are worth learning from it. The package demands a Python and packages that are older than the course's. That
# happens in every team sooner or later, and there is a clean way out. And Tecton answers a question that Feast left to you: *from when on* may a
# value be used? You will see what happens to those who answer it twice.

# %% tags=["parameters"] id="imports"
from mlops_school import data, features, labs, point_in_time

labs.require("tecton")

import tomllib
from importlib.metadata import version

import pandas as pd

from mlops_school.exercises import ____
from mlops_school.exercises.labs.tecton import q1, q2
from mlops_school.features import WEATHER
from mlops_school.paths import COURSE, new_folder

folder = new_folder("labs/tecton")

# %% [markdown] id="needs-intro"
# ## A tool whose packages do not suit yours
#
# Python has one version of each package in an environment. `course/features/tecton_weather.py` is a program that uses Tecton.
# At its top, in a comment of a standard form (PEP 723), it says what it needs, and a lock file beside it says which versions
# these are. Some are older than the course's, by whole versions:

# %% id="needs"
program = COURSE / "features" / "tecton_weather.py"
lock = program.with_name(f"{program.name}.lock").read_text(encoding="utf-8")
locked = {one["name"]: one["version"] for one in tomllib.loads(lock)["package"]}
print("Python", tomllib.loads(lock)["requires-python"])
names = ["numpy", "protobuf", "cryptography"]
majors = [(locked[name].split(".")[0], version(name).split(".")[0]) for name in names]
pd.DataFrame(majors, names, ["with Tecton", "in the course"])

# %% [markdown] id="program-intro"
# One environment for both could still be made, with Python up to 3.12: all tools of the course would have to take what Tecton can
# take. Each further tool of that kind would take more away, and in the end nothing could be renewed. So the tool runs as *a
# program of its own*, in an environment of its own, which `school lab tecton` has made from that lock. The notebook and the
# program share no package and no memory, only files: Parquet goes in, Parquet comes out. Neither side cares which NumPy the
# other has.
#
# Here is the part of the program that says what the features are. If you know Feast, you can read it.

# %% id="program"
lines = program.read_text(encoding="utf-8").splitlines()
first = lines.index("    @pandas_batch_config()")
last = lines.index("    return weather")
print("\n".join(line.removeprefix("    ") for line in lines[first:last]).strip())

# %% [markdown] id="map-intro"
# | what it is | Feast | Tecton |
# |---|---|---|
# | features *of what* | `Entity` | `Entity` |
# | where the rows are | `FileSource` | `BatchSource`, with any function that returns a table |
# | which features | `FeatureView`, whose rows exist already | `batch_feature_view`, a function that makes them |
# | for how long they hold | `ttl` | `ttl` |
# | how often new ones are made | whenever someone calls `materialize` | `batch_schedule`, part of the definition |
# | what was known then? | `get_historical_features` | `get_features_for_events` |
# | what is known now? | `get_online_features` | `get_online_features`, in the account only |
# | put it to use | `feast apply`, into a file or a database | `tecton apply`, into the account |
#
# ## Ask what was known
#
# The questions are those of the lab on Feast: for each flight of July, its airport and when its warning was due. A colleague
# has learned his lesson there, and gives the weather with the moment from which each row is *known*, the end of its hour.

# %% id="ask"
weather, flights = data.load_weather(), data.load_flights([7])
moments = pd.DataFrame({"flight": flights.index, "origin": flights["origin"]})
moments["timestamp"] = features.warning_due(flights)
moments.to_parquet(folder / "moments.parquet")
observed = features.observations(weather)  # its column `known` is the end of the hour


def ask(table, *options):
    table.to_parquet(folder / "weather.parquet")
    files = [folder / f"{name}.parquet" for name in ["weather", "moments", "answer"]]
    print(labs.run_script("tecton", *files, *options), end="")
    return pd.read_parquet(files[-1])


by_known = ask(observed, "--timestamp", "known")
by_known.set_index("flight").sort_index()[["origin", "timestamp", "weather__temp"]].head(3)

# %% [markdown] id="compare-intro"
# The program has run, and the answers are here. Are they right? The course's own join, `point_in_time.as_of`, answers the same
# for all flights; it has been tested on its own, and Feast agreed with it on every row.


# %% id="compare"
def count_different(answer, facts, lifetime=features.OBSERVATION_LIFETIME):
    questions = moments.rename(columns={"timestamp": "known"})[["origin", "known"]]
    ours = point_in_time.as_of(questions, facts, on="known", by="origin", tolerance=lifetime)
    theirs = answer.set_index("flight").loc[moments["flight"]]
    theirs = theirs[[f"weather__{name}" for name in WEATHER]].set_axis(WEATHER, axis=1)
    same = (theirs == ours[WEATHER]) | (theirs.isna() & ours[WEATHER].isna())
    return int((~same.all(axis=1)).sum())


print(f"{count_different(by_known, observed):,} of {len(flights):,} flights have other weather")

# %% [markdown] id="look-intro"
# Nearly all are different. Look at the flight where most degrees lie between them, and at the weather around the moment
# when its warning was due.

# %% id="look"
ours = features.make_features(flights, weather, data.load_planes())["temp"]
theirs = by_known.set_index("flight").sort_index()
flight = (theirs["weather__temp"] - ours).abs().idxmax()
place, due, temp = theirs.loc[flight, ["origin", "timestamp", "weather__temp"]]

print(f"due at {place}, {due:%d %B, %H:%M} UTC: {temp} by Tecton, {ours[flight]} by the course")
span = observed["known"].between(due - pd.Timedelta(hours=3), due + pd.Timedelta(hours=1))
observed.loc[(observed["origin"] == place) & span, ["known", "temp"]]

# %% [markdown] id="q1-task"
# Tecton took the row before the newest. It has not made a mistake: it does not believe that a row can be used at the moment
# that stands in it. By the definition, a job runs each hour (`batch_schedule`) and takes the rows whose time lies in the hour
# that has just ended. Nobody can use them before that job. So to Tecton the time in a row is when something *happened*, and it
# works out itself from when on a feature built on it can be used, its **effective time**. To Feast, the time in a row is
# the moment from which it can be used. Our colleague has said it twice: his rows wait one hour more.
#
# ### Exercise 1: the effective time
#
# Write `effective(time, schedule)`: from when on is a row used whose time is `time`, if a job runs every `schedule`? Jobs run
# at full hours, or once a day at midnight UTC. A row of exactly 13:00 belongs to the hour that begins then.
# `time.floor(schedule)` rounds down.


# %% id="q1"
def effective(time, schedule):
    ### BEGIN SOLUTION
    return time.floor(schedule) + schedule
    ### END SOLUTION


q1.check(effective)
# q1.hint()
# q1.solution()

# %% [markdown] id="again-intro"
# So give Tecton what it asks for, the time when the hour of the reports began. The rest is its own work. In the same run, the
# program also asks what is known *now*.

# %% id="again"
happened = observed.rename(columns={"known": "time_hour"})
happened["time_hour"] -= features.OBSERVATION_DELAY
answer = ask(happened, "--online", place)
print(f"{count_different(answer, observed):,} of {len(flights):,} flights have other weather")

# %% [markdown] id="daily-intro"
# None. Three joins that share no code, by pandas, by Feast's DuckDB and by Tecton's Rift, agree on all flights.
#
# And the first line says where it ends without an account. What is known *now* must be kept somewhere, by jobs that run every
# hour, for a server that answers in milliseconds. In Tecton, all that is in a workspace of the account. A stand-in of ours
# could not show how good it is.
#
# ## What does a slower schedule cost?
#
# Jobs cost money. One a day instead of one an hour is a change of one line, and Rift can tell what it would have meant in
# July before anybody runs it. (The weather holds for two days now, `ttl`, so that nothing is left out as too old.)

# %% id="daily"
daily = ask(happened, "--schedule-hours", "24", "--ttl-hours", "48")
midnight = observed.assign(known=happened["time_hour"].dt.floor("24h") + pd.Timedelta(hours=24))
different = count_different(daily, midnight, lifetime=pd.Timedelta(days=1))
print(f"{different:,} of {len(flights):,} flights differ from the rule of exercise 1")

temps = [table.set_index("flight")["weather__temp"].sort_index() for table in (daily, answer)]
print(
    f"temperature of a daily job: {(temps[0] - temps[1]).abs().mean():.1f} degrees off, in the mean"
)

# %% [markdown] id="stale-intro"
# The rule of exercise 1 explains all its answers. But with a daily job, a forecast is made with the weather of 23:00 UTC of
# the day before. A model that has learned from hourly weather would get other numbers than it knows, and no error.
#
# ## Break it: an answer to another question
#
# Files between two programs have a danger of their own: *a file stays*. The questions of August are written, the
# program is to be called, and that line is forgotten, or it failed last night, and nobody looked. Then the answers are
# read and put to the flights.

# %% id="stale"
august = data.load_flights([8])
new = pd.DataFrame({"flight": august.index, "origin": august["origin"]})
new["timestamp"] = features.warning_due(august)
new.to_parquet(folder / "moments.parquet")

answers = pd.read_parquet(folder / "answer.parquet")
joined = new.join(answers.set_index("flight")["weather__temp"], on="flight")
print(
    f"{len(joined):,} flights of August, {joined['weather__temp'].isna().sum()} without a temperature"
)

# %% [markdown] id="q2-task"
# Each flight of August has got a temperature: that of a flight of July with the same number. All types are right and
# nothing is missing. So whoever reads the file must make sure that it answers *this* question. (To ask the cells above
# again, run them from `ask` on: it writes the questions of July.)
#
# ### Exercise 2: does the answer belong to the question?
#
# Write `belongs(answer, moments)`. Both have the columns `flight` and `timestamp`. It is true if the answer has each flight
# of the question exactly once, with its own `timestamp`, and no other. The rows of an answer may come in any order, as they
# do from Tecton.


# %% id="q2"
def belongs(answer, moments):
    ### BEGIN SOLUTION
    keys = ["flight", "timestamp"]
    left, right = (table[keys].sort_values(keys).to_numpy() for table in (answer, moments))
    return left.shape == right.shape and bool((left == right).all())
    ### END SOLUTION


q2.check(belongs)
# q2.hint()
# q2.solution()

# %% [markdown] id="recap"
# Better still, delete the old answer before you ask, so that a run that fails leaves nothing that could be read.
#
# ## What you take with you
#
# - A tool that would hold your packages back can be a program of its own: its needs at its top, a lock beside it, files in between.
# - What comes out of a file is checked against the question, since old files look like new ones.
# - A time in a row can mean when something happened, or from when on it is known. Find out what your tool takes it for; a
#   test on all rows tells.
# - The schedule of a job is part of a feature: it decides how old the values are in service. Ask about the past with the
#   same schedule.
# - Is it worth it? Tecton's definitions know the schedule, which Feast's do not, and its makers run the jobs and the online
#   store for you. But it is not open: its licence is its own, and without an account you can define and test, not serve. For
#   one team with one model, a function that both sides call does the same (see the lab on Feast).
