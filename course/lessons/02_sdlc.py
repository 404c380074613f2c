# %% [markdown] id="why"
# ## Why it matters
#
# It is 26 July, late in the evening. Someone asks your service about a flight in the night, and gets no answer.
# Which version is running? What was it supposed to do? Did anyone test that? Can you repair it without breaking
# what works?
#
# Whoever wrote the service in one go has no answers. The **software development life cycle** (SDLC) is the
# order of work that has them. In this lesson you take a small delay service once all the way round: from a wish
# to a running program, and through its first bug. You need Git on your computer.
#
# ## Six phases, six steps
#
# You will meet the life cycle in two lists. They are the same thing: **phases** name the kinds of work,
# **steps** say what you do next.
#
# | phase | step | the question | what it leaves behind, here |
# |---|---|---|---|
# | requirement analysis | plan | What must it do, and how will we know? | `requirements.toml` |
# | design | design | Which parts, and what do they say to each other? | `design.txt`, a contract |
# | development | build | How do we make it? | `delays.py`, `service.py` |
# | testing | test | Does it do what was asked? | `tests`, and their results |
# | deployment | deploy | How does it get to those who need it? | release `v1.0`, running |
# | maintenance | maintain | What do we learn from its use? | a repair, release `v1.1` |
#
# Each step works with what the one before it left behind. Below, an arrow is something that is handed over.

# %% id="cycle"
from mlops_school import diagram

cycle = """
plan -> design: requirements
design -> build: parts and contract
build -> test: code
test -> deploy: tested version
deploy -> maintain: running service
maintain -> plan: bug reports and new wishes
"""
diagram.show(cycle, title="The life cycle")

# %% [markdown] id="plan-intro"
# The last arrow makes it a cycle: nothing is ever finished, it goes round again. (Going back one step is allowed
# too, and you will soon do it.)
#
# ## 1 · Plan: requirement analysis
#
# A requirement is a sentence that can be *put to the test*. *Functional* ones say what the service does,
# *non-functional* ones how well: how fast, how fair, how reliable. These are the requirements of the whole
# course. Each has an id, so that everything that follows can refer to it.

# %% id="requirements"
import pandas as pd

from mlops_school.exercises import ____
from mlops_school.exercises.sdlc import q1, q2, q3, q4, q5
from mlops_school.process import load_requirements

requirements = load_requirements()
print(requirements["R5"])
overview = pd.DataFrame(requirements.values()).set_index("id")
overview["numbers"] = [list(limits.values()) for limits in overview["limits"]]
overview[["title", "kind", "numbers"]]

# %% [markdown] id="q1-task"
# The numbers are what makes a sentence testable. R5, printed above the table, began as a wish: *"answers should come
# quickly"*. How quickly? Always? Nobody could have said whether the service keeps such a promise. R4 and R12 need no
# number: the model is the same or not, the release is named or not.
#
# ### Exercise 1: from a sentence to a test
#
# Now write R5 as code. `milliseconds` is an array with the time that each request took. Return whether the service
# was fast enough. This is an **acceptance test**: it decides whether a requirement is met, and nobody has to
# argue.


# %% id="q1"
def fast_enough(milliseconds):
    ### BEGIN SOLUTION
    return (milliseconds <= 200).mean() >= 0.95
    ### END SOLUTION


q1.check(fast_enough)
# q1.hint()
# q1.solution()

# %% [markdown] id="design-intro"
# ## 2 · Design
#
# Which parts are there, and who says what to whom? Like the cycle above, this drawing is made from text: a
# design that is text can be compared, reviewed and kept beside the code.

# %% id="design"
design = """
browser -> service.py: GET /delay? departure=17:05
service.py -> delays.py: share of late flights at 17?
delays.py -> model.json: how many at 17, and how many late?
model.json -> delays.py: two numbers
delays.py -> service.py: the share
service.py -> browser: the probability, status 200
"""
diagram.show(design, title="One question, and its answer")

# %% [markdown] id="contract"
# A design also decides *what may change* without anyone else noticing. In lesson 09 a better model comes. It
# will take the place of `delays.py` and `model.json`; browsers must not notice. So the line between browser and
# service is fixed in a **contract**:
#
# | request | status | answer | for |
# |---|---|---|---|
# | `GET /delay?departure=17:05` | 200 | `{"probability": …}` | R1 |
# | `GET /delay?departure=24:00` | 422 | a text that says what is wrong with `departure` | R6 |
# | `GET /delay` | 422 | the same | R6 |
# | `GET /health` | 200 | `{"status": "ready", "release": …}` | R12 |
#
# From here on, **Git** keeps every version. The lesson makes a real repository in the folder `02-sdlc` of your
# `workspace`.

# %% id="repository"
from mlops_school.paths import COURSE, new_folder
from mlops_school.repository import Repository

folder = new_folder("02-sdlc")
repository = Repository.create(folder / "repository")

wanted = (COURSE / "requirements.toml").read_text(encoding="utf-8")
repository.write("requirements.toml", wanted)
repository.commit("Plan: requirements")
repository.write("design.txt", design)
repository.commit("Design: parts and messages")
print(repository.git("ls-files"))

# %% [markdown] id="build-intro"
# ## 3 · Build: development
#
# First the model. For a first version, a table will do: how many flights of each hour there were from January to
# April, and how many of them were late. It is kept as a file of numbers, apart from the code.

# %% id="model"
import matplotlib.pyplot as plt

from mlops_school import plots
from mlops_school.delay_service import count_flights

model = count_flights([1, 2, 3, 4])
percent = 100 * model["late"] / model["flights"]
figure, axes = plt.subplots()
axes.bar(percent.index, percent)
axes.set(xlim=(-0.6, 23.6), xticks=range(24), xlabel="hour of departure", ylabel="percent late")
axes.set(title="What the model knows")
plots.show(figure, f"Bars from hour {model.index.min()} to {model.index.max()}, rising by evening.")

# %% [markdown] id="code-intro"
# Look at the picture for a moment longer than you need. What would *you* answer for a flight at 3 in the
# night?
#
# Now the code: real files in the repository. `delays.py` knows flights and nothing of the web; `service.py` knows
# the web and nothing of flights. **FastAPI** makes web services from Python functions: the parameter `departure`
# is what stands behind the `?` in the address.

# %% id="code"
from IPython.display import Markdown

from mlops_school.delay_service import files_of

repository.write("model.json", model.to_json())
for name, text in files_of("draft").items():
    repository.write(name, text)
repository.commit("Build: model and service")

code = [f"`{name}`\n```python\n{text}```" for name, text in files_of("draft").items()]
Markdown("\n\n".join(code))

# %% [markdown] id="test-intro"
# ## 4 · Test
#
# Two kinds of tests come with the service. A **unit test** looks at one part by itself: does `hour_of("5:00")`
# give 5? An **acceptance test** asks the running service, as a browser would, for what a requirement demands.
# Its name begins with the id of the requirement. Here is the file of acceptance tests; `client` stands for the
# browser.

# %% id="tests"
for name, text in files_of("test").items():
    repository.write(name, text)
repository.commit("Test: unit and acceptance tests")

Markdown(f"```python\n{files_of('test')['tests/test_acceptance.py']}```")

# %% [markdown] id="run-intro"
# `verify` starts the service, runs **pytest** on the repository in a Python of its own, and stops the service.
# What failed is printed in pytest's own words.

# %% id="run"
from mlops_school.delay_service import verify

draft = verify(repository.folder)
for test, message in draft.loc[draft["outcome"] == "failed", "message"].items():
    print(f"{test} FAILED:\n{message}")
draft[["file", "outcome"]]

# %% [markdown] id="q2-task"
# ### Exercise 2: read a failure
#
# One test fails, and that is why we test. Read the message from left to right: what the service *did*, then what
# the test *expected*. Which requirement is not met (its id), and with which status did the service answer?

# %% id="q2"
### BEGIN SOLUTION
broken = "R6"
answered = 500
### END SOLUTION
q2.check(broken, answered, draft)
# q2.hint()
# q2.solution()

# %% [markdown] id="repair-intro"
# A status from 500 on means: the service itself broke down. `24:00` is no time for Python, `hour_of` raises a
# `ValueError`, and nobody catches it. So it goes back one step, to *build*. Should we change the test or the
# code? The requirement decides: the test says what R6 says. Git shows what changes; `+` marks a new line and `-`
# one that is gone.

# %% id="repair"
repository.write("service.py", files_of("repair")["service.py"])
_, mark, change = repository.git("diff", "--unified=1", "service.py").partition("@@")
print(mark + change)

report = verify(repository.folder)
repository.commit("Build: refuse what is no time")
report["outcome"].value_counts()

# %% [markdown] id="deploy-intro"
# ## 5 · Deploy
#
# All tests pass, so this version gets a name, a **tag**: `v1.0`. What is deployed is a clean copy of exactly that
# version, never the folder in which you work: otherwise nobody knows what is running. `deploy` copies the
# version out of Git, starts it on a free port of this computer, and waits until it answers. `client` plays the
# browser; `trust_env=False` keeps it from asking a proxy that may be set on your computer.

# %% id="deploy"
import httpx

from mlops_school.delay_service import deploy

repository.tag("v1.0")
service = deploy(repository, "v1.0", folder / "releases")
client = httpx.Client(base_url=service.address, trust_env=False)
print(client.get("/health").json())
for time in ["06:30", "17:05", "21:00"]:
    print(time, round(client.get("/delay", params={"departure": time}).json()["probability"], 2))

# %% [markdown] id="maintain-intro"
# Your service is alive, says which release it is, and answers over HTTP.
#
# ## 6 · Maintain
#
# Weeks later, a message: *"27 July, the flight at 1:06 in the night: your service gave no answer."* Is it true?
# Look at the data, and ask the running service.

# %% id="bug"
from mlops_school import data

july = data.load_flights([7])
night = july[july["hour"] < 5]

answer = client.get("/delay", params={"departure": "01:06"})
print("status", answer.status_code)
night[["month", "day", "sched_dep_time", "carrier", "flight", "origin", "dest"]]

# %% [markdown] id="q3-task"
# It is true. The model has never seen a flight at that hour: the gap at the left of the picture. All tests were
# green, and all of them asked about the day. **Tests show that there are bugs, never that there are none.**
#
# Before anyone repairs it: *first a test that fails because of the bug*. It proves that you have understood it,
# it tells you when you are done, and it stays, so that the bug cannot come back unnoticed.
#
# ### Exercise 3: the failing test
#
# Write a test that fails now, and will pass once the service is repaired. Assign it as the text of a file, between
# triple quotes. Name it after the requirement that is broken; the tests in section 4 show the form. The check runs
# it with pytest on `v1.0`, and on a repaired service.

# %% id="q3"
### BEGIN SOLUTION
my_test = """
def test_R1_answers_in_the_night(client):
    answer = client.get("/delay", params={"departure": "01:06"})
    assert answer.status_code == 200
"""
### END SOLUTION
q3.check(my_test, repository)
# q3.hint()
# q3.solution()

# %% [markdown] id="decision"
# What *should* the service say? That is a question of requirements and not of code, so the cycle is back at
# *plan*. Refusing will not do, since R1 promises a probability for every flight. The team decides: *where the
# service knows nothing of the hour, it answers with the share of late flights among all flights*. The test in the
# course demands that, for several times in the night. Does it fail?

# %% id="red"
for name, text in files_of("reproduce").items():
    repository.write(name, text)
report = verify(repository.folder)
for test, message in report.loc[report["outcome"] == "failed", "message"].items():
    print(f"{test} FAILED:\n{message.splitlines()[0]}")

# %% [markdown] id="q4-task"
# It does, for the right reason. Now the repair.
#
# ### Exercise 4: the repair
#
# Write a new `share_late(hour)`, again as text between triple quotes. For an hour that is not in the table, it
# returns the share of late flights among all. `FLIGHTS` and `LATE` are dictionaries that have a number for each
# hour; the old version stands in section 3. The check tries yours, and then runs all tests with it.

# %% id="q4"
### BEGIN SOLUTION
my_repair = """
def share_late(hour):
    if hour not in FLIGHTS:
        return sum(LATE.values()) / sum(FLIGHTS.values())
    return LATE[hour] / FLIGHTS[hour]
"""
### END SOLUTION
q4.check(my_repair, repository)
# q4.hint()
# q4.solution()

# %% [markdown] id="release-intro"
# The test and the repair go into *one* commit: whoever reads the history finds the reason beside the change.
# `v1.1` is a new release. The old one stays as it is, and with it the way back.

# %% id="release"
for name, text in files_of("fix").items():
    repository.write(name, text)
report = verify(repository.folder)
print(report["outcome"].value_counts().to_string())

repository.commit("Maintain: answer at any hour")
repository.tag("v1.1")
history = pd.DataFrame(repository.log()[::-1])
history["tags"] = history["tags"].str.join(", ")
history.set_index("message")[["tags"]]

# %% [markdown] id="redeploy-intro"
# All green, the new test and every old one: the repair broke nothing. The history, newest on top, has kept every
# step.
#
# Deploy, and ask again. And since what was tested is not yet what runs, the same tests now ask the *running
# release*.

# %% id="redeploy"
from mlops_school.testing import run_tests

service.stop()
service = deploy(repository, "v1.1", folder / "releases")
client = httpx.Client(base_url=service.address, trust_env=False)
print(client.get("/health").json())
for time in ["01:06", "17:05"]:
    print(time, round(client.get("/delay", params={"departure": time}).json()["probability"], 2))

settings = {"SERVICE_ADDRESS": service.address, "RELEASE": "v1.1"}
report = run_tests(folder / "releases" / "v1.1", **settings)
print(report["outcome"].value_counts().to_string())

# %% [markdown] id="trace-intro"
# The bug is gone, and 17:05 gets the answer that it got before. (Between stopping the old release and starting the
# new one, nobody got an answer. R11 forbids that; lesson 13 does it without a gap.)
#
# ## What is proven, and what is not
#
# Now the question that every audit asks: *which test shows that requirement R is met, did it pass, and since
# which release?* Nobody types the answer. A test carries the id in its name; the files of each release say which
# tests it has; pytest says what they gave. The last two columns are still plans: where someone will be told that the
# requirement is no longer met, and where a release that breaks it will be undone.

# %% id="trace"
from mlops_school.traceability import trace

service.stop()
table = trace(requirements, repository, report)
table.set_index(["requirement", "test"]).drop(columns="title")

# %% [markdown] id="q5-task"
# ### Exercise 5: find the gaps
#
# Such a table is at its best where it is empty. For which requirements does *no test at all* exist? Assign the
# list of their ids to `gaps`, from `table`.

# %% id="q5"
### BEGIN SOLUTION
gaps = list(table.loc[table["test"] == "", "requirement"])
### END SOLUTION
q5.check(gaps, table, requirements)
# q5.hint()
# q5.solution()

# %% [markdown] id="recap"
# A gap that one knows is a plan: later lessons close these. Read the rows that passed with care, too. R6 says that *no request makes the service fail*. Its tests passed in
# `v1.0`, while the flight at 1:06 made it fail. A test shows a requirement for the cases that it tries, and for
# no others.
#
# ## What you take with you
#
# - **Six phases, six steps, one cycle**: plan, design, build, test, deploy, maintain, and round again.
# - **A requirement is a sentence that can be put to the test**, most often by a number.
# - **A design says what may change** behind a contract that does not.
# - **What runs is a tagged version**, copied from Git and tested as it runs.
# - **A bug begins with a failing test**, and ends with a release in which all tests pass.
# - **Traceability** is made from artefacts, and shows the gaps.
#
# ## Check what you know

# %% tags=["quiz", "nbval-ignore-output"] id="quiz"
from mlops_school import quiz

quiz.show("02_sdlc")
