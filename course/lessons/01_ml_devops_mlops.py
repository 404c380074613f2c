# %% [markdown] id="why"
# ## Why it matters
#
# Three words are in the name of this course, and people use them loosely. Here each gets a meaning that you
# can run. **ML** is learning from data instead of writing rules. **DevOps** is development and operations as
# one loop. **MLOps** is that loop for software with a model in it, whose data keep changing.
#
# Then you see the six benefits of MLOps, each measured before and after. A service is judged by what its
# mistakes cost, so the requirement about that comes first.

# %% id="imports"
import matplotlib.pyplot as plt
import pandas as pd

from mlops_school import data, plots, quiz
from mlops_school.evaluation import cost
from mlops_school.exercises import ____
from mlops_school.exercises.ml_devops_mlops import q1, q2, q3, q4
from mlops_school.features import load_examples
from mlops_school.process import load_requirements

may_flights = data.load_flights([5]).dropna(subset="arr_delay")
print(load_requirements()["R2"])

# %% [markdown] id="q1-task"
# ## ML: learn from data instead of writing rules
#
# Before machine learning, somebody wrote down what they knew: *evening flights are late more often, so warn
# of those*. That is a rule. You can read it, and it is as good as its writer.
#
# ### Exercise 1: write the rule
#
# Write a function that takes a table of flights, as in lesson 00, and returns True for each flight that it
# warns of. Any columns known *two hours before departure* may be used, such as `hour`, `month`, `carrier`,
# `origin`, `dest` and `distance`. It has to be cheaper in May than silence, the service that never warns.


# %% id="q1"
def rule(flights):
    ### BEGIN SOLUTION
    return flights["hour"] >= 15
    ### END SOLUTION


q1.check(rule, may_flights)
# q1.hint()
# q1.solution()

# %% [markdown] id="learn-intro"
# Now nobody writes a rule. A model gets the flights of January to April with their outcomes, and finds out
# by itself what late flights have in common. For each new flight it then gives a probability. It warns from
# the probability on that would have been cheapest for the flights it learned from.
#
# All are measured on May, a month that the model has never seen.

# %% id="learn"
from mlops_school.mlops_loop import learn

train, may = load_examples([1, 2, 3, 4]), load_examples([5])
model = learn(train)
after_15 = may["minute_of_day"] >= 15 * 60
warned = {"silence": 0 * after_15, "rule: from 15:00 on": after_15, "model": model.warn(may)}
dollars = pd.Series({name: cost(may["late"], who) / len(may) for name, who in warned.items()})

figure, axes = plt.subplots(figsize=(8, 2.4))
axes.bar_label(axes.barh(dollars.index, dollars), fmt=" %.2f")
axes.set(title="Dollars per flight that the mistakes cost in May")
plots.show(figure, "Bars: " + ", ".join(f"{name} {d:.2f}" for name, d in dollars.items()))

# %% [markdown] id="order-intro"
# In May the model beats the rule: it weighs hour, weather, airline and airport together, in a way nobody had to write down.
# The price is that nobody can read it either, so it must be measured. Once is not enough: in June and in July,
# *warn from noon on* would have been cheaper than this model. Later lessons find out why, and what to do.
#
# ## DevOps: what breaks when a notebook is all you have
#
# You found a good model. Somebody has to run it tomorrow, on another computer. Suppose a notebook is all
# there is. `Notebook` plays one inside this page: cells that share a memory, run in any order. A typical one
# finds how many flights were late in January. Its author, in a hurry, runs a cell twice, or skips it, and in the
# end deletes a cell that seems to be used up. Then a colleague opens the saved notebook.

# %% id="order"
from mlops_school.cells import Notebook

author = Notebook(
    {
        "load": "from mlops_school import data\n"
        "delay = data.load_flights([1])['arr_delay'].dropna()",
        "limit": "limit = 0.25",
        "hours": "delay = delay / 60",
        "late": "percent = 100 * (delay >= limit).mean()",
    }
)
# %% id="order-runs"
for order in ["load limit hours late", "load limit hours hours late", "load limit late"]:
    percent = author.run(*order.split())["percent"]
    print(f"{order + ':':<30}{percent:5.1f} percent late")

del author.cells["limit"]
print(f"the author, without the cell: {author.run()['percent']:5.1f} percent late")
try:
    Notebook(author.cells).run()
except NameError as error:
    print("a colleague, same notebook:  ", error)

# %% [markdown] id="q2-task"
# Three orders, three results, and no error. The author's kernel still remembers the deleted cell; the
# colleague's never knew it. You repaired such a muddle in lesson 00 by restarting. Here is the real cure.
#
# ### Exercise 2: repair it for good
#
# Put the cells into *one function* of the arrival delays, in minutes. It returns how many percent of the
# flights *that arrived* were 15 or more minutes late. Cancelled flights have a missing delay. The result must
# depend on nothing but the input.


# %% id="q2"
def percent_late(minutes):
    ### BEGIN SOLUTION
    return 100 * (minutes.dropna() >= 15).mean()
    ### END SOLUTION


q2.check(percent_late)
# q2.hint()
# q2.solution()

# %% [markdown] id="silent-intro"
# A function can be **tested**. That matters on the day when somebody changes it. Below, `tidied` was meant
# to be the same as `original`, only shorter.

# %% id="silent"
import numpy as np


def original(minutes):
    return 100 * (minutes.dropna() >= 15).mean()


def tidied(minutes):
    return 100 * (minutes > 15).mean()


# %% [markdown] id="silent-check-intro"
# Python accepts both. So nothing becomes a **version** before an *automatic check* has passed: a few flights
# whose right answer is known by hand. What does each function say of January, and what does the check say?

# %% id="silent-check"
january = data.load_flights([1])["arr_delay"]
known = pd.Series([14.0, 15.0, np.nan, 40.0])  # one on time, two late, one cancelled
versions = []
for change in (original, tidied):
    passed = round(change(known)) == 67  # two of three
    if passed:
        versions.append(change)
    print(f"{change.__name__:<9}{change(january):.1f} percent,", "passes" if passed else "STOPPED")
print(f"in use: version {len(versions)}, {versions[-1](january):.1f} percent")

# %% [markdown] id="drift-intro"
# It changes yesterday's result, no error tells, and the difference is small enough to be believed. The check stopped it, and
# the last version stays in use. This is **DevOps** in small: those who develop and those who operate share one
# loop of change, check, release, watch; it is automatic, so it can be short and frequent.
#
# ## MLOps: the same code, new data, a worse model
#
# With a model, there is trouble even if nobody changes anything. The model above learned from January to
# April. We leave it as it is, and measure it month by month. ROC AUC is the chance that it gives a late flight
# a higher probability than a punctual one. Requirement R3 says how much is enough.

# %% id="drift"
from mlops_school.mlops_loop import MINIMUM_ROC_AUC, watch

watched = watch(model, range(1, 13))
roc_auc = watched["roc_auc"]
figure, axes = plt.subplots()
axes.plot(roc_auc[:4], "s--", color=plots.GREY, label="months it learned from")
axes.plot(roc_auc[4:], "o-", label="months it has never seen")
axes.axhline(MINIMUM_ROC_AUC, linestyle=":", color="black", label="least that R3 allows")
axes.set(title="Nobody touched it, and it got worse", ylabel="ROC AUC")
axes.legend()
plots.show(figure, "ROC AUC: " + ", ".join(f"{m} {auc:.2f}" for m, auc in roc_auc.items()))

# %% [markdown] id="incidents-intro"
# On its own months it looks splendid, which proves little. On new ones it starts lower and sinks below the
# requirement. The code is the same to the last letter. Summer and autumn are not like the months it learned
# from. That is called **drift**.
#
# So **MLOps is DevOps for three things that change: code, data and model**. Each needs versions, tests and
# monitoring. What versions are good for shows when something goes wrong. Below are three incidents. In each, code, data
# and model are all others than before. Because the old versions are kept, we can swap one part at a time.

# %% id="incidents"
from mlops_school.incidents import make_incidents, swap_one_at_a_time

before, incidents = make_incidents(model)
swapped = pd.DataFrame(
    {name: swap_one_at_a_time(before, today) for name, today in incidents.items()}
)
swapped.round(2)

# %% [markdown] id="q3-task"
# Each column is an incident, each number the cost in dollars per flight. The first row is how it was. The
# next three rows take only one part from today.
#
# ### Exercise 3: code, data or model?
#
# Say for each incident which of the three is to blame, as a dict such as `{"A": "code", …}`.

# %% id="q3"
### BEGIN SOLUTION
culprit = {"A": "data", "B": "code", "C": "model"}
### END SOLUTION
q3.check(culprit, swapped)
# q3.hint()
# q3.solution()

# %% [markdown] id="automation-intro"
# What had happened: in A, December came. In B, the code began to give temperatures in another unit. In C,
# somebody trained on one month only. From the rising cost alone, the three look the same.
#
# ## Six benefits, measured
#
# ### 1. Automation
#
# May is over, and the model shall learn from it, too. In a notebook, that means to set `months` and run five
# cells in order. Say that one is forgotten: `load`, since flights are loaded already. Next to it, one call
# that does all of it. June tells how good each service is, in dollars per flight.

# %% id="automation"
from mlops_school.mlops_loop import TRAINING_CELLS, train_service

steps, by_hand = list(TRAINING_CELLS), Notebook(TRAINING_CELLS)
by_hand.memory["months"] = [1, 2, 3, 4]
by_hand.run("load")  # so it was last month
by_hand.memory["months"] = [1, 2, 3, 4, 5]
careless, careful = by_hand.run(*steps[1:])["service"], by_hand.run(*steps)["service"]
automatic, june = train_service([1, 2, 3, 4, 5]), load_examples([6])
three = (careless, careful, automatic)
dollars = [f"{service.measure(june)['cost_per_flight']:.2f} dollars" for service in three]
print("`load` forgotten {}, all steps {}, one call {}".format(*dollars))
benefits = {"automation": (f"{len(steps)} steps, {dollars[0]}", f"1 call, {dollars[2]}")}

# %% [markdown] id="deployment-intro"
# With the step forgotten, the service never saw May. It is dearer, and nothing complained. The other two
# agree. One call has no step to forget, and can be run by a clock.
#
# ### 2. Faster deployment
#
# The new service is in your notebook. A **server** has to answer with it, which means three steps: copy the
# model, edit the threshold, restart. We do them by hand, each time forgetting another one, and see for how
# many percent of the flights in June the server answers otherwise than the new service. Then `deploy` does all
# three and compares the answers itself; if they differed, it would bring the old service back.

# %% id="deployment"
from mlops_school.mlops_loop import deploy, percent_wrong, release_by_hand, start_server
from mlops_school.paths import workspace

wrong = {}
for forgotten in ["copy the model", "edit the threshold", "restart the server"]:
    server = start_server(model, workspace() / "delay-service")
    steps = release_by_hand(automatic, server, forgotten)
    wrong[forgotten] = f"{percent_wrong(server, automatic, june):.0f} % wrong"
deploy(automatic, server, june)
checked = wrong["nothing, by deploy"] = f"{percent_wrong(server, automatic, june):.0f} % wrong"
benefits["faster deployment"] = (f"{len(steps)} steps, {wrong[forgotten]}", f"1 step, {checked}")
pd.Series(wrong).rename_axis("forgotten").to_frame("answers")

# %% [markdown] id="reproducibility-intro"
# A forgotten threshold is the nastiest: most answers are right. When releasing is one safe step, people
# do it on the day when something is ready. That is what makes it fast: not the copying, which takes
# a moment, but the missing fear.
#
# ### 3. Reproducibility
#
# Training draws some flights at random, to know when to stop. Train twice on a part of January: without a seed, with a
# seed, and with the seed on a colleague's copy in which one single flight is missing. Are the probabilities
# the same? And would the version of the data, a fingerprint of every value, have told?

# %% id="reproducibility"
from mlops_school.mlops_loop import version_of

first = load_examples([1]).head(12_000)
copy = first.drop(index=100)
trials = {"no seed": (None, first), "seed 7": (7, first), "seed 7, a flight missing": (7, copy)}
outcome = {}
for name, (seed, second) in trials.items():
    one, other = (learn(table, seed).probability(may) for table in (first, second))
    outcome[name] = "identical" if np.array_equal(one, other) else "different"
    version = "same" if version_of(first) == version_of(second) else "another"
    print(f"{name + ':':<26}{outcome[name]}, {version} version of the data")
benefits["reproducibility"] = [f"{outcome[name]}: {name}" for name in ("no seed", "seed 7")]

# %% [markdown] id="scalability-intro"
# Without a seed, nobody can ever repeat the model. With it, everybody can, to the last bit, if the data are
# the same, and one flight in thousands is enough to make another. You would not see it; the version does.
#
# ### 4. Scalability
#
# The same function shall answer for one flight, for a month and for a whole summer. Flight by flight is slow, since each
# call has a price of its own. All at once is fast, and needs room for the whole table. In **chunks** it is
# fast, and the room needed is that of one chunk, however many more follow.

# %% id="scalability"
from mlops_school.mlops_loop import warn_in_chunks

months = range(5, 9)
at_once, most = warn_in_chunks(model, [load_examples(months)])
chunks, chunk = warn_in_chunks(model, (load_examples([month]) for month in months))
one_by_one, one = warn_in_chunks(model, (may.iloc[[row]] for row in range(100)))
print(f"at once:          {most:>7,} rows in memory")
print(f"month by month:   {chunk:>7,} rows, same answers: {np.array_equal(chunks, at_once)}")
same = np.array_equal(one_by_one, at_once[: len(one_by_one)])
print(f"flight by flight: {one:>7,} row, same answers: {same}")
benefits["scalability"] = (f"{most:,} rows in memory", f"{chunk:,} rows, same answers")

# %% [markdown] id="speed-intro"
# Every way gives the same answers, so only room and speed decide. How fast your computer is, it alone
# can tell; run the cell and see. The last line is the release from above: copy, restart and check.

# %% tags=["nbval-ignore-output"] id="speed"
from time import perf_counter

for name, flights in {
    "flight by flight": (may.iloc[[row]] for row in range(100)),
    "month by month": (load_examples([month]) for month in months),
}.items():
    start = perf_counter()
    rows = len(warn_in_chunks(model, flights)[0])
    print(f"{name:<18}{rows / (perf_counter() - start):>9,.0f} rows per second")
start = perf_counter()
deploy(automatic, server, june)
print(f"a checked release {perf_counter() - start:>9.1f} seconds")

# %% [markdown] id="monitoring-intro"
# ### 5. Monitoring
#
# Our first model has been answering since May. Nobody looks, since nothing crashes: decay is silent. Now a
# monitor measures each month as soon as its flights have landed, and raises an alert when a requirement is
# broken. R2 is about money: the model must be cheaper than the cheaper one of *never warn* and *always warn*.

# %% id="monitoring"
after = watched[4:]
bad, worse = (after.index[after["broken"].str.contains(name)] for name in ("R", "R2"))
axes = after[["dollars", "simple"]].plot(style=["o-", "s--"], ylabel="dollars per flight")
axes.axvline(after.index.get_loc(bad[0]), linestyle=":", color=plots.RED)
axes.legend(["model", "cheaper of never and always", "first alert"])
axes.set_title("When is the model worth its keep?")
alt = f"First alert in {bad[0]}. The model is the dearer way in {' and '.join(worse)}."
plots.show(axes.figure, alt)
benefits["monitoring"] = (f"{len(bad)} bad months, nobody told", f"alert in {bad[0]}, the first")
after[["gap", "broken"]].round(1).T

# %% [markdown] id="q4-task"
# R3 rings first: the model ranks worse, but still earns its keep. Later it costs more than no model
# at all. Whoever heard the first alert had time to act.
#
# ### Exercise 4: an alert of your own
#
# A simple signal is the `gap`: how many percent of the flights the model expects to be late, minus how many
# were. Choose the limit of an alert that rings when the gap, *up or down*, is larger. It must catch the
# first month that breaks *R2*, without a false alarm in any month before.

# %% id="q4"
### BEGIN SOLUTION
alert_limit = 10
### END SOLUTION
q4.check(alert_limit, after)
# q4.hint()
# q4.solution()

# %% [markdown] id="input-intro"
# ### 6. Reliability
#
# First, *bad input*. A partner's program sends 17:30 as 1730, a clock time, where the model takes
# minutes since midnight. Another one forgets a column. We ask the bare model, and then a guarded one, which
# refuses what cannot be.

# %% id="input"
from mlops_school.mlops_loop import GuardedService

guarded, minutes = GuardedService(model), may["minute_of_day"]
clock = may.assign(minute_of_day=100 * (minutes // 60) + minutes % 60)
for sent, flights in {"clock times": clock, "no 'temp'": may.drop(columns="temp")}.items():
    for name, ask in {"bare": model.warn, "guarded": guarded.warn}.items():
        try:
            result = f"{100 * (ask(flights) != model.warn(may)).mean():.0f} % wrong"
        except Exception as error:
            result = f"{type(error).__name__}: {error}"
        print(f"{sent:<13}{name:<9}{result}")

# %% [markdown] id="fallback-intro"
# The bare model answers nonsense with a straight face, or crashes. The guarded one says what is wrong. (A
# morning flight sent as 930 would pass: ranges stop what is impossible, not all that is wrong.)
#
# Second, *a bad model*. Three candidates are offered: one learned with *late* and *punctual* mixed up, one
# from a single month, one from January to May. The guarded service tries each on June, which none has seen,
# and otherwise falls back to the last good one. July shows what it saved.

# %% id="fallback"
punctual_for_late = learn(first.assign(late=~first["late"]))
july, saved = load_examples([7]), {}
candidates = {"mixed up": punctual_for_late, "February": train_service([2]), "to May": automatic}
for name, candidate in candidates.items():
    decision = guarded.offer(candidate, june)
    pair = [s.measure(july)["cost_per_flight"] for s in (candidate, guarded.last_good)]
    saved[name] = [f"{dollars:.2f}" for dollars in pair]
    print(f"{name:<10}{decision:<25} July: {saved[name][0]} unguarded, {saved[name][1]} guarded")
unguarded, kept = saved["mixed up"]
benefits["reliability"] = (f"bad model: {unguarded} dollars", f"falls back: {kept} dollars")

# %% [markdown] id="loop-intro"
# Two were refused and nobody noticed anything. The third was good, and took over.
#
# ## The loop
#
# Put the steps in a ring and you have MLOps. It differs from DevOps in the dashed arrow: an alert leads back
# to new *data*, not only to new code. Each step shows the benefit that it brings. The table says what you
# measured; *before* is what happened by hand when a step was forgotten, or when nobody was on guard.

# %% id="loop"
from mlops_school.mlops_loop import STEPS, draw_loop

ring = ", ".join(f"{step} ({benefit})" for step, benefit in STEPS.items())
plots.show(draw_loop(), f"A ring of six steps: {ring}; an alert leads from Watch back to Data.")
pd.DataFrame.from_dict(benefits, orient="index", columns=["before", "after"])

# %% [markdown] id="recap"
# ## What you take with you
#
# - **ML**: a model learns from data what nobody could write as a rule, and has to be measured on data
#   that it has not seen.
# - **DevOps**: change, check, release, watch, as one short and automatic loop. A tested function gives everybody
#   the same result; a notebook's memory does not.
# - **MLOps**: DevOps for code, data *and* model. All three change, so all three need versions, tests and
#   monitoring. Then you can tell which of them went wrong.
# - **Six benefits**, each of which you have measured: automation, faster deployment, reproducibility,
#   scalability, monitoring, reliability.
# - **A model decays though nobody touches it**, and only who measures will know.
#
# ## Check what you know

# %% tags=["quiz", "nbval-ignore-output"] id="quiz"
quiz.show("01_ml_devops_mlops")
