# %% [markdown] id="why"
# ## Why it matters
#
# Last Tuesday you trained a model that was better than today's. Which settings did it have? Which months
# of data? Was it really better, or did you measure it differently? If the answers are in your memory,
# they are gone.
#
# Building a model is a search: you try, measure, keep, drop. In this lesson every attempt leaves a
# **record**, attempts are compared by **what their mistakes cost**, and the winner can be **made again**
# from its record alone.

# %% id="imports"
import matplotlib.pyplot as plt
import mlflow
import numpy as np
from sklearn.model_selection import ParameterSampler

from mlops_school import evaluation, plots, quiz, tracking
from mlops_school.exercises import ____
from mlops_school.exercises.building import q1, q2, q3, q4, q5
from mlops_school.features import FEATURES, load_examples

# %% tags=["parameters"] id="parameters"
search_size = 8  # how many settings the search tries

# %% [markdown] id="requirements-intro"
# ## What we build for
#
# A model is built to meet requirements. Three of the delay service's requirements are about building;
# they say what is good enough *before* anyone has seen a result.

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
TRAINING_MONTHS = [1, 2, 3, 4]
train = load_examples(TRAINING_MONTHS)
validation = load_examples([5])

print(f"{len(train):,} flights to learn from, {len(validation):,} to choose by")
train.sample(3, random_state=1).T

# %% [markdown] id="months-intro"
# How different are those months? Let us look at the share of late flights in each.

# %% id="months"
share = {month: load_examples([month])["late"].mean() for month in TRAINING_MONTHS}
share[5] = validation["late"].mean()
figure, axes = plt.subplots()
bars = axes.bar(["Jan", "Feb", "Mar", "Apr", "May"], [100 * s for s in share.values()])
bars[-1].set(color=plots.ORANGE, hatch="//")
axes.bar_label(bars, fmt="%.0f %%")
axes.set(title="Late flights: train (plain) and validation (hatched)", ylabel="percent late")
plots.show(figure, f"Bars of late flights in percent: {', '.join(f'{100 * s:.0f}' for s in share.values())}.")

# %% [markdown] id="months-reading"
# April was much worse than the months before, and May is better again. Keep that in mind: a model learns
# how late flights *were*, and the next month need not agree.

# %% [markdown] id="baseline-intro"
# ## Baselines first
#
# Before any learning: what do the two simplest services cost? One never warns. The other always does.
# A model that cannot beat both is worth nothing, however clever it is.

# %% id="never"
from mlops_school.evaluation import MISSED, NEEDLESS

never_cost = MISSED * validation["late"].mean()
print(f"never warn: every late flight is missed, {never_cost:.2f} dollars per flight")

# %% [markdown] id="q1-task"
# ### Exercise 1: always warn
#
# What does the service that warns of **every** flight cost in the validation month, in dollars per flight?
# Use `validation`, `MISSED` and `NEEDLESS` as needed.

# %% id="q1"
### BEGIN SOLUTION
always_cost = NEEDLESS * (~validation["late"]).mean()
### END SOLUTION

# %% id="q1-check"
q1.check(always_cost, validation)
# q1.hint()
# q1.solution()

# %% [markdown] id="by-hour-intro"
# ### A baseline that knows the clock
#
# Delays pile up during the day. A table of *how often flights of this hour were late* is no machine
# learning yet, but it gives a probability, and it is what an experienced dispatcher would say.

# %% id="by-hour"
rate_by_hour = train["late"].groupby(train["minute_of_day"] // 60).mean()
by_hour = (validation["minute_of_day"] // 60).map(rate_by_hour)

figure, axes = plt.subplots()
axes.plot(rate_by_hour.index, 100 * rate_by_hour, marker="o")
axes.set(title="The later in the day, the later", xlabel="hour of departure", ylabel="percent late")
plots.show(figure, f"Line: {100 * rate_by_hour[6]:.0f} percent late at 6, {100 * rate_by_hour[20]:.0f} at 20 hours.")

# %% [markdown] id="mlflow-intro"
# ## Every attempt leaves a record
#
# **MLflow** keeps a *run* for each attempt. A run holds
#
# | part | answers | here |
# |---|---|---|
# | parameters | what did we decide? | months, settings, seed |
# | metrics | how good was it? | ROC AUC, cost per flight |
# | tags | where does it come from? | version of the data, Git commit |
# | artefacts | what came out? | the model |
#
# Runs belong to an *experiment*. Ours is stored in one SQLite file in your `workspace` folder: no server
# and no account are needed.

# %% id="start"
tracking.start("09-building")
origin = tracking.provenance(TRAINING_MONTHS)

with mlflow.start_run(run_name="by hour"):
    mlflow.log_params({"rule": "late share of the hour", "months": TRAINING_MONTHS})
    mlflow.set_tags(origin)
    mlflow.log_metrics(evaluation.measure(validation["late"], by_hour, threshold=0.5))

# %% [markdown] id="record-intro"
# What did it write down? We ask MLflow, not our memory.

# %% id="record"
first = mlflow.last_active_run()
print("parameters:", first.data.params)
print("metrics:   ", {name: round(value, 2) for name, value in first.data.metrics.items()})
print("data:      ", first.data.tags["data_version"])

# %% [markdown] id="record-reading"
# The data version is a fingerprint of the very bytes that were read: if one flight changes, it changes.
# The tag `git_commit`, not shown here, does the same for the code.
#
# Notice the cost: it is that of never warning. No hour is late more often than not, so a service that
# warns from 0.5 on never speaks.

# %% [markdown] id="models-intro"
# ## Two models that learn
#
# One function records, so that no attempt can forget a part. The other trains, and returns the
# probabilities for the validation month. For now, every model warns from 0.5 on.

# %% id="record-function"
def record(name, probability, threshold, **params):
    with mlflow.start_run(run_name=name, nested=True):
        mlflow.log_params({"months": TRAINING_MONTHS, **params})
        mlflow.set_tags(origin)
        mlflow.log_metric("threshold", threshold)
        mlflow.log_metrics(evaluation.measure(validation["late"], probability, threshold))


def fit_and_predict(model):
    model.fit(train[FEATURES], train["late"])
    return model.predict_proba(validation[FEATURES])[:, 1]


# %% id="two-models"
from mlops_school.training import make_boosting, make_logistic

logistic = fit_and_predict(make_logistic())
record("logistic regression", logistic, threshold=0.5)
boosting = fit_and_predict(make_boosting(seed=0))
record("boosted trees", boosting, threshold=0.5, seed=0)

columns = ["tags.mlflow.runName", "metrics.roc_auc", "metrics.cost_per_flight"]
mlflow.search_runs()[columns].round(2)

# %% [markdown] id="two-models-reading"
# Both models rank flights better than the clock does (`roc_auc`: the chance that a late flight gets a
# higher probability than a punctual one; 0.5 is guessing). In dollars the picture is muddled: compare the
# three with your `always_cost`. The models are fine. The threshold is not.

# %% [markdown] id="threshold-intro"
# ## The threshold is a decision about money
#
# Why warn from 0.5 on? Only because it is the habit. Missing a late flight costs 40 dollars, a needless
# warning 10: the two mistakes are not equal, so the threshold should not be in the middle.

# %% [markdown] id="q2-task"
# ### Exercise 2: when is a warning worth it?
#
# Suppose the probabilities are right. From which probability on does a warning cost less, on average, than
# silence? Work it out from `MISSED` and `NEEDLESS`, before looking at any data.

# %% id="q2"
### BEGIN SOLUTION
fair_threshold = NEEDLESS / (NEEDLESS + MISSED)
### END SOLUTION

# %% id="q2-check"
q2.check(fair_threshold)
# q2.hint()
# q2.solution()

# %% [markdown] id="curve-intro"
# Now the data: what would each threshold have cost in the validation month?

# %% id="curve"
curve = evaluation.cost_curve(validation["late"], boosting) / len(validation)
figure, axes = plt.subplots()
axes.plot(curve.index, curve, label="boosted trees")
for threshold, words, marker in [(curve.idxmin(), "cheapest", "o"), (0.5, "habit", "X")]:
    axes.plot(threshold, curve[threshold], marker, color=plots.RED, markersize=9)
    axes.annotate(f"{words}: {curve[threshold]:.2f}", (threshold, curve[threshold] - 0.5))
axes.set(title="What each threshold costs", xlabel="warn from this probability on", ylabel="dollars per flight")
plots.show(figure, f"A valley: cheapest at {curve.idxmin():.2f}; habit, 0.50, is dearer. Left end: always warn. Right: never.")

# %% [markdown] id="curve-reading"
# Read it from the ends: at 0 every flight is warned of, at 1 none is. Between them lies a valley, and 0.5
# is far up its slope.
#
# The valley's floor is a little to the right of your answer to exercise 2. That answer supposed that the
# probabilities are right, and here they are too high: the model learned from a bad April.

# %% id="calibration"
print(f"the model expects {boosting.mean():.0%} late flights, and {validation['late'].mean():.0%} were late")

# %% [markdown] id="q3-task"
# ### Exercise 3: the price of a habit
#
# How many dollars per flight does the habit (0.5) cost more than the cheapest threshold? Use `curve`.

# %% id="q3"
### BEGIN SOLUTION
habit_costs = curve[0.5] - curve.min()
### END SOLUTION

# %% id="q3-check"
q3.check(habit_costs, curve)
# q3.hint()
# q3.solution()

# %% [markdown] id="by-hour-again-intro"
# And the rule by hour, if it too may choose its threshold?

# %% id="by-hour-again"
by_hour_curve = evaluation.cost_curve(validation["late"], by_hour) / len(validation)
by_hour_cost = round(by_hour_curve.min(), 2)
print(f"rule by hour, own threshold: {by_hour_cost:.2f} dollars per flight")
print(f"boosted trees, habit:        {curve[0.5]:.2f}")

# %% [markdown] id="by-hour-again-reading"
# A table of hours with a considered threshold beats gradient boosting with a thoughtless one. This is why
# baselines get every chance that the model gets: otherwise you praise the model for the threshold's work.
#
# From now on, `by_hour_cost` is the price to beat.

# %% [markdown] id="search-intro"
# ## Search, and keep track
#
# Boosted trees have settings: how many leaves a tree has, how fast it learns, how many flights a leaf needs.
# We try some at random, which finds good ones sooner than a grid does when only a few settings matter.
# Each trial is a run *inside* the run of the search, and each chooses its own threshold.

# %% id="settings"
choices = {
    "max_leaf_nodes": [7, 15, 31],
    "learning_rate": [0.05, 0.1, 0.3, 1.0],
    "min_samples_leaf": [20, 100, 500],
}
trials = list(ParameterSampler(choices, n_iter=search_size, random_state=0))
trials[:2]

# %% id="search"
with mlflow.start_run(run_name="search"):
    mlflow.log_params({"tried": search_size, "choices": choices})
    for number, settings in enumerate(trials):
        probability = fit_and_predict(make_boosting(seed=0, **settings))
        cheapest = evaluation.cost_curve(validation["late"], probability).idxmin()
        record(f"trial {number}", probability, cheapest, seed=0, **settings)

# %% [markdown] id="compare-intro"
# ### Compare the runs in a picture
#
# A good run is far left (cheap) and far up (ranks well). The dotted lines are what we need to pass: the
# price of the rule by hour, and the least ROC AUC of requirement R3.

# %% id="compare"
IS_TRIAL = "attributes.run_name LIKE 'trial %'"
found = mlflow.search_runs(filter_string=IS_TRIAL, order_by=["metrics.cost_per_flight"])
dollars, roc_auc = found["metrics.cost_per_flight"], found["metrics.roc_auc"]
figure, axes = plt.subplots()
axes.scatter(dollars, roc_auc)
axes.scatter(dollars[0], roc_auc[0], s=150, facecolor="none", edgecolor=plots.RED, label="cheapest")
axes.axvline(by_hour_cost, linestyle=":", color="black")
axes.axhline(requirements["R3"].limits["minimum_roc_auc"], linestyle=":", color="black")
axes.set(title="One point, one run", xlabel="dollars per flight", ylabel="ROC AUC")
axes.legend()
plots.show(figure, f"{len(found)} trials; the cheapest costs {dollars[0]:.2f} dollars, ROC AUC {roc_auc[0]:.2f}.")

# %% [markdown] id="compare-reading"
# What separates the good runs from the bad ones? The records know.

# %% id="compare-table"
columns = ["max_leaf_nodes", "learning_rate", "min_samples_leaf"]
table = found[[f"params.{column}" for column in columns]].set_axis(columns, axis="columns")
table.assign(threshold=found["metrics.threshold"], dollars=dollars.round(2), roc_auc=roc_auc.round(3))

# %% [markdown] id="q4-task"
# ### Exercise 4: ask for the runs that are good enough
#
# With a thousand runs you would not read a table. MLflow finds runs by a query such as
# `"params.max_leaf_nodes = '7' and metrics.threshold > 0.2"`.
#
# Write the query for trials that rank well enough for R3 **and** cost less per flight than the rule by hour
# (`by_hour_cost`).

# %% id="q4"
### BEGIN SOLUTION
query = f"metrics.roc_auc >= 0.70 and metrics.cost_per_flight < {by_hour_cost}"
### END SOLUTION

# %% id="q4-check"
q4.check(query, by_hour_cost)
# q4.hint()
# q4.solution()

# %% [markdown] id="keep-intro"
# ## Keep the winner
#
# The cheapest trial has left its record, but not its model: storing every attempt would fill the disk.
# Nothing is lost, because the record is enough to train it again. `tracking.retrain` reads the months, the
# settings and the seed from the run, checks that the data are still the same, and fits.

# %% id="keep"
chosen = mlflow.search_runs(
    filter_string=IS_TRIAL, order_by=["metrics.cost_per_flight"], max_results=1, output_format="list"
)[0]
winner = tracking.retrain(chosen.info.run_id)
with mlflow.start_run(run_id=chosen.info.run_id):
    stored = tracking.log_model(winner, validation[FEATURES].head())
print("the stored model takes:", *stored.signature.inputs.input_names()[:5], "…")

# %% [markdown] id="keep-reading"
# With the model, MLflow stores its *signature*: the columns that it takes, with their types. Whoever serves
# it later can refuse a request that does not fit. The file is in the `skops` format, which, unlike a
# pickle, cannot run code when it is opened.

# %% [markdown] id="test-intro"
# ## Open the last month, once
#
# The winner was picked as the best of several on May, so its result on May flatters it. June decides.

# %% id="test"
test = load_examples([6])
threshold = chosen.data.metrics["threshold"]
in_june = winner.predict_proba(test[FEATURES])[:, 1]
result = evaluation.measure(test["late"], in_june, threshold)

never, always = MISSED * test["late"].mean(), NEEDLESS * (~test["late"]).mean()
print(f"dollars per flight: {result['cost_per_flight']:.2f}; never warn {never:.2f}, always {always:.2f}")
print(f"ROC AUC: {result['roc_auc']:.2f}")

# %% id="verdict"
verdict = {
    "R2": result["cost_per_flight"] < min(never, always),
    "R3": result["roc_auc"] >= requirements["R3"].limits["minimum_roc_auc"],
}
for name, met in verdict.items():
    print(name, "is met" if met else "is NOT met")

# %% [markdown] id="test-reading"
# Both requirements are met, and June is dearer than May was: partly because May was used to choose, partly
# because June is another month. If you now went back to pick another trial because of June, June would be a
# validation month, and you would need July. Look once.

# %% [markdown] id="reproduce-intro"
# ## Make it again, exactly
#
# Requirement R4: from the record of a run alone, the same model, with the same probability for every
# flight. Here are the ingredients, as text.

# %% id="ingredients"
for name, value in sorted(chosen.data.params.items()):
    print(f"{name:17} {value}")

# %% [markdown] id="reproduce-proof"
# Two proofs: the model that MLflow stored, and one that is trained a second time, against the winner in
# memory. Not "about the same": every probability, to the last bit.

# %% id="reproduce"
from_file = mlflow.sklearn.load_model(stored.model_uri)
from_record = tracking.retrain(chosen.info.run_id)
for words, model in [("from the file", from_file), ("from the record", from_record)]:
    again = model.predict_proba(test[FEATURES])[:, 1]
    print(words, np.array_equal(again, in_june))

# %% [markdown] id="careless-intro"
# ### Break it: a record with a hole
#
# Now leave out one small thing, the seed. Training holds back a tenth of the flights, drawn at random, to
# know when to stop; without a seed, each training draws others.

# %% id="careless"
settings = {"max_leaf_nodes": 15, "learning_rate": 0.1}
one, other = (fit_and_predict(make_boosting(seed=None, **settings)) for _ in range(2))
print("same settings, same data, same probabilities?", np.array_equal(one, other))

# %% [markdown] id="careless-reading"
# Nobody changed anything, and the two models disagree. If one of them is in production and the other in
# your record, you are debugging a model that does not exist.

# %% [markdown] id="q5-task"
# ### Exercise 5: a run of your own
#
# Train boosted trees with settings that you choose, and record the run under any name so that **anyone can
# reproduce it**. Assign the run's id to `my_run_id`. The check trains your model again from its record and
# compares ROC AUC. (Inside `with mlflow.start_run() as run:`, the id is `run.info.run_id`.)

# %% id="q5"
### BEGIN SOLUTION
mine = {"seed": 7, "max_leaf_nodes": 15}
model = make_boosting(**mine).fit(train[FEATURES], train["late"])
probability = model.predict_proba(validation[FEATURES])[:, 1]
with mlflow.start_run(run_name="mine") as run:
    mlflow.log_params({"months": TRAINING_MONTHS, **mine})
    mlflow.set_tags(tracking.provenance(TRAINING_MONTHS))
    mlflow.log_metrics(evaluation.measure(validation["late"], probability, threshold=0.2))
my_run_id = run.info.run_id
### END SOLUTION

# %% id="q5-check"
q5.check(my_run_id, validation)
# q5.hint()
# q5.solution()

# %% [markdown] id="recap"
# ## What you take with you
#
# - **Baselines come first**, and they get every chance that the model gets.
# - **A run is a record**: parameters, metrics, version of the data, commit of the code.
# - **The threshold is a decision about money.** It is chosen on the validation month, never by habit.
# - **The test month is opened once.**
# - **A record is complete when someone else can make the model again.** The seed belongs to it.
#
# To browse your runs in MLflow's own pages, open a terminal in the course folder and run
# `school mlflow`; it prints the address to open. Stop it with Ctrl+C.

# %% [markdown] id="quiz-intro"
# ## Check what you know
#
# Run the cell to see the questions.

# %% tags=["quiz"] id="quiz"
quiz.show("09_building")
