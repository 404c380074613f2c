# %% [markdown] id="why"
# ## Why it matters
#
# In lesson 09 MLflow kept a record of every training in one file on your computer. **Weights & Biases** (short: wandb)
# does the same, with pages that many teams like better. But its pages are in the cloud: whoever uses it sends the
# records of the work to a company, with an account.
#
# Its client also works **offline**: it writes files, and nothing leaves until you say so. In this lab you record
# trainings that way, read the files back, and look at what *would* be sent, to whom. It is more than you logged.

# %% tags=["parameters"] id="imports"
from mlops_school import labs

labs.require("wandb")

import os

from mlops_school.paths import NOTEBOOKS, new_folder

folder = new_folder("labs/wandb")
os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_CONSOLE": "off"}
os.environ["WANDB_ERROR_REPORTING"] = "false"  # it would report its own crashes to its makers
for name in ("WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_CONFIG_DIR"):
    os.environ[name] = str(folder)  # else it writes into your home folder
os.environ["WANDB_NOTEBOOK_NAME"] = str(NOTEBOOKS / "labs" / "wandb.ipynb")  # else it asks Jupyter
training_months = [4]

# %% [markdown] id="train-intro"
# ## Something to record
#
# These settings come first, because wandb reads them when it is imported. Without `WANDB_MODE=offline` the first
# run would ask for the key of an account.
#
# We train boosted trees on April twice, careful and hasty (their *learning rate* differs), and measure their loss in
# May after every tenth tree.

# %% id="train"
import json

import pandas as pd
import wandb
from sklearn.metrics import log_loss

from mlops_school import plots, tracking, wandb_files
from mlops_school.exercises import ____
from mlops_school.exercises.labs.wandb import q1, q2
from mlops_school.features import FEATURES, load_examples
from mlops_school.training import make_boosting

# %% id="losses"
train, may = load_examples(training_months), load_examples([5])


def losses_of(rate):
    model = make_boosting(seed=0, learning_rate=rate, max_iter=60, early_stopping=False)
    model.fit(train[FEATURES], train["late"])
    steps = model[-1].staged_predict_proba(model[:-1].transform(may[FEATURES]))
    losses = [log_loss(may["late"], step[:, 1]) for step in steps]
    return model, {trees: losses[trees - 1] for trees in range(10, 61, 10)}


trained = {"careful": (0.1, *losses_of(0.1)), "hasty": (0.5, *losses_of(0.5))}
(folder / "features.json").write_text(json.dumps(FEATURES), encoding="utf-8")
print({name: round(losses[60], 2) for name, (_, _, losses) in trained.items()})

# %% [markdown] id="run-intro"
# ## A run
#
# | MLflow calls it | wandb calls it | here |
# |---|---|---|
# | experiment | project | `flights` |
# | parameters | config | months, learning rate |
# | metrics | what is logged, and a *summary* of it | the loss in May |
# | artefact | artifact, with versions | the features, as a file |
#
# `init` opens a run and starts a second program, `wandb-core`, which writes to disk, so that your training does not wait for
# it. So `finish` may return before all is written; `teardown` ends that program, and waits.


# %% id="run"
def record(name, rate, losses):
    config = {"months": training_months, "learning_rate": rate, "seed": 0}
    run = wandb.init(project="flights", name=name, config=config)
    for trees, loss in losses.items():
        run.log({"trees": trees, "may_loss": loss})
    artifact = wandb.Artifact("features", type="schema")
    artifact.add_file(str(folder / "features.json"))
    run.log_artifact(artifact)
    run.finish()


for name, (rate, _, losses) in trained.items():
    record(name, rate, losses)
wandb.teardown()

# %% [markdown] id="files-intro"
# ## What is on your disk
#
# Each run has a folder. Its name has a time and an id in it, which we replace by dots.

# %% id="files"
runs = sorted(path for path in (folder / "wandb").glob("offline-run-*") if path.is_dir())
print(len(runs), "runs; the first one holds:")
for path in sorted(runs[0].rglob("*")):
    if path.is_file():
        place = path.relative_to(runs[0]).as_posix()
        print("  ", place.replace(runs[0].name.rpartition("-")[2], "…"))

# %% [markdown] id="read-intro"
# All that you logged is in the file that ends in `.wandb`. It is a *log*: records one after the other, as they would be
# sent. `wandb_files` reads the log, and wandb's own code knows what the bytes mean. So the files are yours, and can be
# read without an account.

# %% id="read"
records = wandb_files.load(folder)
history = {name: wandb_files.history(records[name]) for name in trained}
table = pd.DataFrame(
    {
        name: pd.Series({row["trees"]: row["may_loss"] for row in rows})
        for name, rows in history.items()
    }
)
same = all(table[name].to_dict() == losses for name, (_, _, losses) in trained.items())
print("read back: what was logged" if same else "DIFFERENT")

# %% id="draw"
figure, axes = plots.plt.subplots(figsize=(7, 3.2))
for (name, losses), marker in zip(table.items(), "os", strict=True):
    axes.plot(losses, marker=marker, label=f"{name}, learning rate {trained[name][0]}")
axes.set(xlabel="trees", ylabel="loss in May", title="Read back from the files")
axes.legend()
ends = ", ".join(f"{name} {losses.iloc[-1]:.2f}" for name, losses in table.items())
plots.show(figure, f"The loss in May of two runs, over 10 to 60 trees. At the end: {ends}.")

# %% [markdown] id="q1-task"
# The hasty run is at its best early and gets worse with every ten trees more; the careful one stays low. The last
# value is what wandb puts into its *summary* by default. For the hasty run that is the worst of all.
#
# ### Exercise 1: the best, not the last
#
# Write `best(rows)`. `rows` is what one run has logged, such as `history["hasty"]`: a dict for each call of `log`. Return
# the dict with the smallest `may_loss`. Some calls log other things, so a row may not have it.


# %% id="q1"
def best(rows):
    ### BEGIN SOLUTION
    measured = [row for row in rows if "may_loss" in row]
    return min(measured, key=lambda row: row["may_loss"])
    ### END SOLUTION


q1.check(best)
# q1.hint()
# q1.solution()

# %% [markdown] id="sent-intro"
# ## What would be sent
#
# `wandb sync FOLDER` sends a run: to `api.wandb.ai` (or to a server of your own company, if there is one), into the project of the
# account that the key belongs to. We do not run it, since it needs that account. But we can look at what lies in the
# queue. What is in there that you never logged?

# %% id="sent"
run = next(one.run for one in records["careful"] if one.HasField("run"))
facts = [one.environment for one in records["careful"] if one.HasField("environment")]
queue = {
    "name of your computer": bool(run.host),
    "operating system": any(one.os for one in facts),
    "path of Python": any(one.executable for one in facts),
    "installed packages": (runs[0] / "files" / "requirements.txt").exists(),
}
for name, is_there in queue.items():
    print(f"{name}: {'would be sent' if is_there else 'not there'}")

# %% [markdown] id="lean-intro"
# The path of Python often holds your user name, and the list of packages tells an attacker which of them are old. Inside a
# repository the commit is sent too, and the address of the repository. None of this is secret by itself, and for
# reproducing a run it is useful (R4). But somebody should have *decided* it.
#
# ### Repair it: send less
#
# Settings switch it off. The last run, once more:

# %% id="lean"
lean = wandb.Settings(
    x_disable_meta=True, x_disable_stats=True, disable_git=True, host="a-computer"
)
run = wandb.init(project="flights", name="lean", config={"seed": 0}, settings=lean)
run.log({"trees": 10, "may_loss": trained["careful"][2][10]})
run.finish()
wandb.teardown()
sent = wandb_files.load(folder)["lean"]
print("name of the computer:", next(one.run.host for one in sent if one.HasField("run")))
print("facts about the computer:", any(one.HasField("environment") for one in sent))

# %% [markdown] id="q2-task"
# Now what *you* log. A config is often filled from a file of settings, and settings hold paths, user names, passwords. A
# list of forbidden words (`password`, `token`) is never complete: next week somebody writes `passwd`. Better is a list of
# what *may* leave.
#
# ### Exercise 2: only what is allowed
#
# Write `may_leave(config, allowed)`. It returns a new dict with the entries of `config` whose names are in `allowed`, and
# leaves `config` as it is: the training still needs the rest.


# %% id="q2"
def may_leave(config, allowed):
    ### BEGIN SOLUTION
    return {name: value for name, value in config.items() if name in allowed}
    ### END SOLUTION


q2.check(may_leave)
# q2.hint()
# q2.solution()

# %% [markdown] id="mlflow-intro"
# ## The same in MLflow
#
# For comparison, the two runs in MLflow's file, and the question of lesson 09: which was best?

# %% id="mlflow"
import mlflow

tracking.start("lab-wandb")
for name, (rate, _, losses) in trained.items():
    with mlflow.start_run(run_name=name):
        mlflow.log_params({"months": training_months, "learning_rate": rate, "seed": 0})
        for trees, loss in losses.items():
            mlflow.log_metric("may_loss", loss, step=trees)
found = mlflow.search_runs(order_by=["metrics.may_loss"])
found[["tags.mlflow.runName", "params.learning_rate", "metrics.may_loss"]].round(2)

# %% [markdown] id="recap"
# ## What you take with you
#
# - Run, config, log, artifact: the words differ from MLflow's, the record is the same. Both keep the *last* value as summary.
# - `WANDB_MODE=offline` writes files. They can be read back; `wandb sync` sends them later, with an account.
# - A tracker sends more than you log: computer, paths, packages, commit. Switch off what nobody has decided to send, and
#   let only named settings leave.
# - Is it worth it? MLflow in one file is enough for one person, and a server of your own for a team. Weights & Biases is
#   worth its account for its pages: many people, thousands of runs, comparisons and reports without setting anything up.
#   Ask first who may see the data, and what the contract says of them.
