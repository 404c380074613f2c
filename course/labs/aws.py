# %% [markdown] id="why"
# ## Why it matters
#
# A release of the delay service is built on one computer and runs on others. In between lies a place that all of
# them can reach. In companies this is mostly an **object store**, and the best known is Amazon's S3. It holds any
# number of files and never asks what is in them. So three mistakes are easy: to overwrite what is still in
# service, to fetch half of a release, and to open the store to the whole world.
#
# You make all three here, and repair them, without an account and without a bill. You talk to an **emulator**: moto,
# a program on your computer that answers like Amazon. The client, `boto3`, is Amazon's own, and it speaks real
# HTTP. What answers is *not* Amazon. Where that makes a difference, this lab says so, and shows it.

# %% tags=["parameters"] id="imports"
import json

from mlops_school import labs

labs.require("aws")

import boto3
import mlflow
from botocore.exceptions import ClientError

from mlops_school import champion, emulators, features, files, servers, tracking
from mlops_school.errors import CourseError
from mlops_school.exercises import ____
from mlops_school.exercises.labs.aws import q1, q2
from mlops_school.model_package import ModelPackage
from mlops_school.paths import new_folder

# %% [markdown] id="emulator-intro"
# ## An account that is none
#
# Whoever asks Amazon for something must say who asks (two **credentials**), in which part of the world (a
# **region**), and at which address (an **endpoint**). Programs find all this in environment variables. Ours are
# fake and say so. `start_aws` first removes those of a real account, if you have one, so that nothing here can
# reach it.

# %% id="emulator"
server = emulators.start_aws()  # begins empty, and ends with this notebook at the latest
for name, value in emulators.FAKE_AWS.items():
    if "KEY" in name or "REGION" in name:
        print(name, "=", value)
s3 = boto3.client("s3")  # at the address in AWS_ENDPOINT_URL, which is the emulator's
BUCKET = "delay-models"
s3.create_bucket(Bucket=BUCKET)
print("buckets:", [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]])

# %% [markdown] id="push-intro"
# ## Objects, not files
#
# A **bucket** holds **objects**. An object is a sequence of bytes under a name, its **key**. There are no folders: the
# key `champion/model.skops` merely has a slash in it. You cannot change an object, only put another one under its
# key.
#
# Two releases: one has learned from January, the next from January and February. Each is a **model package** of
# two files: the model, and a description that holds the SHA-256 of the model's bytes. We push the first.
#
# ### Break it: a push that stops halfway
#
# Each object is replaced as a whole: nobody can read half of one. But a release is *two* objects. In the second
# cell, the new release is pushed under the same keys, and after the first file the line breaks. At this moment a
# service starts and pulls.

# %% id="push"
folder = new_folder("labs/aws")
january = champion.built_before(3).write(folder / "january")
february = champion.built_before(4).write(folder / "february")


def put(path, prefix):
    s3.put_object(Bucket=BUCKET, Key=f"{prefix}/{path.name}", Body=path.read_bytes())


for path in files.arrived(january):
    put(path, "champion")
print([found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET)["Contents"]])


# %% id="break"
def pull(prefix, target):
    target.mkdir(exist_ok=True)
    for found in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/")["Contents"]:
        name = found["Key"].rpartition("/")[2]
        s3.download_file(BUCKET, found["Key"], str(target / name))
    return ModelPackage.load(target)


put(february / "model.skops", "champion")
try:
    pull("champion", folder / "pulled")
except CourseError as error:
    print(str(error).replace(str(folder / "pulled"), "the release"))

# %% [markdown] id="key-intro"
# The new model with the old description, so perhaps with the wrong threshold. Only the SHA-256 noticed. S3 has no
# transaction over two objects. And the January release is overwritten: there is no way back.
#
# The repair is a rule, not a tool: **a key is never used twice**. The release stands in the key, and what a service
# shall load is said last, when all of it is there, by one small object.

# %% id="key"
for release in [january, february]:
    for path in files.arrived(release):
        put(path, f"models/{release.name}")
s3.put_object(Bucket=BUCKET, Key="champion.txt", Body=b"february")

name = s3.get_object(Bucket=BUCKET, Key="champion.txt")["Body"].read().decode()
pulled = pull(f"models/{name}", folder / "pulled")
print(f"pulled {name}, which has learned from months {pulled.months}")
built, arrived = (files.sha256(place / "model.skops") for place in [february, folder / "pulled"])
print("the bytes that were built:", built == arrived)

# %% [markdown] id="versions-intro"
# No service can pull half a release now: until `champion.txt` names it, nobody asks for it. In lesson 11 the alias
# of a registry does the same. And to go back to the release before is one command (requirement R10): put `january`
# into that object.
#
# ### A net below: versions of objects
#
# A rule can be broken, and a wrong delete is one call. With **versioning** on, S3 keeps what is overwritten or
# deleted: a delete only puts a **marker** on top. Take the marker away, and the object is back.
#
# So everything is kept for ever, and storage is paid for by the month. A colleague adds a **lifecycle rule**, by
# which S3 clears up itself: "we never need a release for more than 90 days".

# %% id="versions"
s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
key = "models/february/model.skops"
s3.delete_object(Bucket=BUCKET, Key=key)
found = s3.list_object_versions(Bucket=BUCKET, Prefix=key)
print("kept versions:", len(found["Versions"]), "and markers:", len(found["DeleteMarkers"]))
s3.delete_object(Bucket=BUCKET, Key=key, VersionId=found["DeleteMarkers"][0]["VersionId"])
print("back again, learned from months", pull("models/february", folder / "pulled").months)

theirs = {"ID": "clear up", "Status": "Enabled", "Filter": {"Prefix": "models/"}}
theirs["Expiration"] = {"Days": 90}
s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [theirs]})
taken = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
print("rules of the bucket:", [rule["ID"] for rule in taken])

# %% [markdown] id="q1-task"
# The rule was taken without a word. No day passes in the emulator, so nothing will ever happen to it here. But
# read it: `Expiration` is about the *current* version of each object. Suppose that no new release comes for 90
# days. Then the one in service is deleted, and the next service that starts finds nothing.
#
# What the colleague wanted to say is: a version that is *not* current any more (it was overwritten or deleted)
# may go after 90 days. S3 counts its days from the moment when it stopped being current. The entry for that is
# `NoncurrentVersionExpiration`, with the number of days in `NoncurrentDays`.
#
# ### Exercise 1: clear up, but not what is in use
#
# Write the rule: below `models/`, versions that are no longer current go after 90 days, and what is current stays.

# %% id="q1"
### BEGIN SOLUTION
rule = {
    "ID": "clear up",
    "Status": "Enabled",
    "Filter": {"Prefix": "models/"},
    "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
}
### END SOLUTION
q1.check(rule)
# q1.hint()
# q1.solution()

# %% [markdown] id="mlflow-intro"
# ## MLflow keeps its files there
#
# You need not write `put` and `pull` for everything. MLflow has two stores: the records of runs in a database, and
# the files (**artefacts**) wherever you say. An experiment whose address begins with `s3://` keeps them in a bucket;
# MLflow finds credentials and endpoint in the same variables. All else stays as in lesson 09.

# %% id="mlflow"
tracking.start("lab-aws", artifacts=f"s3://{BUCKET}/mlflow")
flights = features.load_examples([7])[features.FEATURES].head(1000)
with mlflow.start_run():
    logged = tracking.log_model(pulled.model, flights.head(5))

again = mlflow.sklearn.load_model(logged.model_uri)
same = pulled.model.predict_proba(flights) == again.predict_proba(flights)
objects = s3.list_objects_v2(Bucket=BUCKET, Prefix="mlflow/")["Contents"]
print("objects of MLflow:", sorted(found["Key"].rpartition("/")[2] for found in objects))
print(f"the same for {same.all(axis=1).sum():,} of {len(flights):,} flights")

# %% [markdown] id="public-intro"
# ## Break it: open to the world
#
# A partner wants to try the newest model, today. A colleague finds a **bucket policy** on the internet, and it works
# at once. A policy is a list of statements: who (`Principal`) may or may not (`Effect`) do what (`Action`) with which
# objects (`Resource`). `"*"` means all.
#
# A **stranger** is somebody without credentials: we ask by plain HTTP, as any browser would.

# %% id="public"
address = f"{server.address}/{BUCKET}/models/february/model.skops"
print("a stranger, before:", servers.get(address)[0])

statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
statement["Resource"] = f"arn:aws:s3:::{BUCKET}/*"
policy = {"Version": "2012-10-17", "Statement": [statement]}
s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
print("a stranger, after: ", servers.get(address)[0])

# %% [markdown] id="q2-task"
# 403, forbidden, became 200, and the model went to somebody of whom you know nothing. Nobody will complain: the
# partner is glad, and the service runs. Such buckets are found by a program that reads all policies, or by others.
#
# ### Exercise 2: find the open bucket
#
# Write `is_public(policy)`: does one of the statements in `policy["Statement"]` allow something to everybody?
# Everybody is written as `"*"` or as `{"AWS": "*"}`. A statement that has a `Condition` (only from our office, say)
# does not count as open to everybody here. Mind what `Effect` says.


# %% id="q2"
def is_public(policy):
    ### BEGIN SOLUTION
    return any(
        statement["Effect"] == "Allow"
        and statement["Principal"] in ("*", {"AWS": "*"})
        and "Condition" not in statement
        for statement in policy["Statement"]
    )
    ### END SOLUTION


q2.check(is_public)
# q2.hint()
# q2.solution()

# %% [markdown] id="repair-intro"
# S3 answers the same question itself: `get_bucket_policy_status`. Now the repair, in three steps. The policy goes. A
# **public access block** forbids every policy of that kind from now on. And the partner gets what was wanted: a
# **signed address** of one object, which is valid for ten minutes.
#
# Then we test the lock: the colleague tries the same policy once more.

# %% id="repair"
print("S3 says public:", s3.get_bucket_policy_status(Bucket=BUCKET)["PolicyStatus"]["IsPublic"])
s3.delete_bucket_policy(Bucket=BUCKET)
names = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]
s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=dict.fromkeys(names, True))
wanted = {"Bucket": BUCKET, "Key": "models/february/model.skops"}
signed = s3.generate_presigned_url("get_object", wanted, ExpiresIn=600)
print("a stranger:", servers.get(address)[0])
print("the partner, with the signed address:", servers.get(signed)[0])
s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
print("a stranger, after the second try:", servers.get(address)[0])

# %% [markdown] id="sagemaker-intro"
# 200 again? **The emulator is not Amazon.** It stores the block and does nothing with it. Amazon would have refused
# the policy, and since April 2023 every new bucket has this block from its first second: the mistake above takes
# two mistakes there. An emulator shows that your *calls* are right. It does not show that you are *safe*.
#
# ## SageMaker: the forms without the office
#
# SageMaker is Amazon's service that trains and serves models. To serve one takes three forms: a **model** (a
# container image, and where its files are), an **endpoint configuration** (how many computers of which kind), and
# the **endpoint**. moto takes these forms, and that is all it does: no computer starts, **nothing is served**.
# So we try how far its checks go. Image, role and file below do not exist.

# %% id="sagemaker"
sagemaker = boto3.client("sagemaker")
container = {"Image": "nobody/delay:1", "ModelDataUrl": "s3://no-such-bucket/model.tar.gz"}
role = "arn:aws:iam::123456789012:role/nobody-of-that-name"
model = {"ModelName": "delay", "PrimaryContainer": container, "ExecutionRoleArn": role}
variant = {"VariantName": "all", "ModelName": "delay", "InstanceType": "ml.m5.large"}
variants = {"ProductionVariants": [variant | {"InitialInstanceCount": 1}]}


def hand_in(form, **entries):
    try:
        getattr(sagemaker, form)(**entries)
        print(form, "- accepted")
    except ClientError as error:
        print(form, "- refused:", error.response["Error"]["Message"].rpartition(" ")[0])


# %% id="endpoint"
hand_in("create_endpoint_config", EndpointConfigName="one-computer", **variants)
hand_in("create_model", **model)
hand_in("create_endpoint_config", EndpointConfigName="one-computer", **variants)
hand_in("create_endpoint", EndpointName="delay", EndpointConfigName="one-computer")
print("status:", sagemaker.describe_endpoint(EndpointName="delay")["EndpointStatus"])

runtime = boto3.client("sagemaker-runtime")
for name in ["delay", "no-such-endpoint"]:
    answer = runtime.invoke_endpoint(EndpointName=name, Body=b"a flight")["Body"].read()
    print(f"answer of {name}:", answer.decode())
sagemaker.delete_endpoint(EndpointName="delay")  # in a real account, it costs until this line
server.stop()  # and with it all buckets; to ask again, run the cells from `emulator` on

# %% [markdown] id="recap"
# The order was checked: a configuration needs its model first. All else is make-believe. The endpoint is "InService"
# without an image, and what it answers is the word "body", which moto gives for any endpoint, even for one
# that was never made. A test that ends here has shown that the forms are well filled in, and nothing of the model.
#
# ## With a real account
#
# - Leave out `start_aws`: without an endpoint in the environment, `boto3` asks Amazon. The other code stays.
# - Real credentials come from `aws configure sso` or from the role of the machine, never from a notebook; and each
#   program gets a role that may do what it needs: the service may read `models/`, and nothing else.
# - A bucket's name must be free in the whole world, and what a stranger can reach is checked by Amazon itself.
#
# What costs: storage by size and time, each request, and what leaves Amazon's network. An endpoint costs for every
# hour that it exists, **whether anyone asks it or not**. Set a budget alert before you begin, and delete endpoints.
#
# ## What you take with you
#
# - A key is used once; one small object says last which release counts. The SHA-256 proves that it is whole.
# - Versions of objects are a net for wrong deletes; a lifecycle rule clears up what is *not* current.
# - Public is one `"*"`. Look for it by program, forbid it for the account, and give signed addresses.
# - An emulator tests your calls: no bill, no network, the same each time. What the cloud would *refuse*, and whether
#   anything is served, it does not show.
# - Is it worth it? For one team on one computer, a folder and MLflow's registry do. An object store pays when many
#   computers need the same files, or when they must outlive each computer.
