# %% [markdown] id="why"
# ## Why it matters
#
# "Boosted trees? We should use a neural network." Somebody says so in every team. For pictures, sound and
# text it is right. For a table such as our flights, nobody knows before it was tried, and it is easily
# tried *unfairly*.
#
# **TensorFlow** computes with networks, **Keras** is its convenient side. In this lab you train a small network
# on the flights, stop it in time, and let it run against boosted trees, with the same months and the same
# chances. And you see how a network brings **skew** into a service, which trees do not, and how to keep it out.

# %% tags=["parameters"] id="imports"
from mlops_school import labs

labs.require("tensorflow")

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # no notes about the processor in a lesson
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # a library that rounds as the processor likes it
import keras
import mlflow
import tensorflow as tf

tf.get_logger().setLevel("ERROR")  # it also warns of what costs a second here
tf.config.experimental.enable_op_determinism()
training_months = [3, 4]

# %% [markdown] id="months-intro"
# ## The same months for everybody
#
# March and April to learn from, May to choose by, June to judge once, as in lesson 09. `enable_op_determinism`
# above makes TensorFlow take the same way twice, for R4: whoever trains again gets the same model.
#
# A network multiplies and adds. So what does it do with an airport, or with a number that is missing?

# %% id="months"
import numpy as np

from mlops_school import backtest, evaluation, plots, race, tracking
from mlops_school.exercises import ____
from mlops_school.exercises.labs.tensorflow import q1, q2
from mlops_school.features import CATEGORICAL, FEATURES, NUMERIC, load_examples
from mlops_school.learning_views import draw_losses
from mlops_school.training import make_boosting

train, may, june = load_examples(training_months), load_examples([5]), backtest.load_trial([6])
mean, spread = train[NUMERIC].mean().to_numpy(), train[NUMERIC].std(ddof=0).to_numpy()
print(f"{len(train):,} flights to learn from, {len(may):,} to choose by, {len(june):,} to judge")
print("missing:", train[NUMERIC].isna().mean().loc[lambda share: share > 0.1].round(2).to_dict())
print("one missing number in a sum:", (0.5 * train["temp"] + 0.1 * train["wind_gust"]).iloc[0])

# %% [markdown] id="q1-task"
# `nan`: one missing number, and everything that is computed from it is missing too. Trees can sort a missing
# value to the left or to the right. A network cannot, and it also learns badly if one column counts hundreds
# (`pressure`) and another hundredths (`precip`). So numbers are made ready first:
#
# - **standardised**: less the mean and divided by the spread, so that an average flight is at 0;
# - what is missing becomes 0 *afterwards*, which says "as on average", and a **flag** says that it was missing.
#
# ### Exercise 1: make numbers ready
#
# Write `prepare(values, mean, spread)`. `values` has a row for each flight and a column for each number; `mean` and
# `spread` belong to the training months. Return twice as many columns: the numbers, then the flags (0 or 1).


# %% id="q1"
def prepare(values, mean, spread):
    ### BEGIN SOLUTION
    missing = np.isnan(values)
    standardised = np.where(missing, 0, (values - mean) / spread)
    return np.hstack([standardised, missing.astype(float)])
    ### END SOLUTION


q1.check(prepare)
# q1.hint()
# q1.solution()

# %% [markdown] id="layers-intro"
# ## The same as layers
#
# In Keras these steps can be **layers**, parts of the model itself. The text columns get layers too: `StringLookup`
# turns a code such as JFK into a whole number, and 0 stands for whatever training has not seen. An **embedding**
# turns that number into four others, which are learned: airports that behave alike come to lie near each other.


# %% id="layers"
def make_inputs():
    numbers = keras.Input((len(NUMERIC),), name="numbers")
    standardised = keras.layers.Normalization(mean=mean, variance=spread**2)(numbers)
    missing = keras.ops.isnan(standardised)
    ready = [keras.ops.where(missing, 0.0, standardised), keras.ops.cast(missing, "float32")]
    inputs = {"numbers": numbers}
    for name in CATEGORICAL:
        inputs[name] = keras.Input((), dtype="string", name=name)
        codes = keras.layers.StringLookup(vocabulary=sorted(train[name].unique()))
        embedding = keras.layers.Embedding(codes.vocabulary_size(), 4, name=f"{name}_embedding")
        ready.append(embedding(codes(inputs[name])))
    return inputs, keras.layers.Concatenate()(ready)


# %% [markdown] id="network-intro"
# Behind them come two layers of 64 and 32 neurons, and one neuron that gives a probability. **Dropout** switches
# a fifth of the neurons off at random in each step of the training, so that none relies on its neighbour alone.
# The seed fixes all that is random: the first weights, the dropout, the order of the flights.


# %% id="network"
def make_network(seed):
    keras.utils.set_random_seed(seed)
    inputs, layer = make_inputs()
    layer = keras.layers.Dense(64, activation="relu")(layer)
    layer = keras.layers.Dropout(0.2)(layer)
    layer = keras.layers.Dense(32, activation="relu")(layer)
    network = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(layer))
    network.compile(optimizer="adam", loss="binary_crossentropy")
    return network


def as_inputs(table):
    texts = {name: tf.constant(table[name].to_numpy(str)) for name in CATEGORICAL}
    return texts | {"numbers": table[NUMERIC].to_numpy("float32")}


# %% [markdown] id="train-intro"
# ## Train, and stop in time
#
# Training looks at all flights again and again; one pass is an **epoch**. The **loss** says how wrong the
# probabilities are. The longer one trains, the better the network knows March and April. And May?


# %% tags=["nbval-ignore-output"] id="train"
def fit(seed, **settings):
    network = make_network(seed)
    late = train["late"].to_numpy("float32")
    history = network.fit(as_inputs(train), late, batch_size=512, verbose=0, **settings)
    return network, history.history


def fit_until(seed, patience=2):
    stop = keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True)
    check = as_inputs(may), may["late"].to_numpy("float32")
    return *fit(seed, epochs=12, validation_data=check, callbacks=[stop]), stop.best_epoch


network, losses, best = fit_until(seed=0)
plots.show(*draw_losses(losses["loss"], losses["val_loss"], best, "May"))

# %% [markdown] id="q2-task"
# In March and April the loss falls from epoch to epoch. In May it falls too, turns, and rises: from there on, the
# network learns these two months by heart. (The loss of training begins higher, since dropout is on there.) Nobody
# told Keras the right number of epochs: **early stopping** ended the training when two epochs in a row had brought
# nothing better for May, and took the weights of the best epoch back.
#
# ### Exercise 2: stop in time
#
# Write `best_epoch(losses, patience)`. `losses` are those of May, epoch by epoch. Training ends as soon as `patience`
# epochs in a row were not better than the best before them; what would come later never happens. Return
# the number of the best epoch, counted from 0.


# %% id="q2"
def best_epoch(losses, patience):
    ### BEGIN SOLUTION
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        if epoch - best >= patience:
            break
    return best
    ### END SOLUTION


q2.check(best_epoch)
# q2.hint()
# q2.solution()

# %% [markdown] id="trees-intro"
# ## A fair race
#
# The opponent, boosted trees, comes twice. First as scikit-learn delivers it: it holds back a tenth of the flights to know when
# to stop. These are flights of *the same days*, so it hardly ever stops (lesson 10 met this present). The network was
# stopped by May, a month of its own. So the second time the trees get just that: the number of trees with
# the smallest loss in May.


# %% id="trees"
def ask(model, table):
    if isinstance(model, keras.Model):
        return model.predict(as_inputs(table), batch_size=4096, verbose=0)[:, 0]
    return model.predict_proba(table[FEATURES])[:, 1]


default = make_boosting(seed=0).fit(train[FEATURES], train["late"])
stopped = race.stopped_trees(train, may)
print(f"trees by default: {default[-1].n_iter_}, stopped by May: {stopped[-1].n_iter_}")

# %% [markdown] id="race-intro"
# Now June. The network runs with three seeds, since the seed is no merit, and the mean of the three probabilities
# runs too. Everybody gets the threshold that is cheapest for them in May. The last two columns are the paired interval of
# lesson 10: how many dollars per flight *more* than the stopped trees, if other days had been drawn.

# %% tags=["nbval-ignore-output"] id="race"
runners = {
    "trees, stopped by May": stopped,
    "trees by default": default,
    "network, seed 0": network,
}
runners |= {f"network, seed {seed}": fit_until(seed)[0] for seed in (1, 2)}
in_may = {name: ask(model, may) for name, model in runners.items()}
in_june = {name: ask(model, june) for name, model in runners.items()}
for said in (in_may, in_june):
    said["mean of networks"] = sum(said[f"network, seed {seed}"] for seed in range(3)) / 3
race.run(may["late"], june, in_may, in_june).round(2)

# %% [markdown] id="file-intro"
# Whoever shows only the second and the third line has proven that networks rank better: 0.71 against 0.70. That is a
# trick, and often an honest mistake. Stopped by May, the trees reach 0.72, and the mean of the networks does, too. A
# single network is *one draw*: with another seed, and nothing else, it has 0.70 or 0.73.
#
# In dollars all networks are ahead. But the intervals of two of the three hold zero, and that of their mean just
# reaches it. The third looks proven; to take it now, *because* of June, would be to choose by the month that
# judges. So there is a hint that networks are cheaper, no proof, and July would have to say. (Numbers of
# the computer that made this page. Yours may differ a little: others round in another order.)
#
# ## One file, raw flights
#
# For the service the network has a real merit here. All preparation is part of the model, so one file holds
# everything, and takes flights as they are, even one alone, even to an airport that it has never seen. `load_model`
# refuses files that bring code of their own (`safe_mode`), as a model from a stranger might.

# %% id="file"
from mlops_school.paths import new_folder

file = new_folder("labs/tensorflow") / "network.keras"
network.save(file)
served = keras.models.load_model(file)
one = june[FEATURES].iloc[[0]]
difference = abs(ask(served, one)[0] - in_june["network, seed 0"][0])
print("one flight from the file: the same" if difference < 1e-5 else "DIFFERENT")
somewhere = ask(served, one.assign(dest="XXX"))[0]
print("to an unknown airport:", "a probability" if 0 < somewhere < 1 else somewhere)

# %% [markdown] id="skew-intro"
# ### Break it: preparation outside the model
#
# Now suppose that only the neurons had been saved, and that a colleague wrote the preparation again for the
# service: "less the mean, divided by the spread". In production nobody has the training months at hand, so each night
# the flights of *that day* are standardised by the mean and spread of that day. It looks just like your exercise.
# We give the network what its neurons would see then.

# %% id="skew"
days = june.groupby("date")[NUMERIC]
usual = days.transform("std").replace(0, 1)
as_seen = june.copy()
as_seen[NUMERIC] = mean + spread * (june[NUMERIC] - days.transform("mean")) / usual
threshold = evaluation.cost_curve(may["late"], in_may["network, seed 0"]).idxmin()
right = evaluation.measure(june["late"], in_june["network, seed 0"], threshold)
skewed = evaluation.measure(june["late"], ask(network, as_seen), threshold)
always = evaluation.without_model(june["late"])["always"]
print("right: cheaper than warning of every flight:", right["cost_per_flight"] < always)
print("skewed: cheaper than warning of every flight:", skewed["cost_per_flight"] < always)
print("ROC AUC lost, more than 0.04:", right["roc_auc"] - skewed["roc_auc"] > 0.04)

# %% [markdown] id="record-intro"
# No error, no warning, a probability for every flight, and a service that is dearer than none. A stormy day looks like any
# other, once its own mean is taken away. That is why the mean and the spread of *training* belong into the
# model, as layers or, with scikit-learn, as steps of its pipeline.
#
# ## Record it, make it again
#
# MLflow knows Keras: the run below holds the settings, the loss of every epoch as a curve, and the model. R4 asks that
# it can be made again from its record. The record holds how many epochs were kept, so no May is needed the second
# time: train for exactly so long.

# %% id="record"
tracking.start("lab-tensorflow")
needs = [f"tensorflow-cpu=={tf.__version__}"]
with mlflow.start_run(run_name="network") as run:
    mlflow.log_params({"months": training_months, "seed": 0, "epochs": best + 1})
    mlflow.set_tags(tracking.provenance(training_months) | {"keras": keras.__version__})
    for epoch, loss in enumerate(losses["val_loss"]):
        mlflow.log_metric("may_loss", loss, step=epoch)
    mlflow.tensorflow.log_model(network, name="model", pip_requirements=needs)
params = mlflow.get_run(run.info.run_id).data.params
again, _ = fit(seed=int(params["seed"]), epochs=int(params["epochs"]))
same = np.array_equal(ask(again, june), in_june["network, seed 0"])
print("made again from its record:", "the same" if same else "DIFFERENT")

# %% [markdown] id="recap"
# ## What you take with you
#
# - A network needs its numbers standardised, its gaps filled and flagged, its texts turned into numbers. Do it *in the
#   model*, so that training and service cannot differ.
# - Stop by a later month, and keep the weights of the best epoch.
# - Give the opponent every chance that you give yourself, and a network more than one seed.
# - With the seed, deterministic operations and the number of epochs, the record makes the same network again. Not to the
#   last bit on every computer, as others round in another order; so write down which one it was.
# - Is it worth it? For this table, hardly. The trees need no preparation and seconds to train, and are in the course's
#   environment already; TensorFlow is a download of nearly 400 MB for a hint. It pays for pictures, sound, text and
#   millions of rows, or where a model runs in a phone or a browser (LiteRT, TensorFlow.js).
