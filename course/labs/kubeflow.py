# %% [markdown] id="why"
# ## Why it matters
#
# The steps of lesson 11 ran one after the other, on one computer, in one environment. In a company, training may need a machine
# with much memory, and registering a model a machine with a password; and ten people start such runs every day.
# **Kubeflow Pipelines** describes each step as a program in a container, and lets a cluster of computers (Kubernetes) run them: each
# where there is room, with its inputs and outputs stored and recorded.
#
# You have no cluster here, and need none to learn what matters. The real compiler and the real local runner of Kubeflow run a
# pipeline on your computer: each step is a process of its own. A gate in it does not work, and the cache hides new data. You mend both.

# %% tags=["parameters"] id="imports"
from mlops_school import labs

labs.require("kubeflow")

from kfp import compiler, dsl, local

from mlops_school import features, files, kubeflow
from mlops_school.exercises import ____
from mlops_school.exercises.labs.kubeflow import q1, q2
from mlops_school.paths import new_folder
from mlops_school.process import load_requirements

folder = new_folder("labs/kubeflow")
MINIMUM = load_requirements()["R3"].limits["minimum_roc_auc"]

# %% id="data"
# January, to learn from; May, to try a model on.
learn, trial = folder / "learn.parquet", folder / "trial.parquet"
features.load_examples([1]).to_parquet(learn)
features.load_examples([5]).to_parquet(trial)
print(f"the model must reach a ROC AUC of {MINIMUM} (requirement R3)")

# %% [markdown] id="components-intro"
# ## Components
#
# A **component** is one step: a function with `@dsl.component`. It shall run far away, in a container, so it takes nothing from this
# notebook: it imports what it needs *inside*, and all that goes in or out is declared.
#
# | declared as | is |
# |---|---|
# | `str`, `float` | a **parameter**: a small value |
# | `dsl.Input[dsl.Dataset]`, `dsl.Output[dsl.Model]` | an **artifact**: a file. You get its `path`; where it is stored is Kubeflow's business |
#
# `base_image` names the container's image. Here no container is started.

# %% id="components"
component = dsl.component(base_image="python:3.12", install_kfp_package=False)


@component
def load(path: str, examples: dsl.Output[dsl.Dataset]):
    import shutil

    shutil.copyfile(path, examples.path)


# %% [markdown] id="train-intro"
# The next one learns. It writes the model in the format skops (lesson 09), which runs no code when it is opened. The third tries
# the model on other flights, and returns a number. The last one stands in for the registry of lesson 11: it notes that a model has
# been let through.


# %% id="train"
@component
def train(examples: dsl.Input[dsl.Dataset], model: dsl.Output[dsl.Model]):
    from pathlib import Path

    import pandas as pd
    import skops.io

    from mlops_school.features import FEATURES, TARGET
    from mlops_school.training import make_boosting

    table = pd.read_parquet(examples.path)
    fitted = make_boosting().fit(table[FEATURES], table[TARGET])
    Path(model.path).write_bytes(skops.io.dumps(fitted))


# %% id="evaluate"
@component
def evaluate(model: dsl.Input[dsl.Model], examples: dsl.Input[dsl.Dataset]) -> float:
    from mlops_school import kubeflow

    return kubeflow.roc_auc(model.path, examples.path)


@component
def register(auc: float, book: str):
    from pathlib import Path

    with Path(book).open("a", encoding="utf-8") as lines:
        lines.write(f"registered: ROC AUC {auc:.3f}\n")


# %% [markdown] id="pipeline-intro"
# ## A pipeline
#
# A function with `@dsl.pipeline` says which output goes into which input. From that, Kubeflow knows the order. A colleague wrote the
# last two lines: only a model that is good enough is registered. Registering changes something outside, so it must happen each time, and never come
# from a cache.
#
# The function is called *once*, by the **compiler**, which writes down in YAML what has to be done. That file goes to the cluster. We look
# at its steps.


# %% id="pipeline"
@dsl.pipeline(name="delays")
def delays(learn: str, trial: str, book: str):
    model = train(examples=load(path=learn).output).output
    auc = evaluate(model=model, examples=load(path=trial).output).output
    if auc >= MINIMUM:
        register(auc=auc, book=book).set_caching_options(False)


compiler.Compiler().compile(delays, str(folder / "delays.yaml"))
print(kubeflow.outline(folder / "delays.yaml"))

# %% [markdown] id="run-intro"
# ## Run it
#
# `SubprocessRunner(use_venv=False)` starts a process for each step, in the environment of this lab. It keeps the artifacts below
# `pipeline_root`, and remembers the result of each step in a **cache**.

# %% id="run"
local.init(
    local.SubprocessRunner(use_venv=False), pipeline_root=str(folder / "runs"), enable_caching=True
)
book = folder / "registered.txt"
arguments = {"learn": str(learn), "trial": str(trial), "book": str(book)}
print("executed:", kubeflow.run(delays, **arguments))
print(book.read_text(encoding="utf-8"))

# %% [markdown] id="q1-task"
# A model that misses the requirement has been registered. The gate is in the Python, and it is not in the YAML: look at the outline,
# `register` waits for `evaluate` and for no condition. Why? When the compiler called the function, there was no ROC AUC yet. `auc` was a
# *promise* of a number, and `auc >= MINIMUM` a description of a comparison, which is an object like others, and so counts as true. Python took the
# branch, once and for all, when the pipeline was **compiled**.
#
# ### Exercise 1: a gate that waits
#
# `with dsl.If(condition):` puts a condition into the YAML, to be decided when the pipeline **runs**. Write the function that makes the
# condition: of a number it gives True or False, of a promise it gives the comparison itself. A model that just reaches the minimum passes.


# %% id="q1"
def condition(auc):
    ### BEGIN SOLUTION
    return auc >= MINIMUM
    ### END SOLUTION


q1.check(condition, MINIMUM)
# q1.hint()
# q1.solution()

# %% [markdown] id="gate-intro"
# With `dsl.If` (and the package's own answer), compiled and run again:


# %% id="gate"
@dsl.pipeline(name="delays")
def delays(learn: str, trial: str, book: str):
    model = train(examples=load(path=learn).output).output
    auc = evaluate(model=model, examples=load(path=trial).output).output
    with dsl.If(auc >= MINIMUM):
        register(auc=auc, book=book).set_caching_options(False)


compiler.Compiler().compile(delays, str(folder / "delays.yaml"))
print(kubeflow.outline(folder / "delays.yaml"))
book.unlink(missing_ok=True)
print("executed:", kubeflow.run(delays, **arguments), "registered:", book.exists())

# %% [markdown] id="stale-intro"
# Now the condition is a part of the YAML, and nothing was registered. Nothing was executed either: `load`, `train` and `evaluate` had the same code and
# the same inputs as before, so their results came from the cache. This saves hours where training takes hours.
#
# ## The cache does not see the data
#
# A better model needs more data. February to April come in, into the same file.

# %% id="stale"
features.load_examples([1, 2, 3, 4]).to_parquet(learn)
print("executed:", kubeflow.run(delays, **arguments), "registered:", book.exists())

# %% [markdown] id="q2-task"
# Four times as many flights, and nothing was executed: the answer is still that of January. The cache compares the *declared* inputs. The input of
# `load` is a path, and the path is the same. What a step reads in other ways (a file, a database, the package `mlops_school`) the
# cache cannot see.
#
# ### Exercise 2: an input that says what is in the file
#
# We give `load` a second input, a `stamp`, only so that the cache sees it. Write the function that makes it: a text that is another one when the
# content of the file is another, and the same when it is the same. (`files` is the module of the package that you know from
# lesson 09.)


# %% id="q2"
def stamp_of(path):
    ### BEGIN SOLUTION
    return files.sha256(path)
    ### END SOLUTION


q2.check(stamp_of)
# q2.hint()
# q2.solution()

# %% [markdown] id="fresh-intro"
# The component and the pipeline with the new input (only the data to learn from have one), run twice. The second time, nothing has
# changed.


# %% id="fresh"
@component
def load_version(path: str, stamp: str, examples: dsl.Output[dsl.Dataset]):
    import shutil

    shutil.copyfile(path, examples.path)


@dsl.pipeline(name="delays")
def delays(learn: str, stamp: str, trial: str, book: str):
    model = train(examples=load_version(path=learn, stamp=stamp).output).output
    auc = evaluate(model=model, examples=load(path=trial).output).output
    with dsl.If(auc >= MINIMUM):
        register(auc=auc, book=book).set_caching_options(False)


# %% id="last"
for _ in range(2):
    print("executed:", kubeflow.run(delays, stamp=files.sha256(learn), **arguments))
print(book.read_text(encoding="utf-8"))

# %% [markdown] id="cluster"
# The new data were learned from, the model reaches the minimum, and the gate lets it through. Then only `register` is executed, which we have kept
# out of the cache: the book has two lines. (A registry that is asked twice for the same model should notice; that of lesson 11 does.)
#
# ## What a cluster adds
#
# Your YAML would run on a cluster as it is, once each `base_image` has the package in it and the paths lead to a store that all machines reach:
# `kfp.Client(host=...).create_run_from_pipeline_package("delays.yaml", arguments=...)`. Then
#
# - each step runs in its container, on a machine that has what it asks for (`train(...).set_memory_limit("8G")`);
# - artifacts lie in an object store, and a database records which run made them from what;
# - there are pages with runs and graphs, schedules, and several people at once.
#
# None of that was tried here. Google's Vertex AI runs the same YAML as a service.

# %% [markdown] id="recap"
# ## What you take with you
#
# - A component declares all that goes in and out, as parameters or artifacts, and imports what it needs inside.
# - The pipeline's function runs once, when it is compiled. Decisions that depend on results belong into `dsl.If`, not `if`.
# - Look at what was compiled: a gate that is not in the YAML is no gate.
# - A cache is as good as the inputs that are declared. Give it the version of the data; keep out what acts on the world.
# - Is it worth it? With a cluster at hand, and steps that need different machines, yes. Without one, the pipeline of lesson 11 in a CI service
#   does the same with much less to run.
