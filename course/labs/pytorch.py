# %% [markdown] id="why"
# ## Why it matters
#
# Most models that you read about are written in **PyTorch**. It hides little: you write the loop of the
# training yourself, and so you can make mistakes in it that no error message tells you of.
#
# In this lab you write that loop, for a small network on the flights. You find a well-known mistake by its
# symptom, let the network run against boosted trees, and store it. The last is where most care is needed: a
# model file of a stranger can be a *program*, and opening it runs it.

# %% tags=["parameters"] id="imports"
from mlops_school import labs

labs.require("pytorch")

import mlflow
import numpy as np
import torch
from torch import nn

from mlops_school.exercises import ____
from mlops_school.exercises.labs.pytorch import q1, q2
from mlops_school.learning_views import draw_losses

torch.use_deterministic_algorithms(True)  # the same sums in the same order, for R4
torch.set_num_threads(1)  # a small network gains nothing from more
training_months = [3, 4]

# %% [markdown] id="data-intro"
# ## Tensors
#
# A **tensor** is PyTorch's array. A network needs all numbers on one scale, and none may be missing. A pipeline of scikit-learn
# prepares them: texts become columns of 0 and 1, numbers are standardised, and a gap becomes the mean, with a column
# beside it that says so. It learns from March and April only. May is there to choose by, June to judge.

# %% id="data"
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from mlops_school import backtest, paths, plots, race, tracking
from mlops_school.features import CATEGORICAL, FEATURES, NUMERIC, load_examples

train, may, june = load_examples(training_months), load_examples([5]), backtest.load_trial([6])
texts = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
prepare = make_column_transformer((texts, CATEGORICAL), (numbers, NUMERIC)).fit(train[FEATURES])


# %% id="tensors"
def as_tensor(values):
    return torch.tensor(np.asarray(values), dtype=torch.float32)


inputs = {
    name: as_tensor(prepare.transform(table[FEATURES]))
    for name, table in {"train": train, "may": may, "june": june}.items()
}
for name, tensor in inputs.items():
    print(f"{name:5} {tuple(tensor.shape)}, nothing missing: {not tensor.isnan().any()}")

# %% [markdown] id="network-intro"
# ## A network
#
# Two layers of 64 and 32 neurons, and one number at the end, a *score*: above 0 means rather late. `sigmoid` turns it into
# a probability. **Dropout** switches 30 percent of the neurons off at random in each step of the training, so that
# none relies on its neighbour alone.


# %% id="network"
def make_network(seed):
    torch.manual_seed(seed)  # of the first weights, the dropout and the order of the flights
    layers = [nn.Linear(inputs["train"].shape[1], 64), nn.ReLU(), nn.Dropout(0.3)]
    layers += [nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0)]
    return nn.Sequential(*layers)


print(f"{sum(p.numel() for p in make_network(0).parameters()):,} weights to learn")

# %% [markdown] id="q1-task"
# ## One step of learning
#
# Training shows the network some flights, a **batch**, and moves all weights a little so that it would be less wrong.
# These are four calls:
#
# | call | does |
# |---|---|
# | `loss_function(network(features), late)` | says how wrong it is: a number, the **loss** |
# | `optimiser.zero_grad()` | forgets the gradients of the step before; PyTorch *adds* new ones to them |
# | `loss.backward()` | computes for each weight its **gradient**: how the loss changes with it |
# | `optimiser.step()` | moves each weight against its gradient |
#
# ### Exercise 1: write the step
#
# Write `learn(network, loss_function, optimiser, features, late)`. It makes one step and returns the loss.


# %% id="q1"
def learn(network, loss_function, optimiser, features, late):
    ### BEGIN SOLUTION
    loss = loss_function(network(features), late)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss
    ### END SOLUTION


q1.check(learn)
# q1.hint()
# q1.solution()

# %% [markdown] id="loop-intro"
# ## The loop
#
# One pass through all flights is an **epoch**. A `DataLoader` deals out the batches, in an order drawn anew in each. Here is
# the whole loop, with the step written out in case you are still at it. After each epoch the loss of May is measured, and
# the weights of the best epoch are kept.

# %% id="loop"
loss_function = nn.BCEWithLogitsLoss()


def train_epoch(network, optimiser):
    network.train()
    flights = torch.utils.data.TensorDataset(inputs["train"], as_tensor(train["late"]))
    for features, late in torch.utils.data.DataLoader(flights, batch_size=512, shuffle=True):
        loss = loss_function(network(features), late)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def loss_in(network, month, table):
    with torch.no_grad():  # no gradients are needed to measure
        return loss_function(network.eval()(inputs[month]), as_tensor(table["late"])).item()


# %% tags=["nbval-ignore-output"] id="train"
def fit(seed, epochs=5):
    network, losses, kept = make_network(seed), [], []
    optimiser = torch.optim.Adam(network.parameters(), lr=0.001)
    for _ in range(epochs):
        train_epoch(network, optimiser)
        losses.append([loss_in(network, "train", train), loss_in(network, "may", may)])
        kept.append({name: weight.clone() for name, weight in network.state_dict().items()})
    best = int(np.argmin(losses, axis=0)[1])
    network.load_state_dict(kept[best])
    return network, np.transpose(losses), best


network, losses, best = fit(seed=0)
plots.show(*draw_losses(*losses, best, "May"))

# %% [markdown] id="bug-intro"
# The loss of March and April falls and falls; in May it turns. From there on the network learns those two months by heart,
# and we keep the weights from before.
#
# ### Break it: ask it as it was trained
#
# A colleague writes the service. It loads the network and asks, without a thought about `train` and `eval`, the two
# **modes** that the loop switches between. A new network begins in the mode `train`. A passenger asks twice about the
# same flight, seconds apart.

# %% id="bug"
network.train()
with torch.no_grad():
    first, second = (torch.sigmoid(network(inputs["june"])).numpy() for _ in range(2))
moved = np.abs(first - second)
print(f"flights with another answer the second time: {(moved > 0).mean():.0%}")
print("answers that move by more than 0.2:", "some" if (moved > 0.2).any() else "none")

# %% [markdown] id="q2-task"
# Nothing has failed, and every flight has two answers. Dropout is still on: at each request other neurons are
# missing. In the mode `eval` it is off.
#
# ### Exercise 2: ask, and leave no trace
#
# Write `ask(network, features)`. It returns the scores of the network in the mode `eval`, and leaves the network in
# the mode in which it was before. `network.training` tells whether that is `train`; `network.eval()` and
# `network.train()` switch, and `network.train(False)` is the same as `eval`.


# %% id="q2"
def ask(network, features):
    ### BEGIN SOLUTION
    before = network.training
    network.eval()
    scores = network(features)
    network.train(before)
    return scores
    ### END SOLUTION


q2.check(ask)
# q2.hint()
# q2.solution()

# %% [markdown] id="race-intro"
# ## A fair race
#
# The network runs with three seeds, and their mean runs too. Boosted trees get what the network got: May says how many
# trees are best. Everybody's threshold is the cheapest in May. The last two columns are the 95 percent interval of
# lesson 10: how many dollars per flight *more* than the trees.


# %% tags=["nbval-ignore-output"] id="race"
def answer(network, month):
    with torch.no_grad():
        return torch.sigmoid(network.eval()(inputs[month])).numpy()


trees = race.stopped_trees(train, may)
networks = [network, fit(seed=1)[0], fit(seed=2)[0]]
said = []
for month, table in {"may": may, "june": june}.items():
    columns = {f"network, seed {seed}": answer(one, month) for seed, one in enumerate(networks)}
    of_trees = {"trees": trees.predict_proba(table[FEATURES])[:, 1]}
    said.append(of_trees | columns | {"mean of networks": sum(columns.values()) / 3})
race.run(may["late"], june, *said).round(2)

# %% [markdown] id="present-intro"
# Here the trees win: 0.72 against 0.67 to 0.69, and two of the three networks, and their mean, are dearer than the trees
# with an interval that does not hold zero. May had not announced it. The lab on TensorFlow has a network of this size,
# from the same months, that does better; its texts become embeddings, among other details. On such details a network's
# result hangs, which is why it takes more work than trees do. (Numbers of the computer that made this page. Yours may
# differ a little: others round in another order.)
#
# ## A file can be a program
#
# How is a network stored? `torch.save` uses **pickle**, Python's own format. A pickle is no list of numbers. It is a list of
# *instructions*, and an instruction may be "call this function". Somebody sends you a file `better.pt`, "a better
# model, try it". We make such a file ourselves. What it calls is harmless; it could be anything that you may do.

# %% id="present"
folder = paths.new_folder("labs/pytorch")


class Present:
    def __reduce__(self):
        return print, ("I run on your computer now, with all of your rights.",)


torch.save(Present(), folder / "better.pt")
model = torch.load(folder / "better.pt", weights_only=False)
print("and the model is:", model)

# %% [markdown] id="safe-intro"
# Nobody called anything: *opening* the file was enough. So for models from elsewhere, looking at them is too late.
#
# `weights_only=True`, PyTorch's default since release 2.6, only takes tensors and simple values, and refuses everything
# else. It is enough, if what you store is not the network but its **state**: `state_dict()`, the weights by their
# names. The code of the network is code, and belongs into Git.

# %% id="safe"
from pickle import UnpicklingError

try:
    torch.load(folder / "better.pt", weights_only=True)
except UnpicklingError:
    print("better.pt: refused")
torch.save(network.state_dict(), folder / "network.pt")
served = make_network(seed=99)
served.load_state_dict(torch.load(folder / "network.pt", weights_only=True))
equal = np.array_equal(answer(served, "june"), answer(network, "june"))
print("network.pt:", "the same answers" if equal else "DIFFERENT")

# %% [markdown] id="record-intro"
# ## Record it, make it again
#
# The run holds the settings, the loss of each epoch in May, and the file of the state. With the seed and the number of
# epochs, the network can be made again from the record (R4), without looking at May a second time.

# %% id="record"
tracking.start("lab-pytorch")
with mlflow.start_run(run_name="network") as run:
    mlflow.log_params({"months": training_months, "seed": 0, "epochs": best + 1})
    mlflow.set_tags(tracking.provenance(training_months) | {"torch": torch.__version__})
    for epoch, loss in enumerate(losses[1]):
        mlflow.log_metric("may_loss", loss, step=epoch)
    mlflow.log_artifact(str(folder / "network.pt"))
params = mlflow.get_run(run.info.run_id).data.params
again, _, last = fit(seed=int(params["seed"]), epochs=int(params["epochs"]))
equal = np.array_equal(answer(again, "june"), answer(network, "june"))
print("made again from its record:", "the same" if equal else "DIFFERENT")

# %% [markdown] id="recap"
# ## What you take with you
#
# - One step: loss, `zero_grad`, `backward`, `step`. Forget one, and it still runs.
# - `eval` before you ask, `train` before you train. The symptom of a forgotten `eval`: one flight, two answers.
# - A network is one draw. Run it with several seeds, and give the trees what you give it.
# - Store the **state**, load with `weights_only=True`, and keep the code in Git. For a service without that code there are
#   formats that hold the computation but no Python, such as those of `torch.export` and ONNX. MLflow's `log_model`
#   takes the former by default.
# - Is it worth it? For this table, no. PyTorch pays where no ready model exists: for pictures, sound, text, and research.
#   On Linux it costs about 3 GB of downloads, since the package on PyPI brings the libraries of graphics cards along,
#   whether you have one or not. (PyTorch's own index has a package without them.)
