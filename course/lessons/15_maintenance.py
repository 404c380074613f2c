# %% [markdown] id="why"
# ## Why it matters
#
# Release 1 is in service, and it is a good one. Now what? Nobody changes a line of it, and still it gets worse: the
# world goes on. So you train again. When? And is the new release really better, or only newer?
#
# One day a new release *is* worse. Can you go back with one command, at night, while your hands are shaking? And when
# the weather service changes a unit, when a release is no longer needed, when something has gone wrong: who does what?
#
# That is **maintenance**, the last of the six phases, and for most systems the longest. In this lesson you replay half a
# year with four ways of training again, on real flights and in dollars. Then you send a faulty release
# away, write down what happened, change a feature without a gap, and retire what is no longer used.

# %% id="imports"
from mlops_school import faults, quiz, registry, replay, retraining
from mlops_school import retraining_views as views
from mlops_school.exercises import ____
from mlops_school.exercises.maintenance import q1, q2, q3, q4, q5
from mlops_school.process import load_requirements

for name in ["R2", "R3", "R9", "R10"]:
    print(load_requirements()[name], "\n")

# %% [markdown] id="year-intro"
# Four requirements speak of the time after a release. The first three can be broken although nobody has touched
# anything. The fourth is about you.
#
# ## Part 1: when to train again
#
# Release 1 has learned from January to April, and its threshold was chosen in May. It serves from June to December,
# and nobody touches it. `expected` is the mean of its probabilities: which share of the flights it took to be late.

# %% id="year"
untouched = retraining.replay_year(retraining.never)
untouched.table().round(3)

# %% [markdown] id="triggers-intro"
# R3 (at least 0.70) is broken from July on. In September and October, R9 is broken or nearly so: far fewer flights are
# late than release 1 expects. In December it is the other way round. Something must be done. But when? A **trigger**
# decides that. On the first day of each month it looks at what is *known*: what the release has forecast so far, and
# what became of those flights. Of the month that begins, it knows nothing.
#
# | trigger | train again |
# |---|---|
# | `Schedule(2)` | when the release has served for two months |
# | `Drift()` | when the last month has broken R9: flights have *changed* |
# | `Performance()` | when the last month has broken R2 or R3: the release has become *worse* |
#
# The new release learns from the four newest months that it can have, chooses its threshold on the month after
# them, and serves at once.
#
# The table below the picture says how much `dearer` each policy is than doing nothing. All answer for the same flights,
# so the differences are **paired**: what makes a day expensive for everybody drops out. Three days in a row count as
# one (lesson 13). In the brackets is the 95 percent interval.

# %% id="triggers"
years = {
    "never": untouched,
    "every two months": retraining.replay_year(retraining.Schedule(2)),
    "drift": retraining.replay_year(retraining.Drift()),
    "performance": retraining.replay_year(retraining.Performance()),
}
views.show_policies(years)
retraining.compare(years)

# %% [markdown] id="december-intro"
# Every one of the three has made it *worse*, and no interval holds zero. Read the picture: until November the lines
# lie close together. Then comes December. Even the untouched release now costs more than the cheaper rule without a
# model (the wide grey line: warn of no flight, or of every one), so R2 is broken. But whoever has trained again in
# autumn pays much more. The drift trigger was *right*: September had changed. What it *did* about it was wrong. Why?
# Here are all releases that were tried, in the same December, with the shares of flights that each has `warned` of, and
# `missed`: late ones without a warning.

# %% id="december"
import pandas as pd

from mlops_school import intervals

rows = {}
for built in [6, 8, 10, 11, 12]:
    december = retraining.said(12, built)
    found = december[["probability", "warned", "dollars"]].mean()
    found["missed"] = (december["late"] & ~december["warned"]).mean()
    found["roc_auc"] = intervals.metrics(december)["roc_auc"]
    rows[retraining.name_of(built)] = found.rename({"probability": "expected"})
print(f"late: {december['late'].mean():.2f}")
pd.DataFrame(rows).T.rename_axis("learned from").round(2)

# %% [markdown] id="q1-task"
# A third of December's flights are late. Release `7-10`, the newest, expects a sixth, and ranks them worst of all.
# Release `5-8` is the dearest: calm September has set its threshold so high that it hardly warns, and 27 of 100 flights
# are late without a warning. With `3-6`, whose threshold is from July, it is 7.
#
# - **A window forgets.** The four newest months cannot know all seasons: `7-10` has seen no winter, and two very calm
#   months.
# - **The newest month is not the next month.** A threshold that was cheapest in September is cheapest in September.
#
# Training again is no repair by itself. It is a *new release*, with all the risks of one. Mind also what this does not
# show: it is one year with one December, and a release such as `3-6` was a good one. A longer window, or other
# thresholds, may do better. So ask your own data, as here, before a clock or an alarm decides for you.
#
# ### Exercise 1: a patient trigger
#
# `Performance` rings at a single weak month. Write a trigger that waits: `twice_weak(known)` is True if R3 was broken
# (area below 0.70) in **each of the last two months** in which this release has served, and False if it has served in
# fewer. `known.served` is a table of all flights in which it has served, with the columns `month`, `late` and
# `probability`; `known.month` is the month that begins. (`bool(…)` makes a plain True or False.)

# %% id="q1"
from sklearn.metrics import roc_auc_score


def twice_weak(known):
    ### BEGIN SOLUTION
    areas = [
        roc_auc_score(flights["late"], flights["probability"])
        for month, flights in known.served.groupby("month")
    ]
    return len(areas) >= 2 and bool(max(areas[-2:]) < 0.70)
    ### END SOLUTION


q1.check(twice_weak)
# q1.hint()
# q1.solution()

# %% [markdown] id="challengers-intro"
# ## Part 2: champion and challenger
#
# So a new release must not serve because it is new. In its first month it is only the **challenger**: it answers as a
# shadow (lesson 13) beside the **champion**, which serves. When the month is over, both have answered for the same
# flights, and the challenger takes over only if it has *proven* to be cheaper. Here are all challengers of this year,
# each in its first month, against release 1.

# %% id="challengers"
first_months = {
    f"{retraining.name_of(month)} in month {month}": retraining.difference(
        retraining.said(month, month), retraining.said(month, 6)
    )
    for month in [8, 10, 11, 12]
}
views.show_challengers(first_months)
for name, dearer in first_months.items():
    print(f"{name:16} {dearer:.2f}", "promoted" if retraining.is_cheaper(dearer) else "stopped")
gated = retraining.replay_year(retraining.Drift(), gate=True)
print(f"\ndrift, with this gate: {gated.trainings} new releases in service,", end=" ")
print(f"{gated.flights['dollars'].mean():.2f} dollars per flight")

# %% [markdown] id="flip-intro"
# None of the four has proven to be cheaper, so none would have served, and the disaster of December does not happen.
# With the gate, the drift trigger costs as much as doing nothing, and it is still there for the day when a challenger
# *is* better.
#
# A month has only some ten blocks of three days. Can an interval from so few be trusted? Here is a test that needs no
# formula. If both releases were equally good, then in each block it would be mere chance which of them is the dearer
# one: the *sign* of the difference might as well be the other. So flip all signs at random, many times, and see how
# often the sum is as far from zero as the real one.

# %% id="flip"
import numpy as np

august = retraining.by_block(retraining.said(8, 8), retraining.said(8, 6))
print("dollars by block:", *august)
signs = np.random.default_rng(15).choice([-1, 1], size=(10_000, len(august)))
by_chance = np.abs((signs * august.to_numpy()).sum(axis=1))
share = np.mean(by_chance >= abs(august.sum()))
print(f"sum {august.sum():,}; as far from zero by chance: {share:.0%} of the time")

# %% [markdown] id="q2-task"
# One block saves 4,090 dollars, another one loses 2,230. From signs by chance alone, a sum like this comes in 41
# percent of all cases: both tests agree that nothing is proven.
#
# ### Exercise 2: decide
#
# A release is not free. The computer takes seconds here, but somebody must look at it, watch its first days, and tell
# the users: say `price` dollars. The difference of a challenger lies between `low` and `high` dollars per flight
# (negative: it is cheaper), and a month has `flights` flights. Write `decide(low, high, flights, price)`:
#
# - `"promote"` if even the *least* saving that the interval allows pays for the release within a month;
# - `"stop"` if not even the *most* does;
# - `"wait"` otherwise: it goes on as a shadow for another month.


# %% id="q2"
def decide(low, high, flights, price):
    ### BEGIN SOLUTION
    least, most = -high * flights, -low * flights
    if least >= price:
        return "promote"
    return "wait" if most >= price else "stop"
    ### END SOLUTION


q2.check(decide)
# q2.hint()
# q2.solution()

# %% [markdown] id="dag-intro"
# ### Let a machine do it
#
# Each step is now a function, and what the steps share stands in the registry (lesson 11). So an **orchestrator** can
# start them, one after the other, repeat one that has failed, and keep a record. In **Airflow**, such a plan is a
# **DAG** (*directed acyclic graph*: arrows from step to step, and never in a circle), a file of Python. Ours is
# `course/pipelines/airflow/retraining.py`. Here is its end. The arrow `>>` means "then"; of a list, a task with
# `@task.branch` chooses one, by its name. Below it, the same steps run here, without Airflow, for August.

# %% id="dag"
from mlops_school import challenger
from mlops_school.paths import COURSE

dag = (COURSE / "pipelines" / "airflow" / "retraining.py").read_text(encoding="utf-8")
print(dag[dag.index("    @task.branch\n    def compare") :])

registry.start()  # begins afresh: release 1 is the champion
challenger.run(8)

# %% [markdown] id="service-intro"
# The tasks are thin: all that they do is in functions that are tested without Airflow. `challenger.run` called the
# same ones: a trigger asked for a release, it was trained and registered, compared, and stopped. (The tool lab
# *Airflow* runs the DAG itself.)
#
# ## Part 3: an incident
#
# Go back to 1 July. The service runs, as a process of its own, and takes the release that stands in its folder. It says
# which.

# %% id="service"
import sys

from mlops_school import rollback
from mlops_school.model_package import ModelPackage
from mlops_school.servers import Server

one = ModelPackage.load(registry.folder_of(1))
rollback.deploy()
service = Server([sys.executable, "-m", "mlops_school.service", str(rollback.place())])
rollback.await_health(service.address, lambda health: health["release"] == "1")

# %% [markdown] id="fault-intro"
# June is over, and somebody is in a hurry: *the trees stay as they are, we only choose the threshold anew, on June.
# What could go wrong?* So there is no challenger, and no gate.
#
# What nobody knows: on bad days the stations at the destinations are late with their messages, too. Of days with more
# than a quarter of the flights late, no arrival has been reported yet. Such flights look like cancelled ones, and are
# left out, silently.
#
# Release 2 is packed, registered and promoted. The gate in front of the alias looks for a signature and for the right
# bytes, and finds both.

# %% id="fault"
june = retraining.said(6, 6)
reported = faults.without_bad_days(june)
for name, table in {"all": june, "reported": reported}.items():
    days, unknown = table["date"].nunique(), faults.unknown_share(6, table)
    print(f"{name:9}{days} days, {table['late'].mean():.0%} late, {unknown:.0%} without a verdict")
faulty_release = faults.retuned(one, reported, "2")
print("threshold of release 1:", one.threshold, " of release 2:", faulty_release.threshold)

version = challenger.register(faulty_release)
registry.promote(version)
rollback.deploy()
rollback.await_health(service.address, lambda health: health["release"] == "2")

# %% [markdown] id="noticed-intro"
# From the calm days alone it looks as if few flights were late, so it pays to warn only when the model is very sure.
# Release 2 serves. It is healthy, fast, and refuses nothing. When does anybody notice? We replay July with release 2.
# Three alarms are conceivable:
#
# - the *report* at the end of the month (R2; `DelayCostsTooMuch` of lesson 14);
# - the *dollars* of each day against release 1, which goes on as a shadow: known once the flights have landed. It
#   rings when a confidence sequence (lesson 13: an interval that you may look at each day) excludes zero;
# - the *share of warnings* against release 1, each evening, which needs no landings at all. It rings at less than
#   half, or more than twice, as many.

# %% id="noticed"
faulty, before = replay.said_by(faulty_release, 7), replay.said_by(one, 7)
noticed = faults.first_noticed(faulty, before)
views.show_incident(faulty, before, noticed)
for alarm, day in noticed.items():
    lost = faults.impact(faulty, before, day)["dollars"]
    print(f"{alarm:25}day {day:2}, after {lost:6,} dollars")

# %% [markdown] id="q3-task"
# The simplest alarm is the quickest. R3 and R9 are blind here: the trees are the same, so the probabilities and the
# ranking are those of release 1. And there was an even earlier sign: 59 percent of June without a verdict, where it is
# 4 percent in the end (R1 asks for that number each month). It could have rung *before* anything was chosen.
#
# ### Exercise 3: a rule for going back
#
# Write the rule that goes back by itself. `go_back(warned, warned_before, flights)` gets three numbers of a day: how
# many flights the new release has warned of, how many the release before (the shadow) would have, and how many flights
# both have answered. It is True if the new one warns of *more than twice* or *less than half* as many, but never
# with fewer than *50* flights.


# %% id="q3"
def go_back(warned, warned_before, flights):
    ### BEGIN SOLUTION
    otherwise = warned > 2 * warned_before or 2 * warned < warned_before
    return flights >= 50 and otherwise
    ### END SOLUTION


q3.check(go_back)
# q3.hint()
# q3.solution()

# %% [markdown] id="rollback-intro"
# We had only the second alarm, and it rings in the evening of 13 July. What now? Two pages were written before, by day:
#
# - the **runbook** says for each alert what it means, what to look at, what to do, when to go back, and whom to tell.
#   Below is the section for R2;
# - the *rules* say for each requirement what is done, so that whoever is on duty has little to *decide* at night. A
#   test holds that every requirement with a rollback has a rule, and every rule an alert of lesson 14.

# %% id="runbook"
from IPython.display import Markdown, display

from mlops_school import handbook

display(Markdown(handbook.sections()["R2"]))
rules = pd.DataFrame(handbook.load_rules()).set_index("requirement")
rules[["alert", "action", "command"]]

# %% [markdown] id="back-intro"
# Mind R3 and R9: their action is not `rollback`. If flights have changed, the release before is no better. And
# `retrain` means a challenger, as in Part 2, not a new release. (`MONTH` is the number of the month that begins.)
#
# But here release 1 answers for the same flights, and it is cheaper. A careful reader of lesson 13 objects: the
# sequence takes days as independent, and in summer they are alike. True, and for a *promotion* this proof would be
# too weak. To go back needs less: release 1 is known, and the step can be taken back.
#
# So go back. One command, in a terminal in the folder of the course: `school rollback`. The next cell does what that
# command does (without the seconds in which Python starts), and the clock runs until the *service* says that release 1
# is back.

# %% id="back"
import time

from mlops_school import cli

began = time.monotonic()
cli.main(["rollback"])
print(rollback.await_health(service.address, lambda health: health["release"] == "1"))
print("within 60 seconds:", time.monotonic() - began <= rollback.WITHIN)
registry.table()

# %% [markdown] id="q4-task"
# R10 is met: nothing was trained, an alias and a pointer have moved, and the service took the package that had been
# there all the time. If you type the command twice, nothing more happens. If there is nothing to go back to, it says so
# and leaves the service alone.
#
# ### Exercise 4: what did it cost?
#
# Afterwards comes the **postmortem**: what happened, what it did to others, why, and what will be changed. Its second
# part is the *impact*, in numbers. `faulty` holds what release 2 said of all flights of July, `before` what release 1
# said of the same flights, row by row. Release 2 served from 1 July to the evening of *13 July*. Compute
#
# - `missed`: how many late flights *more* than with release 1 got no warning,
# - `dollars`: how many dollars *more* its mistakes cost.
#
# The columns are `date`, `late`, `warned` (True or False) and `dollars`.

# %% id="q4"
### BEGIN SOLUTION
served = faulty["date"].dt.day <= 13
missed = (faulty["late"] & ~faulty["warned"])[served].sum()
missed -= (before["late"] & ~before["warned"])[served].sum()
dollars = (faulty["dollars"] - before["dollars"])[served].sum()
### END SOLUTION
q4.check(missed, dollars, faulty, before)
# q4.hint()
# q4.solution()

# %% [markdown] id="postmortem-intro"
# A postmortem is **blameless**: it names roles and causes, and no culprits. That is no kindness. Whoever fears blame
# hides what happened, and then nobody learns from it. "Someone was careless" is never a cause; ask what made the
# mistake *possible*.
#
# The template is `course/operations/postmortem.md`. `fill` puts facts into it, and refuses to write a page that lacks
# one. The numbers come from the data. The thinking is yours; here is ours.

# %% id="postmortem"
from mlops_school.paths import workspace

facts = faults.impact(faulty, before, days=13) | faults.story(noticed)
page = workspace() / "15-maintenance" / "postmortem.md"
text = handbook.fill("postmortem.md", facts, page)
Markdown(text[text.index("## Timeline") :].replace("## ", "#### "))

# %% [markdown] id="features-intro"
# Each action changes the *system*, and has somebody who does it and a date. "Be more careful" is not among them.
#
# ## Part 4: when a feature changes
#
# The weather service announces: from now on, temperatures in °C. Two things can go wrong. First: release 9 has been
# trained on a new column `temp_c`, and comes too early: our service still delivers `temp`. We put it into the folder of
# the service, past everything.

# %% id="early"
from mlops_school.service.releases import point_to

faults.needs_celsius("9").write(rollback.place() / "9")
point_to(rollback.place(), "9")
health = rollback.await_health(service.address, lambda health: health["refused"])
print("in service: release", health["release"], "\nrefused:   ", health["refused"])
rollback.deploy()  # the champion again

# %% [markdown] id="unit-intro"
# A name that is missing is found: before a release serves, the service lets it forecast one flight. Second: the column
# keeps its *name*, and the numbers become others. The next cell asks release 1 for all of July, with both
# temperatures in °C.
#
# Against that, a package says what it needs, in a file of its own (`features.json`). The service says what it delivers,
# and `deploy` compares both *before* the release serves. Such an agreement is called a **contract**.

# %% id="unit"
from mlops_school import backtest, compatibility
from mlops_school.errors import CourseError

trial = backtest.load_month(7)
cold = trial[["late"]].join(backtest.answer(faults.in_celsius(trial), one))
print(pd.DataFrame({"°F": intervals.metrics(before), "°C": intervals.metrics(cold)}).round(2), "\n")
celsius = compatibility.Column("number", "°C")
try:
    rollback.deploy(delivered={**compatibility.DELIVERED, "temp": celsius, "dewp": celsius})
except CourseError as error:
    print(error)

# %% [markdown] id="q5-task"
# In °C there is no error anywhere: each forecast is a number, and a flight costs 1.25 dollars more on average. A model
# cannot notice a unit. With the contract, `deploy` refuses, and what is in service stays. But no computer finds out a
# unit: a contract knows what people have written into it, so whoever changes a feature changes the contract with it.
#
# But how *does* one change a unit, if old releases need the old one, and new ones the new one? Not at once, but in an
# order that is called **expand, migrate, contract**: let both live side by side until nobody needs the old. It holds
# for a column of a database, a field of an interface and a topic of messages, too.
#
# ### Exercise 5: the right order
#
# Release 1 needs `temp` in °F; releases 2 and 3 need `temp_c` in °C. Order these four steps so that the release in
# service always works, there is always a way back, and in the end only `temp_c` is delivered:
#
# - `"expand"`: the service delivers both,
# - `"release 2"` and `"release 3"`: that release is put into service,
# - `"contract"`: the service delivers `temp_c` only.

# %% id="q5"
### BEGIN SOLUTION
steps = ["expand", "release 2", "release 3", "contract"]
### END SOLUTION
q5.check(steps)
# q5.hint()
# q5.solution()

# %% [markdown] id="retire-intro"
# ## Part 5: the end
#
# The faulty release 2 is version 3 of the registry. It must never serve again, and yet it must be kept: the postmortem
# speaks of it. To **retire** is to archive, to open the archive, and only then to delete. What an alias points at is not
# retired.

# %% id="retire"
from mlops_school import retirement

try:
    retirement.retire(1)
except CourseError as error:
    print(error, "\n")
print("archived as", retirement.retire(version).name)
service.stop()
registry.table()

# %% [markdown] id="recap"
# A machine does the archive. The rest of a retirement is people: who still asks for this release, whose key can be
# withdrawn, which data may now be deleted? The checklist is `course/operations/retirement.md`.
#
# ## What you take with you
#
# - **A trigger tells you to look, and not what to do.** In this year, each policy that trained again blindly did worse
#   than the one that did nothing.
# - **A window forgets seasons, and the newest month is not the next month.**
# - **A challenger must prove that it is cheaper**, on the same days, and its price counts.
# - **Going back is one command**, it is rehearsed, and a rule says when.
# - **The simplest alarm may be the quickest**: how often does it warn?
# - **A postmortem changes the system**, with an impact in numbers, and blames nobody.
# - **Expand, migrate, contract**, with a contract that knows the units.
# - **Retire only what no name points at**, and open the archive first.
#
# ## Check what you know

# %% tags=["quiz", "nbval-ignore-output"] id="quiz"
quiz.show("15_maintenance")
