# %% [markdown] id="why"
# ## Why it matters
#
# In lesson 06 you wrote rules for a month of flights, and each had to come to your mind first. **TensorFlow Data
# Validation** (TFDV) promises to find rules itself: it looks at good months, and *infers a schema* from them.
# **TensorFlow Model Analysis** (TFMA) looks at forecasts, slice by slice, and lets them through a gate or not. Both
# are parts of Google's pipelines for machine learning, and both work without them.
#
# You will see what an inferred schema finds and what it cannot, teach it the rest, and find a measure of drift that
# calls a good month worse than a damaged one. Then release 1 goes through TFMA's gate.

# %% tags=["parameters"] id="imports"
from mlops_school import damages, drift, inferred_schema, intervals, labs, plots

labs.require("tfdv")

import json

import pandas as pd

from mlops_school.exercises import ____
from mlops_school.exercises.labs.tfdv import q1, q2
from mlops_school.paths import COURSE, new_folder

limit = 0.70  # R3: the smallest ROC AUC that is enough

# %% [markdown] id="apart-intro"
# ## Two tools that nobody can install here
#
# The versions of them that run on most Linux machines want Python 3.11 and a pandas of January 2023. The course wants a
# newer pandas. One environment holds one pandas, so they can never be in one process with this notebook.
#
# Teams have that problem each year, with old tools and with new ones, and the answer is: *another process*. The
# program `course/testing/tfdv.py` names its own packages in its first lines (open it: Python calls that *inline
# script metadata*), and a *lock* beside it holds their exact versions. When the lab was started, uv made an
# environment for it. Files go in, and JSON comes out.


# %% id="apart"
def run(*words):
    return json.loads(labs.run_script("tfdv", *words))


print("in this notebook: pandas", pd.__version__)
run("versions")

# %% [markdown] id="describe-intro"
# ## Statistics, and a schema from them
#
# `before` are January to April, which we take for good. Then come eight more real months, and May once for each of
# the ways in which months come damaged (lesson 06 had the first seventeen, and mentioned the last one).
#
# TFDV reads each table once, and keeps its **statistics**: counts, gaps, means, histograms, frequent values. They
# are small files. All that follows looks at them and not at the rows, so that it takes no longer for a billion
# flights than for ours. From the statistics of `before` it infers the schema.

# %% id="describe"
place = new_folder("labs/tfdv")
before, real, damaged = inferred_schema.write_tables(place / "tables")
print(len(real), "real months and", len(damaged), "damaged ones")
sizes = run("describe", place / "tables", place / "statistics", "before")
print(sizes["before"])

schema = (place / "statistics" / "schema.pbtxt").read_text(encoding="utf-8")
for start in ('feature {\n  name: "distance"', 'feature {\n  name: "arr_delay"'):
    print(schema[schema.index(start) :].partition("\n}\n")[0] + "\n}")
print(schema[schema.index('string_domain {\n  name: "carrier"') :][:78], "...")

# %% [markdown] id="schema-reading"
# A schema is text, in the form of Google's *protocol buffers*, and belongs into Git. `distance` is there in every row
# (`min_fraction: 1`), once, as a whole number. `arr_delay` has gaps, so TFDV demands nothing but one value in the whole
# table. `carrier` has a **domain**: the list of the values that it may have, since there were only a few.
#
# And mind the second line: 19 columns went in, and TFDV has seen 18. It knows numbers and texts. `time_hour`, a
# moment, it left out without a word.
#
# ## What breaks the schema?
#
# Anything in a later table that the schema does not allow is an **anomaly**. First the real months, which are all good.

# %% id="check"
inferred = run("check", place / "statistics", "before")
for name in real:
    for one in inferred[name]["anomalies"]:
        print(name, one["column"], one["detail"].strip(), sep=": ")

known = pd.Series({name: month["dest"].isin(before["dest"]).mean() for name, month in real.items()})
print("destinations that are known:", known.round(4).to_dict())

# %% [markdown] id="q1-task"
# Eight of eight good months are refused, and always for `dest`. In summer there are flights to the islands of Nantucket
# (ACK) and Martha's Vineyard (MVY), and no winter could know that. A domain that was learned from four months is
# *too tight*, and a check that always cries is switched off.
#
# The schema can forgive: `min_domain_mass` is the share of the values that must be in the domain. The last line
# above gives for each month the share that is.
#
# ### Exercise 1: how much to forgive
#
# Choose `mass` so that no good month is refused, and a month in which *1 % of all destinations* have become `#REF!` still
# is, even if everything else in it is as here.

# %% id="q1"
### BEGIN SOLUTION
mass = 0.99
### END SOLUTION
q1.check(mass, known)
# q1.hint()
# q1.solution()

# %% [markdown] id="damages-intro"
# ## Which damages does it find?
#
# A damage is found if the damaged May has anomalies that the real May does not have. The second column names the rule of
# lesson 06 that is there for it.


# %% id="damages"
rules = {one.__name__: rule for one, rule in damages.DAMAGES.items()}
found = inferred_schema.columns_found(inferred, damaged, usual="2013-05")
overview = pd.DataFrame({"rule of lesson 06": rules, "inferred": found}).reindex(damaged)
print(sum(map(bool, found.values())), "of", len(damaged), "damages are found")
overview.fillna("")

# %% [markdown] id="knowledge-intro"
# Five. The inferred schema knows names, types, gaps and lists of words. That costs you nothing, and it catches what
# breaks programs. But it has no idea what a distance can be, and the damages that cost money go through.
#
# ## Teach it what you know
#
# The file below is *merged* into the inferred schema. Ranges come from reasons, as in lesson 06. New are the **drift
# comparators**: how far may a column move away from `before`, taken as a whole? For two tables with the shares $t$ and
# $n$ of their values:
#
# - **L-infinity** is the largest difference: $\max |n - t|$.
# - The **Jensen-Shannon divergence** adds up all differences, from 0 (equal) to 1 (nothing in common): with $m$ for the
#   mean of both shares, it is half of $\sum n \log_2 \frac{n}{m} + \sum t \log_2 \frac{t}{m}$.

# %% id="knowledge"
knowledge = COURSE / "testing" / "knowledge.pbtxt"
print(knowledge.read_text(encoding="utf-8"))
taught = run("check", place / "statistics", "before", knowledge)
print(sum(bool(taught[name]["anomalies"]) for name in real), "of", len(real), "months are refused")

found = inferred_schema.columns_found(taught, damaged, usual="2013-05")
print(sum(map(bool, found.values())), "of", len(damaged), "damages are found")
overview.assign(taught=found).fillna("")

# %% [markdown] id="taught-reading"
# No false alarm any more, and more than twice as many damages. The last line is worth a second look: when United and Delta
# are swapped, every value is allowed, and lesson 06's rules call that month *good*. The shares of the airlines
# give it away.
#
# What is still missing? *Rows*: half a month, every other row, repeated ones. *Patterns* in texts, such as those of tail
# numbers. And whatever compares two *columns*: a delay with its clock, an hour with its zone. TFDV describes columns one
# by one, from statistics. That makes it fast, and is its limit.
#
# ## Drift by hand
#
# Do these numbers mean what the formulas say? And what would the population stability index (PSI) of lesson 14 say?


# %% id="by-hand"
names = [*real, "carriers_swapped", "clocks_fast", "delays_in_hours"]
rows = {}
for name in names:
    now = (real | damaged)[name]
    shares = drift.shares(before["carrier"], now["carrier"])
    rows[name] = {
        "carrier: by hand": (shares["now"] - shares["then"]).abs().max(),
        "carrier: TFDV": inferred_schema.drift_of(taught, name, "carrier"),
        "arr_delay: TFDV": inferred_schema.drift_of(taught, name, "arr_delay"),
        "arr_delay: PSI": drift.psi(before["arr_delay"], now["arr_delay"]),
    }
pd.DataFrame.from_dict(rows, orient="index").round(3)

# %% [markdown] id="drift-reading"
# By hand and by TFDV, the airlines agree in all digits. Now read the third column. The real May is *further* from the
# winter than the May whose clocks are all 30 minutes fast! PSI says the opposite, and says it loudly: 0.052 and 1.384.
#
# Why? TFDV compares histograms, and its histogram of a number has ten bins of *equal width* between the smallest and
# the largest value. One flight that was 21 hours late makes them wide. PSI, as lesson 14 does it, has bins of *equal
# content*. Here is what equal width means for the delays of January to April:

# %% id="bins"
plots.show(*inferred_schema.draw_bins(before["arr_delay"]))

# %% [markdown] id="bins-reading"
# Nearly all flights sit in the first two bins, and 30 minutes move few of them into another one. Where the bins begin and
# end hangs on one or two extreme flights of a month. So the threshold of 0.2 above catches delays in hours, and nothing
# that is smaller. **A measure of drift without its bins is no number to compare**, and a threshold belongs to one way of
# counting. (Texts need no bins, so there is no such trap.)
#
# ## TFMA: one gate for all slices
#
# Now the forecasts. Release 1 said in June how probable a delay was, and we know what happened. TFMA wants a table with
# both, and a configuration: which columns, which **slices**, which metrics, and what they must reach. We take the flights
# from JFK, and each airline there is a slice. (With all three airports it would take a minute.)

# %% id="gate"
june = inferred_schema.june_from("JFK")
columns = june[["late", "probability", "carrier"]].astype({"late": "int64"})
columns.to_parquet(place / "june.parquet", index=False)
configuration = COURSE / "testing" / "evaluation.pbtxt"
print(configuration.read_text(encoding="utf-8"))

answer = run("evaluate", place / "june.parquet", configuration)
metrics = pd.DataFrame(answer["metrics"]).pivot(index="slice", columns="metric", values="value")
print(
    "by the course:", intervals.metrics(june)[["roc_auc", "precision", "recall"]].round(3).to_dict()
)
print("gate passed:", answer["passed"], [one["slice"] for one in answer["failures"]])
metrics.rename(index={"": "all"}).round(3)

# %% [markdown] id="q2-task"
# For all flights, the same numbers as by lesson 10's code. And the gate is shut, although their ROC AUC of 0.707 is
# enough: TFMA asks *every* slice, and three are below 0.70. Hawaiian (HA) has 30 flights, and was never warned, so its
# precision is no number. US Airways (US) lacks so little that the table rounds it to 0.700. Is the model bad for all
# three, or is that chance?
#
# TFMA can add intervals (`compute_confidence_intervals`), but it takes each flight for independent of the others. Lesson 10
# has shown why days must be drawn: the flights of a day share its weather. So we take the course's intervals, for each slice.
#
# ### Exercise 2: a gate that knows what it does not know
#
# Write `surely_below(table, limit)`. From a table like the one below, it returns the list of the slices of which we can be
# sure that they do not reach the limit: the *whole* interval lies below it.


# %% id="spans"
spans = inferred_schema.spans_by(june, "carrier")
plots.show(*inferred_schema.draw_spans(spans, limit))


# %% id="q2"
def surely_below(table, limit):
    ### BEGIN SOLUTION
    return list(table.index[table["high"] < limit])
    ### END SOLUTION


q2.check(surely_below)
# q2.hint()
# q2.solution()

# %% [markdown] id="recap"
# ## What you take with you
#
# - **A tool that cannot share your environment runs in its own**, as a program with its own lock. Files go in and come out.
# - **An inferred schema is a start.** It finds what breaks programs. It is too tight where the past was short, and knows
#   nothing of meaning, of rows, or of two columns together: those rules are yours.
# - **Look at the bins** before you trust a measure of drift.
# - **A gate for every slice** sees what an average hides, and is shut by chance when slices are small. Ask for the
#   interval, and draw days.
# - Is it worth it? With tables of terabytes, where nobody can load a month, statistics that are computed once are worth much, and
#   both tools run on clusters (Apache Beam). For our months, the rules of lesson 06 say more and are easier to install.
