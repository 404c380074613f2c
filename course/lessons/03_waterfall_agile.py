# %% [markdown] id="why"
# ## Why it matters
#
# The delay service is planned: sixty things to build, four people, ten weeks. In which order do they work? All
# requirements first, then all of the design, then the code? Or a few finished things every second week?
#
# People quarrel about this as about a faith. Here you try it: the *same* project, with the *same* bad luck, done
# both ways in a **simulation**, as often as you like. That costs nobody ten weeks.

# %% tags=["parameters"] id="imports"
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from mlops_school import plots, quiz, simulation, simulation_views
from mlops_school.exercises import ____
from mlops_school.exercises.waterfall_agile import PROJECTS, q1, q2, q3, q4, q5
from mlops_school.simulation import Conditions, agile, draw_project, repeat, waterfall

projects = 40  # how many projects are simulated wherever we compare

# %% [markdown] id="definitions"
# ## Two orders of the same work
#
# Each **story**, a thing that users want, goes through four stages: requirements, design, build, test.
#
# | | order | users see something |
# |---|---|---|
# | **Waterfall** | requirements of *all* stories → hand-over → design of all → hand-over → build → hand-over → test → **release** | at the end |
# | **Agile** | plan a **sprint** → all stages of a few stories → review and **release** → the next sprint | after each sprint |
#
# The plain Waterfall was drawn by Winston Royce in 1970, who called it risky and proposed something better; the
# drawing became famous. The short sprints come from the methods of the 1990s, such as Kent Beck's Extreme
# Programming.
#
# What both are given is the **backlog**. Here is a part of it, with the requirement that each story serves.

# %% id="backlog"
conditions = Conditions()
project = draw_project(conditions, seed=21)
backlog = pd.DataFrame(project.stories)
print(f"{len(backlog)} stories, {backlog['effort'].sum()} person-days of work")
print(f"{conditions.capacity:g} person-days a week is what the team can do")
print(f"{backlog['misunderstood'].sum()} stories are misunderstood")
print(f"{len(project.changes)} change requests will come")
backlog.head(4)

# %% [markdown] id="q1-task"
# `misunderstood` is what nobody knows yet: the team will build something else than users meant. It is found
# when users *see* it. And users change their minds ("late is from 20 minutes on, not 15"): each **change
# request** alters one story.
#
# Beside the stories, either way costs something: Waterfall a hand-over after each of the four phases, Agile planning, review
# and release around each sprint. In this simulation each of these takes five person-days.
#
# ### Exercise 1: predict, before you run anything
#
# Suppose that nothing changes and nothing was misunderstood. Who has delivered *everything* first? And with whom
# do users have *half* of the value first? Answer with `"Waterfall"` or `"Agile"`.

# %% id="q1"
### BEGIN SOLUTION
all_first = "Waterfall"
half_first = "Agile"
### END SOLUTION
q1.check(all_first, half_first)
# q1.hint()
# q1.solution()

# %% [markdown] id="calm-intro"
# Now run it. The simulation is written with **SimPy**: customers, users and the team are processes that wait for one
# another, and its clock jumps from one event to the next. `Conditions` says what a project meets, the seed which
# project it is.

# %% id="calm"
calm = Conditions(change_rate=0, misunderstood=0)
weeks = np.arange(0, 12, 0.1)
for way in [waterfall, agile]:
    run = way(calm, seed=21)
    half = weeks[np.argmax(run.value_at(weeks) >= 50)]
    print(f"{run.way:9}  half the value in week {half:4.1f}, all in week {run.delivered:.1f}")
    print(f"           {run.effort():.0f} person-days")

# %% [markdown] id="work-intro"
# In a calm world Waterfall wins the race for everything: four hand-overs are cheaper than six sprints' overhead,
# and the feedback that Agile pays for has nothing to say. Agile takes what is worth most first, so half of the value
# is there long before.
#
# ## A project with bad luck
#
# Now with change and misunderstanding. What does the team do when?

# %% id="work"
phases = waterfall(conditions, seed=21)
sprints = agile(conditions, seed=21)
plots.show(*simulation_views.draw_work([phases, sprints]))

# %% [markdown] id="flow-intro"
# The upper picture falls from stage to stage like water down the rocks. Changes are taken up at the end of each
# phase, then the team goes back up. After the first release it waits for users, and learns of all misunderstandings
# at once. In the lower picture the same work is cut small: every sprint does a little of each stage, and corrections
# come along the way.
#
# ### The cumulative flow diagram
#
# It counts stories: how many were begun, built, released? The height of the coloured stripes in a week is what is *on
# its way* then.

# %% id="flow"
plots.show(*simulation_views.draw_flow([phases, sprints]))

# %% [markdown] id="q2-task"
# With Waterfall everything is on its way, for months: money spent, and nobody can use it. Agile has few stories
# on their way.
#
# ### Exercise 2: how long is a story on its way?
#
# You need not follow single stories. **Little's law** says L = λ W: the mean number of things on their way is the
# rate at which they come out, times the mean time that one takes. Find W for the Agile project, in weeks, from
# the curves in `flow`.

# %% id="q2"
last_release = sprints.passage["released"].max()
flow = sprints.flow_at(np.linspace(0, last_release, 2001))  # columns begun, built, released
### BEGIN SOLUTION
on_the_way = (flow["begun"] - flow["released"]).mean()
per_week = 60 / flow.index[-1]
lead_time = on_the_way / per_week
### END SOLUTION
q2.check(lead_time, sprints)
# q2.hint()
# q2.solution()

# %% [markdown] id="burndown-intro"
# ### The burndown chart
#
# The other chart that hangs on every team's wall: how much work is *left*, as far as the team knows?

# %% id="burndown"
weeks = np.arange(0, 16.5, 0.02)
figure, axes = plt.subplots()
for run, style in [(phases, "--"), (sprints, "-")]:
    axes.plot(weeks, run.left_at(weeks), style, label=run.way)
axes.set(title="Work that is left", xlabel="week", ylabel="person-days")
axes.legend()
jump = sprints.left_at([6.01])[0] - sprints.left_at([5.99])[0]
plots.show(figure, f"Both lines fall to 0. Agile's jumps up in week 6, by {jump:.0f} person-days.")

# %% [markdown] id="q3-task"
# Falling means that work gets done. Flat means overhead, or waiting. And a jump *up* means that there is
# more to do than the team knew. Waterfall looks best when it knows least: in week 12 its line is at zero, until
# users see the product.
#
# ### Exercise 3: what happened in week 6?
#
# The Agile line jumps up. How many person-days of that come from changes, and how many from misunderstandings?
# `diary` has a row for each story that came back: when it was `asked` for, when the team `heard` of it, its
# `cause`, and the `rework` in person-days.

# %% id="q3"
diary = pd.DataFrame(sprints.comebacks)
### BEGIN SOLUTION
week_6 = diary[diary["heard"].round(1) == 6]
added = week_6.groupby("cause")["rework"].sum()
by_change, by_misunderstanding = added["change"], added["misunderstanding"]
### END SOLUTION
q3.check(by_change, by_misunderstanding, sprints)
# q3.hint()
# q3.solution()

# %% [markdown] id="mistake-intro"
# ## Make a mistake, and repair it
#
# Which way costs less? Someone ran each once, and reports:

# %% id="mistake"
difference = agile(conditions, seed=3).effort() - waterfall(conditions, seed=5).effort()
print(f"Agile costs {difference:+.0f} person-days. Case closed?")

# %% [markdown] id="repair-intro"
# Look at the seeds. These are two *different* projects, and the second had more luck. The repair has two parts: give both
# ways the *same* projects, and take *many* of them. Then the answer comes with its spread.

# %% id="repair"
seeds = range(projects)
pairs = zip(repeat("Agile", conditions, seeds), repeat("Waterfall", conditions, seeds))
differences = [one.effort() - other.effort() for one, other in pairs]
low, middle, high = np.percentile(differences, [10, 50, 90])
print(f"Agile costs {middle:+.0f} person-days; in four projects of five {low:+.0f} to {high:+.0f}")

plots.show(*simulation_views.draw_values(conditions, seeds))

# %% [markdown] id="explore-intro"
# The efforts hardly differ, and the report was wrong by an order of magnitude. What differs is *when* users have
# something. The bands hold four projects of five: Waterfall's is wide at the deadline, because a small delay decides
# between nearly everything and nothing.
#
# ### Try it yourself
#
# Move a slider (or select it and press an arrow key), and every project is simulated again. Find out: what spoils
# Waterfall fastest? What spoils Agile? When you run this cell the sliders come alive.

# %% id="explore"
simulation_views.explore(conditions, seeds[:20])

# %% [markdown] id="cost-intro"
# ## What does a change cost?
#
# Barry Boehm collected in 1981 what it cost to correct a requirement, by the phase in which that was noticed: in small projects
# four to six times as much at the end as at the beginning, in large ones up to a hundred times. This *cost-of-change
# curve* is the main argument for early feedback. What is it here?

# %% id="cost"
costs = simulation_views.cost_of_change(conditions, seeds)
plots.show(*simulation_views.draw_cost_of_change(costs))
first, last = costs.loc["Waterfall", "cost"].iloc[[0, -1]]
print(f"Waterfall: {last / first:.0f} times as much at acceptance as in the requirements")

# %% [markdown] id="crossover-intro"
# Both climb the same hill: a change costs what is already done, and a bit more for what was built around it. Agile has *not* made change cheap. It
# pays more in week 4, when a misunderstood story comes back finished, where Waterfall has only paper to correct. But
# look at the size of the marks: Waterfall gets the largest part of its bad news at the very top.
#
# ## Where the answer turns
#
# So it depends on how much changes. Let us vary just that. On the right, the difference between both ways *in the same
# project*.
#
# What is realistic? Boehm reported in 2006 that 0.1 to 0.3 percent of the requirements change in a month for stable embedded devices,
# and 10 to 30 percent for products in contested markets. The last lines say how many requests that is for our stories.

# %% id="crossover"
results = simulation_views.sweep(conditions, [0, 0.5, 1, 1.5, 2, 3, 4], seeds)
plots.show(*simulation_views.draw_crossover(results))
for product, percent in {"stable devices": (0.1, 0.3), "contested markets": (10, 30)}.items():
    low, high = (share / 100 * 60 * 12 / 52 for share in percent)
    print(f"{product}: {low:.2f} to {high:.2f} change requests per week")

# %% [markdown] id="q4-task"
# Two measures, two answers. *Value at the deadline*: Agile is ahead from the start, because of the misunderstandings; with more change Waterfall falls off a
# cliff, Agile down a slope. *Effort*: the median crosses zero. To its left Waterfall is
# cheaper, to its right Agile, and the band says that for a single project luck matters more than the method.
#
# ### Exercise 4: how long should a sprint be?
#
# Users need three weeks to answer, and two changes come a week. Which of the `lengths` costs least effort, on average?

# %% id="q4"
slow_users = Conditions(change_rate=2, feedback_delay=3)
lengths = [1, 1.5, 2, 3, 4, 6]  # weeks


def mean_effort(length):
    runs = repeat("Agile", replace(slow_users, sprint_length=length), seeds)
    return np.mean([run.effort() for run in runs])


### BEGIN SOLUTION
best_length = min(lengths, key=mean_effort)
### END SOLUTION
q4.check(best_length, mean_effort, lengths)
# q4.hint()
# q4.solution()

# %% [markdown] id="grid-intro"
# ## When Waterfall wins
#
# Suppose the requirements are perfectly understood, and only the world changes. And let releases become expensive: a
# certificate, a ship that has to call at a port, a hospital that trains its staff. Who has brought more value
# at the deadline?

# %% id="grid"
understood = Conditions(misunderstood=0)
rates, overheads = [0, 0.25, 0.5, 0.75, 1, 1.5, 2], [0, 2, 5, 8, 12, 16, 20]
grid = simulation_views.compare_on_grid(understood, rates, overheads, range((projects + 1) // 2))
plots.show(*simulation_views.draw_grid(grid))

# %% [markdown] id="table-intro"
# The hatched corner is Waterfall's: little change, dear releases. There it is ahead by some percent; on the right it is behind
# by most of the value. Change the first line to `Conditions()`, where one story in ten is misunderstood,
# and see how much of the corner remains.
#
# ## The comparison
#
# Every textbook has this table, filled with opinions. Here each cell comes from the projects that you simulated.

# %% id="table"
simulation_views.show_comparison(conditions, seeds)

# %% [markdown] id="q5-task"
# ### Exercise 5: choose
#
# Three projects, with a deadline in week 13. Choose for each the way that brings *more value at the deadline*, and
# if both bring the same, the one with *less effort*.
#
# - *displays*: software in the displays of an airport. A standard says what they show, and each release is certified.
# - *delay service*: ours. Airlines find out what they want when they see it; a release is one command.
# - *report*: a monthly report moves to a new database. It must show what the old one shows. A release is one
#   command, but every hand-over goes through a committee.

# %% id="projects"
pd.DataFrame({name: vars(met) for name, met in PROJECTS.items()}).drop(["ripple", "capacity"])

# %% id="q5"
### BEGIN SOLUTION
choice = {"displays": "Waterfall", "delay service": "Agile", "report": "Agile"}
### END SOLUTION
q5.check(choice)
# q5.hint()
# q5.solution()

# %% [markdown] id="doubt-intro"
# ## What a simulation can prove
#
# It proves what follows from its assumptions. It cannot prove the assumptions. Ours are written down, with their
# sources: `print(simulation.__doc__)` shows them. Some favour Agile: stories do not depend on each other, and users
# always have time to look. Some favour Waterfall: its users take a product with faults, and have the rest of it.
#
# One is disputed among researchers: Tim Menzies and others looked at 171 projects in 2017, and did not find that late
# corrections cost consistently more. So we vary `ripple`, how much dearer work done again is when the whole product
# stands. At 0 it costs just what it cost the first time.

# %% id="doubt"
busy = replace(conditions, change_rate=2)
for ripple in [0, 0.5, 2]:
    outcome = simulation_views.sweep(replace(busy, ripple=ripple), [2], seeds)
    gap = outcome["Agile"].mean() - outcome["Waterfall"].mean()
    print(f"ripple {ripple:3}: Agile has {gap['value']:+.0f} % of value at the deadline,", end=" ")
    print(f"and costs {gap['effort']:+.0f} person-days")

# %% [markdown] id="recap"
# Who costs less turns with the disputed assumption. That users have more at the deadline does not, as far as we
# varied it, so this is the sturdier of the two results. Neither tells you the overhead and the misunderstandings of your
# own team. Measure those.
#
# ## What you take with you
#
# - **Waterfall and Agile do the same work in another order.** The order decides when users can speak up.
# - **Feedback has a price and a worth.** Much is unclear or changing: ask early. All is settled and releases are
#   dear: ask once.
# - **Cumulative flow** shows what is on its way, and Little's law how long; a **burndown** that jumps up has news.
# - **Compare on the same luck, many times.** One run each proves nothing.
# - **A simulation shows what assumptions lead to.** Vary the ones you doubt.
#
# Models are misunderstood requirements in pure form: nobody knows beforehand what the data can do. That is why
# the following lessons work in short rounds.
#
# ## Check what you know

# %% tags=["quiz", "nbval-ignore-output"] id="quiz"
quiz.show("03_waterfall_agile")
