# %% [markdown] id="why"
# ## Why it matters
#
# In lesson 15 one command trained the model again, compared it, and promoted it or not. Who starts that command each month? And
# what if its third step fails at night: who notices, what was done already, and may it be done twice?
#
# An **orchestrator** answers these questions. It starts steps at their time and in their order, tries again what has failed, and keeps
# a record of every run. In this lab the real Airflow 3 does so with the retraining of lesson 15, and with a report that goes wrong
# twice without a red light. You will mend it.
#
# Have patience with the cells that call Airflow: each starts a large program, and takes 10 to 30 seconds.

# %% tags=["parameters"] id="imports"
from mlops_school import labs

labs.require("airflow")

import nbformat
from IPython.display import HTML

from mlops_school import orchestration, registry
from mlops_school.exercises import ____
from mlops_school.exercises.labs.airflow import q1, q2
from mlops_school.orchestration_views import show_run

home = orchestration.begin()
registry.start()  # begins afresh: release 1 is the champion

# %% [markdown] id="dag-intro"
# ## A plan is a file
#
# Airflow calls a plan a **DAG**, *directed acyclic graph*: arrows lead from task to task, and never in a circle. It is written in
# Python. A function with `@task` is a task; what it returns is handed to the next task. With `@task.branch` the function returns a
# *name*: that task is done next, and the others that it could have named are **skipped**.
#
# This is the DAG of lesson 15, without its first lines. The work is done by the package (`challenger`), where it is tested. The tasks
# are thin.

# %% id="dag"
text = (home / "dags" / "retraining.py").read_text(encoding="utf-8")
print(
    text[text.index("    @task.branch\n    def compare") : text.index("    @task\n    def promote")]
)
print(text[text.index("    asked = month()") : text.index("\ndelay_retraining()")])

# %% [markdown] id="migrate-intro"
# Read the last lines aloud, `>>` as "then": when `check_drift` is done, either train or keep the champion; when `compare` is done, either
# promote or stop. This **gate** is where a model is held back.
#
# ## The database
#
# All that Airflow knows stands in a database: which DAGs there are, which runs, and the state of each task. Its parts talk
# to each other through it:
#
# | part | what it does |
# |---|---|
# | DAG processor | reads the files of DAGs again and again |
# | scheduler | decides which task can begin now |
# | executor | lets tasks run: in processes here, in a cluster on many machines |
# | triggerer | waits for what happens elsewhere, for many tasks at once |
# | API server | shows the pages, and answers the tasks and other programs |
#
# `airflow db migrate` makes the tables, or brings them to a new version of Airflow. A company uses PostgreSQL. You get a file of SQLite.

# %% id="migrate"
log = orchestration.airflow("db", "migrate")
print("Database migration done!" in log, [file.name for file in home.glob("*.db")])

# %% [markdown] id="run-intro"
# ## One run, without a scheduler
#
# `airflow dags test` runs a whole DAG in one process: the same tasks, gates and database, but no scheduler and no pages. So you can
# try a DAG before it is installed. By default our DAG asks on 1 August. We run it, and read from the database what became of each task.

# %% id="run"
run = orchestration.run_once("delay_retraining")
show_run(run, "The DAG delay_retraining, asked on 1 August")
print("the run:", run.state)
for alias in (registry.CHAMPION, registry.CHALLENGER):
    print(f"{alias}: version {registry.at(alias)}")

# %% [markdown] id="run-read"
# Airflow has really trained. The registry, which is the one of lessons 11 and 15, has a challenger now; it had none before. And
# the gate has held it back: `compare` has named `stop`, so `promote` was skipped, and the champion is still version 1. That is what the
# command of lesson 15 said, too.
#
# The run is a **success**, since nothing failed. Keep in mind what that word does *not* say: whether something was done.
#
# ## A report that goes wrong
#
# A colleague adds a second DAG, `monthly_report`. It notes the share of late flights of a month in a ledger, judges whether it has
# changed much, does one thing or the other, and in any case executes a notebook as a report. Here are its settings and its last lines.

# %% id="report"
text = (home / "dags" / "monthly_report.py").read_text(encoding="utf-8")
print(text[text.index("FILE =") : text.index("\n\n@dag")])
print(text[text.index("    default_args") : text.index("\n)\ndef")])
print(text[text.index("    report =") : text.index("\n\n\nmonthly_report()")])

# %% [markdown] id="fail-intro"
# Two things are new. `retries` says how often a task that fails is tried again, here once, after a second: networks and servers often
# fail for a moment only. And `PapermillOperator` is a task that somebody else has written: it executes a notebook with parameters.
# What stands between `{{` and `}}` is filled in when the task begins.
#
# This morning the mail server is slow (a line in `note` stands in for it), so the first try of `note` ends in an error, after it has
# written into the ledger. Guess what the run will look like, then look.

# %% id="fail"
run = orchestration.run_once("monthly_report")
show_run(run, "The DAG monthly_report for August")
print("the run:", run.state)
print("tries of note:", run.tasks.loc["note", "tries"])
for path in sorted((home / "results").iterdir()):
    print(f"{path.name}:", path.read_text(encoding="utf-8").split())

# %% [markdown] id="q1-task"
# The run is green, the error was overcome by a second try, and nobody gets an alarm. But two things are wrong:
#
# - There is no report: `report` was skipped.
# - August stands in the ledger twice. Whoever adds up the ledger counts it twice.
#
# ### Exercise 1: after a gate
#
# Of the two tasks before `report`, one is always skipped. By default (`all_success`) a task wants all tasks before it to succeed, and
# if one was skipped, it is skipped as well. The **trigger rule** changes that. The names of the rules say what they want:
#
# `all_success`, `all_failed`, `all_done`, `all_skipped`, `one_success`, `one_failed`, `one_done`, `none_failed`, `none_skipped`,
# `none_failed_min_one_success`, `always`
#
# Here *done* means: it has ended, in whatever way. Which rule lets `report` wait until both have ended, and run if at least one has
# succeeded and none has failed? A report on a month that failed must not go out.

# %% id="q1"
### BEGIN SOLUTION
rule = "none_failed_min_one_success"
### END SOLUTION
q1.check(rule)
# q1.hint()
# q1.solution()

# %% [markdown] id="q2-task"
# ### Exercise 2: a task that can be repeated
#
# An orchestrator repeats: after an error, after a crash, or because somebody asks for last month once more. So a task must be
# **idempotent**: done twice, it leaves the same as done once. `note` opens the file `FILE` in the mode `MODE`, and writes one line.
# What is in braces, `{month}`, is replaced by the number of the month.
#
# Give a file name and a mode so that after any number of repetitions the ledger (all files together) has one line for each month,
# and the newest one, since data are mended at times.

# %% id="q2"
### BEGIN SOLUTION
file, mode = "late-{month}.csv", "w"
### END SOLUTION
q2.check(file, mode)
# q2.hint()
# q2.solution()

# %% [markdown] id="again-intro"
# ## Mended
#
# We put both into the file of the DAG, as you would do it in an editor (here with the package's own answers, in case you are still at
# it), and delete the ledger that is wrong. Then the month is run once more. The mail server is still slow.

# %% id="again"
orchestration.edit(
    "monthly_report", RULE="none_failed_min_one_success", FILE="late-{month}.csv", MODE="w"
)
(home / "results" / "ledger.csv").unlink()
run = orchestration.run_once("monthly_report")
show_run(run, "The DAG monthly_report for August, mended")
print("tries of note:", run.tasks.loc["note", "tries"])
for path in sorted((home / "results").glob("*.csv")):
    print(f"{path.name}:", path.read_text(encoding="utf-8").split())

# %% [markdown] id="notebook-intro"
# `note` was tried twice again, and there is one line. And there is a report: a copy of `report.ipynb`, executed for August, which keeps
# its outputs. Whoever asks later what was seen then can open it. This is the last of its outputs.

# %% id="notebook"
report = nbformat.read(home / "results" / "report-8.ipynb", as_version=4)
print(
    [cell.source for cell in report.cells if "injected-parameters" in cell.metadata.get("tags", [])]
)
HTML(report.cells[-1].outputs[-1].data["text/html"])

# %% [markdown] id="pages"
# ## Airflow's own pages
#
# So far nothing has watched the clock. `airflow standalone` starts all five parts on your computer. It takes about half a minute, and
# about 1.2 GB of memory, which is too much for Binder. In a terminal (File, New, Terminal):
#
# ```
# python -m mlops_school.orchestration standalone
# ```
#
# This calls `airflow standalone` with the settings of this lab. One of them matters: by itself, Airflow's server listens on *all* networks
# of your computer (0.0.0.0). `AIRFLOW__API__HOST=127.0.0.1` keeps the pages to yourself. Two small servers for logs, on the ports 8793 and
# 8794, have no such setting: they answer only requests that Airflow has signed, but start them in a network that you trust.
#
# The terminal says the address, and once the password of the user
# `admin`. You find both DAGs there and the runs that you have made, task by task with their logs. New DAGs are **paused**:
# switch one on, and the scheduler starts it when its time comes; `Trigger` starts it now and asks for the month. Ctrl+C ends all.

# %% [markdown] id="recap"
# ## What you take with you
#
# - A DAG says what comes after what, and a branch is a gate: this one has kept a challenger from being promoted.
# - `airflow dags test` runs a whole DAG without a scheduler. Put it into your CI.
# - A green run only says that nothing failed. Behind a gate, tasks need a trigger rule that lets a skipped one pass.
# - What is retried must be idempotent: write what a run owns to a place of its own, and replace it there.
# - Keep tasks thin, and the work in functions that are tested without Airflow.
# - Is it worth it? Airflow is a service of five parts and a database that somebody must keep running. For one command a month, the
#   schedule of a CI service (lesson 11) or of the operating system does. It pays when many runs depend on each other, when last year
#   must be run again month by month, and when people need one place to see what failed.
