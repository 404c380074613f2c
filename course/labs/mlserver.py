# %% [markdown] id="why"
# ## Why it matters
#
# A company has twenty models, of five teams, made with four libraries. If each has a service with paths and fields
# of its own, then each client, each load test and each dashboard is written twenty times. So makers of model
# servers (NVIDIA, Seldon, KServe and others) agreed on one way to ask any model: the **Open Inference Protocol**,
# also called **V2**.
#
# **Seldon MLServer** is a Python server that speaks it, over HTTP and over gRPC, and can have many models at a time. In
# this lab it really serves release 1 on your computer. You will see what the protocol settles, and what it leaves to you.

# %% tags=["parameters"] id="imports"
import json

import httpx

from mlops_school import champion, data, labs, model_servers, open_inference, paths, servers

labs.require("mlserver")

from mlops_school.exercises import ____
from mlops_school.exercises.labs.mlserver import q1, q2
from mlops_school.forecasts import Forecaster, as_flights
from mlops_school.model_package import ModelPackage

month = 7  # whose flights we ask about

# %% [markdown] id="protocol-intro"
# ## Everything is a tensor
#
# The service of lesson 12 takes a *flight*. The protocol knows no flights. It knows **tensors**: arrays of numbers or
# texts, each with a `name`, a `shape`, a `datatype` (`FP64` is a number of 64 bits, `BYTES` is text) and its `data`. Of a
# table, each column becomes one. This is a request for three flights; we show three of its sixteen tensors.

# %% id="protocol"
flights = data.load_flights([month]).sample(500, random_state=0)
forecaster = Forecaster(ModelPackage.load(champion.folder()))
table = forecaster.features(as_flights(flights))
body = open_inference.encode(table.head(3))
for tensor in body["inputs"]:
    if tensor["name"] in ["carrier", "distance", "wind_gust"]:
        print(json.dumps(tensor))
print("and", body["parameters"])

# %% [markdown] id="q1-task"
# `content_type: pd` is a hint that MLServer understands: the tensors together are a table of pandas.
#
# ### Exercise 1: a column becomes a tensor
#
# Write `encode_column`. `values` is a list: either all texts, or numbers of which some may be missing (`nan`). The result
# is a dictionary with the four fields, ready for `json.dumps`. JSON has no `nan`; what is missing is `None`, which is
# written as `null`.


# %% id="q1"
def encode_column(name, values):
    ### BEGIN SOLUTION
    text = isinstance(values[0], str)
    known = [value if value == value else None for value in values]
    datatype = "BYTES" if text else "FP64"
    return {"name": name, "shape": [len(values)], "datatype": datatype, "data": known}
    ### END SOLUTION


q1.check(encode_column)
# q1.hint()
# q1.solution()

# %% [markdown] id="trust-intro"
# ## Which file do you open?
#
# A **runtime** is the part of MLServer that knows a library. The one for scikit-learn, `mlserver-sklearn`, is ready-made.
# But it reads models that were written with `joblib`, and that is a **pickle**: a file that may name any function, to
# be called when the file is opened. Suppose that somebody sends you this model.

# %% id="trust"
import joblib
import skops.io


class Model:
    def __reduce__(self):  # how it is to be made again: call `print` with this text
        return print, ("Whoever wrote the file could now delete yours.",)


folder = paths.new_folder("labs/mlserver")
joblib.dump(Model(), folder / "model.joblib")
joblib.load(folder / "model.joblib")
print(*skops.io.get_untrusted_types(file=champion.folder() / "model.skops"), sep="\n")

# %% [markdown] id="runtime-intro"
# Nobody called `predict`; the file was only opened. With `mlserver-sklearn`, trust whoever can write into the folder of
# models as if they had the server's password. The file of release 1 is of `skops`. It can be asked before it is opened
# what it would build beyond the usual: these three types, which `ModelPackage` knows, and it refuses all others.
#
# So we use a runtime of our own. That is a class with `load` and `predict`. There are two of them, one for
# tables that have been looked at, and one by a colleague in a hurry.

# %% id="runtime"
print((paths.COURSE / "serving" / "mlserver_runtime.py").read_text(encoding="utf-8"))

# %% [markdown] id="serve-intro"
# ## A repository of models
#
# MLServer serves a **model repository**: a folder, in which each version of a model has a folder with
# `model-settings.json`. It says the name, the runtime, where the files are, and which tensors the model takes. We put
# release 1 in twice, with either runtime, and start `mlserver start`. By default it would listen to the whole network,
# on three ports (HTTP, gRPC, metrics), and start a second process that answers. Ours listens to this computer
# only, and is one process. Times and memory differ from computer to computer.

# %% tags=["nbval-ignore-output"] id="serve"
import sys

repository = folder / "models"
package = ModelPackage.load(champion.folder())
model_servers.add_model(repository, "delay", package, "Careful")
model_servers.add_model(repository, "hurried", package, "Trusting")
server, grpc_address = model_servers.serve_mlserver(repository)
print(f"MLServer:  ready after {server.seconds:.0f} s, {server.megabytes():.0f} MB")
with servers.Server([sys.executable, "-m", "mlops_school.service", str(champion.folder())]) as ours:
    print(f"lesson 12: ready after {ours.seconds:.0f} s, {ours.megabytes():.0f} MB")

# %% [markdown] id="ask-intro"
# Two models in it, and it is no larger than our service with one.
#
# ## Ask it
#
# The protocol also fixes the paths: is the server alive, is a model ready, what does it take (its **metadata**), and
# `infer` for answers. Then we ask about all 500 flights, and compare with `Forecaster`.

# %% id="ask"
client = httpx.Client(base_url=f"{server.address}/v2", trust_env=False, timeout=30)
for path in ["health/live", "health/ready", "models/delay/ready", "models/nothing/ready"]:
    print(path, client.get(path).status_code)
inputs = client.get("models/delay").json()["inputs"]
print(len(inputs), "inputs, the first:", inputs[0]["name"], inputs[0]["datatype"])

answer = client.post("models/delay/infer", json=open_inference.encode(table)).json()
said = open_inference.decode(answer)
expected = forecaster.forecast(as_flights(flights))
print("probabilities equal:", said["probability"] == [one.probability for one in expected])
print("warnings equal:", said["warn"] == [one.warn for one in expected])

# %% [markdown] id="grpc-intro"
# 500 of 500, to the last digit. But look at who did the work: *we* made the features, in this notebook, with
# `Forecaster`. A server of the protocol takes finished rows. Each client must make them just as training did, or there is
# skew (lesson 08). Lesson 12's service does that for its clients.
#
# ## The same over gRPC
#
# gRPC sends numbers as they are in memory, not as text. So what is missing may be a real `nan`, and text
# is bytes. Everything else is the same question.

# %% id="grpc"
import grpc
from mlserver.grpc.converters import ModelInferRequestConverter as Requests
from mlserver.grpc.converters import ModelInferResponseConverter as Answers
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub
from mlserver.types import InferenceRequest

request = InferenceRequest(**open_inference.for_grpc(open_inference.encode(table)))
with grpc.insecure_channel(grpc_address) as channel:
    stub = GRPCInferenceServiceStub(channel)
    reply = stub.ModelInfer(Requests.from_types(request, model_name="delay", model_version="1"))
by_grpc = open_inference.decode(Answers.to_types(reply).model_dump())
print("HTTP and gRPC equal:", by_grpc["probability"] == said["probability"])

# %% [markdown] id="bad-intro"
# ## Break it: requests that should not be
#
# R6 wants a status from 400 to 499 and the name of what is wrong. We ask both models: `delay`, which looks at the table,
# and `hurried`, which takes what comes.


# %% id="bad"
def ask(model, request):
    address = f"{server.address}/v2/models/{model}/infer"
    answer = httpx.post(address, json=request, trust_env=False, timeout=30)
    return answer.status_code, answer.text


for what, request in open_inference.spoilt(body).items():
    (careful, text), (hurried, _) = ask("delay", request), ask("hurried", request)
    print(f"{what:13} delay {careful}, hurried {hurried}")
    if careful == 400:
        print(" " * 14 + json.loads(text)["error"])

# %% [markdown] id="q2-task"
# What is no tensor is refused with 422 by MLServer itself, for both models. Which tensors a model needs, and what may be in
# them, is up to the runtime. Without a look at the table, a missing column makes the service fail (500), and a distance
# below zero gets an answer that looks as good as any. The carrier XX passes even the careful one: the model takes
# unknown carriers for missing. `Flight` of lesson 12 refuses it, since it knows what a carrier is.
#
# ### Exercise 2: look at the table
#
# Write `problem(table)`, for any runtime: it returns a sentence that names each of the columns of `FEATURES` that is missing;
# else, if a `distance` is not above zero, a sentence with the word `distance`; else `""`.

# %% id="q2"
from mlops_school.features import FEATURES


def problem(table):
    ### BEGIN SOLUTION
    missing = [name for name in FEATURES if name not in table]
    if missing:
        return f"inputs are missing: {', '.join(missing)}"
    if (table["distance"] <= 0).any():
        return "distance must be above 0"
    return ""
    ### END SOLUTION


q2.check(problem)
# q2.hint()
# q2.solution()

# %% [markdown] id="releases-intro"
# ## Models come and go
#
# Beside the protocol for questions there is one for the repository: `index` lists, `load` takes a model from the folder,
# `unload` ends it, all while the others answer. Release 2 of lesson 12 was release 1 with a higher threshold. We put it
# beside, load it, and ask for either version, and for none.

# %% id="releases"
from dataclasses import replace

two = replace(package, version="2", threshold=0.4)
model_servers.add_model(repository, "delay", two, "Careful")
print("load:", client.post("repository/models/delay/load").status_code)
for path in ["models/delay/versions/1", "models/delay/versions/2", "models/delay"]:
    answer = client.post(f"{path}/infer", json=open_inference.encode(table)).json()
    warnings = sum(open_inference.decode(answer)["warn"])
    print(f"{path}: version {answer['model_version']} warns of {warnings} of 500")
print("unload:", client.post("repository/models/hurried/unload").status_code)
print("hurried:", client.get("models/hurried/ready").status_code)

# %% [markdown] id="shared-intro"
# Whoever names no version gets the newest, from the moment on when it is loaded. Note that anybody who reaches the port may
# load and unload: it does not belong on the open internet.
#
# ## One protocol, many servers
#
# The promise is that a client need not know which server answers. `course/serving` holds a request, and what release 1
# must say to it. Here MLServer's answer is compared with it. The lab on KServe does the same with another server.

# %% id="shared"
shared = open_inference.example(open_inference.REQUEST)
answer = client.post("models/delay/versions/1/infer", json=shared).json()
print("as stored:", open_inference.agree(answer, open_inference.example(open_inference.ANSWER)))
server.stop()

# %% [markdown] id="recap"
# ## What you take with you
#
# - The V2 protocol fixes paths, tensors, health, metadata. A client, a load test or a dashboard made for one model then
#   fits all.
# - It knows types and no meaning: no flights, no carriers, no threshold. Features are made by whoever asks.
#   A runtime must look at each table (R6).
# - A model file can be a program. Prefer formats that are not, and know who can write into the repository.
# - **Seldon Core** puts such servers on Kubernetes. It starts and exchanges them, shares traffic among versions, links
#   models into pipelines, and watches them. That needs a cluster, and was not run here.
# - Is it worth it? For one model that is asked about flights, lesson 12's service does more for its clients. A model
#   server pays from several models on, or when a platform such as Seldon Core or KServe expects the protocol.
