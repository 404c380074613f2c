# %% [markdown] id="why"
# ## Why it matters
#
# A model is only as good as what it is told about a flight. In training, all of 2013 lies open: the weather at
# take-off, the delay, everything. In service, two hours before departure, most of that has not happened. A
# feature that peeps into the future makes a model brilliant in the notebook and useless at work, and nothing
# crashes.
#
# In this lesson you make such features, measure what they cost, and repair them. It begins with the
# requirement that they break.

# %% tags=["parameters"] id="imports"
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

from mlops_school import data, plots, quiz
from mlops_school.exercises import ____
from mlops_school.exercises.features import q1, q2, q3, q4, q5
from mlops_school.process import load_requirements

training_months = [1, 2, 3, 4]
weather_months = [5, 8, 11]  # where the weather leak is measured

print(load_requirements()["R1"])

# %% [markdown] id="timeline-intro"
# ## What is known at that moment?
#
# On the afternoon of 23 May it began to rain at Newark. Flight B6 527 to Orlando was to leave there at 17:45, so
# its warning was due at 15:45. Which weather was known then?
#
# The row of 14 o'clock covers that whole hour, with reports until about 14:51. So it is *known* at 15:00: an
# hour after the time that it is labelled with.

# %% id="timeline"
figure, axes = plt.subplots()
for hour in range(12, 19):
    known = hour + 1 <= 15.75  # 15:45 in hours
    look = {"color": plots.BLUE} if known else {"color": "white", "hatch": "//"}
    axes.barh(hour, 1, left=hour, height=0.7, edgecolor="black", **look)
    axes.text(hour + 1.1, hour, "known" if known else "future", va="center")
axes.axvline(15.75, color=plots.RED, label="warning due, 15:45")
axes.axvline(17.75, color="black", linestyle="--", label="departure, 17:45")
axes.set(xlabel="hour of 23 May", ylabel="weather row of hour", xlim=(11.5, 20))
axes.legend(loc="upper left")
plots.show(figure, "At 15:45 the rows of hours 12, 13 and 14 are known; 15 to 18 are the future.")

# %% [markdown] id="hand-intro"
# Each bar is the hour that a row covers. At 15:45, the row of 15 is only three quarters observed, so it
# belongs to the future, too.
#
# ## A join by hand
#
# Three flights of that afternoon, and six rows of weather. `time_hour` is the hour of departure, or of the
# weather. `due` is when the warning must be sent. Everything is shown in New York's time.
#
# Take a pencil: which temperature was known for each flight?

# %% id="hand"
from zoneinfo import ZoneInfo

from mlops_school.features import warning_due

new_york = ZoneInfo("America/New_York")
flights, weather, planes = data.load_flights(), data.load_weather(), data.load_planes()
flights["due"] = warning_due(flights)
columns = ["carrier", "flight", "origin", "sched_dep_time", "time_hour", "due"]
three = flights.loc[[130384, 130311, 130241], columns]
six = weather.loc[[3416, 3417, 3419, 3420, 12120, 12123], ["origin", "time_hour", "temp", "precip"]]
for table in (three, six):
    clocks = table.select_dtypes("datetimetz").apply(lambda t: t.dt.tz_convert(new_york))
    display(table.assign(**clocks.apply(lambda t: t.dt.strftime("%H:%M"))))

# %% [markdown] id="naive-intro"
# The answers: 82.40 for B6 527 (row of 14), 75.20 for DL 926 (due at 16:15, so the row of 15), and 64.94 for
# DL 1433, which leaves from another airport.
#
# Most people would join on `origin` and `time_hour` instead. That takes one line, and both tables have the
# columns.

# %% id="naive"
naive = three.merge(six, on=["origin", "time_hour"], how="left", validate="many_to_one")
naive["known"] = naive["time_hour"] + pd.Timedelta(hours=1)
naive["minutes too late"] = (naive["known"] - naive["due"]).dt.total_seconds() / 60
naive[["carrier", "flight", "temp", "precip", "minutes too late"]]

# %% [markdown] id="colleague-intro"
# Every row found a partner, and no error was raised. But this weather became known 135 or 165 minutes after
# the warning was due: it is the *weather of the departure*, which the service will never have.
#
# What we need is a **point-in-time join**: for each flight, the newest row that was known when its warning
# was due. Written as a loop it is slow, but everybody can check it. Such a reference is worth having before
# anything clever is tried.


# %% id="reference"
def by_brute_force(flight, weather):
    known = weather["time_hour"] + pd.Timedelta(hours=1)
    age = flight["due"] - known
    usable = (age >= pd.Timedelta(0)) & (age <= pd.Timedelta(hours=6))
    rows = weather[usable & (weather["origin"] == flight["origin"])]
    return rows.loc[rows["time_hour"].idxmax(), "temp"] if len(rows) else np.nan


sample = flights.sample(300, random_state=0)
reference = sample.apply(by_brute_force, axis="columns", weather=weather)
three.apply(by_brute_force, axis="columns", weather=six)

# %% [markdown] id="asof-intro"
# The same three temperatures as by hand. Weather older than six hours says nothing of a flight, so the
# reference ignores it.
#
# pandas has a fast join of this kind, `merge_asof`. For each row on the left it takes the last row on the right
# whose time is *not later*. Both sides must be sorted by time. A colleague used it like this:


# %% id="asof"
def colleagues_join(flights, weather):
    left = flights[["due"]].sort_values("due")
    right = weather[["time_hour", "temp"]].sort_values("time_hour")
    return pd.merge_asof(left, right, left_on="due", right_on="time_hour", direction="nearest")


found = colleagues_join(sample, weather)["temp"].to_numpy()
wanted = reference.loc[sample.sort_values("due").index].to_numpy()
differ = ~np.isclose(found, wanted, equal_nan=True)
print(f"{differ.mean():.0%} of {len(differ)} flights differ from the reference")

# %% [markdown] id="q1-task"
# ### Exercise 1: repair the join
#
# The join has *four* faults. Compare it with the reference line by line: whose weather, known when, in which
# direction, how old at most? Write a function that returns a table with a row for each flight, in the order
# of `due`, and the column `temp`.


# %% id="q1"
def join_weather(flights, weather):
    ### BEGIN SOLUTION
    facts = weather[["origin", "time_hour", "temp"]].copy()
    facts["known"] = facts["time_hour"] + pd.Timedelta(hours=1)
    return pd.merge_asof(
        flights[["origin", "due"]].sort_values("due"),
        facts.sort_values("known"),
        left_on="due",
        right_on="known",
        by="origin",
        tolerance=pd.Timedelta(hours=6),
    )
    ### END SOLUTION


q1.check(join_weather)
# q1.hint()
# q1.solution()

# %% [markdown] id="year-intro"
# The package holds this join as `mlops_school.point_in_time.as_of`, tested against brute force on hundreds of
# random tables. `make_features` builds on it, and adds the airline, the clock and the aircraft. Here is the whole
# year. Did any flight get lost, or counted twice?

# %% id="year"
from mlops_school.features import CATEGORICAL, FEATURES, NUMERIC, WEATHER, make_features

features = make_features(flights, weather, planes)
agree = np.isclose(features.loc[sample.index, "temp"], reference, equal_nan=True).mean()
print(f"{len(flights):,} flights in, {len(features):,} rows out")
print(f"same flights in the same order: {features.index.equals(flights.index)}")
print(f"{features['temp'].isna().sum():,} flights without weather")
print(f"{agree:.0%} of the sample agree with brute force")

late, arrived = flights["arr_delay"] >= 15, flights["arr_delay"].notna()
train, may = arrived & flights["month"].isin(training_months), arrived & (flights["month"] == 5)

# %% [markdown] id="pipeline-intro"
# Nothing was lost. The flights without weather leave on 31 December, where the weather file has ended, and on
# 22 August, where it has a gap.
#
# ## One object from features to probability
#
# Our model is made of many small decision trees. They need numbers, and `carrier` is text. The step that turns text
# into numbers *learns* something: which airlines there are. Whatever learns belongs into the model, in a
# scikit-learn `Pipeline`:
#
# - `ColumnTransformer` sends each column through its own step;
# - `fit` teaches all steps, and sees the training months only;
# - `predict_proba` uses what they learned. One object is saved, and one is served.
#
# We train on January to April, and ask about a flight that is odd in two ways: an airline that training has
# never seen, and no weather at all. A flight that never arrived has no label, and is left out.

# %% id="pipeline"
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder


def make_model(numbers=NUMERIC):
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    columns = make_column_transformer((codes, CATEGORICAL), ("passthrough", numbers))
    return make_pipeline(columns, HistGradientBoostingClassifier(max_iter=45, random_state=0))


model = make_model().fit(features[train], late[train])
odd = features[may].head(1).assign(carrier="new airline", **dict.fromkeys(WEATHER, np.nan))
print(f"probability of being late: {model.predict_proba(odd)[0, 1]:.2f}")

# %% [markdown] id="leak-intro"
# It answers. `handle_unknown` makes the unknown airline a missing value, and these trees know what to do with
# missing values. A linear model would need an imputer and a scaler, as two more steps of the pipeline.
#
# ## What leakage costs
#
# **Leakage** is a feature that knows what will not be known. Let us cause it on purpose. A colleague adds
# `dep_delay`: how late the flight left. Surely that helps to say how late it arrives?
#
# We measure twice. *In the notebook* the validation flights have their `dep_delay`. *In service*, two hours
# before, nobody knows it, so it is missing. The measure is the **ROC AUC**: of one late and one punctual flight, how
# often does the late one get the higher probability? Guessing gives 0.5, and 1 is perfect.

# %% id="leak"
from sklearn.metrics import roc_auc_score


def auc(model, table):
    return roc_auc_score(late[table.index], model.predict_proba(table)[:, 1])


leaking = features[train].assign(dep_delay=flights["dep_delay"])
leaky_model = make_model([*NUMERIC, "dep_delay"]).fit(leaking, late[train])
notebook = features[may].assign(dep_delay=flights["dep_delay"])
service = features[may].assign(dep_delay=np.nan)
print(f"without dep_delay:            {auc(model, features[may]):.2f}")
print(f"with dep_delay, in notebook:  {auc(leaky_model, notebook):.2f}")
print(f"with dep_delay, in service:   {auc(leaky_model, service):.2f}")

# %% [markdown] id="weather-leak-intro"
# That is the cost of leakage: a promise of 0.92, and a service at 0.59. The honest model promised 0.75, and gets the
# same in service, because it asks for nothing that is not there. The leaky one leaned on one column and learned
# little else. It falls below the 0.70 of requirement R3, and only in service would anyone notice.
#
# And the naive weather? It is a leak as well, so is it as bad? We train on the three months before each of May,
# August and November: once with the weather known in time, once with the weather of the departure. In service,
# the second model gets what there is: the weather known in time.

# %% id="weather-leak"
keys = ["origin", "time_hour"]
at_departure = flights[keys].merge(weather[[*keys, *WEATHER]], on=keys, how="left")
peeping = features.assign(**{name: at_departure[name] for name in WEATHER})
scores = {}
for month in weather_months:
    before = arrived & flights["month"].between(month - 3, month - 1)
    now = arrived & (flights["month"] == month)
    honest, naive = (make_model().fit(t[before], late[before]) for t in (features, peeping))
    scores[month] = auc(honest, features[now]), auc(naive, peeping[now]), auc(naive, features[now])
del peeping  # a copy of the whole year
scores = pd.DataFrame(scores, index=["known in time", "naive, notebook", "naive, service"])
scores.assign(mean=scores.mean(axis="columns")).round(2)

# %% [markdown] id="q2-task"
# This leak is tiny: on average all three reach 0.70, and months differ far more than joins do. Weather three
# hours older is as good. We say so, because inventing a catastrophe would be dishonest. The naive join is
# wrong all the same: its weather cannot be had in service, R1 forbids it, and that it does little harm was known
# only once the right join was there to compare with.
#
# ### Exercise 2: who leaks?
#
# Seven candidates. Next to each you see the ROC AUC it reaches in May alone, as if it were a model.
# `place_in_file` says how many places further down a flight stands in the file than its schedule of that day would
# put it. The data card (`course/data/README.md`, *Known faults*) says in which order the rows are.
#
# Which candidates must *not* be used? Give a list of names.

# %% id="candidates"
day = flights[may]
planned = day.sort_values(["day", "sched_dep_time"], kind="stable").groupby("day").cumcount()
place = day.groupby("day").cumcount() - planned
names = ["hour", "sched_arr_time", "distance", "dep_time", "arr_time", "air_time"]
candidates = day[names].assign(place_in_file=place)
candidates.apply(lambda column: roc_auc_score(late[may], column)).round(2).to_frame("ROC AUC alone")

# %% id="q2"
### BEGIN SOLUTION
leaks = ["dep_time", "arr_time", "air_time", "place_in_file"]
### END SOLUTION
q2.check(leaks)
# q2.hint()
# q2.solution()

# %% [markdown] id="zone-intro"
# One suspect remains. `planes` is a single list without dates, and nobody can say what it said in May. We
# keep `seats` and `plane_year`, which hardly ever change, and write the doubt down.
#
# ## The time-zone trap
#
# In these data `time_hour` is UTC, in flights and weather, so hours never repeat and joins are safe. People, however,
# fly by New York's clock. Python's `zoneinfo` holds the rules of every zone, and `tz_convert` shows the same
# moments on another clock, as it did for `three` and `six` above. Two mistakes are easy:
#
# - *UTC taken for local time*: the hour of the day comes from `time_hour`;
# - *local time taken for UTC*: weather is looked up by the hour on the clock.

# %% id="zone"
local = flights["time_hour"].dt.tz_convert(new_york)
print(f"{(flights['time_hour'].dt.day != local.dt.day).sum():,} flights have another date in UTC")
on_clock = local.dt.tz_localize(None).dt.tz_localize("UTC")  # 17:00 in New York, called 17:00 UTC
wrong = flights[["origin"]].assign(time_hour=on_clock).merge(weather[[*keys, "temp"]], how="left")
figure, panels = plt.subplots(ncols=2)
for clock, table, style in [(local, at_departure, "-"), (flights["time_hour"], wrong, "--")]:
    panels[0].plot((100 * late[arrived]).groupby(clock.dt.hour).mean(), style)
    panels[1].plot(table.loc[arrived, "temp"].groupby(local.dt.hour).mean(), style)
panels[0].set(title="Percent late", xlabel="hour of New York (—), of UTC (- -)")
panels[1].set(title="Mean °F", xlabel="hour; joined by UTC (—), by clock (- -)", xticks=[6, 12, 18])
peaks = [line.get_xdata()[line.get_ydata().argmax()] for panel in panels for line in panel.lines]
plots.show(figure, "Most late: hour {}, by UTC {}. Warmest: {}, joined wrongly {}.".format(*peaks))

# %% [markdown] id="summer-intro"
# Left: by UTC (dashed), flights seem to run late at one in the morning, when none left. Right: joined wrongly,
# it is warmest at 17 instead of 14 o'clock, because each flight got the weather of four or five hours before.
#
# *Four or five* is the next trap. A fixed number of hours cannot repair it, as New York changes its clocks. The
# two days of change, seen by local time:

# %% id="summer"
for name in ["10 March", "3 November"]:
    day = pd.to_datetime(f"{name} 2013")
    rows = weather["month"].eq(day.month) & weather["day"].eq(day.day) & weather["origin"].eq("JFK")
    print(f"{name}: the hours begin {weather.loc[rows, 'hour'].head(5).tolist()}")

clock = ["origin", "year", "month", "day", "hour"]
print(f"{weather.duplicated(clock, keep=False).sum()} rows share their local hour with another")
doubled = weather.merge(weather[clock], on=clock)
print(f"joined to itself by the local clock: {len(weather):,} rows become {len(doubled):,}")
print(f"by time_hour: {len(weather.merge(weather[keys], on=keys)):,}")

# %% [markdown] id="q3-task"
# On 10 March there is no hour 2. On 3 November there are two hours 1 (its hour 0 is one of those that the data lack).
# A join on the local clock doubles those rows without a word. So: **join by UTC, and go to local time only to say
# what people see**.
#
# ### Exercise 3: the clock on the wall
#
# The service gets departures in UTC. Write a function that takes such a column of times and returns a table
# with the columns `weekday` (`"Mon"`, `"Tue"`, …) and `minute_of_day`, both by New York's clock, in summer and in
# winter. `new_york` is the zone, and `.dt.day_name().str[:3]` gives a weekday.


# %% id="q3"
def wall_clock(times):
    ### BEGIN SOLUTION
    local = times.dt.tz_convert(new_york)
    return pd.DataFrame(
        {
            "weekday": local.dt.day_name().str[:3],
            "minute_of_day": local.dt.hour * 60 + local.dt.minute,
        }
    )
    ### END SOLUTION


q3.check(wall_clock)
# q3.hint()
# q3.solution()

# %% [markdown] id="encoder-intro"
# ## Where a step may learn
#
# There is a leak without any column from the future. Some aircraft serve some routes badly. So a colleague
# replaces *aircraft and destination* by **how often such flights were late**: target encoding. The average is
# taken over all rows at hand, and *then* the months are split. A second colleague splits first, and averages over
# the training rows. In service only the past is known to both.

# %% id="encoder"
seen = train | may
features["aircraft_to"] = flights.loc[seen, "tailnum"] + " to " + flights.loc[seen, "dest"]
every = features["aircraft_to"].map(late[seen].groupby(features["aircraft_to"]).mean())
past = features["aircraft_to"].map(late[train].groupby(features["aircraft_to"]).mean())

print(f"{features.loc[train, 'aircraft_to'].nunique():,} kinds in {train.sum():,} flights")
for name, rate in {"all rows": every, "training rows": past}.items():
    fitted = make_model([*NUMERIC, "rate"]).fit(features[train].assign(rate=rate), late[train])
    notebook, service = (auc(fitted, features[may].assign(rate=r)) for r in (rate, past))
    print(f"average over {name}: {notebook:.2f} in notebook, {service:.2f} in service")

# %% [markdown] id="q4-task"
# There are three or four flights of a kind, so an average over all rows is nearly the flight's own outcome: a
# promise of 0.88, and 0.61 in service, where the outcomes of May are not there yet.
#
# Splitting first makes the *measurement* honest, and the model is as bad as before. Each training flight is still
# part of its own average, so the model trusts the column too much. scikit-learn's `TargetEncoder` does
# **cross-fitting**: in `fit_transform`, a flight's value comes from other flights only.
#
# ### Exercise 4: put the encoder in its place
#
# Make a model like `make_model()` that also uses `"aircraft_to"` by a `TargetEncoder()`, and fit it. Its
# steps may learn from the training months only.

# %% id="q4"
from sklearn.preprocessing import TargetEncoder

### BEGIN SOLUTION
codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
columns = make_column_transformer(
    (codes, CATEGORICAL), (TargetEncoder(), ["aircraft_to"]), ("passthrough", NUMERIC)
)
encoded = make_pipeline(columns, HistGradientBoostingClassifier(max_iter=45, random_state=0))
encoded.fit(features[train], late[train])
### END SOLUTION
q4.check(encoded, features[may], late)
# q4.hint()
# q4.solution()

# %% [markdown] id="serve-intro"
# In one pipeline, a step can only learn from what `fit` is given. Compare with the 0.75 of the model without the
# column: it was worth next to nothing all along.
#
# ## Training/serving skew
#
# Now the model goes into service. There, flights come one by one, as JSON. Nobody thinks of `make_features`,
# which takes tables. So a colleague writes the features a second time. Read it: would you pass it in a review?

# %% id="serve"
fleet = planes.set_index("tailnum")[["seats", "year"]].to_dict("index")


def serve(request):
    departure = pd.Timestamp(request["time_hour"])
    plane = fleet.get(request["tailnum"], {"seats": 0, "year": None})
    row = {name: request[name] for name in ["carrier", "origin", "dest", "distance"]}
    row["weekday"] = departure.day_name()[:3]
    row["minute_of_day"] = request["sched_dep_time"] / 100 * 60
    row["seats"], row["plane_year"] = plane["seats"], plane["year"]
    return row | request["weather"]


# %% [markdown] id="skew-intro"
# It runs, and the model answers. A **skew test** sends the *same* flights through both paths, and says for each
# feature in which share of them the values differ. The report adds what each difference does to the warnings.
#
# We take all flights of May that arrived. Nobody asked a service in 2013, so the requests are made from the data,
# with the weather as another provider would report it. We warn from 0.2 on: a missed flight costs 40 dollars and a
# needless warning 10 (requirement R2), so there a warning begins to pay.

# %% id="skew"
from mlops_school.skew import make_requests, report

asked = flights.index[may]
requests = make_requests(flights.loc[asked], features.loc[asked])
trained = features.loc[asked, FEATURES]
served = pd.DataFrame([serve(request) for request in requests], index=asked)[FEATURES]


def warn(table):
    return model.predict_proba(table)[:, 1] >= 0.2


report(trained, served, warn, late[asked]).round(2)

# %% [markdown] id="q5-task"
# No error, no log line, and in the end (`all`) a quarter of the answers are other ones than the model was validated
# with, at 90 cents a flight. The causes: degrees Celsius, 17:45 read as 17.45 hours, 0 seats for an unknown
# aircraft, and the weekday of UTC. The time of day is wrong in most rows and hardly matters; the temperatures do
# the damage. From the shares nobody could tell, so each of them must be 0.
#
# You could repair four lines, and wait for the fifth. The cure is *one function for both paths*.
#
# ### Exercise 5: end the skew
#
# Write `serve_again`: it takes one request, and returns its features as a table of one row. A request holds
# all columns of a flight that `make_features` needs, as JSON: `time_hour` is a text. `weather` and `planes` are the
# tables that you know.


# %% id="q5"
def serve_again(request):
    ### BEGIN SOLUTION
    flight = pd.DataFrame([request])
    flight["time_hour"] = pd.to_datetime(flight["time_hour"])
    return make_features(flight, weather, planes)
    ### END SOLUTION


q5.check(serve_again, requests, trained)
# q5.hint()
# q5.solution()

# %% [markdown] id="store-intro"
# The skew test stays. It is one line, `assert not share_differing(trained, served).any()` with `share_differing`
# from `mlops_school.skew`, and runs at every change of either path.
#
# ## What a feature store adds
#
# You have met three needs: *one definition* of a feature for everyone; for training, its value *as of any
# past moment*; for serving, its *latest* value, at once. A **feature store** is a system that serves these three.
#
# In small, on our weather: `facts` and `entry` are the definition, which a store keeps in its *registry*. `as_of`
# is the *offline* part, and the function `online` the other. What the online part answers at some moment must be
# what the offline part says of that moment later.

# %% id="store"
from mlops_school.point_in_time import as_of

facts = weather[["origin", "temp", "visib"]].assign(known=weather["time_hour"] + pd.Timedelta("1h"))
entry = {"on": "known", "by": "origin", "tolerance": pd.Timedelta(hours=6)}


def online(now):
    known = facts[facts["known"].between(now - entry["tolerance"], now)].sort_values("known")
    return known.drop_duplicates("origin", keep="last").set_index("origin")[["temp", "visib"]]


now = pd.Timestamp("2013-05-23 15:45", tz=new_york).tz_convert("UTC")
moments = pd.DataFrame({"origin": ["EWR", "JFK", "LGA"], "known": now})
offline = as_of(moments, facts, **entry).set_index(moments["origin"])
print("offline and online agree:", (offline == online(now).loc[offline.index]).all(axis=None))
offline

# %% [markdown] id="recap"
# At 15:45 both parts say 82.40 °F for Newark, which you found by hand for B6 527.
#
# ## What you take with you
#
# - **Ask of every column: when is it known?** A high score proves no leak, and a low one no innocence.
# - **A point-in-time join** takes the newest row that was known; a brute-force loop shows that it is right.
# - **Join in UTC, show in local time**, by the rules of the zone and never by a fixed number of hours.
# - **What learns is a step of the pipeline**, and is fitted on the training months only.
# - **One function for training and serving**, and a skew test that watches.
#
# The last cells showed the mechanism of a feature store only. The real **Feast** does it with the same weather
# in the lab `notebooks/labs/feast.ipynb`: open a terminal in the course folder and run `school lab feast`. It
# has an environment of its own. You need such a store when many models and teams share features; until
# then, one function is enough.
#
# ## Check what you know

# %% tags=["quiz", "nbval-ignore-output"] id="quiz"
quiz.show("08_features")
