# %% [markdown] id="why"
# ## Why it matters
#
# A program that breaks says so: it stops, and somebody calls you. A model that no longer fits goes on answering. Each
# answer is quick and well-formed, status 200, and wrong. Nobody calls, since nobody who gets a wrong forecast knows that
# it is one.
#
# Release 1 learned from January to April and came into service in June. In this lesson you watch it until December,
# with the tools of the field. You will see things that look alarming and mean nothing, and things that look like
# nothing and cost money. To tell them apart is what monitoring is about.
#
# Ten requirements name this lesson as the place where somebody is told that they are no longer met. What tells them
# are **alert rules**, in the file `course/monitoring/alerts.yml`. Each rule belongs to a requirement:

# %% tags=["parameters"] id="imports"
import sys

import httpx
import numpy as np
import pandas as pd

from mlops_school import alerting, champion, dashboards, drift, monitoring, prometheus, quiz
from mlops_school import monitoring_views as views
from mlops_school.exercises import ____
from mlops_school.exercises.monitoring import q1, q2, q3, q4, q5
from mlops_school.features import FEATURES
from mlops_school.paths import new_folder

folder = new_folder("14-monitoring")

# %% id="promised"
from mlops_school.process import load_requirements

rules = sorted(alerting.load_rules(), key=lambda rule: int(rule.labels["requirement"][1:]))
needs = [rule.labels["requirement"] for rule in rules]
pd.DataFrame(
    {
        "alert": [rule.name for rule in rules],
        "severity": [rule.labels["severity"] for rule in rules],
        "requirement": [f"{name} {load_requirements()[name].title}" for name in needs],
    }
)

# %% [markdown] id="when-intro"
# ## What can be seen, and when
#
# A *page* wakes somebody, a *ticket* waits for the morning, a *note* for the next report. Why so different? Since not
# everything can be known at once. Whether a forecast was right is its **label**, and labels come late:
#
# | when | what is known | what it can show |
# |---|---|---|
# | at once | status, latency, memory, whether it is up | the service is broken: R1, R5, R6, R11, R12 |
# | before the flight | what comes in; what the model says of it | inputs or forecasts are not what they were |
# | hours after | which flights were late | more or fewer are late than expected |
# | a month after | enough labels to measure with | ranking, dollars, fairness: R2, R3, R7, R9 |
# | a month after | the file of the month, to learn from later | the source is broken: R8 |
#
# The earlier a signal is, the less it says about what you want to know. We go through the table from its middle:
# first the inputs.
#
# ## Part 1: data drift
#
# **Data drift** means that what comes in differs from what the model has learned from. To measure it for one column,
# cut the numbers of *then* into ten **bins** that hold a tenth each, and see how many of *now* fall into each. Here is
# the humidity: January to April against July.

# %% id="bins"
learned, july = monitoring.learned(), monitoring.outcomes(7)
bins = drift.shares(learned["humid"], july["humid"])
views.show_shares(bins, "humid", drift.psi(learned["humid"], july["humid"]))

# %% [markdown] id="q1-task"
# The **population stability index** (PSI) makes one number of the two rows of bars. With $t$ for the share of then and
# $n$ for that of now, in each bin:
#
# $$\text{PSI} = \sum_{\text{bins}} (n - t) \cdot \ln \frac{n}{t}$$
#
# It is 0 if nothing has changed. A rule of thumb from banks, which watch their customers with it, calls less than 0.1
# nothing, and more than 0.25 much. Keep in mind that it is only a rule of thumb.
#
# ### Exercise 1: PSI by hand
#
# Write `psi(then, now)`. Both are NumPy arrays of the shares of the bins; none of them is 0.


# %% id="q1"
def psi(then, now):
    ### BEGIN SOLUTION
    return np.sum((now - then) * np.log(now / then))
    ### END SOLUTION


q1.check(psi)
# q1.hint()
# q1.solution()

# %% [markdown] id="table-intro"
# Statisticians would rather **test** whether both samples can come from one source. For numbers there is the test of
# Kolmogorov and Smirnov (**KS**): the largest difference between the shares of both that lie below some number. For
# text there is the **chi-square** test: how often a value was seen, against how often it should have been. Each gives
# a **p-value**: how probable such a difference is if nothing has changed. Below 0.05, people say "significant".
#
# All three are a few lines each in `utils/mlops_school/drift.py`. July, by all columns:

# %% id="table"
table = drift.table(learned, july, FEATURES)
small = (table["p_value"] < 0.05).sum()
print(f"{len(july):,} flights; p < 0.05 for {small} of {len(table)} columns")
table.sort_values("psi", ascending=False)[["psi", "test"]].round(3)

# %% [markdown] id="halves-intro"
# Every column has changed, says the test, even `origin`, whose PSI is 0.000. Can that be? Make a test of the test,
# where you know the answer: the odd days of June against its even days. Nothing has drifted between them.

# %% id="halves"
june = monitoring.outcomes(6)
odd = june["date"].dt.day % 2 == 1
halves = drift.table(june[odd], june[~odd], FEATURES)
halves["p < 0.05"] = halves["p_value"] < 0.05
print(f"{len(june):,} flights on {june['date'].nunique()} days;", end=" ")
print(f"p < 0.05 for {halves['p < 0.05'].sum()} of {len(halves)} columns")
halves.sort_values("psi", ascending=False)[["psi", "p < 0.05"]].round(3)

# %% [markdown] id="evidently-intro"
# Nine columns "have changed" where nothing has. The p-value counts 27,075 flights as if each were a witness of its own.
# But all flights of a day see the same weather, so there are only thirty witnesses: fifteen days against fifteen. (The
# weekday is among the nine for the same reason: fifteen days cannot hold all weekdays equally often.) And even where rows *are*
# independent, with so many of them the smallest change is "significant". The p-value says how *sure* a change is. PSI
# says how *large* it is, and that is what you want to know. It is not wise either: fifteen days of air pressure are
# enough for 0.29.
#
# ### With a tool: Evidently
#
# **Evidently** does this for all columns at once and draws them. Its `Report` takes *presets*, lists of what to
# measure. The page that it makes has 4 MB, so it goes into a file, and this notebook only opens a window on it.
# Nothing is sent or fetched.

# %% id="evidently"
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

columns = ["carrier", "origin", "dest", "weekday", "minute_of_day", "humid", "temp"]
kinds = DataDefinition(categorical_columns=columns[:4], numerical_columns=columns[4:])
now, then = [Dataset.from_pandas(table[columns], kinds) for table in (july, learned)]
result = Report([DataDriftPreset(method="psi")]).run(now, then)
result.save_html(str(folder / "drift.html"))
found = {one["config"].get("column"): one["value"] for one in result.dict()["metrics"]}
views.show_page(folder / "drift.html", "Evidently's report on July")
ours = {name: drift.psi(learned[name], july[name]) for name in columns}
pd.DataFrame({"ours": ours, "Evidently": {name: found[name] for name in columns}}).round(3)

# %% [markdown] id="months-intro"
# The same where nothing can be chosen (`origin`, `weekday`). Elsewhere it differs, although both are called PSI:
# Evidently cuts numbers into bins of equal *width*, and for a value that was never seen it puts in a smaller number
# than we do (`dest`). **A PSI without its bins is no number to compare, and a threshold belongs to one way of counting.**
# Read also what the page calls *Dataset Drift*: half of the columns above 0.1, whichever they are. Two weather columns
# moved far, and it says "not detected".
#
# ## Part 2: model drift
#
# **Model drift** means that the model does worse. For that you need labels. For each month of its service: the largest
# PSI of what came in from the timetable and from the weather; that of the forecasts (against May, on which the
# threshold was chosen); the share of flights warned of; and what was known when all had landed.

# %% id="months"
from mlops_school import backtest

reports = [monitoring.report(month) for month in range(6, 13)]
months = monitoring.as_table(reports)
views.show_months(months)
low, high = backtest.by_month(july).loc[7, ["low", "high"]]
print(f"ROC AUC of July, drawn again by days: {low:.2f} to {high:.2f}")
months.round(3)

# %% [markdown] id="early-intro"
# Read it from the left, as it was known.
#
# - *Before they land*, only the weather is above 0.25, and it is so in *every* month. Sure: the model has learned in
#   winter, and summer is warm. June, when all is well, has 7.8. An alarm on that would ring from the first day to the last.
#   This is why the rule `DelayInputsDrift` leaves the weather out. Then it is silent for the whole year.
# - *July* shows nothing new in what comes in. Its forecasts are those of May (a PSI of 0.004, the smallest of all),
#   and 0.322 are late where 0.311 were expected. But the area under the ROC curve is 0.686: late flights no longer rank
#   well enough above punctual ones, and *R3 is broken*, from now on in each month. What has changed is not the inputs but
#   what follows from them. That is called **concept drift**, and only labels show it.
# - In *September* 0.137 are late where 0.278 were expected (R9). In *December* it is the other way round, and mistakes cost
#   7.74 dollars a flight, more than the 6.65 of a service without any model (R2).
#
# Is 0.686 in July chance? Drawn again by days, as in lesson 10, its interval reaches from 0.65 to 0.72: by itself it could be.
# R3 counts the value all the same, since to wait until one is sure costs a season. All five months after it are below
# 0.70 as well, and chance would not push to the same side for half a year.
#
# ### Sooner than a month
#
# R9 looks at months. The label of a flight, though, is there some hours after it was to leave. Why not look every day?
# *Late less expected* is how many were late, less how many the model expected, as a share of all flights. Outside of the
# band, which is 0.10 to both sides, an alarm would be on.

# %% id="early"
year = pd.concat([monitoring.outcomes(month) for month in range(6, 13)])
views.show_gaps(year, [1, 7, 21], limit=0.10)
alarms = pd.DataFrame({days: monitoring.alarm_days(year, days, 0.10) for days in [1, 7, 21]})
alarms.groupby(alarms.index.month).sum().rename_axis("days with an alarm in month")

# %% [markdown] id="q2-task"
# A single day says little: a thunderstorm makes half of it late. An alarm that rings on every second day is switched off
# soon, by someone, silently. Many days together are calm, but they are slow. There are two kinds of mistakes, **false
# alarms** and **missed or late alarms**, and you can trade one for the other, but not have neither.
#
# ### Exercise 2: choose with both mistakes in view
#
# Choose `days` and `limit` so that
#
# - there is no alarm from June to August, whose months are within R9,
# - September, which breaks R9, is noticed on 7 September at the latest,
# - at most 14 days are taken together: three weeks are slow when flights change from one day to the next.

# %% id="q2"
### BEGIN SOLUTION
days, limit = 14, 0.14
### END SOLUTION
q2.check(days, limit, year)
# q2.hint()
# q2.solution()

# %% [markdown] id="start-intro"
# You chose it on the months that you judge it by, so do not believe it too much: next year's June is the fair test.
#
# ## Part 3: watch a service
#
# Now the first line of the table: the service itself. **Prometheus** is a program that asks each service every few
# seconds for its numbers, at the path `/metrics` (it *scrapes* them), keeps them as **series** over time, and looks at
# alert rules. We start the service of lesson 12; an **exporter**, a small server that publishes the last month's
# report in the same form, and how many months of data are in quarantine (lesson 06, R8); and Prometheus.
#
# Prometheus is no Python package. Binder has it; on Debian and Ubuntu, `sudo apt install prometheus` brings it (and starts
# one for the whole computer, which `sudo systemctl disable --now prometheus` ends). Where it is missing or does not
# start, a stand-in of ours asks the same addresses and works out the same rules, so that all below is the same.

# %% tags=["nbval-ignore-output"] id="start"
from mlops_school.servers import Server

server = Server([sys.executable, "-m", "mlops_school.service", str(champion.folder())])
exporter = monitoring.Exporter(quarantine=folder / "quarantine")
exporter.publish(reports[0])
watch = prometheus.watch({"delay-service": server.address, "delay-month": exporter.address})
print("What watches here:", watch.name)

# %% [markdown] id="query-intro"
# ### Ask in PromQL
#
# A metric of type **counter** only grows. A **histogram** is a set of counters, its **buckets**: how many answers took
# at most 0.005, 0.01, … seconds. That bound is in their label `le`, for "less or equal". **PromQL**, the language of
# Prometheus, makes speeds of counters: `rate(x[5m])` is by how much `x` grew per second in the last five minutes.
#
# We ask how many seconds 95 percent of the answers take at most: before any request, after the first one, and after sixty
# more. Ten of these lack everything that a flight needs.

# %% id="query"
from mlops_school import swaps

slowest = """histogram_quantile(0.95, sum by (le) (
    rate(delay_request_seconds_bucket{path="/forecast"}[5m])))"""
bodies = swaps.afternoon(month=7, day=2, n=50) + [{"carrier": "XX"}] * 10
client = httpx.Client(base_url=server.address, trust_env=False, timeout=30)
print("no request, the answer:", watch.query(slowest).to_list())
for some in [bodies[:1], bodies]:
    for body in some:
        client.post("/forecast", json=body)
    watch.settle(), watch.settle()
    print(f"requests: {len(some)}, finite: {np.isfinite(watch.query(slowest)).to_list()}")
watch.query('sum by (status) (delay_requests_total{path="/forecast"})')

# %% [markdown] id="performance-intro"
# After the first request, the answer was not finite but `NaN`, "not a number". A speed needs two looks between which
# something has grown. A counter that a program makes at its first request appears with the value 1 and has not
# *grown* yet. Remember that, it comes back.
#
# Of the sixty-one requests, ten were refused, with status 422 (R6). Now the other numbers that belong to a service:
# **latency**, the time to the answer; **resources**, which is memory and processor; **uptime**, the share of the time in
# which it answered; and, as the first sign of business, the share of flights warned of. They differ on each computer.

# %% tags=["nbval-ignore-output"] id="performance"
for panel in dashboards.SERVICE[1:]:
    for line, expression in panel.lines.items():
        print(f"{panel.title}: {line} {watch.query(expression).round(3).to_list()}")
used = monitoring.resources(server.pid)
print(f"memory: {used['memory_mb']:.0f} MB, processor: {used['cpu_seconds']:.1f} s since it began")

# %% [markdown] id="q3-task"
# ### Exercise 3: a requirement becomes an alert
#
# An alert rule is an expression: **whatever it finds is an alert**. The `expr` of the rule for R3, for example, is
# `delay_month_roc_auc < 0.70`: it finds the series if it is below, and nothing otherwise.
#
# R5: of all requests for a forecast, at least 95 percent get their answer within 200 milliseconds. Write `expr`, which finds
# something when that was not so in the last five minutes. You have `delay_request_seconds_bucket` and
# `delay_request_seconds_count` (all answers), with the label `path`. There may be several replicas, and quick requests to
# other paths. The check tries it on traffic that it makes up, with the stand-in.

# %% id="q3"
### BEGIN SOLUTION
expr = """
sum(rate(delay_request_seconds_bucket{path="/forecast", le="0.2"}[5m]))
/ sum(rate(delay_request_seconds_count{path="/forecast"}[5m]))
< 0.95
"""
### END SOLUTION
q3.check(expr)
# q3.hint()
# q3.solution()

# %% [markdown] id="kill-intro"
# ### Pull the plug
#
# Now the service dies. `up` is a series that Prometheus makes itself: 1 if the last scrape was answered. (To run the cells
# above again after this one, begin with the one that starts the service.)

# %% id="kill"
server.stop()
watch.settle()
print("up:", watch.query('up{job="delay-service"}').to_list())
alerts = watch.alerts()
alerts[alerts["requirement"] == "R12"]

# %% [markdown] id="never-intro"
# The alert is **pending**: its rule says `for: 1m`, so it fires when the service was away for a whole minute. One scrape
# that fails wakes nobody.
#
# ## Part 4: test the alerts
#
# Would you wait a minute for each rule that you write, and break a service for it? **An alert that was never seen to
# fire is a hope.** Prometheus has a program, `promtool`, that tries rules on series that somebody made up, with a time
# that passes at once. Our tests are in `course/monitoring/alerts_test.yml`; `promtool test rules` runs them, and
# `alerting.try_expression` does the same on every computer, with an expression of yours in place of the course's.
#
# Here is how one would write an alert for R6, *no request makes the service fail*. A status from 500 on means that it did.

# %% id="never"
first_try = 'increase(delay_requests_total{status="5.."}[5m]) > 0'
alerting.try_expression("DelayRequestsFail", first_try)

# %% [markdown] id="q4-task"
# It looks right, it is valid, and it would never have fired. You would have found out on the day when you needed it.
#
# ### Exercise 4: repair the alert that never fires
#
# Write `expr` so that all these tests pass. In *the first failure of all*, the series with status 500 appears in minute 3
# with the value 1, and stays there. In *one more failure* it has been 7 for long, and is 8 from minute 10 on. Refused
# requests (422) are no failures, and after some quiet minutes the alert has to end.

# %% id="q4"
### BEGIN SOLUTION
expr = """
increase(delay_requests_total{status=~"5.."}[5m]) > 0
or
delay_requests_total{status=~"5.."} unless delay_requests_total offset 5m
"""
### END SOLUTION
q4.check(expr)
# q4.hint()
# q4.solution()

# %% [markdown] id="flap-intro"
# ### An alert that flaps
#
# The opposite fault is an alert that comes and goes. Answers are slow for a moment, all is well, they are slow again:
# each time somebody is woken, for nothing that could be done. The cure is the `for:` that you saw. First without it, then
# with five minutes.

# %% id="flap"
rule = next(rule for rule in rules if rule.name == "DelayAnswersSlow")
went = {wait: alerting.try_expression(rule.name, rule.expr, wait) for wait in ["0m", "5m"]}
table = went["5m"][["test", "minute", "expected"]]
table.assign(**{f"fired, for: {wait}": rows["fired"] for wait, rows in went.items()})

# %% [markdown] id="play-intro"
# Without `for:`, it fires in minutes 12 and 15 about something that is over in minute 18. With it, it does not, and still
# finds what lasts. The price is that it comes five minutes later. That is the trade of exercise 2 once more.
#
# ## Part 5: July is discovered
#
# Now all parts together: the exporter publishes the report of one month after the other, Prometheus scrapes
# it and looks at the rules. Which alerts fire in which month? (A month takes about a second here.)

# %% id="play"
alerts, lines = monitoring.play(watch, exporter, reports)
alerts

# %% [markdown] id="dashboard-intro"
# There it is. At the end of July, the ticket of R3 says that release 1 no longer ranks flights well enough. Before that, no
# number from the inputs or the forecasts had said so.
#
# Each further alert has its own month: R9 in September, R7 in November, when three months are enough to be sure of a
# difference, R2 in December. In October the difference of R9
# is just below 0.10, so it is silent: a limit is a limit. And
# *DelayInputsDrift* is silent for the whole year. With a rule on the weather, it would be on in all seven months, the good one
# included, and would tell July from June no better. No month of data came in broken, so R8 has nothing to say.
#
# ### A dashboard
#
# People look at such numbers in **Grafana**, a server that draws what Prometheus knows. Its dashboards can be clicked
# together. Ours is *code*, so that it has versions and tests like the rest: `course/monitoring/dashboard.json` is
# written from a list of panels, `dashboards.SERVICE` and `dashboards.MONTH`. To use it, import the file in Grafana
# (*Dashboards*, *New*, *Import*). Grafana is not run here; these are the panels about months, drawn from the same
# expressions.

# %% id="dashboard"
views.show_panels(lines, dashboards.MONTH)
watch.stop()
exporter.stop()

# %% [markdown] id="q5-task"
# ## What has happened?
#
# An alert says that something is wrong, not what. So look at several signals together. Below are four changes of June
# whose causes are known, since we made them:
#
# - `feed`: a source is broken, and the weather is missing everywhere;
# - `data`: other flights come in, four times as many that leave in the evening;
# - `prior`: two of three late flights are gone, whatever the reason, so fewer are late (**prior** drift);
# - `concept`: which flights of the afternoon are late has nothing to do any more with what the model knows.
#
# ### Exercise 5: a diagnosis
#
# Which row is which? `column` is the one that has changed most, if its PSI is 0.1 or more; `missing` is the share of all inputs
# that are missing; then the difference of R9 and the area under the ROC curve.

# %% id="symptoms"
seen = {"June": june, **monitoring.patients(june)}
rows = {name: monitoring.symptoms(table, june) for name, table in seen.items()}
pd.DataFrame(rows).T.infer_objects().round(3)

# %% id="q5"
### BEGIN SOLUTION
diagnosis = {"A": "feed", "B": "prior", "C": "data", "D": "concept"}
### END SOLUTION
q5.check(diagnosis)
# q5.hint()
# q5.solution()

# %% [markdown] id="recap"
# What to do differs as well. A broken feed is repaired, not learned from. For a prior, a new threshold or a recalibration
# may be enough. For a concept, the model has to learn from newer flights, and other inputs may be needed. Each alert of
# ours names a **runbook**, a page that says what to do. Lesson 15 writes it.
#
# ## What you take with you
#
# - **Labels come late.** What you see early says little about what you want to know; what says it comes a month later.
# - **A p-value says how sure, PSI says how large.** Flights of one day are not independent witnesses.
# - **Data drift is not model drift.** The weather drifted all year and was no problem; July's model drift was in no input.
# - **Each alert has two kinds of mistakes.** Count the false alarms before you switch it on.
# - **An alert that was never seen to fire is a hope.** Test it, with a time of its own.
# - **Several signals make a diagnosis.** One makes a guess.
#
# ## Check what you know

# %% tags=["quiz", "nbval-ignore-output"] id="quiz"
quiz.show("14_monitoring")
