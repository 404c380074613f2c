# %% [markdown] id="why"
# ## Why it matters
#
# In lesson 12 the delay service was a program of ours: the paths, the checks, the queue, the metrics, the
# Dockerfile. Every team that serves a model writes these again. **BentoML** wants only the part that is your own, a
# Python class that answers, and makes a web service of it. It also packs class, model and list of
# packages into one folder, a **bento** (a Japanese lunch box), which can be turned into a container image.
#
# In this lab the real BentoML serves release 1 over HTTP on your computer. You will see what its best part does,
# **adaptive batching**, what goes wrong in it without any error, and what is easily forgotten in a lunch box.

# %% tags=["parameters"] id="imports"
from concurrent.futures import ThreadPoolExecutor

import httpx
import pandas as pd

from mlops_school import bento, champion, data, labs, load, servers

labs.require("bentoml")
project = bento.new_project()  # and BentoML neither reports to its makers nor fills your home

import bentoml

from mlops_school.exercises import ____
from mlops_school.exercises.labs.bentoml import q1, q2
from mlops_school.forecasts import Forecaster, as_flights, as_requests
from mlops_school.model_package import ModelPackage

month = 7  # whose flights we ask about

# %% [markdown] id="store-intro"
# ## The model store
#
# BentoML keeps models in a **model store**: a folder with names and versions. For many libraries it has a
# `save_model` of its own; that of scikit-learn writes a **pickle**, a file that may run any code when it is opened.
# Release 1 comes as a `skops` file, which cannot, with its threshold and SHA-256 beside it. So we put the whole
# package of lesson 11 into the store as it is.

# %% id="store"
import shutil
from pathlib import Path

with bentoml.models.create("delay:1", labels={"release": "1"}) as stored:
    shutil.copytree(champion.folder(), stored.path, dirs_exist_ok=True)

for model in bentoml.models.list():
    print(
        model.tag, dict(model.info.labels), sorted(file.name for file in Path(model.path).iterdir())
    )

# %% [markdown] id="service-intro"
# ## The service is a class
#
# `@bentoml.service` makes a service of a class, and `@bentoml.api` a path of a method. The types of its arguments are
# the contract: `Flight` is the pydantic model of lesson 12. `Forecaster` is the one that lesson's service uses.
#
# **Batchable** says: this method takes a list, and BentoML may put the flights of many clients into one list. Two
# limits go with it. More than 100 flights are never put together, and a request that would have to wait longer than
# 1,000 milliseconds is refused.

# The other paths are for what follows: `one` without batching, `hurried` by a colleague in a hurry, and the last one
# says whether the course's code, which the class imports, lies where the service runs.

# %% id="service"
print((project / "bento_service.py").read_text(encoding="utf-8"))

# %% [markdown] id="serve-intro"
# ## Serve it
#
# In a terminal you would write `bentoml serve bento_service:DelayService`. We start that very program, on a free port
# that only this computer can reach, and wait until it is ready. To compare, we also start the service of
# lesson 12 for a moment. Times and memory differ from computer to computer.

# %% tags=["nbval-ignore-output"] id="serve"
import sys

server = bento.serve(bento.SERVICE, project)
print(f"BentoML:   ready after {server.seconds:.0f} s, {server.megabytes():.0f} MB")
with servers.Server([sys.executable, "-m", "mlops_school.service", str(champion.folder())]) as ours:
    print(f"lesson 12: ready after {ours.seconds:.0f} s, {ours.megabytes():.0f} MB")

# %% [markdown] id="ask-intro"
# BentoML runs two processes, one that watches and one that works, and both have much to load. So it needs about
# twice the memory of our service.
#
# Nobody wrote the paths for health, metrics and documentation: `livez` says that the process lives, `readyz` that the
# model is loaded (R12), `metrics` is for Prometheus. Now the question that counts. Do the answers for 500 flights of
# July, over HTTP, equal those of `Forecaster`?

# %% id="ask"
client = httpx.Client(base_url=server.address, trust_env=False, timeout=30)
for path in ["livez", "readyz", "metrics", "docs.json"]:
    print(path, client.get(path).status_code)

flights = data.load_flights([month]).sample(500, random_state=0)
requests = as_requests(flights)
answers = client.post("forecast", json={"flights": requests}).json()
forecaster = Forecaster(ModelPackage.load(champion.folder()))
expected = [forecast.model_dump() for forecast in forecaster.forecast(as_flights(flights))]
print(sum(answer != wanted for answer, wanted in zip(answers, expected)), "of 500 differ")

# %% [markdown] id="bad-intro"
# None differs, to the last digit. And requests that should not be? R6 wants a status from 400 to 499 and the name of
# what is wrong. We also look into the server's log, which lesson 12 kept free of what people ask for.

# %% id="bad"
flight = requests[0]
for change in [{"carrier": "XX"}, {"departure": "2013-07-01T17:30:00"}, {"seats": 200}]:
    answer = client.post("forecast", json={"flights": [flight | change]})
    first = answer.json()["detail"][0]
    print(answer.status_code, first["loc"], first["msg"])
print("a 50 kB body of nonsense:", client.post("forecast", content=" " * 50_000).status_code)
print("the log repeats what was sent:", "input_value='XX'" in server.log)

# %% [markdown] id="batch-intro"
# R6 is met by the types alone. What lesson 12 did beyond that is left to you: there is no limit for the size of a
# request, and the log writes a page of traceback for a client's typing error, *with* the wrong value in it.
#
# ## Many at once
#
# Most of the time that a forecast takes does not depend on the number of
# flights: tables are built, columns converted. A hundred in one call take little longer than one. So when many clients
# ask at once, it is quicker to collect their requests for a moment and make one call: that is adaptive
# batching. BentoML learns from its first calls how long a call with so many flights takes, and waits accordingly.
#
# First by hand. Then over HTTP, for a second, with twenty clients, of which each sends its next flight as soon as its
# last one is answered: to `one`, and to `forecast`. Your times will be others.

# %% tags=["nbval-ignore-output"] id="batch"
some = as_flights(flights)[:100]
alone = load.alone(lambda flight: forecaster.forecast([flight]), some, 1)["seconds"].mean()
together = load.alone(forecaster.forecast, [some], 1)["seconds"].mean()
print(f"one flight: {1000 * alone:.0f} ms; a hundred in one call: {1000 * together:.0f} ms")

bodies = {"one": [{"flight": request} for request in requests]}
bodies["forecast"] = [{"flights": [request]} for request in requests]
found = {path: load.by_clients(f"{server.address}/{path}", bodies[path], 20, 1) for path in bodies}
together = bento.mean_batch(client.get("metrics").text, "forecast")
print(f"with batching, {together:.0f} requests went into one call, on average")
pd.DataFrame({path: load.summarise(answers) for path, answers in found.items()}).T.round()

# %% [markdown] id="order-intro"
# Compare `per_second`, and the time in which half of the answers came (`p50`, in milliseconds): with batching, the same
# computer answers several times as many. How many requests went together stands in the metrics.
#
# ### Break it: who gets which answer?
#
# BentoML hands your method a list, and shares out what it returns: the first answer goes to whoever sent the first
# flight. Nobody checks that. The colleague in a hurry sorts the flights by departure first, because, he says,
# the weather is then found more quickly.


# %% id="order"
def ask_all(path):
    def ask(request):
        answer = client.post(path, json={"flights": [request]})
        return answer.json()[0]

    with ThreadPoolExecutor(50) as people:  # fifty people, each with one flight at a time
        return list(people.map(ask, requests))


for path in ["forecast", "hurried"]:
    wrong = sum(answer != wanted for answer, wanted in zip(ask_all(path), expected))
    print(f"{path}: some people got the answer for another flight: {wrong > 0}")

# %% [markdown] id="q1-task"
# Every one of them got status 200, and a probability that looks as good as any. Batching makes strangers share one
# call. **As many answers as questions, in the same order**: that is the contract of a batchable method.
#
# ### Exercise 1: save work, and keep the contract
#
# Before a storm, half of the passengers of one flight ask at the same moment. Write `forecast_once`, which takes a list of
# flights and the function `forecast`, and calls `forecast` once, with each different flight once. Flights can
# be compared, and can be keys of a dictionary.


# %% id="q1"
def forecast_once(flights, forecast):
    ### BEGIN SOLUTION
    different = list(dict.fromkeys(flights))
    found = dict(zip(different, forecast(different)))
    return [found[flight] for flight in flights]
    ### END SOLUTION


q1.check(forecast_once)
# q1.hint()
# q1.solution()

# %% [markdown] id="bento-intro"
# ## The lunch box
#
# So far, everything ran from a folder on your computer. For any other computer, `bentoml build` packs a bento.
# A file `bentofile.yaml` says what goes in: files, packages, settings. `PYTHONPATH` is where Python looks for modules
# beside the installed ones. The packages get the versions with which you have just tested. (With `lock_packages:
# true`, BentoML asks the internet for what these need in turn.)
#
# In the folder of the project are the course's code and data, and things of daily work: a log, and a password. The
# colleague in a hurry packs the class, and nothing else.


# %% id="build"
def build(include):
    bentofile = project / "bentofile.yaml"
    bentofile.write_text(bento.recipe(include), encoding="utf-8")
    return bentoml.bentos.build_bentofile(str(bentofile), build_ctx=str(project))


def content(packed):
    files = (file for file in Path(packed.path).rglob("*") if file.is_file())
    return sorted(file.relative_to(packed.path).as_posix() for file in files)


light = build(["bento_service.py"])
print(*content(light), sep="\n")
print("model:", light.info.services[0].models[0].tag)

# %% [markdown] id="q2-task"
# A Dockerfile, a list of packages, a description of the interface, the name of the model, all written for you. On your
# computer this bento would even run, since the course is installed here. On any other it would stop at
# `import mlops_school`: that is no package that can be downloaded, and no file of the bento.
#
# ### Exercise 2: pack the lunch box
#
# What else has to go in? `Forecaster` needs the code, in `utils`; the weather, planes and routes, in `course/data`; and
# `course/requirements.toml`. Give `include` as a list of patterns as in a `.gitignore`: `notes.md` is a file, `notes/` a
# folder with all that is in it, `*.md` many files. The log and the password must stay outside.

# %% id="q2"
### BEGIN SOLUTION
include = ["bento_service.py", "utils/", "course/"]
### END SOLUTION
q2.check(include)
# q2.hint()
# q2.solution()

# %% [markdown] id="again-intro"
# We pack it again, with all that is needed, in case you are still at it. Then we serve the bento itself, from its own folder and with
# its own setting, as a container would, and ask which code answers.

# %% id="again"
full = build(["bento_service.py", "utils/", "course/"])
private = [file for file in content(full) if file.endswith((".env", ".log"))]
print("private files in the bento:", private)
print("the project runs code of its own:", client.post("carries_its_code").json())
server.stop()

server = bento.serve(".", full.path, PYTHONPATH="src/utils")
client = httpx.Client(base_url=server.address, trust_env=False, timeout=30)
print("the bento runs code of its own:  ", client.post("carries_its_code").json())
same = client.post("forecast", json={"flights": requests}).json() == expected
print("all 500 answers are the same:", same)
server.stop()

# %% [markdown] id="recap"
# ## What you take with you
#
# - A class with types is enough: BentoML adds HTTP, checks, health, metrics, documentation. The answers are those of
#   `Forecaster`, 500 of 500.
# - Adaptive batching lets many requests share one call. It pays where a call costs much and one more row little, most of
#   all on graphics cards. Its contract is yours to keep: as many answers, in the same order.
# - A bento holds code, packages and model, if you name them all. Test it from its own folder, not from yours.
# - `bentoml containerize delay:latest` makes a container image of it. That needs Docker and the internet, and was not run
#   here.
# - Is it worth it? For one model, lesson 12's service is smaller, limits the size of requests, keeps them out of its
#   log, and changes releases while it runs; with BentoML, a new release is a new bento, and something such as
#   Kubernetes must exchange them (lesson 13). It pays when a team serves many models and wants all built in one way.
