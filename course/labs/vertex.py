# %% [markdown] id="why"
# ## Why it matters
#
# Vertex AI is Google's service that runs training pipelines and serves models. What you hand in are definitions:
# of a pipeline, of a model, of an endpoint. If one is wrong, you may learn it within a second on your own computer, or
# after half an hour on a rented one.
#
# There is no emulator of Vertex AI. But Google's own packages build the definitions here, in the form in which they
# would be sent, and check them by their own types. This lab goes exactly so far: **nothing is sent, trained or served
# by Google**, and you need no account. You will see which mistakes these packages find, and write two checks for
# those that they let pass.

# %% tags=["parameters"] id="imports"
from mlops_school import labs

labs.require("vertex")

import json
import os

from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform
from google.cloud.aiplatform_v1 import types
from kfp import compiler, dsl

from mlops_school.exercises import ____
from mlops_school.exercises.labs.vertex import q1, q2
from mlops_school.paths import new_folder

# %% [markdown] id="pipeline-intro"
# ## A pipeline
#
# Vertex AI Pipelines takes pipelines of **Kubeflow** (package `kfp`, which has a lab of its own, where a pipeline runs).
# A **component** is one step; it runs in a container of its own, so its function imports all that it needs. A
# **pipeline** says which step needs what of which other one. Ours trains, measures, and registers the model only if
# requirement R3 is met: a ROC AUC of at least 0.70.


# %% id="pipeline"
@dsl.component(base_image="europe-docker.pkg.dev/our-project/delay/training:1")
def train(months: int) -> float:
    from mlops_school import champion, evaluation, features

    package = champion.train("vertex", tuple(range(1, months + 1)), max_iter=20)
    later = features.load_examples([months + 2])
    probability = package.model.predict_proba(later[features.FEATURES])[:, 1]
    return evaluation.measure(later["late"], probability, package.threshold)["roc_auc"]


# %% id="gate"
@dsl.component(base_image="europe-docker.pkg.dev/our-project/delay/training:1")
def register(months: int):
    print("here the release would be registered")


@dsl.pipeline(name="delay")
def pipeline(months: int = 4, minimum: float = 0.7):
    trained = train(months=months)
    with dsl.If(trained.output >= minimum):
        register(months=months)


print("ROC AUC, as a plain function:", round(train.python_func(months=2), 2))

# %% [markdown] id="compile-intro"
# The last line ran the step as plain Python, on your computer. Do that first, always: most steps fail for reasons that
# have nothing to do with a cloud. (Learned from two months, in a hurry, the model is below 0.70: the condition would
# stop it.)
#
# ## What is sent
#
# `compile` turns the pipeline into one file, the **pipeline spec**. No Python is left in it but the text of the
# functions: it says which container runs which step, what it waits for, and on which condition.

# %% id="compile"
folder = new_folder("labs/vertex")
compiler.Compiler().compile(pipeline, str(folder / "pipeline.json"))
spec = json.loads((folder / "pipeline.json").read_text(encoding="utf-8"))

declared = spec["root"]["inputDefinitions"]["parameters"]
for name, about in declared.items():
    print(f"{name} is a {about['parameterType']}")
for name, task in spec["root"]["dag"]["tasks"].items():
    print(f"{name} waits for {task.get('dependentTasks', 'nothing')}")
    print("   condition:", task.get("triggerPolicy", {}).get("condition", "none"))

# %% [markdown] id="job-intro"
# ## A job, built by Google's package
#
# `PipelineJob` is what is handed in: the spec, values for its parameters, and where files go. With real credentials,
# `job.submit()` would start it. We give **anonymous** credentials and a project that does not exist, and point Google's
# own variable at a file that is not there, so that no account of yours can be used by mistake.
#
# Then three jobs: a right one, one with a slip in a name, and one with a word where a number belongs.

# %% id="job"
os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(folder / "no-such-key.json")
aiplatform.init(project="no-project", location="europe-west4", credentials=AnonymousCredentials())


def build(**values):
    where = {"template_path": str(folder / "pipeline.json"), "pipeline_root": "gs://no-bucket"}
    return aiplatform.PipelineJob(display_name="delay", parameter_values=values, **where)


for values in [{"months": 4}, {"month": 4}, {"months": "four"}]:
    try:
        build(**values)
        print(values, "accepted")
    except ValueError as error:
        print(values, "refused:", error)

# %% [markdown] id="q1-task"
# The slip in the name is found at once. The word is not, although the spec says `NUMBER_INTEGER`: it would be sent.
#
# ### Exercise 1: a check that was missing
#
# Write `wrong_kinds(values, declared)`: the names of the values that are not of the declared kind, as a set. `declared`
# is as in the spec, such as `{"months": {"parameterType": "NUMBER_INTEGER"}}`. Kinds are `NUMBER_INTEGER` (an `int`),
# `NUMBER_DOUBLE` (a `float` or an `int`), `STRING` and `BOOLEAN`. Take care: for Python, `True` is an `int`, too. All
# names are declared; the package has seen to that.


# %% id="q1"
def wrong_kinds(values, declared):
    ### BEGIN SOLUTION
    kinds = {
        "NUMBER_INTEGER": (int,),
        "NUMBER_DOUBLE": (float, int),
        "STRING": (str,),
        "BOOLEAN": (bool,),
    }
    return {
        name
        for name, value in values.items()
        if type(value) not in kinds[declared[name]["parameterType"]]
    }
    ### END SOLUTION


q1.check(wrong_kinds)
# q1.hint()
# q1.solution()

# %% [markdown] id="model-intro"
# ## A model, by the types of the protocol
#
# Google's services speak **Protocol Buffers**, as your gRPC service in lesson 12 did: each message has a type with
# named, typed fields. The package holds these types, so a message that can be built has the right *form*. Here is the
# message that registers a model: its container, and the two paths that Vertex AI asks, which are those of our service.

# %% id="model"
container = {
    "image_uri": "europe-docker.pkg.dev/our-project/delay/service:3",
    "predict_route": "/forecast",
    "health_route": "/health",
    "ports": [{"container_port": 8000}],
}
model = types.Model(display_name="delay", container_spec=container)
print(types.Model.to_json(model, including_default_value_fields=False))

# %% [markdown] id="mistakes-intro"
# So it would be sent. What a message cannot say: Vertex AI asks for predictions in a form of its own, with a list
# called `instances`, and our service would need a small adapter for it. No type finds that.
#
# Now we make mistakes, one at a time, in the model and in the computers that are to serve it.


# %% id="mistakes"
def attempt(message, **entries):
    try:
        message(**entries)
        print("accepted:", entries)
    except (ValueError, TypeError) as error:
        print("refused: ", str(error).rpartition("error: ")[2])


attempt(types.ModelContainerSpec, healthroute="/health")
attempt(types.Port, container_port="eight thousand")
attempt(types.Port, container_port=-1)
attempt(types.MachineSpec, machine_type="n1-of-nowhere")
attempt(types.Endpoint, display_name="delay", traffic_split={"2": 100, "3": 10})

# %% [markdown] id="q2-task"
# Refused is what has no such field, or another type of value. Accepted is what is of the right type and makes no
# sense: a port below zero, a kind of computer that does not exist, and traffic of 110 percent. For these, Google must
# be asked.
#
# The last one is the canary of lesson 13. An **endpoint** divides requests among its deployed models by
# `traffic_split`, in whole percents that must add up to 100. The key `"0"` stands for the model that is being deployed.
#
# ### Exercise 2: make room for a canary
#
# Write `make_room(split, share)`: the new split, in which `"0"` gets `share` percent, and the model that had *most*
# gives them. What was given stays as it was, since you want to go back to it.


# %% id="q2"
def make_room(split, share):
    ### BEGIN SOLUTION
    most = max(split, key=split.get)
    return split | {most: split[most] - share, "0": share}
    ### END SOLUTION


q2.check(make_room)
# q2.hint()
# q2.solution()

# %% [markdown] id="end-intro"
# ## Where it stops
#
# The next step would be `job.submit()`, `model.upload()`, `endpoint.deploy()`. All of them ask Google, and Google asks
# who you are. We ask the package for credentials, as these functions do.

# %% id="end"
import google.auth
from google.auth.exceptions import DefaultCredentialsError

try:
    google.auth.default()
except DefaultCredentialsError as error:
    print("no credentials:", str(error).replace(str(folder), "…"))

# %% [markdown] id="recap"
# Here the lab ends: it **needs an account**.
#
# ## With a real account
#
# - Sign in by `gcloud auth application-default login`, and leave the anonymous credentials and our variable out.
# - Make a project with the Vertex AI interface switched on, a bucket for `pipeline_root`, and put your image into
#   Google's registry of containers. The pipeline runs as a *service account*: give it what it needs and no more.
# - `build(months=4).submit()` starts the same spec; the steps then appear in the console as they run.
#
# What costs: the computers of each step as long as it runs, storage, and above all endpoints, which wait for requests
# day and night on at least one computer. Set a budget alert first, and undeploy what nobody asks.
#
# ## What you take with you
#
# - A step is a function: run it before you send it.
# - A compiled pipeline is a file: keep it with the release, and compare it in a review.
# - The package checks names and types. Whether a value makes sense, you check yourself, or Google does when it runs.
# - Whole percents that add up to 100 are easily computed and easily wrong: test it before you deploy.
# - Is it worth it? If your data are with Google already and training needs many computers, yes. For a model that trains
#   in seconds on a laptop, a pipeline in the cloud spends most of its time in starting containers.
