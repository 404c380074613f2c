# %% [markdown] id="why"
# ## Why it matters
#
# To see that something drifts, you compare what comes in now with what came in then (lesson 14). Must you keep all rows
# for that? They cost disk, and where they tell of people, you are often not allowed to. So many teams keep a few numbers
# of each day, and find out later that these cannot be put together: what is the median of a month, if you have the
# medians of its days?
#
# **whylogs** keeps a **profile** of each batch instead: statistics of each column that *can* be put together, in a
# file that hardly grows with the rows. In this lab you profile the days of July, make a month of them, prove that it is
# right, and measure drift without the rows. Then a profile and a gate will both say that all is well, and be wrong.

# %% tags=["parameters"] id="imports"
from mlops_school import data, drift, features, labs, monitoring, profiles

labs.require("whylogs")

import os

os.environ["WHYLOGS_NO_ANALYTICS"] = "True"  # before the import, or it reports to its makers

import numpy as np
import pandas as pd
import whylogs as why

from mlops_school import profile_views as views
from mlops_school.exercises import ____
from mlops_school.exercises.labs.whylogs import q1, q2
from mlops_school.paths import new_folder

folder = new_folder("labs/whylogs")

# %% [markdown] id="average-intro"
# ## What can be put together?
#
# A **percentile** says how large the largest are: 95 percent of the delays are at most the 95th percentile. A median is
# the 50th. Suppose that a team has kept two numbers of each day of July, the mean of the delays at arrival and their 95th
# percentile, and makes a month of them in the way that comes to mind first: by an average.

# %% id="average"
july = data.load_flights([7])
delays = july["arr_delay"].dropna()
days = july.groupby("day")["arr_delay"]
kept = pd.DataFrame({"mean": days.mean(), "95th percentile": days.quantile(0.95)})
pd.DataFrame(
    {
        "average of 31 days": kept.mean(),
        "the whole month": [delays.mean(), delays.quantile(0.95)],
    }
).round(2)

# %% [markdown] id="q1-task"
# The percentile is 16 minutes too low: the worst delays of the month are on a few bad days, and an average of days hides
# them. No other formula helps. From such percentiles alone, the month's cannot be known. The mean is nearly right, and
# it *can* be repaired, since days with more flights should count more.
#
# Statistics that can be put together are called **mergeable**. A day's profile may hold only such.
#
# ### Exercise 1: merge two profiles by hand
#
# Here a profile is a dictionary with `n`, how many numbers there were, their `mean`, and `low` and `high`, the smallest and the
# largest. Write `merge(a, b)`. It must return the profile of all numbers of both together.


# %% id="q1"
def merge(a, b):
    ### BEGIN SOLUTION
    n = a["n"] + b["n"]
    return {
        "n": n,
        "mean": (a["n"] * a["mean"] + b["n"] * b["mean"]) / n,
        "low": min(a["low"], b["low"]),
        "high": max(a["high"], b["high"]),
    }
    ### END SOLUTION


q1.check(merge)
# q1.hint()
# q1.solution()

# %% [markdown] id="log-intro"
# For percentiles, no few numbers will do. But a **sketch** will: a sample of the numbers, chosen so that each of the
# kept ones stands for some that were left out, and so that two sketches can be merged into one. This one is called KLL,
# after Karnin, Lang and Liberty (2016). It answers not exactly, but with an error that is known beforehand.
#
# `why.log` reads a table once and makes a profile: for each column its counts, its types, a sketch for percentiles, one for
# how many *different* values there are, and for text one of the most frequent values.

# %% id="log"
columns = ["carrier", "tailnum", "arr_delay", "distance"]
at_once = why.log(july[columns]).view()
shown = ["counts/n", "counts/null", "types/fractional", "types/integral", "types/string"]
frequent = at_once.get_column("tailnum").to_summary_dict()["frequent_items/frequent_strings"]
print("the most frequent aircraft:", [(item.value, item.est) for item in frequent])
at_once.to_pandas()[shown]

# %% [markdown] id="merge-intro"
# Of 29,425 flights, 1,132 have no delay at arrival: they were cancelled or diverted. The other 28,293 are fractional numbers.
# And the first line names an aircraft. *A profile is not anonymous*: frequent values, the smallest and the largest are in
# it as they are. Leave columns out that tell of people.
#
# Now each day by itself, as its file comes in, and then all merged, two and two. Is the month that comes out the month that
# was profiled at once? Counts can be compared exactly. A sketch has an error in *ranks*: what it calls the 95th percentile may
# be one that is a little lower or higher.

# %% id="merge"
by_day = {day: why.log(rows[columns]).view() for day, rows in july.groupby("day")}
merged = profiles.merge(by_day.values())
exact = ["counts/n", "counts/null", "distribution/n", "distribution/min", "distribution/max"]
print("counts are equal:", merged.to_pandas()[exact].equals(at_once.to_pandas()[exact]))

error = profiles.sketch(merged, "arr_delay").normalized_rank_error(False)
low, high = delays.quantile([0.95 - error, 0.95 + error])
print(f"error of a rank: {error:.2%}. So an answer may be from {low:.0f} to {high:.0f} minutes.")
for name, profile in {"at once": at_once, "merged": merged}.items():
    answer = profiles.sketch(profile, "arr_delay").get_quantile(0.95)
    print(f"{name}: it is {low <= answer <= high}")

# %% [markdown] id="days-intro"
# All counts are equal, and both percentiles are right within the error, which holds in 99 of 100 questions. The average of
# the days, 114, is far outside. (A sketch throws dice to choose what it keeps, so the number that it names differs a
# little each time. That is why this notebook only prints whether it is right.)
#
# From the same 31 profiles you may make any other stretch of days, later, when you know what you want to know. Here is
# each day alone:

# %% id="days"
worst = pd.Series(
    {day: profiles.sketch(one, "arr_delay").get_quantile(0.95) for day, one in by_day.items()}
)
views.show_days(worst, delays.quantile(0.95), "95th percentile of the delay in minutes")

# %% [markdown] id="size-intro"
# On the 10th, one flight in twenty was more than four and a half hours late. (The average of the days is 115 here and was 114
# before, since a sketch names a number that has occurred, and pandas one between two of them.)
#
# ## What does it cost?
#
# A sketch keeps all numbers up to about a thousand; above that, it grows very slowly. Here is what a profile of *all*
# columns of the flights takes, beside the same rows in Parquet, the format in which the course keeps them.

# %% id="size"
sizes = {}
for name, months, last in [("1 day", [7], 1), ("1 month", [7], 31), ("6 months", range(1, 7), 31)]:
    rows = data.load_flights(months).drop(columns="time_hour")
    rows = rows[rows["day"] <= last]
    rows.to_parquet(folder / "rows.parquet")
    (folder / "rows.bin").write_bytes(why.log(rows).view().serialize())
    kb = {end: (folder / f"rows.{end}").stat().st_size / 1000 for end in ["parquet", "bin"]}
    sizes[name] = [len(rows), round(kb["parquet"], -1), round(kb["bin"], -1)]
pd.DataFrame(sizes, ["rows", "KB in Parquet", "KB of the profile"]).T.astype(int)

# %% [markdown] id="drift-intro"
# A surprise: of a day, the profile is *three times as large* as the data. Of a month it is smaller, and of half a year
# much smaller. So with 950 flights a day you save no disk by daily profiles; who has millions of rows a day does. The
# other reasons remain: rows that you must not keep, and answers without a search in them.
#
# ## Drift without the rows
#
# Profile what release 1 has learned from, January to April, and July. Write both to files, and read them again, as
# somebody does who never had the rows.

# %% id="profiles"
from whylogs.core import DatasetProfileView

then, now = monitoring.learned(), features.load_examples([7])
for name, rows in {"then": then, "now": now}.items():
    (folder / f"{name}.bin").write_bytes(why.log(rows[features.FEATURES]).view().serialize())

files = [(folder / f"{name}.bin").read_bytes() for name in ["then", "now"]]
old, new = map(DatasetProfileView.deserialize, files)
kinds = ["counts/n", "counts/null", "distribution/min", "distribution/max"]
new.to_pandas().loc[["temp", "wind_gust", "seats"], kinds]

# %% [markdown] id="compare-intro"
# Of the rows of July, there is nothing else left. For the population stability index (PSI), lesson 14 made ten bins that hold a
# tenth each *then*, and asked how much of *now* is in them. Sketches can answer both, and what is missing has been counted:
# `profiles.shares` asks them. The test: are the answers those of the rows? By the rule of thumb there are three: below 0.1
# nothing has changed, above 0.25 much has. Beside it stands what whylogs itself says of each column, by its test of
# Kolmogorov and Smirnov (KS).

# %% id="compare"
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

scores = calculate_drift_scores(new, old, with_thresholds=True)
bands = {"bins": [0, 0.1, 0.25, np.inf], "labels": ["nothing", "some", "much"]}
table = pd.DataFrame(index=[name for name in then if then[name].dtype == float])
for name in table.index:
    rows, score = (then[name], now[name]), scores[name]
    table.loc[name, "PSI of rows"] = drift.psi(*rows)
    table.loc[name, "of profiles"] = drift.psi_of_shares(profiles.shares(old, new, name))
    table.loc[name, "KS agree"] = abs(score["statistic"] - drift.ks(*rows)[0]) < 0.01
    table.loc[name, "whylogs says"] = score["drift_category"]
table["of profiles"] = pd.cut(table["of profiles"], **bands)
table.round(3)

# %% [markdown] id="broken-intro"
# The profiles agree with the rows in every column, and so does the KS of whylogs. But its judgement is DRIFT everywhere, even
# of `minute_of_day`, where a PSI of 0.003 is nothing. It judges by the p-value, which says how sure a change is and not
# how large. That was the lesson of lesson 14, and it holds for profiles, too: take the statistics, judge by PSI.
#
# ## Break it: a day comes as text
#
# A gate in front of the month asks the profile of each day three things: no delay of 24 hours or more, a median from -30 to
# 60 minutes, fewer than 20 percent missing. In whylogs these are **constraints**. On 10 July somebody has changed how the
# file is written, and all delays come as text: `"14.0"` instead of 14.0.

# %% id="broken"
from whylogs.core.constraints import ConstraintsBuilder, factories


def gate(profile, **options):
    builder = ConstraintsBuilder(profile)
    builder.add_constraint(factories.smaller_than_number("arr_delay", 24 * 60, **options))
    builder.add_constraint(factories.quantile_between_range("arr_delay", 0.5, -30, 60, **options))
    return builder.add_constraint(factories.null_percentage_below_number("arr_delay", 0.2)).build()


the_10th = july.loc[july["day"] == 10, columns]
as_text = why.log(the_10th.astype({"arr_delay": str})).view()
for rule in gate(as_text).generate_constraints_report():
    print("passed" if rule.passed else "FAILED", "-", rule.name)
month = profiles.merge([*(by_day[day] for day in by_day if day != 10), as_text])
month.to_pandas().loc[["arr_delay"], ["counts/n", "counts/null", "types/string", "distribution/n"]]

# %% [markdown] id="q2-task"
# Passed, three times, although not one number was seen. The sketch is empty, and **a rule that finds nothing to judge lets
# pass**. Even the missing ones are gone: they are the text `"nan"` now. The month counts all its 29,425 flights, but its
# percentiles are made of 27,447 numbers, without the worst day of July. Nothing has failed.
#
# But the counts tell it, if you ask. `counts` below is what the profile knows of one column. `counts["counts/n"]` is how many rows
# there were, `counts["counts/null"]` how many of them were missing (NaN or None), and `counts["distribution/n"]` how many numbers
# are in the sketch.
#
# ### Exercise 2: a rule that asks whether there is something to judge
#
# Write `speaks_for_all(counts)`: is every value that is not missing in the sketch, and is there one at all?


# %% id="q2"
def speaks_for_all(counts):
    ### BEGIN SOLUTION
    return counts["distribution/n"] == counts["counts/n"] - counts["counts/null"] > 0
    ### END SOLUTION


q2.check(speaks_for_all)
# q2.hint()
# q2.solution()

# %% [markdown] id="repair-intro"
# whylogs has remedies of its own. `skip_missing=False` makes a rule fail if there is nothing to judge, and
# `column_is_nullable_fractional` demands fractional numbers. A gate that was never seen to stop anything is a hope, so try
# all on four files of 10 July: right; all text; text in five rows; and whole numbers, which is how pandas reads a column
# in which nothing is missing. `True` lets the file pass.

# %% id="repair"
numbers = the_10th["arr_delay"]
some = numbers.astype(object).where(np.arange(len(numbers)) >= 5, "n/a")
whole = numbers.fillna(0).astype(int)
files = {"right": numbers, "text": numbers.astype(str), "five texts": some, "whole": whole}
fractional = factories.column_is_nullable_fractional("arr_delay")
passes = {}
for name, column in files.items():
    profile = why.log(column.to_frame()).view()
    strict = gate(profile, skip_missing=False).validate()
    typed = ConstraintsBuilder(profile).add_constraint(fractional).build().validate()
    passes[name] = [strict, typed, profiles.speaks_for_all(profile, "arr_delay")]
pd.DataFrame(passes, ["skip_missing=False", "nullable_fractional", "speaks_for_all"])

# %% [markdown] id="recap"
# Only the last rule stops both broken files and lets both good ones pass. `skip_missing=False` does not see five texts among
# numbers; they are just left out. `column_is_nullable_fractional` stops a file in which nothing is wrong.
#
# ## What you take with you
#
# - Percentiles of days cannot be averaged. Sketches can be merged, with an error that is known beforehand.
# - A profile answers later questions without the rows. It is small only where the rows are many, and it is not anonymous.
# - Counts, missing, types, and how many numbers are in the sketch: look at these first. All else speaks only of what got in.
# - A rule that has nothing to judge passes. Try each gate on a file that it must stop (lesson 06).
# - Is it worth it? The idea is, where rows are many or must go. Where they may stay and are few, as here, the drift of
#   lesson 14 needs no profile.
# - The tool has got old. The newest version, 1.6.4, is of December 2024. It breaks with NumPy 2, and the files of its
#   sketches do not fit new Macs, Windows with Python 3.12, or any newer Python. Before you build on a tool, look when it was
#   last released. The sketches can be had without it, from the package `datasketches` of Apache.
