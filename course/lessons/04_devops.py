# %% [markdown] id="why"
# ## Why it matters
#
# Some people write a program, others keep it running. If they meet only when something is broken, the first
# fear operations and the second fear changes. **DevOps** makes one team, and one loop, of both:
#
# | | phase | the question | here |
# |---|---|---|---|
# | Dev | develop | what changes? | a Git repository |
# | Dev | test | does it still do what it should? | unit tests |
# | Dev | QA | who makes sure that they are run? | a hook and a pipeline |
# | Ops | deliver | what exactly goes out? | an artefact |
# | Ops | deploy | how does it go live, and back? | a switch with a health check |
# | Ops | maintain | what if it fails? | rollback, then repair |
# | Ops | monitor | is it well? | counters of the running service |
#
# What monitoring sees is what you develop next, so the loop closes. In this lesson you go round it, with a
# small delay service, break it in four ways, and measure how well your team delivers.

# %% id="imports"
from datetime import timedelta

import matplotlib.pyplot as plt

from mlops_school import dora, hooks, operations, pipeline, plots, quiz
from mlops_school.delivery import Artefact, Production
from mlops_school.exercises import ____
from mlops_school.exercises.devops import q1, q2, q3, q4, q5
from mlops_school.features import load_examples
from mlops_school.operations import edit, one_day, release
from mlops_school.paths import new_folder
from mlops_school.repository import Repository

# %% [markdown] id="service-intro"
# ## Develop: a service in a repository
#
# The service says how probable it is that a flight arrives late, which is requirement R1. Its whole model is
# a table: which share of flights of this hour was late in January? The table is a Python file like the
# others, and all of them go into a new Git repository, in your `workspace` folder.

# %% id="create"
home = new_folder("04-devops")
repository = Repository.create(home / "repository")
operations.write_files(repository)

january = load_examples([1])
hour = (january["minute_of_day"] // 60).astype(int)
table = january["late"].groupby(hour).mean().round(3)
repository.write("table.py", f"LATE = {table.to_dict()}\n")
table[[6, 12, 18, 20]]

# %% [markdown] id="code-intro"
# The rest is code. Two of its files are worth reading: the rule that warns, and the tests that say what must
# stay true whatever changes.

# %% id="code"
for name in ["rule.py", "test_rule.py"]:
    print(f"---- {name}")
    print((repository.folder / name).read_text(encoding="utf-8"))

repository.commit("Warn by the hour", date="2013-03-04 09:00")
repository.tag("v1.0")

# %% [markdown] id="hook-intro"
# The commit is version 1.0. (Our story takes place in March 2013, so each commit is given a date.)
#
# ## QA: a hook refuses what must never get in
#
# A password that was committed is in the history for good, even if the next commit removes it. So the right
# moment to stop it is *before* the commit. Git runs a **hook** then: a program that can say no. Ours calls
# `check_commit.py`, which looks for the word `password` in every added line.
#
# Somebody wants live weather, and types in a hurry. Run it and see Git refuse.

# %% tags=["raises-exception"] id="hook"
hooks.install(repository, "pre-commit", "check_commit.py")

repository.write("weather.py", 'PASSWORD = "jfk-2013"\n')
repository.commit("Ask for the weather")

# %% [markdown] id="q1-task"
# Nothing was committed. The proper way is `password = os.environ["WEATHER_PASSWORD"]`: the code names a
# variable, and only the machine knows its value. But this line, too, has the word in it, and the hook would
# refuse it. A guard that cries wolf is soon switched off (`git commit --no-verify` is all it takes).
#
# ### Exercise 1: write the hook's condition
#
# Write `has_secret(line)`: True if the line gives a name with `password` in it, in small or capital letters,
# a *text in quotation marks*; otherwise False.


# %% id="q1"
def has_secret(line):
    ### BEGIN SOLUTION
    return "password" in line.split("=")[0].lower() and line.partition("=")[2].strip()[:1] in (
        "'",
        '"',
    )
    ### END SOLUTION


q1.check(has_secret)
# q1.hint()
# q1.solution()

# %% [markdown] id="pipeline-intro"
# ## QA: a pipeline that nobody can forget
#
# A hook lives on one computer, and can be skipped. So after each push, a **pipeline** runs on a machine that
# belongs to nobody: from a fresh copy of the commit, all tests, then the packing. What it does stands in a
# file of the repository. Ours is in the syntax of GitHub Actions, and in the folder `.github/workflows`, where
# GitHub looks for it: there it would run as it is.
#
# Here a small runner reads the same file and really executes its jobs on your computer, in the order that
# `needs` asks for, each in an empty folder.

# %% id="pipeline"
repository.git("reset", "--hard", "--quiet")  # drop weather.py
artefacts = home / "artefacts"  # where the job `package` puts its file

print(repository.git("show", "v1.0:.github/workflows/ci.yml"))
run = pipeline.run(repository, "v1.0", env={"ARTEFACTS": str(artefacts)})
run.table

# %% [markdown] id="branch-intro"
# Two jobs, four steps, all passed. The runner knows a part of the syntax and refuses the rest by name: with
# `strategy` or `services` in the file it would say what the real service does with it.
#
# ### Break it: a red test
#
# February's flights have arrived. On a **branch**, which leaves `main` alone, you make a new table of two
# months. Only, this time you take percent instead of shares.

# %% id="red"
repository.git("switch", "--quiet", "--create", "february")
both = load_examples([1, 2])
hour = (both["minute_of_day"] // 60).astype(int)
table = both["late"].groupby(hour).mean().round(3)
repository.write("table.py", f"LATE = {(100 * table).round(1).to_dict()}\n")
repository.commit("Learn from February, too", date="2013-03-06 10:00")

run = pipeline.run(repository, "february", env={"ARTEFACTS": str(artefacts)})
said = [line for line in run.log("test").splitlines() if line.startswith(("FAIL", "Assert"))]
print("\n".join(said))
run.table

# %% [markdown] id="q2-task"
# Two tests are red: `30.7` is no probability, and it makes the service warn in the morning, too. The job
# `package` was skipped, as it *needs* `test`. A broken version does not even become a file that someone could
# deploy by mistake.
#
# ### Exercise 2: complete the workflow
#
# A colleague's workflow has three jobs, `test`, `package` and `deploy`, and no `needs`: last night it deployed
# after a red test. Which jobs does each one need? The check writes your answer into a workflow and runs it
# three times: with a red test, with a package that cannot be built, and with all well.

# %% id="q2"
### BEGIN SOLUTION
needs = {"test": [], "package": ["test"], "deploy": ["package"]}
### END SOLUTION
q2.check(needs)
# q2.hint()
# q2.solution()

# %% [markdown] id="merge-intro"
# ### Repair and merge
#
# Now the table again, as shares. Only when the pipeline is green is the branch **merged** into `main`, and
# the result gets a version number of its own.

# %% id="merge"
repository.write("table.py", f"LATE = {table.to_dict()}\n")
repository.write("version.py", 'VERSION = "1.1"\n')
repository.commit("Shares, not percent", date="2013-03-06 11:30")
print(
    "passed:", pipeline.run(repository, "february", env={"ARTEFACTS": str(artefacts)}).passed, "\n"
)

repository.git("switch", "--quiet", "main")
message = "Merge the table of two months"
repository.git("merge", "--no-ff", "--message", message, "february", date="2013-03-07 09:00")
repository.tag("v1.1")
print(repository.git("log", "--graph", "--format=%s%d"))

# %% [markdown] id="artefact-intro"
# Read the graph from below: the branch leaves `main`, and comes back after two commits.
#
# ## Deliver: what exactly goes out?
#
# The job `package` has left an **artefact**: one file with the service in it, named after its version, and
# beside it the SHA-256 of its bytes. Whoever deploys compares. And if the same commit always gives the same
# bytes, anyone can find out whether a file really comes from that commit.

# %% id="artefact"
first = Artefact.find("1.1", artefacts)
pipeline.run(repository, "v1.1", env={"ARTEFACTS": str(home / "again")})
second = Artefact.find("1.1", home / "again")

print(first.path.name, "and", first.path.with_suffix(".sha256").name)
print("built twice, the same bytes:", first.sha256 == second.sha256)

# %% [markdown] id="deploy-intro"
# ## Deploy: start, look, switch
#
# To deploy, the artefact is started as a process beside the one that is live. If it answers at `/health`, a
# small **pointer file** that names the live version is replaced, in one step; then the old process is
# stopped. At no moment is nothing live. Each deployment is written down as a tag in the repository.

# %% id="deploy"
production = Production(home / "production", artefacts)
print(production.deploy("1.0"))
dora.record(repository, "1.0", date="2013-03-04 15:00")
print(production.get("/predict?hour=20"))

print(production.deploy("1.1"))
dora.record(repository, "1.1", date="2013-03-07 10:00")
print(production.get("/predict?hour=20"))

# %% [markdown] id="refused-intro"
# Both answers came over HTTP, with status 200. The later one is the new version's, from the new table.
#
# ### Break it: green tests, and it does not start
#
# Version 1.2 takes its threshold from an environment variable. The developer has set it on her computer, and
# in the workflow. Nobody has thought of production. (`edit` changes a piece of a file; `release` commits it as
# a version, and runs the pipeline.)

# %% id="refused"
edit(repository, "rule.py", "from table", "import os\n\nfrom table")
edit(repository, "rule.py", "WARN_FROM = 0.2", 'WARN_FROM = float(os.environ["WARN_FROM"])')
test = "run: python -m unittest --verbose\n"
edit(
    repository, ".github/workflows/ci.yml", test, test + "        env:\n          WARN_FROM: 0.2\n"
)

run = release(repository, "1.2", "Take the threshold from outside", artefacts, "2013-03-08 14:00")
print("pipeline passed:", run.passed)
print(production.deploy("1.2"))
print("live:", production.version, production.get("/predict?hour=20"))

# %% [markdown] id="monitor-intro"
# The pipeline was green. The health check was not: the process ended with `KeyError: 'WARN_FROM'`. So the
# pointer was not touched, and 1.1 went on answering. No passenger noticed.
#
# ## Monitor: is it well?
#
# Version 1.3 gives the threshold a default. It also "simplifies" how the table is read. Tests are green, and
# the service starts. Now look at what it does: it counts its requests and errors, and shows both at
# `/metrics`. We send a day of requests, one for each hour, to 1.1 and then to 1.3.

# %% id="monitor"
failed = [one_day(production)]

setting = 'os.environ["WARN_FROM"]'
edit(repository, "rule.py", setting, 'os.environ.get("WARN_FROM", 0.2)')
edit(repository, "rule.py", "LATE.get(hour, 0.0)", "LATE[hour]")
run = release(repository, "1.3", "Read the table directly", artefacts, "2013-03-12 09:00")
print("pipeline passed:", run.passed)
print(production.deploy("1.3"))
dora.record(repository, "1.3", date="2013-03-12 10:00")
failed.append(one_day(production))
print(production.get("/metrics")[1])

# %% [markdown] id="q3-task"
# Healthy, all tests green, and the night hours fail: in the two months no flight was to leave at 3 o'clock,
# so the table has no such row. Nobody had thought of it, so no test had, either. Only monitoring shows it.
#
# While passengers get errors, nobody should sit down and search for the cause. First make it good again.
#
# ### Exercise 3: which version to go back to?
#
# The cell prints what happened so far. Assign the version that you would make live again to `rollback_to`.

# %% id="q3"
releases = production.releases
print(*releases, sep="\n")
### BEGIN SOLUTION
rollback_to = "1.1"
### END SOLUTION
q3.check(rollback_to, releases)
# q3.hint()
# q3.solution()

# %% [markdown] id="rollback-intro"
# ## Maintain: back in one call
#
# A **rollback** builds nothing: the old artefact is still there, it was tested, and it has worked.

# %% id="rollback"
print(production.rollback())
dora.record(repository, "1.1", kind="rollback", date="2013-03-13 08:00")
failed.append(one_day(production))

figure, axes = plt.subplots(figsize=(8, 3))
bars = axes.bar(["1.1", "1.3", "1.1 again"], failed)
bars[1].set(facecolor=plots.RED, edgecolor="black", hatch="//")
axes.bar_label(bars, fmt="%.0f %%")
axes.set(title="One day of each release", xlabel="version", ylabel="percent of requests failed")
alt = "Percent of requests failed: 1.1 {:.0f}, 1.3 {:.0f}, 1.1 again {:.0f}."
plots.show(figure, alt.format(*failed))

# %% [markdown] id="dora-intro"
# The service is well again, and you can look for the cause in peace. Note what a rollback does not do: on
# `main`, the fault is still in the code. We repair it at the end.
#
# ## How well do we deliver?
#
# The research programme DORA has compared many teams by **four metrics**. The first two are about speed, the
# others about stability. Few have to choose: most teams that are good at one are good at the other.
#
# | metric | in our words |
# |---|---|
# | deployment frequency | how often do changes go live? |
# | lead time for changes | how long from the commit of a change until it is live? |
# | change failure rate | which share of deployments needs a repair at once? |
# | time to restore service | how long from such a deployment until it is repaired? |
#
# ([DORA's guide](https://dora.dev/guides/dora-metrics/) has the definitions. It now calls the last one *failed
# deployment recovery time*, and has added a fifth, the share of unplanned deployments.) All we need is in the
# repository: commits have dates, and so have the tags of deployments.

# %% id="history"
deployments = dora.history(repository)
for one in deployments:
    when = one.time.strftime("%Y-%m-%d %H:%M")
    print(f"{when}  {one.kind:9}{one.version}  new changes: {len(one.committed)}")

# %% [markdown] id="q4-task"
# Version 1.3 has brought two: the change of 1.2, which had waited since its health check failed, and its own.
#
# ### Exercise 4: the change failure rate
#
# Which share of our deployments failed? Decide first what counts as a deployment of a change, and what as a
# failure. A fraction such as `1 / 10` will do.

# %% id="q4"
### BEGIN SOLUTION
change_failure_rate = 1 / 3
### END SOLUTION
q4.check(change_failure_rate, deployments)
# q4.hint()
# q4.solution()

# %% [markdown] id="metrics-intro"
# In the picture, each grey line is a change on its way from the commit, below, to production, above. The
# flatter it is, the longer the change had to wait.

# %% id="metrics"
hour = timedelta(hours=1)
metrics = dora.measure(deployments, weeks=2)
print(f"deployment frequency     {metrics.deployments_per_week} a week")
print(f"lead time for changes    {metrics.lead_time / hour:.1f} hours, median")
print(f"time to restore service  {metrics.time_to_restore / hour:.1f} hours")

alt = f"{len(deployments)} deployments. The one that failed is 1.3, and the last is its rollback."
plots.show(dora.timeline(deployments), alt)

# %% [markdown] id="live-intro"
# The flattest line is the change of 1.2: kept out by the health check, it waited for the next release.
#
# What would make these numbers better? Smaller changes, more often; then a fault is in few lines, and a
# rollback is a small step. But a number that becomes a target is soon reached in a silly way: empty releases
# raise the frequency, and help nobody.
#
# ### Close the loop, live
#
# Monitoring has found a fault. So *first* comes a test that shows it: 1.4 has nothing else, is red, and never
# becomes an artefact. Then 1.5 brings the repair. This time the dates are real: how long does *your* change
# take to go live?

# %% tags=["nbval-ignore-output"] id="live"
last = "self.assertLessEqual(probability(20), 1)\n"
test = f"\n    def test_night(self):\n        {last.replace('20', '3')}"
edit(repository, "test_rule.py", last, last + test)
print("with the test, green:  ", release(repository, "1.4", "Test the night", artefacts).passed)

edit(repository, "rule.py", "LATE[hour]", "LATE.get(hour, 0.0)")
print("with the repair, green:", release(repository, "1.5", "Mend the night", artefacts).passed)
print(production.deploy("1.5"), f"and fails in {one_day(production):.0f} percent of requests")
dora.record(repository, "1.5")
newest = dora.history(repository)[-1]
print("lead time:", newest.time - newest.committed[-1])

# %% [markdown] id="q5-task"
# From the commit to production in seconds, with every check on the way. That is what the loop is for.
#
# ### Exercise 5: which guard would have caught it?
#
# You have met four guards: the `hook`, the `test`, the `health check`, and `monitoring`. Which is the *first*
# one that can catch each of these faults?
#
# - A: the private key of a server lies among the files that are about to be committed.
# - B: `warn` compares with `>` in place of `>=`, so that a flight exactly on the threshold gets no warning.
# - C: the new version imports a library that is installed everywhere but on the server.
# - D: a new airline flies routes that nobody had in mind, and most warnings for it are wrong.
#
# Give a dictionary from the letter to the guard's name.

# %% id="q5"
### BEGIN SOLUTION
guard = {"A": "hook", "B": "test", "C": "health check", "D": "monitoring"}
### END SOLUTION
q5.check(guard)
# q5.hint()
# q5.solution()

# %% [markdown] id="recap"
# ## What you take with you
#
# - **One team, one loop**: develop, test, QA, deliver, deploy, maintain, monitor, and on to the next change.
# - **Four guards**, from cheap to dear: hook, tests in a pipeline, health check, monitoring. None replaces
#   another.
# - **An artefact is built once** from a commit, has a version and a fingerprint, and is what you go back to.
# - **Roll back first, then repair**: with a test that is red before it is green.
# - **The four metrics** come from the history that you have anyway. They are for learning, not for ranking.
#
# Your repository is in `workspace/04-devops/repository`. Open a terminal there, and try `git log --graph`.
#
# ## Check what you know

# %% tags=["quiz", "nbval-ignore-output"] id="quiz"
production.stop()
quiz.show("04_devops")
