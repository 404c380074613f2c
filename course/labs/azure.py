# %% [markdown] id="why"
# ## Why it matters
#
# Your company has chosen Azure. Two of its services concern you: **Blob Storage**, which keeps files, and **Azure
# Machine Learning**, which trains and serves models on computers that are rented by the hour. Whatever is wrong in
# what you ask for, you find out when the computer is running, and paid for.
#
# So you do here what can be done before, without an account:
#
# - the storage is played by **Azurite**, an *emulator* made by Microsoft: a program on your computer that answers
#   like the real one. The client is Azure's own, and speaks real HTTP;
# - for Azure ML there is no emulator. You write the *definitions* of a job and of a deployment, and Azure's own package
#   checks them. The command of the job really runs, on your computer. **Nothing is trained or served by Azure.**

# %% tags=["parameters"] id="imports"
from mlops_school import labs

labs.require("azure")

import os

import mlflow
from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError
from azure.storage.blob import BlobServiceClient

from mlops_school import champion, emulators, features, files, servers, tracking
from mlops_school.exercises import ____
from mlops_school.exercises.labs.azure import Changed, q1, q2
from mlops_school.paths import new_folder

# %% [markdown] id="emulator-intro"
# ## An account that is none
#
# In Azure, a **storage account** has **containers**, a container has **blobs**, and a blob is a sequence of bytes
# under a name. Address and key of an account are often handed on in one line, the **connection string**. Ours is
# fake and says so. `start_azure` first removes those of a real account from this notebook, if you have one.
#
# Whoever has that line can do *everything* in the account. Never print a real one, as we do here, and never put
# it into Git.

# %% id="emulator"
server = emulators.start_azure()  # begins empty, and ends with this notebook at the latest
print("account:", emulators.AZURE_ACCOUNT)
print("key:    ", emulators.FAKE_AZURE_KEY)

service = BlobServiceClient.from_connection_string(os.environ["AZURE_STORAGE_CONNECTION_STRING"])
container = service.create_container("models")
print("containers:", [found.name for found in service.list_containers()])

# %% [markdown] id="upload-intro"
# ## Put a release there
#
# A release of the delay service is a **model package** of two files. Its name in the container begins with the
# release, so that no later release comes under the same name. Then we try what must not work: to put it there a
# second time, and to read it as a **stranger**, without the key.

# %% id="upload"
folder = new_folder("labs/azure")
january = champion.built_before(3)
january.write(folder / "january")


def upload(release):
    for path in files.arrived(folder / "january"):
        container.upload_blob(f"{release}/{path.name}", path.read_bytes())


upload("1")
try:
    upload("1")
except ResourceExistsError as error:
    print("a second time:", error.error_code)
print("a stranger gets:", servers.get(container.get_blob_client("1/model.skops").url)[0])

# %% [markdown] id="race-intro"
# 403 is "forbidden". And Azure's client refuses to overwrite unless you say `overwrite=True`. For releases, that is just right.
#
# ## Break it: two pipelines at once
#
# One blob must be overwritten: `champion`, which names the release in service. The rule is that **a newer release
# takes the place of an older one**, never the other way. Releases 2 and 3 are ready at the same moment, in two
# pipelines. Each reads, decides, and writes. Here is one order in which that can happen.

# %% id="race"
pointer = container.get_blob_client("champion")
pointer.upload_blob(b"1")


def read():
    downloaded = pointer.download_blob()
    return int(downloaded.readall()), downloaded.properties.etag


seen_by_2, etag_of_2 = read()
seen_by_3, etag_of_3 = read()
for release, seen in [(3, seen_by_3), (2, seen_by_2)]:
    if release > seen:
        pointer.upload_blob(str(release).encode(), overwrite=True)
        print(f"pipeline {release}: saw {seen}, wrote {release}")
print("in service:", read()[0])

# %% [markdown] id="q1-task"
# Both decided right on what they had seen, and release 3 is lost: pipeline 2 wrote last, on old knowledge. This is
# a **lost update**. Locks would help, but who removes the lock of a pipeline that was killed?
#
# Every blob has an **ETag**, a mark that changes with each write. So one can say: "write this, **if the mark is still
# the one that I have seen**". The storage compares and writes in *one* step. If another was quicker, nothing
# is written, and you begin anew: read, decide, write.
#
# ### Exercise 1: promote, whoever else does
#
# Write `promote(release, read, write)`. `read()` returns the release in service and its ETag. `write(release, etag)`
# writes if the ETag is still the present one, and raises `Changed` if not. Return `True` if your release is in
# service in the end, and `False` if it has been overtaken by a newer one. If it is in service already, write nothing
# and return `True`.


# %% id="q1"
def promote(release, read, write):
    current, etag = read()
    ### BEGIN SOLUTION
    while current < release:
        try:
            write(release, etag)
        except Changed:
            print("another was quicker")
        current, etag = read()  # what is there now, and decide again
    return current == release
    ### END SOLUTION


q1.check(promote)
# q1.hint()
# q1.solution()

# %% [markdown] id="etag-intro"
# The same race once more, with the condition. `read` has returned the ETag all the time.


# %% id="etag"
def write(release, etag):
    unchanged = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
    pointer.upload_blob(str(release).encode(), overwrite=True, **unchanged)


pointer.upload_blob(b"1", overwrite=True)
etag = read()[1]  # both pipelines see release 1
for release in [3, 2]:
    try:
        write(release, etag)
        print(f"pipeline {release}: wrote")
    except ResourceModifiedError:
        print(f"pipeline {release}: refused, since the blob has changed")
print("in service:", read()[0])

# %% [markdown] id="mlflow-intro"
# Release 3 stays. Pipeline 2 is told, reads again, and sees that it has been overtaken. S3 and Google's storage
# know such conditions, too, and so does Git: a push is refused if the branch has moved.
#
# ## MLflow keeps its files there
#
# MLflow puts the files of runs wherever you say. An address that begins with `wasbs://` is a container of Azure, and
# MLflow takes the connection string from the same variable as you did. All else stays as in lesson 09.

# %% id="mlflow"
place = f"wasbs://models@{emulators.AZURE_ACCOUNT}.blob.core.windows.net/mlflow"
tracking.start("lab-azure", artifacts=place)
flights = features.load_examples([7])[features.FEATURES].head(1000)
with mlflow.start_run():
    logged = tracking.log_model(january.model, flights.head(5))

again = mlflow.sklearn.load_model(logged.model_uri)
same = january.model.predict_proba(flights) == again.predict_proba(flights)
names = [found.name.rpartition("/")[2] for found in container.list_blobs("mlflow/")]
print("blobs of MLflow:", names)
print(f"the same for {same.all(axis=1).sum():,} of {len(flights):,} flights")
server.stop()  # and with it all blobs; to ask again, run the cells from `emulator` on

# %% [markdown] id="job-intro"
# ## A training job, defined
#
# Azure ML is told what to do by YAML files. A **command job** says: take this folder of code, on a computer of this
# kind, in this environment, and run this command. `${{inputs.…}}` and `${{outputs.…}}` stand for what Azure puts in
# when the job starts: it chooses the folder of the output, and keeps what is in it afterwards.
#
# `load_job` is Azure's own function; it reads and checks the file. It asks nobody.

# %% id="job"
code = """\
import sys
from pathlib import Path
from mlops_school import champion

months = tuple(range(1, int(sys.argv[1]) + 1))
package = champion.train("azure", months, max_iter=20)
package.write(Path(sys.argv[2]))
print("learned from months", package.months)
"""
(folder / "src").mkdir()
(folder / "src" / "train.py").write_text(code, encoding="utf-8")
print("in the folder of code:", [path.name for path in (folder / "src").iterdir()])

# %% id="define"
from azure.ai.ml import load_job

definition = """\
type: command
code: src
command: python train.py ${{inputs.months}} ${{outputs.package}}
inputs: {months: 2}
outputs: {package: {type: uri_folder}}
environment: azureml:delay-training:1
compute: azureml:cpu-cluster
"""
(folder / "job.yml").write_text(definition, encoding="utf-8")
print("accepted:", load_job(folder / "job.yml").command)

# %% [markdown] id="run-intro"
# Accepted. Azure would now copy `src` to a rented computer, put in what is missing in the command, and run it. All of
# this but the renting you can do yourself, and you should: most jobs fail in their first minute, for a reason that
# has nothing to do with the cloud.
#
# We run the command of the definition as it was read. Then once more with a slip: `month` for `months`.

# %% id="run"
import subprocess
import sys


def run(job):
    values = {"${{inputs.months}}": "2", "${{outputs.package}}": str(folder / "package")}
    words = [values.get(word, word) for word in job.command.split()[1:]]
    command = [sys.executable, *words]
    done = subprocess.run(command, cwd=folder / "src", capture_output=True, encoding="utf-8")
    print((done.stdout or done.stderr).splitlines()[-1])


run(load_job(folder / "job.yml"))
slip = definition.replace("inputs.months", "inputs.month")
(folder / "slip.yml").write_text(slip, encoding="utf-8")
run(load_job(folder / "slip.yml"))

# %% [markdown] id="q2-task"
# `load_job` has accepted the slip, too: it knows the schema of the file, and does not read the command. The script
# got the placeholder itself in the place of a number. With Azure, you would learn it later, and for money.
#
# ### Exercise 2: a check that was missing
#
# Write `undeclared(command, inputs, outputs)`: which names does the command use that are not declared? `inputs` and
# `outputs` are lists of names. Return a set such as `{"inputs.month"}`, empty if all is well.


# %% id="q2"
import re


def undeclared(command, inputs, outputs):
    ### BEGIN SOLUTION
    used = set(re.findall(r"\$\{\{([\w.]+)\}\}", command))
    declared = {f"inputs.{name}" for name in inputs} | {f"outputs.{name}" for name in outputs}
    return used - declared
    ### END SOLUTION


q2.check(undeclared)
# q2.hint()
# q2.solution()

# %% [markdown] id="deploy-intro"
# ## An endpoint, defined
#
# An **endpoint** is an address that clients ask. Behind it are **deployments**, each with a model and its computers. The
# endpoint divides the `traffic` among them in percent: that is the canary of lesson 13, and `mirror_traffic` is its
# shadow. Which mistakes does Azure's package find? We make one at a time.

# %% id="deploy"
from azure.ai.ml import load_online_deployment, load_online_endpoint

from mlops_school.definitions import verdict

deployment = """\
name: release-3
endpoint_name: delay
model: azureml:delay:3
instance_type: Standard_DS2_v2
instance_count: 1
liveness_probe: {initial_delay: 30, period: 10}
"""
endpoint = "name: delay\nauth_mode: key\ntraffic: {release-2: 90, release-3: 10}"
print("as it stands:", verdict(load_online_deployment, deployment))

# %% id="mistakes"
mistakes = {
    "liveness_probe": "livenessprobe",
    "endpoint_name: delay\n": "",
    "count: 1": "count: one",
    "count: 1\n": "count: -1\n",
    "Standard_DS2_v2": "Standard_of_nowhere",
    "azureml:delay:3": "azureml:delay:99",
}
for right, wrong in mistakes.items():
    text = deployment.replace(right, wrong)
    print(f"{wrong.strip() or 'no endpoint_name'}:", verdict(load_online_deployment, text))
print("90 + 20 percent:", verdict(load_online_endpoint, endpoint.replace(": 10", ": 20")))

# %% [markdown] id="recap"
# It finds what the *schema* of a file can say: names, kinds of values, what must be there, and that shares are at most
# 100 percent. It does not find minus one computer, a kind of computer that does not exist, or a model that nobody has
# registered: for these, one must ask Azure. So a check of definitions belongs into your pipeline, as it is quick, and
# it is not enough.
#
# ## With a real account
#
# - Storage: leave out `start_azure` and give the address of your account, with `DefaultAzureCredential` in the place of
#   the key: then a program is somebody, with rights of its own, and there is no line to be stolen.
# - Azure ML: make a workspace, register environment and model, and hand in the same files with
#   `ml_client.jobs.create_or_update(job)`, or with `az ml job create --file job.yml`.
# - The name of a storage account must be free in the whole world.
#
# What costs: storage by size and time, and each access. A computer costs as long as it is *yours*, not as long as it
# works: let clusters shrink to 0 nodes, and delete endpoints, since they wait for requests day and night.
#
# ## What you take with you
#
# - The name of a release is used once, and the client refuses to overwrite.
# - One pointer says what is in service. Write it under the condition that it is what you have seen.
# - The command of a job is a command: run it yourself first, on little data.
# - Azure's package checks the form. What only the account knows, it cannot check, and what a command means, neither.
# - Is it worth it? If your company is with Azure already, the jobs and endpoints save you from running servers. For
#   one model on one computer, they are one more thing to learn and to pay for.
