# %% [markdown] id="why"
# ## Why it matters
#
# The weather at the airport is a feature of the delay service, which must warn two hours before departure,
# "using only what is known at that moment" (requirement R1). Two programs need that feature: the one that
# *trains* asks what was known before each past flight; the one that *serves* asks what is known now.
# Written twice, by two teams, they come to differ. That is called **skew**. No error is raised; the forecasts
# are only worse than the test has promised.
#
# A **feature store** holds one definition and answers both questions from it. In this lab the real Feast
# does so on your computer: DuckDB looks into the past, SQLite answers at once. You will also see what it
# cannot know, however well it is set up.

# %% tags=["parameters"] id="imports"
from mlops_school import data, features, labs

labs.require("feast")

import warnings

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Float64

from mlops_school.exercises import ____
from mlops_school.exercises.labs.feast import q1, q2
from mlops_school.features import HORIZON, OBSERVATION_LIFETIME, WEATHER
from mlops_school.paths import new_folder

warnings.filterwarnings("ignore", "fetch_arrow_table", DeprecationWarning)  # for Feast's authors
months = [7]  # whose flights we ask about

# %% [markdown] id="source-intro"
# ## A source: rows with a time
#
# Feast does not own your data, it points to them: here to a Parquet file. It only demands that each row has
# an **event timestamp**, so that it can tell what comes before what. The weather has one row for an airport and
# an hour, and a column `time_hour`. So we take that, as a colleague in a hurry would.

# %% id="source"
folder = new_folder("labs/feast")
weather = data.load_weather()


def write_source(known):
    table = features.observations(weather).assign(known=known.astype("datetime64[us, UTC]"))
    table.to_parquet(folder / "weather.parquet")


write_source(weather["time_hour"])
pd.read_parquet(folder / "weather.parquet")[["origin", "known", "temp", "wind_speed"]].head(3)

# %% [markdown] id="define-intro"
# ## One definition
#
# Three objects say what the weather features are:
#
# | object | answers | here |
# |---|---|---|
# | entity | features *of what*? | an airport, found by `origin` |
# | source | where are they, and which column is the time? | the Parquet file, `known` |
# | feature view | which features, and for how long are they valid? | eight numbers, 6 hours |
#
# The last one is called `ttl`, time to live. Older weather than that says nothing of a flight.

# %% id="define"
airport = Entity(name="airport", join_keys=["origin"], value_type=ValueType.STRING)
source = FileSource(
    name="observations", path=str(folder / "weather.parquet"), timestamp_field="known"
)
view = FeatureView(
    name="weather",
    entities=[airport],
    schema=[Field(name=name, dtype=Float64) for name in WEATHER],
    source=source,
    ttl=OBSERVATION_LIFETIME,
)

# %% [markdown] id="apply-intro"
# ## Put it into the registry
#
# Definitions that sit in one notebook help nobody else. `apply` writes them into a **registry**, and whoever
# opens the same store gets the same features. A team keeps the definitions in a Python file in Git, and the
# command `feast apply` does what the method does here. The settings say where everything is: a company has a
# warehouse and a fast database in these places, you have files.

# %% id="apply"
settings = """\
project: flights
provider: local
registry: registry.db
offline_store: {type: duckdb}
online_store: {type: sqlite, path: online.db}
entity_key_serialization_version: 3
"""
(folder / "feature_store.yaml").write_text(settings, encoding="utf-8")
store = FeatureStore(folder)
store.apply([airport, view])
[(view.name, view.entities, str(view.ttl)) for view in FeatureStore(folder).list_feature_views()]

# %% [markdown] id="history-intro"
# ## What was known then?
#
# That list was read from the registry by a second store, which had never seen your objects.
#
# Now the question of the team that trains. It hands Feast a table of moments: for each flight its airport, and
# when its warning was due, two hours before departure. Feast adds to each row the newest weather that is not
# *after* the moment, and not older than 6 hours. This is a **point-in-time join**. Its rows come back in another
# order, so each has a number.

# %% id="history"
flights = data.load_flights(months)
moments = pd.DataFrame({"flight": flights.index, "origin": flights["origin"]})
moments["event_timestamp"] = features.warning_due(flights)


def ask_history():
    wanted = [f"weather:{name}" for name in WEATHER]
    answer = store.get_historical_features(moments, wanted).to_df()
    return answer.set_index("flight").sort_index()


answer = ask_history()
answer[["origin", "event_timestamp", "temp", "visib"]].head(3)

# %% [markdown] id="compare-intro"
# ## Is it right?
#
# A tool is not right because it is well known. The course has a function of its own, `make_features`, with which
# its models are trained. We compare all rows; two missing values count as equal.

# %% id="compare"
ours = features.make_features(flights, weather, data.load_planes())[WEATHER]


def count_different(answer):
    same = (answer[WEATHER] == ours) | (answer[WEATHER].isna() & ours.isna())
    return int((~same.all(axis=1)).sum())


print(f"{count_different(answer):,} of {len(flights):,} flights have other weather")

# %% [markdown] id="look-intro"
# Two definitions of one feature, and nearly every flight gets other numbers: that is skew. Who is right? Take
# the flight whose temperatures differ most, and the weather around the moment when its warning was due.

# %% id="look"
flight = (answer["temp"] - ours["temp"]).abs().idxmax()
place, due = answer.loc[flight, ["origin", "event_timestamp"]]
near = weather[(weather["origin"] == place) & ((weather["time_hour"] - due).abs() < HORIZON)]

print(f"warning due at {place}: {due:%d %B, %H:%M} UTC")
print(f"temperature: {answer['temp'][flight]} by Feast, {ours['temp'][flight]} by our own join")
near[["time_hour", "temp"]]

# %% [markdown] id="q1-task"
# In the hour that began at 23:00 it became 12 degrees cooler. Feast says so at 23:19, since the row has the
# label 23:00. But a row combines the reports of its *whole* hour (the data card says so), and at 23:19 that hour
# was not over. In training the model would see weather from the future, and in service it never can. This is
# **leakage**. Feast joined exactly as it was told. It cannot know when a value became known: you tell it, by
# the event timestamp.
#
# ### Exercise 1: tell Feast the truth
#
# From which moment on is each row of `weather` known for certain? Give a column of moments in UTC.

# %% id="q1"
### BEGIN SOLUTION
known = weather["time_hour"] + pd.Timedelta(hours=1)
### END SOLUTION
q1.check(known, weather)
# q1.hint()
# q1.solution()

# %% [markdown] id="again-intro"
# The same repair with the package's own column, in case you are still at it: only the file is written again.
# The definition stays as it is, and so does the code that asks.

# %% id="again"
write_source(features.observations(weather)["known"])
answer = ask_history()
print(f"{count_different(answer):,} of {len(flights):,} flights have other weather")

# %% [markdown] id="online-intro"
# None. Two joins that share no code, one by DuckDB and one by pandas, agree on every row and every column.
#
# ## What is known now?
#
# The team that serves cannot search a file for each request. It asks the **online store**, which keeps one
# row for each airport: the newest. It is filled by `materialize`, which a scheduler runs every hour. Let it be
# the moment when our flight's warning is due.


# %% id="online"
def ask_online():
    wanted = [f"weather:{name}" for name in WEATHER]
    return store.get_online_features(wanted, [{"origin": place}]).to_df().loc[0, WEATHER]


print("before:", ask_online()["temp"])
store.materialize(due - OBSERVATION_LIFETIME, due)
print("after: ", ask_online()["temp"])
offline = answer.loc[flight, WEATHER]
print("as in training:", ask_online().astype(float).equals(offline.astype(float)))

# %% [markdown] id="stale-intro"
# Before, there was nothing, and no error either. After, all eight numbers are those that training saw for this
# flight: one definition, two answers, no skew.
#
# ### Break it: the scheduler stops
#
# Suppose that `materialize` fails from now on, and nobody notices. Two days later the service asks again.

# %% id="stale"
now = due + pd.Timedelta(days=2)
online = store.get_online_features(["weather:temp"], [{"origin": place}])
facts = online.to_dict(include_event_timestamps=True)
known_since = pd.Timestamp(facts["temp__ts"][0], unit="s", tz="UTC")
print(
    f"asked {now:%d %B, %H:%M}: temperature {facts['temp'][0]}, known since {known_since:%d %B, %H:%M}"
)
store.teardown()

# %% [markdown] id="q2-task"
# Weather of the day before yesterday, without a word. The `ttl` of 6 hours was kept when Feast looked into the
# past; this online store does not look at it. What it does tell is the moment of each value. So the service has
# to look. (The last line took the online store down, so that no file stays open; to ask it again, run the cells
# from `apply` on.)
#
# ### Exercise 2: refuse what is too old
#
# Write the rule of the join for the service: may a value that is known since `known` be used at `now`? Both are
# moments in UTC; `known` is `None` if the store has nothing. A forecast must not use the future either.


# %% id="q2"
def is_usable(known, now):
    ### BEGIN SOLUTION
    if known is None:
        return False
    return pd.Timedelta(0) <= now - known <= OBSERVATION_LIFETIME
    ### END SOLUTION


q2.check(is_usable)
# q2.hint()
# q2.solution()

# %% [markdown] id="recap"
# ## What you take with you
#
# - One definition (entity, source, feature view) serves training and service, so that they cannot drift apart.
# - A point-in-time join gives each row what was known at its moment, and it can be checked: 0 flights differ.
# - A feature store does not know when a value became known. The event timestamp says so, and it is yours.
# - Online values are as fresh as the last `materialize`. Watch their age, and refuse what is too old.
# - Is it worth it? For one model with one team, a function such as `make_features`, called by both sides, does the
#   same. A store pays when several teams share features, or when answers must come faster than a join.
