# %% [markdown] id="why"
# ## Why it matters
#
# A model in a file helps nobody. Somebody has to ask it, at the right moment, and get an answer that can be
# relied on, also when the question is nonsense, when a thousand ask at once, and while a newer model takes
# its place.
#
# There are two ways to bring forecasts to people. A **batch** makes all of them at a set hour and keeps them in a
# file. A **real-time** service answers one question when it is asked. You will run both, break both, and find out
# by numbers which one is needed when.

# %% tags=["parameters"] id="imports"
import json
import sys
from datetime import date

import httpx
import matplotlib.pyplot as plt
import pandas as pd

from mlops_school import batch, champion, data, evaluation, load, plots, quiz
from mlops_school.exercises import ____
from mlops_school.exercises.deployment import q1, q2, q3, q4
from mlops_school.paths import new_folder

seconds = 0.8  # how long each load test of the comparison lasts
folder = new_folder("12-deployment")

# %% [markdown] id="requirements-intro"
# ## What is asked of a service
#
# Three requirements of the delay service are about the way to its users, and not about its model.

# %% id="requirements"
from mlops_school.process import load_requirements

requirements = load_requirements()
for name in ["R5", "R6", "R12"]:
    print(requirements[name], "\n")

# %% [markdown] id="forecaster-intro"
# ## One forecaster for all ways
#
# What we deliver is release 1: the model of lesson 09, packed with its threshold. A **forecaster** turns what a
# timetable says of a flight into features, with the very function that made them for training, and asks the model.
# Batch and real-time will share this one object. If each had code of its own, they would soon disagree.
#
# Its first task is the 13th of June 2013, a day of heavy rain. The timetable is a stand-in for the file that
# airlines would send the evening before.

# %% id="forecaster"
from mlops_school.forecasts import Forecaster
from mlops_school.model_package import ModelPackage

package = ModelPackage.load(champion.folder())
forecaster = Forecaster(package)
print(f"release {package.version} warns from a probability of {package.threshold} on")

timetable = batch.timetable(date(2013, 6, 13))
print(len(timetable), "flights;", len(timetable[batch.KEY].drop_duplicates()), "different keys")
timetable.head(3)

# %% [markdown] id="naive-intro"
# Carrier, flight number and airport tell the flights of a day apart; that is the **key**.
#
# ## The batch
#
# A first batch is quickly written: forecast 200 flights at a time, and add each lot to a file.
#
# The scheduler that starts it lost its connection last night. It was not sure whether the batch had run, so it
# started it again.


# %% id="naive"
def append_forecasts(timetable, path):
    for start in range(0, len(timetable), 200):
        forecasts, _ = batch.forecast(timetable[start : start + 200], forecaster)
        forecasts.to_csv(path, mode="a", header=not path.exists(), index=False)


path = folder / "appended.csv"
append_forecasts(timetable, path)
append_forecasts(timetable, path)
print(len(timetable), "flights,", len(pd.read_csv(path)), "forecasts")

# %% [markdown] id="q1-task"
# Every passenger would be warned twice. Schedulers do start jobs twice, machines are switched off in the middle,
# and timetables are corrected. A batch must be **idempotent**: however often it runs, and however it ended last
# time, each flight has one forecast.
#
# ### Exercise 1: run it again without fear
#
# Write `run_day`. `forecast(timetable)` returns the forecasts of a timetable as a table. Whatever happened before,
# the file at `path` must then hold those forecasts and no others. If the power goes while you write, the old file
# must still be there, whole. `replacing(path)`, which you know from lesson 05, may help.

# %% id="q1"
from mlops_school.files import replacing


def run_day(timetable, path, forecast):
    ### BEGIN SOLUTION
    forecasts = forecast(timetable)
    with replacing(path) as part:
        forecasts.to_csv(part, index=False)
    ### END SOLUTION


q1.check(run_day)
# q1.hint()
# q1.solution()

# %% [markdown] id="run-intro"
# The course's own batch does the same, and leaves a **record** beside the file: which release, which timetable,
# and what was known when it ran. We run it at midnight; then the airlines correct the timetable. The first flight
# leaves later, the third is cancelled, and somebody mistyped a carrier.

# %% id="run"
source, output = folder / "timetable.csv", folder / "2013-06-13.csv"
midnight = pd.Timestamp("2013-06-13 00:00", tz=data.NEW_YORK)
timetable.to_csv(source, index=False)
first = batch.run(source, output, forecaster, known_by=midnight)

corrected = timetable.drop(index=2)
corrected.loc[0, "departure"] = "2013-06-13T09:15:00-04:00"
corrected.loc[1, "carrier"] = "ZZ"
corrected.to_csv(source, index=False)
second = batch.run(source, output, forecaster, known_by=midnight)
print(f"{first.forecasts} forecasts by release {first.release}, known by {first.known_by}")
print(second.forecasts, "after the correction; refused:", second.refused)

# %% [markdown] id="fresh-intro"
# Midnight in New York is 4 o'clock in UTC. The file is that of the correction alone. One bad row did not stop 987
# good ones, but it is not forgotten either: the record names it. A third run would find in the record that nothing is left to do.
#
# ## How old may a forecast be?
#
# R1 allows what is known two hours before departure. A batch at midnight knows less: for a flight in the evening,
# its newest weather is many hours old, and our features take weather of over six hours for unknown.
#
# We replay a week in June with batches that run more or less often; each warning comes from the last run before it is
# due. And for comparison, each flight at the very moment when its warning is due, as a real-time service would.

# %% id="fresh"
from mlops_school.features import make_features

june = data.load_flights([6])
june = june[june["arr_delay"].notna()]
week = june[june["day"].between(10, 16)].reset_index(drop=True)
late = week["arr_delay"] >= 15

features = make_features(week, data.load_weather(), data.load_planes())
said = {"at once": package.model.predict_proba(features)[:, 1]}
for hours in [1, 6, 12, 24]:
    said[hours] = batch.replay(week, hours, package.model)
print("hourly as good as at once, to the last digit:", (said["at once"] == said[1]).all())

# %% [markdown] id="fresh-figure-intro"
# What did mistakes cost, per flight? The dotted line is the price of the better of two services without a model,
# as in lesson 09: never warn, or always.

# %% id="fresh-figure"
never, always = evaluation.MISSED * late.mean(), evaluation.NEEDLESS * (~late).mean()
cost = {way: evaluation.measure(late, p, package.threshold) for way, p in said.items()}
cost = {way: measured["cost_per_flight"] for way, measured in cost.items()}
figure, axes = plt.subplots()
bars = axes.bar(["at once", "every hour", "every 6 h", "every 12 h", "once a night"], cost.values())
axes.bar_label(bars, fmt="%.2f", label_type="center", color="white")
axes.axhline(min(never, always), linestyle=":", color="black", label="without a model")
axes.set(ylabel="dollars per flight", title="The same model, asked more or less often")
axes.legend(loc="upper left")
prices = ", ".join(f"{dollars:.2f}" for dollars in cost.values())
plots.show(figure, f"At once to once a night: {prices} dollars; no model {min(never, always):.2f}")

# %% [markdown] id="q2-task"
# ### Exercise 2: how rarely may it run?
#
# Every run costs computing time, and somebody's attention when it fails. What is the *largest number of hours*
# between two runs with which R2 is met in this week, so that mistakes cost less than warning of no flight (`never`),
# and than warning of every flight (`always`)? `cost` has the dollars by hours, and those `"at once"`.

# %% id="q2"
### BEGIN SOLUTION
rarest = max(hours for hours in [1, 6, 12, 24] if cost[hours] < min(never, always))
### END SOLUTION
q2.check(rarest, cost, never, always)
# q2.hint()
# q2.solution()

# %% [markdown] id="real-time-intro"
# The nightly batch, which many would build first, costs more than no model. Remember why: for most of its flights the
# weather is unknown by then, and release 1 learned from flights whose weather was known. Another model may bear old
# weather better. Measure it in the same way.
#
# And beyond an hourly batch, real-time brought nothing at all: airports report their weather once an hour, so between
# two reports there is nothing new to know. **Fresh is not the same as real-time.** For flights that are in the
# timetable an hourly batch is enough, and it is cheaper: no server that must never fall over at night.
#
# ## Real-time
#
# Real-time is needed when *nobody knows the question beforehand*: a traveller wonders about another departure, an
# airline about a flight that it has not yet sold.
#
# ### What is ready-made, and what is not
#
# MLflow serves any of its models without a line of code: `mlflow models serve`. We start the very server that this
# command starts, which takes a few seconds. It does not want a flight but the finished row of features. We send it
# three: a right one, one of an airline that does not exist, and one over a distance below zero.

# %% id="ready-made"
from mlops_school.forecasts import Flight
from mlops_school.service import ready_made

flight = {"carrier": "UA", "origin": "EWR", "dest": "ORD"}
flight["departure"] = "2013-07-01T17:30:00-04:00"
row = forecaster.features([Flight(**flight)])
changes = {"as it is": {}, "carrier ??": {"carrier": "??"}, "distance -5": {"distance": -5.0}}
with ready_made.serve(ready_made.save(package, folder / "mlflow-model")) as ready:
    for name, change in changes.items():
        table = row.assign(**change).to_json(orient="split", index=False)
        body = {"dataframe_split": json.loads(table)}
        answer = httpx.post(f"{ready.address}/invocations", json=body, trust_env=False)
        print(f"{name:12} {answer.status_code}  {answer.json()['predictions'][0][1]:.2f}")

# %% [markdown] id="way-intro"
# It knows the *types* of the columns, not what they mean: all three get a number that looks as good as any. Where
# do the features come from, which threshold holds, which release is it? That is left to every client. It is a good
# way to show a model to a colleague, and it cannot meet R6.
#
# ### A service of our own
#
# A client of ours sends a flight, as people know it. This is the way of a request:

# %% id="way"
from mlops_school import diagram

diagram.show(
    """
    client -> guard: POST /forecast, a flight
    guard -> checks: under 10 kB, in time
    checks -> forecaster: a flight that can be
    forecaster -> client: probability, warning, release
    guard -> log, metrics: status, time taken
    """,
    title="The way of a request",
)

# %% [markdown] id="server-intro"
# The service is a FastAPI application in `utils/mlops_school/service`. It runs as a process of its own on this
# computer and speaks real HTTP. It serves a folder of releases, in which a file, the **pointer**, names the one to
# use.

# %% id="server"
from mlops_school.servers import Server
from mlops_school.service.releases import point_to

releases = folder / "releases"
package.write(releases / "1")
point_to(releases, "1")
server = Server([sys.executable, "-m", "mlops_school.service", str(releases)])
client = httpx.Client(base_url=server.address, trust_env=False, timeout=10)
print(client.get("/health").json())

# %% [markdown] id="ask-intro"
# That is R12: it is ready, and says which release it is. Now the right flight from above. And do batch
# and service agree? We ask about ten flights of the timetable, and compare with a batch that knows as much.

# %% id="ask"
answer = client.post("/forecast", json=flight)
print(answer.status_code, {name: str(value)[:4] for name, value in answer.json().items()})

ten = timetable.head(10)
fields = ["carrier", "origin", "dest", "departure", "tailnum"]
answers = [client.post("/forecast", json=row).json() for row in ten[fields].to_dict("records")]
expected, _ = batch.forecast(ten, forecaster)
equal = [one["probability"] for one in answers] == list(expected["probability"])
print("ten answers are those of the batch, to the last digit:", equal)

# %% [markdown] id="bad-intro"
# ### Break it: requests that should not be
#
# The internet sends you everything. R6 wants a status from 400 to 499 and the name of what is wrong, and never a
# failure of the service.

# %% id="bad"
as_json = {"content-type": "application/json"}
bad = {
    "unknown carrier": {"json": flight | {"carrier": "XX"}},
    "no offset": {"json": flight | {"departure": "2013-07-01T17:30:00"}},
    "half of a JSON": {"content": '{"carrier": "UA", ', "headers": as_json},
    "not called JSON": {"content": json.dumps(flight)},
    "50 kB": {"content": " " * 50_000, "headers": as_json},
}
for name, request in bad.items():
    answer = client.post("/forecast", **request)
    first = answer.json()["wrong"][0]
    print(f"{name:17} {answer.status_code}  {first['where']}: {first['what']}")

# %% [markdown] id="q3-task"
# Nobody wrote an `if` for each of them. A **pydantic** model, `Flight`, declares what a flight is; FastAPI checks
# every request against it and writes the documentation from it, which you find at the path `/docs` of the service.
# Limits of size and time stand in `guard.py`. Requests that chance has made up, 150 of them, test this on every
# change.
#
# ### Exercise 3: a rule for a new field
#
# A travel agency wants to send the number of `passengers`, to know how many to call. Complete `Booking`, which has
# all fields of `Flight` and one more: a whole number from 1 to 853, the seats of the largest airliner. A text such as
# `"12"`, or `true`, is no number.

# %% id="q3"
from pydantic import Field


class Booking(Flight):
    ### BEGIN SOLUTION
    passengers: int = Field(ge=1, le=853, strict=True)
    ### END SOLUTION


q3.check(Booking)
# q3.hint()
# q3.solution()

# %% [markdown] id="log-intro"
# ## What the service tells
#
# Three programs use the service this morning: kiosks, an app, and a display (`board`). Each request leaves one line
# of JSON in the **log**: the status, the parts that were wrong, the release. It does not tell who asked for which
# flight: what is not written down cannot leak.
#
# A log is for asking what happened. **Metrics** are for watching: a few numbers that only grow, which a monitoring
# system such as Prometheus fetches every few seconds from the path `/metrics`. Lesson 14 does that.

# %% id="log"
from mlops_school.visitors import send_morning

send_morning(server.address)
lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
log = pd.DataFrame(lines)
log = log[(log["path"] == "/forecast") & ~log["client"].str.startswith("python")]
log = log.reset_index(drop=True)
for line in client.get("/metrics").text.splitlines():
    if line.startswith(('delay_requests_total{path="/forecast', "delay_forecasts_total")):
        print(line)
log[["client", "status", "wrong", "release"]].iloc[[0, 25, 35, 45]]

# %% [markdown] id="q4-task"
# Above the metrics, below four lines of the log. Many requests were refused (422), some of them your own. Is a
# **client** broken?
#
# ### Exercise 4: find the broken client
#
# People at kiosks mistype now and then; a broken program is wrong most of the time. Find in `log` the client of which
# the largest *share* of requests was refused, and the field that it sends wrongly.

# %% id="q4"
### BEGIN SOLUTION
broken_client = (log["status"] == 422).groupby(log["client"]).mean().idxmax()
broken_field = log.loc[log["client"] == broken_client, "wrong"].explode().dropna().iloc[0]
### END SOLUTION
q4.check(broken_client, broken_field, log)
# q4.hint()
# q4.solution()

# %% [markdown] id="reload-intro"
# ## Another release, while they ask
#
# Release 2 is to warn less often: the same model with another threshold. Its folder is put beside the old one and
# the pointer is moved, while requests go on. The service looks there twice a second. When a change has come to rest, it
# loads the package beside the one in use, lets it forecast a trial flight, and only then changes over.

# %% id="reload"
from dataclasses import replace

replace(package, version="2", threshold=0.4).write(releases / "2")
answers = [client.post("/forecast", json=flight)]
point_to(releases, "2")
while answers[-1].json()["release"] != "2" and len(answers) < 5000:
    answers.append(client.post("/forecast", json=flight))

print("statuses:", sorted({answer.status_code for answer in answers}))
print("releases:", list(dict.fromkeys(answer.json()["release"] for answer in answers)))

# %% [markdown] id="broken-intro"
# No request was lost, and each answer is of one release. Now a delivery that went wrong: one byte too many in the
# file of the model.

# %% id="broken"
import time

package.write(releases / "3")
with (releases / "3" / "model.skops").open("ab") as stream:
    stream.write(b"?")
point_to(releases, "3")
for _ in range(100):
    health = client.get("/health").json()
    if health["refused"]:
        break
    time.sleep(0.1)
print(health["status"], "with release", health["release"], "\n" + health["refused"])

# %% [markdown] id="load-intro"
# It still works, with the old release, and says so to whoever asks. The program that loads a model would not have
# noticed that byte. Its SHA-256 did.
#
# ## When too many come
#
# A forecast keeps a processor busy; four at once would not be done sooner than one after the other. So the service
# makes one at a time, and has at most 32 in hand. And if 150 come in half a second?

# %% id="flood"
from mlops_school.forecasts import as_flights

some = as_flights(june.sample(50, random_state=0))
bodies = [one.model_dump(mode="json", exclude_none=True) for one in some]
answers = load.at_rate(f"{server.address}/forecast", bodies, per_second=300, seconds=0.5)
statuses = answers["status"]
print("without an answer:", (statuses == load.NO_ANSWER).sum())
print("statuses:", sorted(statuses.unique().tolist()))
print("ready again:", client.post("/forecast", json=flight).status_code == 200)

# %% [markdown] id="compare-intro"
# Nobody waits in vain. Whoever comes when the queue is full gets status 503 at once, with a header `Retry-After` that
# says when to ask again. A queue without an end would be worse: everyone would wait, for answers that nobody wants
# any more. Lesson 10 is about R5.
#
# ## Is another framework faster?
#
# **Flask** (here behind the server Waitress) is older and simpler than FastAPI. **gRPC** sends numbers in a compact
# form instead of JSON, after a contract in a file, `delay.proto`, from which the code of client and server is made.
#
# All get the same forecaster and the same requests, from four clients that each send the next request when the last
# one is answered. The first row is the forecaster alone, one forecast after the other, without any network. Times
# differ from computer to computer, and on yours from run to run. Look at how the rows compare.

# %% tags=["nbval-ignore-output"] id="compare"
found = {"no server": load.alone(lambda one: forecaster.forecast([one]), some, seconds)}
start, release = [sys.executable, "-m"], str(releases / "2")
if not server.running:  # you run this cell again
    server = Server([*start, "mlops_school.service", release])
found["FastAPI"] = load.by_clients(f"{server.address}/forecast", bodies, 4, seconds)
server.stop()
with Server([*start, "mlops_school.service.with_flask", release]) as one:
    found["Flask"] = load.by_clients(f"{one.address}/forecast", bodies, 4, seconds)
with Server([*start, "mlops_school.service.rpc", release], health=None) as one:
    found["gRPC"] = load.by_grpc_clients(one.address, bodies, 4, seconds)
pd.DataFrame({way: load.summarise(answers) for way, answers in found.items()}).T.round(1)

# %% [markdown] id="compare-reading"
# Compare `per_second` with the first row. Most of the time goes into the forecast; how a framework packs the
# question and the answer matters little beside it. If one row is ahead, run the cell again before you believe it:
# other programs use your processor, too, and only the service in FastAPI keeps a log and metrics. **Choose a framework
# for what your clients speak and your team knows.** To get faster, make the forecast cheaper: ours looks only at the
# weather that can matter for the flight, and not at the whole year.
#
# ## A page for people
#
# Programs speak JSON, people do not. At the path `/` the service has a small page with a form: every field has a
# label, errors stand at their field in words, the answer is announced to those who listen to the screen, and the
# keyboard is enough. To try it, open a terminal in the course folder, run
# `python -m mlops_school.service workspace/releases/1`, and open `http://127.0.0.1:8000`. Use it without the mouse,
# and with the carrier XX. Ctrl + C stops the service.
#
# ## Which one, when?
#
# | | batch | real-time |
# |---|---|---|
# | the questions | are known beforehand | come from outside |
# | an answer is as old as | the last run | the request |
# | when it breaks | run it again, nobody waits | somebody waits: R5, R6, R12 |
# | a wrong request | a line in the record | a status and a sentence, at once |
# | what it costs | seconds of computing an hour | a server, day and night, and who looks after it |
# | a new release | from the next run on | while requests come in |
#
# Many teams have both: the batch for all that can be foreseen, the service for the rest. What must not differ is
# the forecaster.

# %% [markdown] id="recap"
# ## What you take with you
#
# - **A batch is idempotent**: forecasts replace those of the same key, in one step, and a record says what made them.
# - **Fresh is not real-time.** Measure how old a forecast may be before you pay for a server.
# - **One forecaster for all ways**, or they will disagree.
# - **Refuse clearly.** Declare what a request is; everything else gets a 4xx that names what is wrong.
# - **Log lines explain, metrics watch**, and neither tells of people.
# - **A new release must prove itself** before it takes over, and the old one stays until then.
# - **The model is the slow part**, not the framework.
#
# ## Check what you know

# %% tags=["quiz", "nbval-ignore-output"] id="quiz"
quiz.show("12_deployment")
