# %% [markdown] id="why"
# ## Why it matters
#
# Somebody shows you 40 plots of the data. They are colourful, and nothing follows from them. Somebody else
# shows you one, and the team deletes a column, changes a requirement, and writes an e-mail to the airports.
#
# The difference is a question. In this lesson you write questions down *before* you look, each with the
# decision that its answer would change. You guess, you look, you note what follows. On the way you find
# columns that know the future, missing values that hide a storm, and a requirement that nobody can test.

# %% tags=["parameters"] id="imports"
import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from mlops_school import data, exploration, plots, quiz
from mlops_school import exploration_views as views
from mlops_school.exercises import ____
from mlops_school.exercises.exploration import q1, q2, q3, q4, q5
from mlops_school.exploration import gap, rate_by, wilson
from mlops_school.process import FIRST_WORDING, load_requirements

shuffles = 200  # how often chance gets a try, near the end

# %% [markdown] id="questions-intro"
# ## Questions first
#
# Two requirements lead us. R1 says what the service predicts and what it may use; R7 promises something to
# small airports. Both are printed below in their *first wording*, as the team wrote them before anyone had
# looked at the data. Read them with suspicion.
#
# | name | question | what the answer would change |
# |---|---|---|
# | no label | On the worst day, how many percent of the flights have no label? | what counts as late; R1 |
# | hour | At 6 o'clock 15 percent are late. How many percent at 20 o'clock? | a feature |
# | carrier | Between the best and the worst big carrier, how many percentage points? | a feature, a slice to test |
# | weather | With a visibility of 1 mile or less, how many percent are late? | a feature |
# | day | On the worst day, how many percent are late? | the split, every interval |
#
# ## Which months may we look at?
#
# Looking is a way of learning, even when no model is trained. If you see that July is bad and add a feature
# for it, July can no longer tell you how the service does in a month that nobody has seen. So we look at
# *January to April* only, the months that lesson 09 trains on. May is kept to choose by, and all
# others stay shut. (Lessons 01 and 02 have shown you a glimpse of July. A team in January would not have that.)
#
# ## Guess, then open
#
# In the next cell, put a number in the place of each `____`, in percent. Nobody marks it. But if you do not write it
# down, every plot will look as if you had known it before. The cell after it opens the four months: `late` is
# True from 15 minutes on, and missing (`<NA>`) if a flight never arrived; `place` is the position of the row in its
# day, and you will see why it is there.

# %% id="guess"
guesses = {"no label": ____, "hour": ____, "carrier": ____, "weather": ____, "day": ____}

findings = exploration.Findings(guesses)
first = load_requirements(FIRST_WORDING)
print(first["R1"], first["R7"], sep="\n\n")

# %% id="open"
flights = exploration.load_open_flights()
arrived = flights.dropna(subset="late").astype({"late": bool})
share = arrived["late"].mean()

print(f"{len(flights):,} flights, {len(arrived):,} with a label, {share:.1%} of these late")
flights[["date", "place", "sched_dep_time", "carrier", "dest", "arr_delay", "late"]].tail(3)

# %% [markdown] id="delays-intro"
# ## One variable: how late is late?
#
# Before any question about *who* is late: what do the delays themselves look like?

# %% id="delays"
plots.show(*views.draw_delays(arrived["arr_delay"]))
for minutes in (10, 15, 30):
    print(f"late from {minutes} minutes on: {(arrived['arr_delay'] >= minutes).mean():.0%}")

# %% [markdown] id="missing-intro"
# Half of all flights arrive 4 minutes early or more, and yet the mean is 7 minutes late: a few very late ones
# pull it up. So "7 minutes on average" says little about a usual flight, and a *share of late flights* is the
# better summary.
#
# The 15 minutes are a decision, not a law of nature. At 10 minutes, 30 percent would be late; at 30 minutes,
# 16 percent. Move the limit, and costs, thresholds and every requirement move with it. R1 fixes it once.
#
# ## What the missing labels hide
#
# Cancelled and diverted flights have no arrival, so no label. It is tempting to drop them: they are only
# 3 percent. Each point below is a day.

# %% id="missing"
days = flights.groupby("date")["late"].agg(
    unlabelled=lambda late: late.isna().mean(), late=lambda late: late.mean()
)
days = days.astype(float)
dates = pd.to_datetime(["2013-02-08", "2013-02-09", "2013-03-06", "2013-03-08"])
plots.show(*views.draw_days(days, dates))
print(f"no label: {flights['late'].isna().mean():.1%} of all flights")
worst = 100 * days["unlabelled"].max()
findings.add("no label", worst, "report unlabelled flights beside the late ones; ask about R1")

# %% [markdown] id="q1-task"
# Look at 9 February, after a snowstorm. Of the flights that flew, 25 percent were late: an average day! But
# 57 percent never flew. 6 March has the same disguise. The labels are **missing not at random**: what
# makes flights late also makes labels disappear. Whoever drops them silently calls a disaster an average day.
#
# Remember the passenger of a cancelled flight. R1 says "arrives 15 or more minutes late": this flight never
# arrives. Should there have been a warning? The data cannot say. People must.
#
# ### Exercise 1: the day behind the day
#
# Suppose that flights without a label count as late, too. Which share of *all* flights of 9 February is
# late then? `storm` holds the two shares that you see in the picture.

# %% id="q1"
storm = days.loc["2013-02-09"]
### BEGIN SOLUTION
late_or_gone = storm["unlabelled"] + (1 - storm["unlabelled"]) * storm["late"]
### END SOLUTION
q1.check(late_or_gone, storm)
# q1.hint()
# q1.solution()

# %% [markdown] id="hours-intro"
# ## How sure is a share?
#
# A share of few flights is a guess. **Wilson's interval** says how far the truth may be: 3 late of 10 flights
# means "between 11 and 60 percent". Of 100 such intervals, about 95 hold the truth, *if* the flights are
# independent of one another. Are they?
#
# One storm delays hundreds of flights at once. So `rate_by` compares the days with one another and computes
# how many *independent* flights would tell as much. That is the column `worth`.

# %% id="independence"
low, high = wilson(3, 10)
print(f"3 of 10: {low:.0%} to {high:.0%}")
by_month = rate_by(arrived, "month")
naive = rate_by(arrived, "month", day=None).loc[1]
print(f"January, as if flights were independent: {naive['low']:.1%} to {naive['high']:.1%}")
by_month.round(3)

# %% [markdown] id="dates-intro"
# Look at `worth`: the 26,398 flights of January tell as much as 399 independent ones would. Whoever counts flights
# says "23 to 24 percent"; by days it is 20 to 28. The first is far too sure. (Even the second is a little too
# sure: a bad day often follows a bad one.)
#
# This matters when you split data, too. Below, every second flight tells how late its day was, and from that
# alone we guess which of the *other* flights are late. **ROC AUC** says how well that ranks them: 1 is
# perfect, 0.5 is guessing.

# %% id="dates"
half = np.arange(len(arrived)) % 2 == 0
of_the_day = arrived["date"].map(arrived[half].groupby("date")["late"].mean())
auc = roc_auc_score(arrived["late"][~half], of_the_day[~half])
print(f"nothing but the date, after a split by row: ROC AUC {auc:.2f}")
findings.add("day", 100 * days["late"].max(), "split by time, never by row; intervals by day")

# %% [markdown] id="hours-text"
# We used *nothing but the date*, and get 0.69. R3 demands 0.70 of the whole service! For tomorrow's flights it is
# worth nothing, for nobody knows yet how late tomorrow will be. Whoever lets flights of *one day* lie on both
# sides of a split rewards learning days by heart. Split by time.
#
# ## Two variables
#
# ### The hour, and what is behind it
#
# On the left, the band is the interval by days. On the right, we follow each aircraft through its day: how
# late did its flight before arrive, the last one from New York? (Column `before`; the way back is not in our data.)

# %% id="hours"
limits = [-100, 0, 15, 30, 60, 2000]
names = ["early", "0 to 14", "15 to 29", "30 to 59", "60 or more"]
flights["steps"] = pd.cut(flights["before"], limits, right=False, labels=names)
by_hour = rate_by(flights, "hour")
by_before = rate_by(flights.dropna(subset="steps"), "steps")

plots.show(*views.draw_hours(by_hour.loc[5:22], by_before))
findings.add(
    "hour", 100 * by_hour.loc[20, "share"], "features: hour, and the aircraft's flight before"
)

# %% [markdown] id="carriers-intro"
# Delays pile up: from 14 percent in the morning to more than 30 in the evening. The right panel shows how they
# travel: if the flight before arrived an hour late, this one is late four times out of five. Whoever asks
# what is *behind* a plot finds a better feature than the clock. (Is it known two hours before? We come back to that.)
#
# ### Carriers: who is late, or where, or when?
#
# On the left, the area of a mark is the number of flights. The worst of the big ones is EV, ExpressJet. On
# the right, EV alone, airport by airport.

# %% id="carriers"
arrived["EV"] = arrived["carrier"] == "EV"
by_carrier = rate_by(arrived, "carrier").query("n >= 100")
by_pair = rate_by(arrived, ["origin", "EV"])
plots.show(*views.draw_carriers(by_carrier, by_pair, "EV"))

big = by_carrier.loc[by_carrier["n"] >= 10_000, "share"]
print(arrived.groupby("origin")["late"].mean().round(3).to_dict())
findings.add("carrier", 100 * (big.max() - big.min()), "the pair of carrier and airport counts")

# %% [markdown] id="reversal-intro"
# Newark (EWR) has 29 percent late flights, the other two airports 22 and 23. Is Newark bad? Without EV it is as
# good as they are. Is EV bad, then? At LaGuardia (LGA) it is 2 points above the others, at Kennedy (JFK) 6, but at Newark
# 17. It is mostly *the pair*, EV at Newark, that is late. A model that adds a bit for the carrier and a bit for the airport cannot say that; one
# that can use pairs, such as trees, can.
#
# ### A whole that contradicts its parts
#
# Are short flights late more often than long ones? The answer seems to be yes.

# %% id="reversal"
arrived["length"] = np.where(arrived["distance"] <= 750, "up to 750 miles", "longer")
kinds = ["longer", "up to 750 miles"]
parts = pd.concat(
    {
        "EV": rate_by(arrived[arrived["EV"]], "length"),
        "all others": rate_by(arrived[~arrived["EV"]], "length"),
        "all flights": rate_by(arrived, "length"),
    }
)
plots.show(*views.draw_reversal(parts.reindex(kinds, level=1)))

# %% [markdown] id="q2-task"
# EV's short flights are late *less* often than its long ones. Those of all others are no later either: half a point
# less, which may be chance. And yet, together, short flights are late *more* often: this is **Simpson's paradox**. Look at the area of the marks: EV flies many
# short routes and few long ones, so an average of short flights has much more of EV in it. (We chose 750 miles. Any
# limit from 300 to 800 shows the same.)
#
# ### Exercise 2: the same timetable for both
#
# Endeavor (9E) has 23.7 percent late flights, Southwest (WN) 22.4. But Southwest flies more in the morning, when
# everybody is punctual. Which share would *each* have with the timetable of all flights? `rates` holds the
# share late of both in each part of the day; `mix` says which share of all flights leaves in that part.
# Assign a Series with one number for each carrier.

# %% id="q2"
arrived["part"] = pd.cut(
    arrived["hour"], [4, 9, 13, 17, 23], labels=["5-9", "10-13", "14-17", "18-23"]
)
two = arrived[arrived["carrier"].isin(["9E", "WN"])]
rates = rate_by(two, ["part", "carrier"])["share"].unstack()
mix = arrived["part"].value_counts(normalize=True, sort=False)
print(two.groupby("carrier")["late"].mean().round(3).to_dict())
print(rates.assign(mix=mix).round(3))
### BEGIN SOLUTION
same_timetable = rates.mul(mix, axis=0).sum()
### END SOLUTION
q2.check(same_timetable, rates, mix)
# q2.hint()
# q2.solution()

# %% [markdown] id="weather-intro"
# ### Weather: thousands of flights, a handful of days
#
# Below each value stand the number of its flights, and of the *days* on which it occurred.

# %% id="weather"
weather = data.load_weather()[["origin", "time_hour", "visib", "precip", "wind_speed"]]
seen = arrived.merge(weather, on=["origin", "time_hour"], how="left")
print(f"{seen['visib'].isna().sum()} flights find no weather and are left out")
scales = {
    "Visibility, miles": ("visib", [-1, 1, 4, 9.9, 10], ["≤ 1", "≤ 4", "< 10", "10"]),
    "Rain or snow, inches": ("precip", [-1, 0, 0.05, 9], ["0", "≤ 0.05", "> 0.05"]),
    "Wind, miles an hour": ("wind_speed", [-1, 10, 20, 30, 99], ["≤ 10", "≤ 20", "≤ 30", "> 30"]),
}
tables = {words: views.by_step(seen, *scale) for words, scale in scales.items()}
plots.show(*views.draw_weather(tables))
foggy = 100 * tables["Visibility, miles"]["share"].iloc[0]
findings.add("weather", foggy, "features, but only of weather that is known in time")

# %% [markdown] id="leak-intro"
# Bad visibility and rain come with twice as many late flights. But 2,497 flights at 1 mile or less come from 16
# days, so the interval is wide.
#
# And there is a trap: this is the weather *of the hour of departure*. Two hours before, nobody has seen it.
# Lesson 08 joins the weather that was known.
#
# And the season: is the summer worse? About that we know *nothing*. Opening the shut months would hardly
# help, for these data hold one July, and one July cannot tell a season from a bad year. But R3 promises something
# for *every* month, so somebody must watch. That is R9, and lesson 14.
#
# ## Leakage, found by looking
#
# Now we screen the columns: how well does each one, all alone, rank late flights above punctual ones? ROC AUC
# says it again. (A text
# becomes the share late of its value on *other* days. `before` has a value for every fourth flight only; each column
# is judged by the flights that have one.)

# %% id="leak"
findings.add("season", "unknown", "a promise to watch: R9")
columns = ["sched_dep_time", "carrier", "dest", "distance", "origin", "tailnum", "before"]
columns += ["dep_time", "dep_delay", "arr_time", "air_time", "place"]
scores = exploration.screen(flights, columns)
plots.show(*views.draw_giveaway(arrived, scores))

# %% [markdown] id="q3-task"
# `dep_delay` alone gets 0.89, and R3 asks for 0.70 from a whole model. *Too good to be true* is the first sign of
# leakage: who knows how late a flight left knows nearly everything, and knows it too late.
#
# But a high score proves nothing, and a low one neither. `place`, which is not even a column of the file,
# beats the timetable: the rows of a day are in the order in which the flights *really* left. So each column gets
# the question: **when is it known?**
#
# ### Exercise 3: when is it known?
#
# The warning is due two hours before departure. Sort nine columns into three sets of names: `known` in time;
# `trap` (sometimes known in time, or known and changed later); `too_late`. The columns are
# `carrier`, `sched_dep_time`, `distance`, `tailnum` (the aircraft), `before` (how late that aircraft's flight
# before arrived), `visib` (visibility in the hour of departure), `dep_time`, `air_time`, and `place`.
#
# When you have decided, run the cell after it: the same in a picture. Only what ends in its blue part may be a feature.

# %% id="q3"
### BEGIN SOLUTION
known = {"carrier", "sched_dep_time", "distance"}
trap = {"tailnum", "before"}
too_late = {"visib", "dep_time", "air_time", "place"}
### END SOLUTION
q3.check(known, trap, too_late)
# q3.hint()
# q3.solution()

# %% id="timeline"
plots.show(*views.draw_timeline())
due = flights["time_hour"] + pd.to_timedelta(flights["minute"] - 120, unit="min")
in_time = (flights["landed"] <= due)[flights["landed"].notna()]
print(f"flight before landed in time: {in_time.mean():.0%} of all,", end=" ")
print(f"{in_time[flights['before'] >= 60].mean():.0%} of those an hour late")
gone, no_tail = flights["dep_time"].isna(), flights["tailnum"].isna()
print(f"no tail number: {no_tail[gone].mean():.0%} of cancelled flights,", end=" ")
print(f"{no_tail[~gone].mean():.0%} of the others")
findings.add("leakage", f"AUC {scores.max():.2f} of dep_delay", "ask each column: known when?")

# %% [markdown] id="funnel-intro"
# The traps have teeth. The flight before has nearly always landed in time, except when it matters: of those that
# come in an hour late, three in ten have not landed when the warning is due. And even a *gap* can leak: every
# flight without a tail number was cancelled.
#
# ## Small numbers: a funnel
#
# Which destination is the worst? Before you make a ranking, look at what chance alone would do. The blue **funnel**
# holds the share late of nearly every airport, if all had the same risk. It is wide on the left, where flights
# are few. Each airport stands at its `worth`, because flights of one day are late together.

# %% id="funnel"
by_dest = rate_by(arrived, "dest")
plots.show(*views.draw_funnel(by_dest, share, ["HDN", "BGR", "CAE", "DSM"]))
print(f"average over flights {share:.1%}, average over airports {by_dest['share'].mean():.1%}")
for code in ["CAE", "DSM"]:
    to = arrived[arrived["dest"] == code]
    pair = (to["EV"] & (to["origin"] == "EWR")).mean()
    print(f"{code}: {pair:.0%} of its flights are EV's from Newark")

# %% [markdown] id="gap-intro"
# Hayden (HDN) looks excellent with 8 percent, Bangor (BGR) bad with 45. Both are in the funnel: their 12 and 31
# flights say nothing. Columbia (CAE) and Des Moines (DSM) are outside: chance hardly ever does that, and a part of
# the reason you have met before. And mind the **average of averages**: in it, an airport with 12 flights counts as
# much as one with thousands.
#
# ## A finding that changes a requirement
#
# The first wording of R7 was written before anyone had looked at the data. It compares small destinations (fewer than 100
# flights in a month) with all others: of the late flights, which share was warned of? The two may be at most 0.10
# apart. We put that to the test with a service that never changes: it warns of every flight *from noon on*. A
# stand-in, but one whose behaviour we know.

# %% id="gap"
late = arrived[arrived["late"]]
late = late.assign(warned=late["hour"] >= 12, small=late["dest_flights"] < 100)
three = late[late["month"] <= 3].assign(month="Jan-Mar")
rows = pd.concat([gap(months, "month", "small", "warned") for months in (late, three)])
plots.show(*views.draw_gaps(rows, 0.1))

of_one = late[late["small"]].groupby(["month", "dest"]).size()
print(f"late flights to a small destination in a month, if any: median {of_one.median():.0f}")
rows.assign(R7=np.where(rows["gap"].abs() <= 0.1, "met", "BROKEN")).round(5)

# %% [markdown] id="q4-task"
# January: broken. February: met. The service is the same, and the two gaps differ by 0.0003! Every interval crosses
# the limit. One month tells the gap to 3 to 5 points only, so for a service near the limit R7 is a coin toss. Three
# months together tell it to about 2 points. (`gap` compares small and other airports *within* each day: a
# storm hits both.)
#
# Why is there a gap at all? Small airports are served more in the evening, when this service warns. A timetable
# can look like unfairness.
#
# What if we looked at single airports? The usual small destination has 12 late flights in a month, if any.
#
# ### Exercise 4: how many late flights does a verdict need?
#
# Suppose that 80 percent of the late flights to an airport are warned of. From how many late flights `n` on is
# Wilson's interval, `wilson(0.8 * n, n)`, no wider than 0.20 from end to end (about 0.10 to each side)? Find the
# smallest such number.

# %% id="q4"
### BEGIN SOLUTION
needed = 1
while np.subtract(*wilson(0.8 * needed, needed)) < -0.20:
    needed += 1
### END SOLUTION
q4.check(needed)
# q4.hint()
# q4.solution()

# %% [markdown] id="change-intro"
# At 12 a month, that airport would have to wait five months for one rough verdict. So the honest way is: small airports
# *together*, over *three months*, with an interval that may say "not yet known". Our service gets just that
# verdict, since it stands near the limit. With 2.4 points to each side, a gap of 0.05 or 0.15 would nearly always be recognised.
#
# A requirement is not changed by whoever finds the flaw. You write a **change request**:
#
# | part | here |
# |---|---|
# | evidence | the picture above, and exercise 4 |
# | proposal | the text below; `-` is the old, `+` the new |
# | who must agree | the airports that R7 protects; those who get its alerts; those who test releases |
# | what changes with it | the test of lesson 10, the alert of 14, the rollback of 15: each has three verdicts now |
# | what it costs | a real gap is noticed up to three months later |

# %% id="change"
edits = {
    "in a month, the": "in a month,\ntaken together over 3 months, the",
    "destinations.": "destinations.\nThe 95 percent interval of the difference decides: inside the limit "
    "R7 is met, outside it is\nbroken, across it nothing is known yet.",
    "= 0.10": "= 0.10\nmonths_together = 3\nconfidence_percent = 95",
}
change = exploration.propose("R7", edits)
exploration.keep_note("change-R7.diff", change)
print(change)
print("\nToday:", load_requirements()["R7"], "\n")
findings.add("R7", "one month decides nothing", "change request: 3 months together")

# %% [markdown] id="looks-intro"
# Your proposal is in the folder `07-exploration` of your `workspace`. A requirement stays as it is until all have
# agreed. Here they have: today's R7 says what you proposed, and lesson 10 tests the service by it. The question
# about cancelled flights was decided as well: R1 now gives them no verdict, but their number is reported.
#
# ## The trap in looking
#
# Who looks often finds something. To see it, we *shuffle the labels*, so that nothing has to do with anything,
# and ask a hundred questions: are flights whose number ends in 00, 01, … 99 late more often? On the right we shuffle
# 200 times and keep only the best find of each. It is measured in **standard errors**: beyond 2 of them
# (1.96, the dotted line), *one* look counts as significant at 95 percent.

# %% id="looks"
ending = arrived.assign(ending=arrived["flight"] % 100)
shuffled = ending.assign(late=np.random.default_rng(0).permutation(ending["late"]))
best = exploration.look_often(ending, "ending", shuffles, seed=0)
real = {
    "6 o'clock": exploration.surprise(by_hour, share)[6],
    "EV at\nNewark": exploration.surprise(by_pair, share)[("EWR", True)],
}
plots.show(*views.draw_looks(rate_by(shuffled, "ending", day=None), share, best, real))

# %% [markdown] id="q5-task"
# On the left, triangles are "significant", and every one of them is nonsense: of 100 looks, about 5 are
# expected. On the right, the best of 100 is nearly always beyond the dotted line. The real findings (red) are much
# further out, even though they are measured by `worth`.
#
# Three remedies: few questions, written down before; a limit that grows with the number of looks (the dashed line is
# the one for 100); and *new data* to confirm what old data suggested.
#
# ### Exercise 5: what may you say?
#
# Which of these claims do the four months support? Assign the set of their letters, such as `{"B", "F"}`.
#
# - A: In January to April, flights at 20 o'clock were late more often than flights at 6 o'clock.
# - B: In July, a third of the flights at 20 o'clock will be late.
# - C: Newark makes flights late.
# - D: At Newark, in these months, flights of EV were late more often than those of all others.
# - E: 9 February was an average day.
# - F: Hayden (HDN) is the place to fly to: only 8 percent late.
#
# The cell after it shows what you hand over in the end: not 40 plots, but one table in which every line has a
# consequence.

# %% id="q5"
### BEGIN SOLUTION
supported = {"A", "D"}
### END SOLUTION
q5.check(supported)
# q5.hint()
# q5.solution()

# %% id="table"
exploration.keep_note("findings.csv", findings.table().to_csv(lineterminator="\n"))
pd.set_option("display.max_colwidth", None)
findings.table()

# %% [markdown] id="recap"
# ## What you take with you
#
# - **A question comes with the decision that it would change.** Guess before you look.
# - **Missing labels hide something.** Ask why they are missing.
# - **Flights of one day are not independent.** Count days, split by time.
# - **A whole can contradict its parts.** Compare like with like.
# - **When is it known?** That question, asked of every column, finds leakage.
# - **A requirement is a hypothesis, too.** Data can show that nobody can test it.
#
# ## Check what you know

# %% tags=["quiz", "nbval-ignore-output"] id="quiz"
quiz.show("07_exploration")
