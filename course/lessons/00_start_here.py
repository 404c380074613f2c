# %% [markdown] id="welcome"
# ## Welcome
#
# In this course you learn how software with a model in it is built, delivered and kept alive. You do not
# read about it: you do it, here, on your own computer. Nothing needs an account, a cloud or a credit card.
#
# Every lesson is a page like this one: text, and **cells** of code that you run. This first lesson shows
# how, checks your computer, and introduces the flights that the whole course is about.

# %% [markdown] id="run-a-cell"
# ## Run a cell
#
# Click into the grey cell below and press **Shift + Enter**. The result appears under it, and the next cell
# is selected, so you can walk through a lesson with Shift + Enter alone.

# %% id="first-cell"
print("Hello from your own computer!")

# %% [markdown] id="first-cell-reading"
# The number in brackets on the left, such as `[1]`, says that the cell has run, and as which one. `[*]` means
# that it is still running. You cannot break anything: change what you like, run it again.

# %% [markdown] id="memory-intro"
# ### Cells share a memory
#
# What one cell defines, the next ones can use. The memory belongs to the *kernel*, a Python program that
# runs behind this page.

# %% id="define"
minutes_in_an_hour = 60

# %% id="use"
minutes_in_a_day = 24 * minutes_in_an_hour
minutes_in_a_day

# %% [markdown] id="use-reading"
# A cell shows the value of its last line by itself. If you run the second cell without the first, Python does not know the
# name and says so. The cure for any such muddle: menu **Run ▸ Restart Kernel and Run Up to Selected Cell**.

# %% [markdown] id="check-intro"
# ## Is your computer ready?
#
# One call looks at everything that the course needs. If a row says `NO`, its last column says what to do.

# %% tags=["nbval-ignore-output"] id="check"
from mlops_school import selfcheck

selfcheck.run().style

# %% [markdown] id="case-intro"
# ## One case for the whole course
#
# **Will this flight from New York arrive 15 or more minutes late?**
#
# Airline staff who know it two hours before departure can rebook passengers, hold a connecting flight, call
# a crew. You will build the service that tells them, lesson by lesson. The data are real: every flight that
# left the three airports of New York in 2013, with the weather.

# %% id="load"
from mlops_school import data

january = data.load_flights([1])
print(f"{len(january):,} flights, {january.shape[1]} columns")
january.head(3).T

# %% [markdown] id="load-reading"
# Each column of this view is one flight. Times such as `517` are clock times, 5:17 in the morning. Delays are
# in minutes, and a negative delay means early. What every column means, its unit and its known faults stand
# in the [data card](../course/data/README.md).

# %% [markdown] id="how-exercises-work"
# ## Exercises check themselves
#
# An exercise has a cell with `____`. Put your answer in its place and run the cell. The check in its last
# lines says *not attempted*, *not yet* with a reason, or *correct*.
#
# If you are stuck, remove the `#` in front of `q1.hint()` and run the cell again: each time the hint gets
# stronger. `q1.solution()` shows one way to do it.

# %% id="exercise-imports"
from mlops_school.exercises import ____
from mlops_school.exercises.start_here import q1, q2, q3

# %% [markdown] id="q1-task"
# ### Exercise 1: flights per day
#
# How many flights left New York per day in January, on average? `len(january)` is the number of flights.

# %% id="q1"
### BEGIN SOLUTION
flights_per_day = len(january) / 31
### END SOLUTION
q1.check(flights_per_day, january)
# q1.hint()
# q1.solution()

# %% [markdown] id="missing-intro"
# ### Some flights never arrive
#
# Before we count late flights, a trap that catches many. What is the arrival delay of a flight that was
# cancelled?

# %% id="missing"
arrived = january[january["arr_delay"].notna()]
print(
    f"{len(january) - len(arrived)} flights have no arrival delay: cancelled, or landed elsewhere"
)

# %% [markdown] id="missing-reading"
# It has none. Python says that nothing is *not* greater than 15, so a careless count takes a cancelled flight
# for a punctual one.

# %% [markdown] id="q2-task"
# ### Exercise 2: how many are late?
#
# Of the flights that *arrived*, which share was 15 or more minutes late on arrival? Give a number between 0
# and 1.

# %% id="q2"
### BEGIN SOLUTION
late_share = (arrived["arr_delay"] >= 15).mean()
### END SOLUTION
q2.check(late_share, january)
# q2.hint()
# q2.solution()

# %% [markdown] id="picture-intro"
# ### A first picture
#
# Does the hour of departure matter? Rather than read every row, look.

# %% id="picture"
import matplotlib.pyplot as plt

from mlops_school import plots

by_hour = 100 * (arrived["arr_delay"] >= 15).groupby(arrived["hour"]).mean()
figure, axes = plt.subplots()
axes.bar(by_hour.index, by_hour)
axes.set_xticks(by_hour.index)
axes.set(title="Evening flights are late", xlabel="hour of departure", ylabel="percent late")
plots.show(figure, f"Percent late: {by_hour[6]:.0f} at 6, {by_hour[20]:.0f} at 20 hours.")

# %% [markdown] id="picture-reading"
# A late plane makes the next flight late, all day long. So there is something to learn from these data. Lesson 01
# lets a model learn it.

# %% [markdown] id="mistake-intro"
# ## Make a mistake, and repair it
#
# The next cell is broken, on purpose. Run it, and read the error *from its last line*: that line says what
# is wrong. The lines above say where.

# %% tags=["raises-exception"] id="mistake"
janaury["dep_delay"].mean()

# %% [markdown] id="q3-task"
# ### Exercise 3: the repair
#
# The broken cell should give the mean delay at *departure*. Find what is wrong with it, and assign the
# right result to `mean_delay`.

# %% id="q3"
### BEGIN SOLUTION
mean_delay = january["dep_delay"].mean()
### END SOLUTION
q3.check(mean_delay, january)
# q3.hint()
# q3.solution()

# %% [markdown] id="progress-intro"
# ## Your progress
#
# Solved exercises are remembered in the folder `workspace`, on your computer and nowhere else.

# %% tags=["nbval-ignore-output"] id="progress"
from mlops_school import overview

overview.summary()

# %% [markdown] id="progress-reading"
# On Binder, everything is forgotten when you stop for a while. Before you go, run
# `from mlops_school import progress` and `progress.export("my-progress.json")`, and download the file. Later,
# upload it and run `progress.import_("my-progress.json")`.

# %% [markdown] id="recap"
# ## What you take with you
#
# - **Shift + Enter** runs a cell. Cells share the memory of one kernel; restarting it clears the memory.
# - **Exercises** check themselves, and hints get stronger.
# - **The question**: will this flight from New York arrive 15 or more minutes late?
# - **Missing values** are easily counted as something that they are not.
# - **Errors** are read from the last line.

# %% [markdown] id="quiz-intro"
# ## What do you know already?
#
# The course expects a little Python, and an idea of machine learning, of DevOps and of web pages. These
# questions find out where you stand. A wrong answer is no hurdle: it says where to fill the gap.

# %% tags=["quiz", "nbval-ignore-output"] id="quiz"
from mlops_school import quiz

quiz.show("00_start_here")
