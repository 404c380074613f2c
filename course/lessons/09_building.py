# %% [markdown] id="why"
# ## Why it matters
#
# Last Tuesday you trained a model that was better than today's. Which settings did it have? Which months
# of data? Was it really better, or did you measure it differently? If the answers are only in your memory,
# they are gone.
#
# Building a model is a search: you try, measure, keep, drop. In this lesson every attempt leaves a
# **record**, attempts are compared by *what their mistakes cost*, and the winner can be *made again*
# from its record alone.

# %% tags=["parameters"] id="imports"
from calendar import month_abbr

import matplotlib.pyplot as plt
import mlflow
import numpy as np

from mlops_school import evaluation, plots, quiz, tracking
from mlops_school.exercises import ____
from mlops_school.exercises.building import q1, q2, q3, q4, q5
from mlops_school.features import FEATURES, load_examples

training_months = [1, 2, 3, 4]
search_size = 8  # how many settings the search tries

# %% [markdown] id="requirements-intro"
# ## What is good enough?
#
# That is decided before anyone has seen a result. Three requirements of the delay service are about
# building its model.

# %% id="requirements"
from mlops_school.process import load_requirements

requirements = load_requirements()
for name in ["R2", "R3", "R4"]:
    print(requirements[name], "\n")

# %% [markdown] id="split-intro"
# ## Three sets of months
#
# The service will always be used on a month that it has not seen. So we split by time:
#
# - **train**: the months to learn from;
# - **validation**: the month to choose by, as often as we like;
# - **test**: a month that stays shut until everything is chosen, and is opened once.
#
# Each row is a flight with what was known two hours before departure (`FEATURES`), and whether it was
# `late`.

# %% id="split"
train = load_examples(training_months)
validation = load_examples([5])

print(f"{len(train):,} flights to learn from, {len(validation):,} to choose by")
train.sample(3, random_state=1).T

# %% [markdown] id="months-intro"
# How alike are those months? Look at the share of late flights in each.

# %% id="months"
months = [*training_months, 5]
percent = [100 * load_examples([month])["late"].mean() for month in months]

figure, axes = plt.subplots()
bars = axes.bar([month_abbr[month] for month in months], percent)
bars[-1].set(facecolor=plots.ORANGE, edgecolor="black", hatch="//")
axes.bar_label(bars, fmt="%.0f")
axes.set(title="Train (plain) and validation (hatched)", ylabel="percent of flights late")
plots.show(figure, "Percent late, month by month: " + ", ".join(f"{p:.0f}" for p in percent))

# %% [markdown] id="baseline-intro"
# April was worse than the months before, and May is better again. Keep that in mind: a model learns how
# flights *were*, and the next month need not agree.
#
# ## Baselines first
#
# Before any learning: what do the two simplest services cost? One never warns, the other always does. A
# model that cannot beat both is worth nothing, however clever it is.

# %% id="never"
from mlops_school.evaluation import MISSED, NEEDLESS

never_cost = MISSED * validation["late"].mean()
print(f"never warn: every late flight is missed, {never_cost:.2f} dollars per flight")

# %% [markdown] id="q1-task"
# ### Exercise 1: always warn
#
# What does the service that warns of *every* flight cost in the validation month, in dollars per flight?
# Use `validation`, `MISSED` and `NEEDLESS` as you need them.

# %% id="q1"
### BEGIN SOLUTION
always_cost = NEEDLESS * (~validation["late"]).mean()
### END SOLUTION
q1.check(always_cost, validation)
# q1.hint()
# q1.solution()

# %% [markdown] id="by-hour-intro"
# ### A baseline that knows the clock
#
# Delays pile up during the day. A table of *how often flights of this hour were late* is hardly machine
# learning, but it gives a probability, and it is what an experienced dispatcher would say.

# %% id="by-hour"
rate_by_hour = train["late"].groupby(train["minute_of_day"] // 60).mean()
by_hour = (validation["minute_of_day"] // 60).map(rate_by_hour)
rate_by_hour[[6, 12, 20]].round(2)

# %% [markdown] id="mlflow-intro"
# ## Every attempt leaves a record
#
# **MLflow** keeps a *run* for each attempt, in an *experiment*. A run holds
#
# | part | answers | here |
# |---|---|---|
# | parameters | what did we decide? | months, settings, seed |
# | metrics | how good was it? | ROC AUC, cost per flight |
# | tags | where does it come from? | version of the data, Git commit |
# | artefacts | what came out? | the model |
#
# One function writes it all, so that no attempt can forget a part. The store is one SQLite file in your
# `workspace` folder: no server and no account.

# %% id="record-function"
tracking.start("09-building")
origin = tracking.provenance(training_months)


def record(name, probability, threshold, **params):
    with mlflow.start_run(run_name=name, nested=True):
        mlflow.log_params({"months": training_months, **params})
        mlflow.set_tags(origin)
        mlflow.log_metric("threshold", threshold)
        mlflow.log_metrics(evaluation.measure(validation["late"], probability, threshold))


# %% [markdown] id="models-intro"
# Now the rule by hour and two models that learn. All three warn from a probability of 0.5 on, as everybody
# does.

# %% id="models"
from mlops_school.training import make_boosting, make_logistic


def fit_and_predict(model):
    model.fit(train[FEATURES], train["late"])
    return model.predict_proba(validation[FEATURES])[:, 1]


logistic = fit_and_predict(make_logistic())
boosting = fit_and_predict(make_boosting(seed=0))
record("by hour", by_hour, threshold=0.5)
record("logistic regression", logistic, threshold=0.5)
record("boosted trees", boosting, threshold=0.5, seed=0)

# %% [markdown] id="runs-intro"
# What was written down? We ask MLflow, not our memory.

# %% id="runs"
runs = mlflow.search_runs()
columns = ["tags.mlflow.runName", "metrics.roc_auc", "metrics.cost_per_flight", "tags.data_version"]
runs[columns].round(2)

# %% [markdown] id="q2-task"
# `roc_auc` is the chance that a late flight gets a higher probability than a punctual one; guessing gives
# 0.5. Both models rank flights better than the clock. The data version is a fingerprint of the very bytes
# that were read, and the tag `git_commit`, not shown here, does the same for the code.
#
# But look at the dollars. The rule by hour costs as much as never warning: no hour is late more often than
# not, so from 0.5 on it never speaks. And logistic regression is dearer than your `always_cost`!
#
# ## The threshold is a decision about money
#
# Missing a late flight costs 40 dollars, a needless warning 10. The two mistakes are not equal, so why
# should the threshold be in the middle?
#
# ### Exercise 2: when does a warning pay?
#
# Suppose the probabilities are right. From which probability on does a warning cost less, on average, than
# silence? Work it out from `MISSED` and `NEEDLESS`.

# %% id="q2"
### BEGIN SOLUTION
fair_threshold = NEEDLESS / (NEEDLESS + MISSED)
### END SOLUTION
q2.check(fair_threshold)
# q2.hint()
# q2.solution()

# %% [markdown] id="curve-intro"
# Now the data: what would each threshold have cost in the validation month?

# %% id="curve"
curve = evaluation.cost_curve(validation["late"], boosting) / len(validation)
by_hour_curve = evaluation.cost_curve(validation["late"], by_hour) / len(validation)

figure, axes = plt.subplots()
axes.plot(curve, label="boosted trees")
axes.plot(by_hour_curve, "--", label="rule by hour")
axes.plot(0.5, curve[0.5], "X", color=plots.RED, label="the habit")
axes.plot(curve.idxmin(), curve.min(), "o", color=plots.RED, label="cheapest")
axes.set(xlabel="warn from this probability on", ylabel="dollars per flight")
axes.legend()
plots.show(figure, f"Boosted trees cost {curve.min():.2f} at {curve.idxmin()}; at 0.5 more.")
print(f"late flights: {boosting.mean():.0%} expected, {validation['late'].mean():.0%} seen")

# %% [markdown] id="q3-task"
# Read it from the ends: at 0 every flight is warned of, at 1 none is. Between them lies a valley, and the
# habit is far up its slope. Even the rule by hour, at the bottom of *its* valley, beats boosted trees at 0.5:
# a thoughtful threshold is worth more than a clever model.
#
# The bottom lies to the right of your answer to exercise 2. That answer supposed that the probabilities are
# right. Here they are too high: the model learned from a bad April, and expects more late flights than May
# has seen.
#
# ### Exercise 3: the price of a habit
#
# How many dollars per flight does the habit cost more than the cheapest threshold? Use `curve`.

# %% id="q3"
### BEGIN SOLUTION
habit_costs = curve[0.5] - curve.min()
### END SOLUTION
q3.check(habit_costs, curve)
# q3.hint()
# q3.solution()

# %% [markdown] id="search-intro"
# ## Search, and keep track
#
# Boosted trees have settings: how many leaves a tree has, how fast it learns, how many flights a leaf needs.
# We try some at random, which finds good ones sooner than a grid does when only a few settings matter.
# Each trial is a run *inside* the run of the search, and each gets the threshold that is cheapest for it.

# %% id="search"
from sklearn.model_selection import ParameterSampler

choices = {
    "max_leaf_nodes": [7, 15, 31],
    "learning_rate": [0.05, 0.1, 0.3, 1.0],
    "min_samples_leaf": [20, 100, 500],
}
with mlflow.start_run(run_name="search"):
    mlflow.log_params({"tried": search_size, **choices})
    for settings in ParameterSampler(choices, n_iter=search_size, random_state=0):
        probability = fit_and_predict(make_boosting(seed=0, **settings))
        cheapest = evaluation.cost_curve(validation["late"], probability).idxmin()
        record("trial", probability, cheapest, seed=0, **settings)

# %% [markdown] id="compare-intro"
# ### Compare the runs in a picture
#
# A good run is far left (cheap) and far up (ranks well). The dotted lines are the bar: the least ROC AUC of
# requirement R3, and the rule by hour with the threshold that is cheapest for it. A baseline gets every
# chance that the model gets; otherwise you praise the model for what the threshold did.

# %% id="compare"
by_hour_cost = round(by_hour_curve.min(), 2)
trials = mlflow.search_runs(filter_string="attributes.run_name = 'trial'")

figure, axes = plt.subplots()
for marker, (rate, group) in zip("osD^", trials.groupby("params.learning_rate")):
    x, y = group["metrics.cost_per_flight"], group["metrics.roc_auc"]
    axes.scatter(x, y, marker=marker, label=f"learning rate {rate}")
axes.axvline(by_hour_cost, linestyle=":", color="black")
axes.axhline(requirements["R3"].limits["minimum_roc_auc"], linestyle=":", color="black")
axes.set(xlabel="dollars per flight", ylabel="ROC AUC")
axes.legend()
worst = trials.loc[trials["metrics.roc_auc"].idxmin(), "params.learning_rate"]
plots.show(figure, f"{len(trials)} runs. The one that ranks worst has learning rate {worst}.")

# %% [markdown] id="q4-task"
# The markers show what separates them: who learns too fast (rate 1.0) learns badly.
#
# ### Exercise 4: ask for the runs that are good enough
#
# With a thousand runs you would not read points off a picture. MLflow finds runs by a query, such as
# `"params.max_leaf_nodes = '7' and metrics.threshold > 0.2"`. Write the query for trials that rank well enough
# for R3 *and* cost less per flight than `by_hour_cost`.

# %% id="q4"
### BEGIN SOLUTION
query = f"metrics.roc_auc >= 0.70 and metrics.cost_per_flight < {by_hour_cost}"
### END SOLUTION
q4.check(query, by_hour_cost)
# q4.hint()
# q4.solution()

# %% [markdown] id="keep-intro"
# ## Keep the winner
#
# The cheapest trial has left its record, but not its model: storing every attempt would fill the disk.
# Nothing is lost, because the record is enough to train it again. `tracking.retrain` reads the months, the
# settings and the seed from the run, makes sure that the data are still the same, and fits.

# %% id="keep"
chosen = mlflow.search_runs(
    filter_string="attributes.run_name = 'trial'",
    order_by=["metrics.cost_per_flight"],
    output_format="list",
)[0]
winner = tracking.retrain(chosen.info.run_id)
with mlflow.start_run(run_id=chosen.info.run_id):
    stored = tracking.log_model(winner, validation[FEATURES].head())
print("settings:", {name: chosen.data.params[name] for name in [*choices, "seed", "months"]})
print("takes:   ", *stored.signature.inputs.input_names()[:6], "…")

# %% [markdown] id="test-intro"
# With the model, MLflow stores its *signature*: the columns that it takes, with their types, so that whoever
# serves it can refuse a request that does not fit. The file is in the `skops` format, which, unlike a pickle,
# runs no code of its own when it is opened.
#
# ## Open the last month, once
#
# The winner was picked as the best of several on May, so its result on May flatters it. June decides.

# %% id="test"
test = load_examples([6])
in_june = winner.predict_proba(test[FEATURES])[:, 1]
result = evaluation.measure(test["late"], in_june, chosen.data.metrics["threshold"])
dollars, roc_auc = result["cost_per_flight"], result["roc_auc"]
never, always = MISSED * test["late"].mean(), NEEDLESS * (~test["late"]).mean()

print(f"R2 {'is' if dollars < min(never, always) else 'is NOT'} met: ", end="")
print(f"{dollars:.2f} dollars per flight; never warn {never:.2f}, always warn {always:.2f}")
print(f"R3 {'is' if roc_auc >= 0.70 else 'is NOT'} met: ROC AUC {roc_auc:.2f}")

# %% [markdown] id="reproduce-intro"
# June is dearer than May was: partly because May was used to choose, partly because June is another month.
# If you now picked another trial because of June, June would be a validation month, and you would need July
# to judge. Look once.
#
# ## Make it again, exactly
#
# Requirement R4: from the record alone, the same model. Two proofs, the model from its file and one trained
# a second time, against the winner in memory. Not "about the same": every probability, to the last bit.

# %% id="reproduce"
from_file = mlflow.sklearn.load_model(stored.model_uri)
from_record = tracking.retrain(chosen.info.run_id)
for words, model in [("from the file:  ", from_file), ("from the record:", from_record)]:
    again = model.predict_proba(test[FEATURES])[:, 1]
    print(words, "the same" if np.array_equal(again, in_june) else "DIFFERENT")

# %% [markdown] id="careless-intro"
# ### Break it: a record with a hole
#
# Now leave out one small thing, the seed. Training holds back a tenth of the flights, drawn at random, to
# know when to stop. Without a seed, each training draws others.

# %% id="careless"
one, other = (fit_and_predict(make_boosting(seed=None, max_leaf_nodes=15)) for _ in range(2))
print("same settings, same data:", "the same" if np.array_equal(one, other) else "DIFFERENT")

# %% [markdown] id="q5-task"
# Nobody changed anything, and the two models disagree. If one of them is in production and the other in your
# record, you are debugging a model that does not exist.
#
# ### Exercise 5: repair it with a run of your own
#
# Train boosted trees with settings that you choose, and record the run so that *anyone can reproduce it*.
# Assign the run's id to `my_run_id`. The check trains your model again from its record and compares ROC AUC.
# (Inside `with mlflow.start_run() as run:`, the id is `run.info.run_id`.)

# %% id="q5"
### BEGIN SOLUTION
mine = {"seed": 7, "max_leaf_nodes": 15}
with mlflow.start_run(run_name="mine") as run:
    mlflow.log_params({"months": training_months, **mine})
    mlflow.set_tags(tracking.provenance(training_months))
    probability = fit_and_predict(make_boosting(**mine))
    mlflow.log_metrics(evaluation.measure(validation["late"], probability, threshold=0.2))
my_run_id = run.info.run_id
### END SOLUTION
q5.check(my_run_id, validation)
# q5.hint()
# q5.solution()

# %% [markdown] id="recap"
# ## What you take with you
#
# - **Baselines come first**, and they get every chance that the model gets.
# - **A run is a record**: parameters, metrics, version of the data, commit of the code.
# - **The threshold is a decision about money.** It is chosen on the validation month, not by habit.
# - **The test month is opened once.**
# - **A record is complete when someone else can make the model again.** The seed belongs to it.
#
# To browse your runs in MLflow's own pages, open JupyterLab's launcher (File > New Launcher) and choose the
# tile **MLflow runs**. The first time, it takes up to a minute. In a terminal, `school mlflow` does the same.
#
# ## Check what you know

# %% tags=["quiz", "nbval-ignore-output"] id="quiz"
quiz.show("09_building")
