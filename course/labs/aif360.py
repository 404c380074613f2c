# %% [markdown] id="why"
# ## Why it matters
#
# Lesson 10 asked a question about people: of the *good* risks in the German credit data, are the young refused more
# often than the older ones? It computed the answer by hand and with fairlearn. Another much-cited library is **AI
# Fairness 360**, short AIF360. It has dozens of metrics with learned names, and remedies for every stage.
#
# So many numbers have a danger: with enough metrics, any decision is fair by one of them. In this lab you find *our*
# question among AIF360's answers, check that two libraries agree, and try a remedy that lesson 10 has not: to *weigh*
# the applicants before the training. And you ask what it costs, and whom.

# %% tags=["parameters"] id="imports"
from mlops_school import labs

labs.require("aif360")

import logging

logging.disable(logging.WARNING)  # AIF360 lists the remedies that need more packages
import numpy as np
import pandas as pd
from aif360.algorithms.preprocessing import Reweighing
from aif360.datasets import BinaryLabelDataset
from aif360.metrics import BinaryLabelDatasetMetric, ClassificationMetric

from mlops_school import fairness, plots
from mlops_school.exercises import ____
from mlops_school.exercises.labs.aif360 import q1, q2

# %% [markdown] id="people-intro"
# ## The same people
#
# 1,000 applicants, 700 good risks and 300 bad. The groups are the 190 who are 25 or younger, and the others. Age, and not
# the column `personal_status_and_sex`: lesson 10 found that this column is *sorted* in our copy, so it belongs to
# other people. AIF360's own loader of German credit derives `sex` from that column of its copy by default, which no
# undamaged copy would allow either: the class called female holds single men, too (U. Grömping, 2019).
#
# Everybody is decided by a model that has not seen them, and a credit is granted from a probability of 5/6 on.

# %% id="people"
applicants, good, young = fairness.applicants()
granted = fairness.decide("by cost alone")
treated = fairness.describe(good, young, granted)
treated[["people", "granted", "refused", "bad"]].round(3)

# %% [markdown] id="dataset-intro"
# `refused` is the share of the *good* who are refused: 70 percent of the young and 53 of the older. That gap of 17 points was the
# answer of lesson 10.
#
# ## The same question to AIF360
#
# It wants a *data set* of numbers that says which column is the label, which value of it is *favourable* (good for the
# person; 1, unless you say otherwise), and which column holds the group, the **protected attribute**. One data set holds what is true, a
# second one what was decided. It speaks of *privileged* and *unprivileged* groups; to name one is a decision, too.

# %% id="dataset"
OLDER, YOUNG = [{"older": 1}], [{"older": 0}]


def dataset(labels, young):
    table = pd.DataFrame({"older": ~young, "label": labels}).astype(float)
    return BinaryLabelDataset(
        df=table,
        label_names=["label"],
        protected_attribute_names=["older"],
    )


def measure(granted):
    truth, decided = dataset(good, young), dataset(granted, young)
    return ClassificationMetric(truth, decided, YOUNG, OLDER)


# %% [markdown] id="metrics-intro"
# ## Five names
#
# All differences are young less older. Which of these lines is our question?

# %% id="metrics"
names = [
    "statistical_parity_difference",
    "disparate_impact",
    "equal_opportunity_difference",
    "false_negative_rate_difference",
    "false_discovery_rate_difference",
]
before = measure(granted)
answers = {name: float(getattr(before, name)()) for name in names}
for name, value in answers.items():
    print(f"{name:32} {value:6.3f}")

# %% [markdown] id="q1-task"
# Five metrics, four sizes, and one of them looks nearly fair.
#
# | name | compares |
# |---|---|
# | statistical parity | who is granted a credit, good or bad: difference |
# | disparate impact | the same as a ratio; in US law, below 0.8 gives cause for suspicion |
# | equal opportunity | of the good, who is granted |
# | false negative rate | of the good, who is refused |
# | false discovery rate | of those who are granted, who is bad |
#
# ### Exercise 1: know what a name means
#
# Compute the disparate impact yourself, from `granted` and `young` (arrays of True and False).

# %% id="q1"
### BEGIN SOLUTION
impact = granted[young].mean() / granted[~young].mean()
### END SOLUTION
q1.check(impact, granted, young)
# q1.hint()
# q1.solution()

# %% [markdown] id="agree-intro"
# ## Do the libraries agree?
#
# Lesson 10's own count, fairlearn and AIF360 share no code for this. We ask each for the gap among the good, and for the gap
# in credits granted.

# %% id="agree"
from fairlearn.metrics import demographic_parity_difference, equal_opportunity_difference

ours = treated.loc["young"] - treated.loc["older"]
theirs = {
    "good who are refused": equal_opportunity_difference(good, granted, sensitive_features=young),
    "credits granted": demographic_parity_difference(good, granted, sensitive_features=young),
}
aif = [answers["false_negative_rate_difference"], answers["statistical_parity_difference"]]
table = pd.DataFrame({"by hand": [ours["refused"], ours["granted"]], "AIF360": aif}, index=theirs)
table.assign(fairlearn=theirs).round(3)

# %% [markdown] id="weigh-intro"
# They agree, but for a sign: fairlearn gives the *size* of a gap, and does not say who is wronged. AIF360 does, if you remember
# which group you called privileged.
#
# ## A remedy before the training
#
# Lesson 10 moved limits after the training, and trained under a constraint. **Reweighing** (F. Kamiran and T. Calders,
# 2012) comes earlier: each applicant gets a weight, such that age and label become independent. If age and being
# good had nothing to do with each other, how many young good ones *would* there be? The weight is that number divided by
# how many there are:
#
# weight of a group and label = share of the group × share of the label / share of both together

# %% id="weigh"
weighed = Reweighing(unprivileged_groups=YOUNG, privileged_groups=OLDER).fit_transform(
    dataset(good, young)
)
for name, one in {"before": dataset(good, young), "after": weighed}.items():
    gap = BinaryLabelDatasetMetric(one, YOUNG, OLDER).mean_difference()
    print(f"{name}: good among the young less good among the older {gap + 0:.3f}")

# %% [markdown] id="q2-task"
# In the data the young were good less often, by 15 points; with weights, equally often.
#
# ### Exercise 2: the weights by hand
#
# Write `weights(good, young)`. Both are arrays of True and False; it returns an array with the weight of each applicant.


# %% id="q2"
def weights(good, young):
    ### BEGIN SOLUTION
    found = np.empty(len(good))
    for label in (True, False):
        for group in (True, False):
            both = (good == label) & (young == group)
            found[both] = (good == label).mean() * (young == group).mean() / both.mean()
    return found
    ### END SOLUTION


q2.check(weights)
# q2.hint()
# q2.solution()

# %% [markdown] id="decide-intro"
# ## What it does, and what it costs
#
# Now the model of lesson 10 is trained with these weights, which come from the training applicants of each fold alone, and
# decides again. The price is counted as there: a bad risk who is granted a credit costs 5, a good one who is refused 1.

# %% id="decide"
from sklearn.model_selection import StratifiedKFold


def weigh(good, young):
    return Reweighing(YOUNG, OLDER).fit_transform(dataset(good, young)).instance_weights


fair = np.zeros(len(good), dtype=bool)
folds = StratifiedKFold(fairness.FOLDS, shuffle=True, random_state=0)
for train, test in folds.split(applicants, 2 * good + young):
    weight = weigh(good[train], young[train])
    model = fairness.train(applicants.iloc[train], good[train], weight)
    fair[test] = model.predict_proba(applicants.iloc[test])[:, 1] >= fairness.GRANT_FROM

# %% id="result"
from mlops_school import evaluation_views as views

decisions = {"by cost alone": granted, "reweighed": fair}
decisions["a limit for each group"] = fairness.decide("a limit for each group")
treated = {way: fairness.describe(good, young, one) for way, one in decisions.items()}
prices = {way: fairness.price(good, one) for way, one in decisions.items()}
plots.show(*views.draw_fairness(treated, prices))
for name, one in decisions.items():
    gap = measure(one).false_negative_rate_difference()
    print(f"{name}: gap {gap:.2f}, price {prices[name]:.2f} per applicant")

# %% [markdown] id="recap"
# The gap shrinks from 17 points to 10, at the same price. A limit for each group closes it, for 0.03 refused credits more
# per applicant. But 110 good young people are few. The intervals of the young say that limits helped: before and after do not
# overlap. Those of the weights do, so that nothing is certain of them. And look right: of the young who are granted
# a credit, 13 percent were bad risks, with weights 19, with limits 21. Who gets a credit and cannot pay it back is not
# helped either.
#
# ## What you take with you
#
# - A metric has a name and a *question*. Write the question down first, then look for its name, and compute it once by
#   hand. With five names you would have found one that looks fair.
# - Libraries agree on numbers and differ in signs. Say who is compared with whom.
# - Reweighing changes only the training. The one who decides later need not know the age, which the law may demand; in
#   return nobody promises that the gap will close.
# - Is it worth it? AIF360 has remedies that no other library has, for research and for comparing. Its last releases are far
#   apart, and many parts need more packages. For the metrics and the common remedies, fairlearn is lighter and better kept.
