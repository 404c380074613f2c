# %% [markdown] id="why"
# ## Why it matters
#
# You can build a model, test it, deliver it, serve it, watch it and repair it. In this last lesson you do all of it at
# once, for a year, and somebody counts the dollars.
#
# Nobody tells you when to retrain, how large a canary must be, or who is called at night. You decide it *before* the
# year begins, as a **policy**, and then the flights of 2013 come. Some things will go wrong, as they do. You will see
# which of your decisions helped, what each of them cost, and how easily one fools oneself with the past.

# %% tags=["parameters"] id="imports"
from dataclasses import replace

from mlops_school import capstone_views as views
from mlops_school import production_year as year
from mlops_school import quiz, sweep
from mlops_school.errors import CourseError
from mlops_school.exercises import ____
from mlops_school.exercises.capstone import q1, q2, q3, q4, q5
from mlops_school.policies import REFERENCES, Policy

seed = 12  # which year of faults
pause = 0.2  # seconds after each month, to watch
count = 200  # policies that are compared at once

# %% [markdown] id="rules"
# ## The rules of the game
#
# **The calendar.** In January and February there is no service, only data are collected. Every late flight of these
# months costs as much as a missed one, whatever you do, so they are not counted. On 1 March the first release is built,
# and from then to December the service runs.
#
# **Your decisions.** On the first of each month, when the flights of the months before have landed, a new release can be
# built. It learns from 1, 2, 3, 6 or all months, and its threshold is chosen on the newest one.
#
# **What is real, and what is not.** The flights are real, and so is every release: all that any policy can build were
# trained, and a table holds what each of them says of each day. The decisions are simulated. Since a warning makes no
# flight late or early, the table can tell what *would* have happened.
#
# A release is named by the months that it has learned from: `4-9` knows April to September. Do you trust a table that
# somebody else has made? R4 says that every model can be made again. So make one: train the first release, `1-1`,
# yourself, let it forecast March, and compare.

# %% id="table"
from mlops_school import replay

known = year.load_table()
flights = sum(known.flights[month].count.sum() for month in range(year.FIRST, year.LAST + 1))
print(f"{len({name for name, _ in known.said})} releases, {flights:,} flights from March on")

march = replay.outcomes(month=3, built=3)
by_day = march.groupby(march["date"].dt.day)["dollars"].sum().to_numpy()
stored = known.said["1-1", 3].dollars
same = abs(by_day - stored) < 0.01 * stored  # another processor may round a last digit otherwise
print(f"March with release 1-1: {same.sum()} of {len(same)} days cost the same")

# %% [markdown] id="policy-intro"
# ## A policy
#
# All of a policy stands in one small object. The one that many teams begin with builds a release every month; we call
# it `monthly`.
#
# | field | what it decides | `monthly` |
# |---|---|---|
# | `trigger`, `limit` | when to build: `never`, by `schedule` (every `limit` months), or for a reason: `drift` or `performance` | `"schedule"`, 1 |
# | `evidence` | how many finished months `drift` and `performance` look at | 1 |
# | `window` | how many months to learn from; `None` is all | 2 |
# | `data_gate` | refuse a month that breaks the rules of its data (R8) | `True` |
# | `model_gate` | stop a release that was dearer in the last month, by more dollars a flight than this (R2) | 0.10 |
# | `canary_share`, `canary_days` | how many meet a release first, and for how long | 0.1, 2 |
# | `alert_days` | go back if a new release warns otherwise so many days in a row; `None`: nobody is on call | 3 |
# | `alert_margin` | how much otherwise, as a difference in the share of flights that are warned of | 0.25 |
#
# With `drift`, `limit` is how far the share of late flights may be from what the release expected (R9 says 0.10). With
# `performance`, it is a part of what the cheaper service without a model costs: with 0.9, a release is built when the
# mistakes have cost more than nine tenths of that.
#
# A policy that nobody could follow is refused, with the reason. Here are four; which of the reasons would you have
# found yourself?

# %% id="refused"
monthly = Policy("monthly")
for mistake in [{"canary_share": 2}, {"canary_share": 0}, {"window": 0}, {"evidence": 0}]:
    try:
        replace(monthly, **mistake).check()
    except CourseError as error:
        print(mistake, "→", str(error).partition(": ")[2], "\n")

# %% [markdown] id="watch-intro"
# The last one is the mistake that is made most often, and mostly by accident: to decide by labels that nobody can have
# yet.
#
# ## The year runs
#
# Three things go wrong in each year, for all policies alike. *June's data* come with the delays in hours, so that
# nearly no flight seems late. *One release*, on its way into service, gets its threshold in percent, and never
# warns. And on one day *the service stops*. Which month and which day, `seed` decides.
#
# Start the year, and watch.

# %% id="watch"
went = views.watch(monthly, seed, pause)

# %% [markdown] id="watch-read"
# Read it line by line; it is a year of work:
#
# - In July, the data gate refused June. (A good June was sent on the same day. Real suppliers take longer.)
# - In September the canary met the broken release, and sent it back after one day. No incident.
# - `(false alarm)` is what you know and the team did not: nothing was broken. The canary saw a release that warns of far
#   more or fewer flights than the one in service, and took that for a fault. In this way it lost four releases, and the
#   alert lost one more.
# - R2 was broken in April and in December, with all that care.
#
# ## Against whom?
#
# A number says something only beside others. Here are five policies. `drift` and `performance` build for a reason, with
# the limits 0.10 and 0.9; `monthly, unguarded` is `monthly` with all four guards taken away.
#
# One more cheats: the **oracle** knows the future, and answers each day by what will turn out cheapest on that day, be
# it any release that can have been built by then, or no warning at all. It is a **lower bound**: no policy can cost
# less. The **score** is 100 for the oracle, and 0 for the cheaper service without any model.

# %% id="references"
years = [year.replay(policy, seed) for policy in REFERENCES]
prices = {"training": year.TRAINING, "day with a canary": year.CANARY_DAY}
prices |= {"call": year.CALL, "incident": year.INCIDENT}
print("dollars:", prices)
views.show_against_never(years)
views.compare([*years, year.oracle()])

# %% [markdown] id="q1-task"
# (Thousands of dollars. `total` also holds the calls and the incidents. An **incident** is a fault that reaches all
# passengers for a day or longer. The prices are made up; those of mistakes are R2's.)
#
# Retraining pays: `monthly` costs less than `never`. `performance` comes near it, with six trainings in place of ten.
# `drift` trains three times only: what it watches, the share of late flights, is just one of the things that change.
# (In lesson 15, no trigger paid. There, the release that was left alone knew four months. Here, that of `never` has
# seen nothing but January.)
#
# And the same monthly retraining without any guard has a score below 0: it is dearer than a service *without a
# model*. The next cell shows its year.
#
# ### Exercise 1: name the guard
#
# Three of these incidents have a cause of their own: the outage of *28 June*, the release of *1 July*, and that of
# *1 September* (suppose that its data had been good). For each, which guard would have been the *first* to stop
# it, or to end it soon? Choose of `data_gate`, `model_gate`, `canary_share` and `alert_days`.

# %% id="unguarded"
from calendar import month_abbr

unguarded = years[-1]
for event in unguarded.events:
    print(event.day, month_abbr[event.month], event.what, "[INCIDENT]" * event.incident)

# %% id="q1"
### BEGIN SOLUTION
guards = {"28 June": "alert_days", "1 July": "data_gate", "1 September": "canary_share"}
### END SOLUTION
q1.check(guards)
# q1.hint()
# q1.solution()

# %% [markdown] id="ablation-intro"
# ## What is each guard worth?
#
# Take them away one by one, and leave all else as it is. Below the bill of each year, you see what happened from July
# on in the year without the data gate.

# %% id="ablation"
from IPython.display import display

off = {"data_gate": False, "model_gate": None, "canary_share": None, "alert_days": None}
without = [replace(monthly, name=f"without {guard}", **{guard: off[guard]}) for guard in off]
missing_one = [year.replay(policy, seed) for policy in [monthly, *without]]
display(views.compare(missing_one))
views.months_table(missing_one[1].months).loc["Jul":, ["release", "what happened"]]

# %% [markdown] id="ablation-read"
# In this year, each guard is worth more than it costs. Two rows deserve a second look:
#
# - Without the **data gate** there is no incident, and still it is the dearest row. The other guards hold the line: they
#   stop all three releases that the damaged June has touched. But meanwhile the service stays with release `1-2` until
#   October, and it grows old. One guard can stand in for another, and the bill comes elsewhere.
# - Without the **model gate** nothing breaks, and mistakes cost more. Which release did it stop? In the year that you
#   watched, look at November.
#
# ### Exercise 2: choose a canary
#
# A canary decides when it has 50 answers, and at the end of a day. With fewer until its last day, it decides
# nothing, and the release goes to everybody. Choose `share` and `days`, so that the broken release of September is
# found, at most 75 flights are answered by it, and a good release waits at most 3 days. (All else is as in `monthly`,
# with a window of 6 months.)

# %% id="q2"
### BEGIN SOLUTION
share, days = 0.1, 2
### END SOLUTION
q2.check(share, days)
# q2.hint()
# q2.solution()

# %% [markdown] id="alerts-intro"
# ### How patient should an alert be?
#
# Guards also err. Who reacts to each unusual day goes back from sound releases, too, since weather is unusual now and
# then. Who waits for long lets a broken one work. We try some `alert_days`, this time without a canary.

# %% id="alerts"
for alert_days in [1, 2, 3, 5, 14, None]:
    policy = Policy(window=6, canary_share=None, alert_days=alert_days)
    went = year.replay(policy, seed)
    alerts = [event.what for event in went.events if event.what.startswith("alert")]
    false = sum("false alarm" in what for what in alerts)
    print(f"{alert_days!s:>4} days: alerts {len(alerts)}, false ones {false}, ", end="")
    print(f"incidents {went.incidents}, thousand dollars {went.total / 1000:,.0f}")

# %% [markdown] id="q3-task"
# Called after a single day, people get up nine times, eight of them for nothing, and it costs even more than if nobody
# were on call. (There, the outage is the second incident.) After 14 days, the broken release had two weeks. Something
# between is better. Whether 2, 3 or 5 is best, one year cannot tell: see how the dollars jump up and down.
#
# ### Exercise 3: beat the monthly policy
#
# Now it is your turn. Write a policy `mine` that is at least *15,000 dollars cheaper* than `monthly`, with at most
# *one incident*, in the same year. To see how it does: `views.watch(mine, seed)`.

# %% id="q3"
### BEGIN SOLUTION
mine = Policy("mine", window=6)
### END SOLUTION
q3.check(mine)
# q3.hint()
# q3.solution()

# %% [markdown] id="sweep-intro"
# ## Two hundred policies
#
# Why think, if a computer can try? `sweep.random_policies` draws policies, `sweep.sweep` replays the year for each of
# them, in parallel with **joblib**. *Where* it runs stands outside of the function, in one line.

# %% id="sweep"
import joblib

policies = sweep.random_policies(count)
with joblib.parallel_config(backend="loky", n_jobs=2):
    many = sweep.sweep(policies, seed)
print(f"{len(many)} years; as one by one: {many == [year.replay(p, seed) for p in policies]}")

# %% [markdown] id="cluster"
# `loky` starts two Python processes on this computer. On a **cluster**, many computers that work together, only the
# line with the backend changes. With Dask:
#
# ```python
# from dask.distributed import Client
#
# client = Client("tcp://the-scheduler:8786")  # or Client(), a cluster on this computer
# with joblib.parallel_config(backend="dask"):
#     many = sweep.sweep(policies, seed)
# ```
#
# With Ray: `ray.util.joblib.register_ray()`, and `backend="ray"`. (A test of this course runs the sweep on a Dask
# cluster of two processes and compares it with this one. Dask is not installed for learners, and Ray is not tested.)
# To be honest: a year takes about a millisecond, so one process would have been quicker than starting two. It pays
# when each replay takes seconds.
#
# ### What can be chosen
#
# Two aims are often at odds. A policy is on the **Pareto front** if no other one has less of one aim without more of
# the other. Who is not on it wastes something.

# %% id="front"
table = sweep.table(policies, many)
views.show_fronts(table)

# %% [markdown] id="overfit-intro"
# Left, the front is a single point: the cheapest of all has no incident. Those who save their guards pay for it in
# dollars, too, so here nothing is to be weighed. Right, there is a choice: more work, fewer mistakes. But look at the
# scales: from one end of the front to the other, work costs 8 thousand dollars more, and mistakes 90 thousand less.
#
# ## You have trained on the year
#
# Take the cheapest policy of two hundred, and you have done what a model does that learns a table by heart: you have
# **fitted the policy to one year**, with its weather and its faults. Its dollars are no forecast of the next year.
# The cure is the same as for models: choose on some months, judge on others. We choose from March to August (`tuned`),
# and open September to December (`judged`) afterwards. The black square never trains again at all.

# %% id="halves"
views.show_halves(table, reference=years[0])
top = table.sort_values("tuned").head(8)
ranks = table[["tuned", "judged"]].rank().astype(int)
ranks.loc[top.index].rename_axis(f"rank among {count}")

# %% [markdown] id="q4-task"
# From March to August, the winner was 73 thousand dollars cheaper than `never`. From September on, it was *6 thousand
# dearer* than to do nothing, and stands on rank 132. Of the eight best, two stayed among the first twenty. Which two,
# summer did not tell.
#
# ### Exercise 4: the one that fell furthest
#
# Which policy of `table` has lost the most ranks from `tuned` to `judged`? Assign its name to `fallen`.

# %% id="q4"
### BEGIN SOLUTION
fallen = (table["judged"].rank() - table["tuned"].rank()).idxmax()
### END SOLUTION
q4.check(fallen, table)
# q4.hint()
# q4.solution()

# %% id="fell"
fell = (ranks["judged"] - ranks["tuned"]).sort_values(ascending=False)
columns = ["window", "December's release", "December's $ a flight"]
late = {month: one.late.sum() / one.count.sum() for month, one in known.flights.items()}
print("late, percent:", {month: round(100 * share) for month, share in late.items()})
print("all policies:", table[columns[2]].median(), "dollars a flight in December, in the median")
ranks.join(table[columns]).loc[fell.index[:6]]

# %% [markdown] id="seeds-intro"
# December explains it. Autumn was quiet, and then many flights were late. All six met December with a release that was
# built in autumn, from two or three months, and whose threshold was chosen in September, October or November. From
# March to August there was no turn as sharp as from November's 18 percent to December's 34, so **the choice could not
# see it**.
#
# Faults are drawn, so a policy can be tried on many years of faults. Weather cannot: of it we have one year, and no
# simulation makes that two.

# %% id="seeds"
chosen = policies[table.index.get_loc(table["tuned"].idxmin())]
for policy in [chosen, monthly, replace(monthly, name="six months", window=6)]:
    totals = [year.replay(policy, other).total / 1000 for other in range(200)]
    print(f"{policy.name:10} from {min(totals):,.0f} to {max(totals):,.0f} thousand dollars")

# %% [markdown] id="trace-intro"
# Whatever goes wrong, six months of memory cost less here than two. That is a reason to try it next year, and to judge
# it then.
#
# ## Is every promise kept?
#
# In lesson 02, twelve requirements were written down, and for each of them where it is tested, who is told when it is
# broken, and how a release that breaks it is undone. Those were words. Now look for the **artefacts**: tests that are
# named after a requirement, rules in the file of alerts with its label, rules in the file of rollbacks whose alert
# exists. `GAP` is a promise for which nothing was found, `-` means that nobody promised anything. (Where there are
# several, the table shows one, and counts the others.)
#
# Below the table stands one row of it again, as it would be if somebody deleted the alert of R11.

# %% id="trace"
import pandas as pd

from mlops_school import audit

pd.set_option("display.max_colwidth", None)
display(audit.trace_course().drop(columns="title"))

alerts = audit.find_alerts()
del alerts["R11"]  # here only, not in the file
damaged = audit.trace(audit.find_tests(), alerts, audit.find_rollbacks(alerts))
damaged.loc[["R11"], ["test", "alert", "rollback"]]

# %% [markdown] id="q5-task"
# Read a row aloud: *this is promised, this test shows that it is kept, this alert calls when it is not, and then this
# is done.* That is what an auditor asks for.
#
# No `GAP` is left, and a test of this course fails as soon as there is one. Below, you see why that is worth a test: a
# single rule is deleted, and R11 has *two* gaps. Nobody is told any more when it is broken, and so nobody rolls
# back, though the rule for that is still there. A gap is no catastrophe, as long as somebody knows of it, and decides
# whether it is to be closed.
#
# ### Exercise 5: find the gaps
#
# Tables like this one are checked by machines, so that no gap comes in unseen. Write `gaps(table)`, which returns a list
# of the ids of all requirements that have at least one `"GAP"`. The check tries it on tables of its own; try yours with
# `gaps(damaged)`.


# %% id="q5"
def gaps(table):
    ### BEGIN SOLUTION
    return table.index[(table == "GAP").any(axis=1)].tolist()
    ### END SOLUTION


q5.check(gaps)
# q5.hint()
# q5.solution()

# %% [markdown] id="card-intro"
# ## Your score card
#
# A card holds the policy, the seed and the result, as JSON for machines and as a picture to show. Put `mine` in the
# place of `monthly`, and your name. A **digest** at its end tells when somebody has edited the card by accident. It
# is no signature: who wants to cheat can compute it anew. But then the policy is replayed, and the lie is found.

# %% id="card"
from mlops_school import leaderboard, score_card
from mlops_school.paths import new_folder

card = score_card.make(monthly, seed, player="Ada")
folder = new_folder("16-capstone")
score_card.write(card, folder)
views.show_page(score_card.draw(card), f"Score card of {card['player']}: {card['score']}.")

# %% [markdown] id="board-intro"
# In a class, everybody sends `score-card.json` to one folder, and `school leaderboard FOLDER` makes the table, as
# Markdown, CSV or HTML. Let us be the class: Bob sends a card, too, and Eve sends Ada's, with a better score.

# %% id="board"
score_card.write(score_card.make(REFERENCES[3], seed, player="Bob"), folder / "bob")
score_card.write({**card, "player": "Eve", "score": 99.9}, folder / "eve")

cards, refused = leaderboard.collect(folder)
print(leaderboard.to_markdown(cards))
for name, reason in refused:
    print(f"refused {name}: {reason}")

# %% [markdown] id="certificate-intro"
# ## Your certificate
#
# It is made from your progress, and says only what your progress knows: which lessons are complete, with all exercises
# and questions solved. Put your name in, and run the cell. If something is missing, it says what.

# %% id="certificate"
from mlops_school import certificate

try:
    print("Written to your workspace:", certificate.issue("Ada Lovelace").name)
except CourseError as error:
    print(error)

# %% [markdown] id="recap"
# ## What this year cannot tell you
#
# - **One year of weather.** A policy that wins in 2013 has won once.
# - **Faults and prices are made up.** Real faults come in kinds that nobody has listed. Put in your own prices before you
#   quote a number.
# - **Simplified.** Releases are built on the first of a month only; a share of the flights is taken as what is expected
#   of it; June is damaged in every year; warnings change nothing. Where answers change what people do, no
#   table can replay the year.
#
# ## What you take with you, from the whole course
#
# | phase | in one sentence |
# |---|---|
# | Foundations | A requirement is a sentence that a test can decide; short loops make mistakes cheap. |
# | Data | Refuse what breaks the rules, keep versions, and use only what was known at that moment. |
# | Building | Baselines first; a run is a record; the threshold is a decision about money. |
# | Testing | Split by time, give intervals, and write the rule before the evidence. |
# | Delivery | The newcomer must prove itself, and going back is one step. |
# | Deployment | Refuse clearly, change without a gap, and let a few meet a release first. |
# | Monitoring, Maintenance | Labels come late, so watch what comes early; retrain for a reason; write down what happened. |
# | Capstone | Guards look like waste until they are needed; and the past is not a test set. |
#
# ## What next
#
# Take a model of your own, and write its requirements, each with a test, an alert and a rollback. Begin
# with the row that would hurt most. The tool labs (`school lab`) show the tools that companies use for it.
#
# ## Check what you know

# %% tags=["quiz", "nbval-ignore-output"] id="quiz"
quiz.show("16_capstone")
