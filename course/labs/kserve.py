# %% [markdown] id="why"
# ## Why it matters
#
# On Kubernetes (lesson 13), a service is a deployment, a service, an autoscaler, a budget, four manifests for each model.
# **KServe** is an extension of Kubernetes that makes them from one, an **inference service**: here is my model, so
# many replicas, so much of the traffic for the new release. Platforms of many companies are built on it.
#
# KServe is two things. The platform needs a cluster, which a laptop has not. But in each of its **pods**, which hold the containers, runs a **model server**, an
# ordinary Python program. In this lab the real one serves release 1 on your computer, in two protocols, V1 and V2. Of the platform
# you write the manifest, and let KServe's own client read it. Nothing of a cluster runs here.

# %% tags=["parameters"] id="imports"
import json

import httpx

from mlops_school import champion, data, labs, model_servers, open_inference

labs.require("kserve")

from mlops_school.exercises import ____
from mlops_school.exercises.labs.kserve import q1, q2
from mlops_school.forecasts import Forecaster, as_flights
from mlops_school.model_package import ModelPackage

month = 7  # whose flights we ask about

# %% [markdown] id="server-intro"
# ## The server
#
# KServe's server wants a class with `load` and `predict`, as MLServer does. There are ready-made ones, too; that for scikit-learn
# opens pickles, which may run any code, so we write our own, which reads the package of lesson 11. Read `v1` and `v2`: they
# differ in how a table comes in and goes out, and in nothing else.

# %% id="server"
from mlops_school import paths

print((paths.COURSE / "serving" / "kserve_server.py").read_text(encoding="utf-8"))

# %% [markdown] id="serve-intro"
# ## Serve it
#
# We start that program, and for comparison the service of lesson 12. Times and memory differ from computer to computer.

# %% tags=["nbval-ignore-output"] id="serve"
import sys

from mlops_school import servers

server = model_servers.serve_kserve(champion.folder())
print(f"KServe:    ready after {server.seconds:.0f} s, {server.megabytes():.0f} MB")
with servers.Server([sys.executable, "-m", "mlops_school.service", str(champion.folder())]) as ours:
    print(f"lesson 12: ready after {ours.seconds:.0f} s, {ours.megabytes():.0f} MB")

# %% [markdown] id="health-intro"
# One process each, and about as large. What the server says of itself, in either protocol:

# %% id="health"
client = httpx.Client(base_url=server.address, trust_env=False, timeout=30)
for path in [
    "/v1/models/delay",
    "/v2/health/live",
    "/v2/models/delay/ready",
    "/v2/models/no/ready",
]:
    answer = client.get(path)
    print(path, answer.status_code, answer.text)

# %% [markdown] id="v1-intro"
# ## V1: rows
#
# **V1** is the older protocol, which TensorFlow's server brought up: `instances` is a list of rows, `predictions` a list of answers.
# A row may be a list of values, without names. A colleague in a hurry sends them so. In his notebook, two columns have changed
# places: `dewp`, the dew point, comes before `temp`.

# %% id="v1"
flights = data.load_flights([month]).sample(500, random_state=0)
forecaster = Forecaster(ModelPackage.load(champion.folder()))
table = forecaster.features(as_flights(flights))
expected = [one.probability for one in forecaster.forecast(as_flights(flights))]


def ask_v1(rows):
    answer = client.post("/v1/models/delay:predict", json={"instances": rows})
    said = answer.json().get("predictions", [])
    return answer.status_code, sum(one != right for one, right in zip(said, expected))


# %% id="swapped"
from mlops_school.features import FEATURES

swapped = FEATURES.copy()
temp, dewp = FEATURES.index("temp"), FEATURES.index("dewp")
swapped[temp], swapped[dewp] = "dewp", "temp"
for columns in [FEATURES, swapped]:
    rows = json.loads(table[columns].to_json(orient="values", double_precision=15))
    status, wrong = ask_v1(rows)
    print(status, f"{wrong} of {len(rows)} answers differ from Forecaster's")

# %% [markdown] id="q1-task"
# In the right order, every answer is that of `Forecaster`. With two columns exchanged, most are others, and the
# status is 200: the server was sent sixteen values a row, as always. It cannot know which is which.
#
# ### Exercise 1: rows that say what they are
#
# A row may also be a dictionary. Write `to_instances(table)`: a list with a dictionary for each row, from the name of the column to the value.
# JSON has no `nan`: what is missing must be `None`.


# %% id="q1"
def to_instances(table):
    ### BEGIN SOLUTION
    known = table.astype(object).where(table.notna(), None)
    return known.to_dict("records")
    ### END SOLUTION


q1.check(to_instances)
# q1.hint()
# q1.solution()

# %% [markdown] id="named-intro"
# With names, the order is of no importance. Here rows in the colleague's order, made by pandas alone in case you are
# still at it.

# %% id="named"
named = json.loads(table[swapped].to_json(orient="records", double_precision=15))
print(*ask_v1(named))

# %% [markdown] id="v2-intro"
# ## V2: named tensors
#
# **V2**, the Open Inference Protocol, has no rows. A table is a list of **tensors**, one for each column, which always say
# `name`, `shape`, `datatype` and `data`. Exchanged columns do no harm, a wrong type is noticed, and the answer can have several
# tensors: here the probability, and whether to warn. V1 as we use it lacks the warning: each client would need the threshold.

# %% id="v2"
answer = client.post("/v2/models/delay/infer", json=open_inference.encode(table[swapped]))
said = open_inference.decode(answer.json())
print(sum(one != right for one, right in zip(said["probability"], expected)), "of 500 differ")
for tensor in answer.json()["outputs"]:
    print(tensor["name"], tensor["datatype"], tensor["shape"])

# %% [markdown] id="shared-intro"
# ## The same question to another server
#
# The promise of V2 is that a client need not know which server answers. `course/serving` holds a request for five flights,
# one of them by an unknown plane, and what release 1 must say to it. The lab on Seldon MLServer sends the same file to MLServer. Then six
# requests that should not be, as in that lab.

# %% id="shared"
shared = open_inference.example(open_inference.REQUEST)
answer = client.post("/v2/models/delay/infer", json=shared).json()
print("as stored:", open_inference.agree(answer, open_inference.example(open_inference.ANSWER)))
for what, request in open_inference.spoilt(shared).items():
    answer = httpx.post(f"{server.address}/v2/models/delay/infer", json=request, trust_env=False)
    print(f"{what:13} {answer.status_code} {answer.json().get('error', '')}")
server.stop()

# %% [markdown] id="manifest-intro"
# Two servers by different makers, one request, one answer. Where the protocol ends, they differ. A type `TEXT` does not exist in
# it: MLServer refuses it, KServe's server takes it for text. And neither knows that no carrier is called XX. Whoever needs
# R6 checks the values, as lesson 12 does with `Flight`.
#
# ## The inference service
#
# Now the platform. This manifest asks KServe for what in lesson 13 took four: a pod with our server (in an image that somebody
# would have to build), reachable, with more replicas when more is asked. It comes from the colleague in a hurry.
#
# KServe's client has a class for each part. We let it read the manifest and write it again. What is missing then is a field that
# KServe does not know.

# %% id="manifest"
from mlops_school import kserve_manifest

manifest = kserve_manifest.example()
print(kserve_manifest.TEXT)
known = kserve_manifest.read(manifest)
print("lost:", *kserve_manifest.lost(manifest, known))

# %% [markdown] id="q2-task"
# The client read it without a word, and dropped the limit. The right name is `maxReplicas`. A cluster may be stricter than the
# client, or not, depending on how it is asked. Compare what you wrote with what was understood, before you rely on it.
#
# ### Exercise 2: replicas and a canary
#
# Give as a dictionary three fields of `predictor`. At least 2 replicas, so that one may fail; at most 4; and of the traffic, 10
# percent for the newest release, while the one before answers the rest (a **canary**, lesson 13). That field is called
# `canaryTrafficPercent`, a whole number of percent.

# %% id="q2"
### BEGIN SOLUTION
scaling = {"minReplicas": 2, "maxReplicas": 4, "canaryTrafficPercent": 10}
### END SOLUTION
q2.check(scaling)
# q2.hint()
# q2.solution()

# %% id="repaired"
predictor = manifest["spec"]["predictor"]
predictor.pop("maxReplica", None)
predictor.update(minReplicas=2, maxReplicas=4, canaryTrafficPercent=10)
print("lost:", list(kserve_manifest.lost(manifest, kserve_manifest.read(manifest))))

# %% [markdown] id="recap"
# The same repair by us, in case you are still at it: nothing is lost. That says that all fields exist, and no more. Whether there
# is such an image, and whether the pod gets ready, only a cluster can tell.
#
# ## What you take with you
#
# - V1 is rows: easy to write by hand, and without names easy to get wrong without any error (255 of 500 answers).
# - V2 is named tensors. KServe's server and MLServer give the same answer to the same request, but are not equally strict.
# - Both take finished features. Whoever asks must make them as training did; on KServe a **transformer**, a second
#   program in front of the model, can do that in one place.
# - By default, KServe's server listens to the whole network. On a laptop, let it listen to 127.0.0.1.
# - Is it worth it? Over lesson 12's service, the server alone gives a protocol, and takes away the flight, the limits and the change of
#   releases. It pays as a part of the platform: one manifest a model, canaries, more replicas under load, none at
#   night. That pays for a team with a cluster and many models.
