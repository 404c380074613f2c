"""Exercises of the lab on TensorFlow."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mlops_school.exercises import NotYet, exercise

LAB = "tensorflow"
VALUES = np.array([[60.0, 1000.0], [np.nan, 1020.0], [80.0, np.nan]])
MEAN, SPREAD = np.array([50.0, 1010.0]), np.array([10.0, 5.0])
STANDARDISED = np.array([[1.0, -2.0], [0.0, 2.0], [3.0, 0.0]])
FLAGS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
FALLING, PLATEAU = [0.6, 0.5, 0.4], [0.6, 0.5, 0.5, 0.5, 0.5]
LATER_BETTER = [0.6, 0.5, 0.55, 0.52, 0.4, 0.3]
ONE_BAD = [0.6, 0.5, 0.55, 0.45, 0.48, 0.46, 0.1]


def _numpy() -> dict[str, Any]:
    return {"np": np}


@exercise(
    LAB,
    hints=(
        "Three steps: find what is missing (`np.isnan`), standardise, put 0 where it was missing.",
        "`np.where(missing, 0, one)` takes 0 where `missing` is true and `one` elsewhere. Do it "
        "after the division.",
        "`np.hstack([one, other])` puts two tables side by side; "
        "`missing.astype(float)` makes 0 and 1 of False and True.",
    ),
    wrong={
        "def prepare(values, mean, spread):\n"
        "    missing = np.isnan(values)\n"
        "    own = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)\n"
        "    return np.hstack([np.where(missing, 0, own), missing.astype(float)])": "of `values`",
        "def prepare(values, mean, spread):\n"
        "    missing = np.isnan(values)\n"
        "    return np.hstack([(values - mean) / spread, missing.astype(float)])": "still missing",
        "def prepare(values, mean, spread):\n"
        "    missing = np.isnan(values)\n"
        "    filled = np.where(missing, 0, values)\n"
        "    return np.hstack([(filled - mean) / spread, missing.astype(float)])": "before",
        "def prepare(values, mean, spread):\n"
        "    return np.where(np.isnan(values), 0, (values - mean) / spread)": "no flags",
        "def prepare(values, mean, spread):\n"
        "    known = ~np.isnan(values)\n"
        "    return np.hstack([np.where(known, (values - mean) / spread, 0), known])": "way round",
        "prepare = 3": "a function",
    },
    given=_numpy,
)
def q1(prepare: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> str:
    """Standardise numbers, fill what is missing, and flag it."""
    if not callable(prepare):
        raise NotYet("`prepare` must be a function of `values`, `mean` and `spread`.")
    answer = prepare(VALUES.copy(), MEAN, SPREAD)
    if len(answer) != len(VALUES):
        raise NotYet(f"for {len(VALUES)} flights, {len(VALUES)} rows are expected.")
    found = np.asarray(answer, dtype=float)
    if found.shape == VALUES.shape:
        raise NotYet(
            "there are no flags: return the numbers and, to their right, as many columns of flags. "
            "Without them, a missing number looks like an average one."
        )
    if found.shape != (3, 4):
        raise NotYet(
            f"for 3 flights with 2 numbers each, 3 rows of 4 are expected; yours is {found.shape}."
        )
    numbers, flags = found[:, :2], found[:, 2:]
    if np.isnan(numbers).any():
        raise NotYet("a number is still missing: nan less a mean is nan. Put 0 there afterwards.")
    if np.allclose(flags, 1 - FLAGS):
        raise NotYet("the flags are the wrong way round: 1 says that the number was missing.")
    if not np.allclose(flags, FLAGS):
        raise NotYet("the flags are not right: 1 where the number was missing, 0 elsewhere.")
    if np.allclose(numbers, np.where(FLAGS == 1, -MEAN / SPREAD, STANDARDISED)):
        raise NotYet(
            "you put 0 there before you standardised. A missing temperature becomes 0 degrees, "
            "which is a temperature, and a cold one. Put 0 there at the end."
        )
    own = (VALUES - np.nanmean(VALUES, axis=0)) / np.nanstd(VALUES, axis=0)
    if np.allclose(numbers, np.where(FLAGS == 1, 0, own)):
        raise NotYet(
            "you computed mean and spread of `values`. These flights may be of one stormy day; "
            "take the `mean` and `spread` that are given, which are those of training."
        )
    if not np.allclose(numbers, STANDARDISED):
        raise NotYet("the numbers are not right: `(value - mean) / spread`, and 0 where missing.")
    return "each number on one scale, nothing missing, and nothing hidden."


@exercise(
    LAB,
    hints=(
        "Walk through the epochs with `enumerate(losses)`; remember the number of the best one.",
        "At epoch `epoch`, the last `epoch - best` epochs brought nothing better. When is that "
        "enough?",
        "A loss that is equal to the best one is not better.",
    ),
    wrong={
        "best_epoch = lambda losses, patience: int(np.argmin(losses))": "never happens",
        "best_epoch = lambda losses, patience: len(losses) - 1": "last epoch",
        "def best_epoch(losses, patience):\n"
        "    for epoch in range(1, len(losses)):\n"
        "        if losses[epoch] >= losses[epoch - 1]:\n"
        "            return epoch - 1\n"
        "    return len(losses) - 1": "first epoch that is not better",
        "def best_epoch(losses, patience):\n"
        "    best = 0\n"
        "    for epoch, loss in enumerate(losses):\n"
        "        if loss < losses[best]:\n"
        "            best = epoch\n"
        "        if epoch - best >= patience:\n"
        "            return epoch\n"
        "    return best": "training ended",
        "def best_epoch(losses, patience):\n"
        "    best = 0\n"
        "    for epoch, loss in enumerate(losses):\n"
        "        if loss <= losses[best]:\n"
        "            best = epoch\n"
        "        if epoch - best >= patience:\n"
        "            break\n"
        "    return best": "equal",
        "def best_epoch(losses, patience):\n"
        "    best = 0\n"
        "    for epoch, loss in enumerate(losses):\n"
        "        if loss < losses[best]:\n"
        "            best = epoch\n"
        "        if epoch - best >= patience:\n"
        "            break\n"
        "    return best + 1": "from 0",
        "best_epoch = 2": "a function",
    },
    given=_numpy,
)
def q2(best_epoch: Callable[[Sequence[float], int], int]) -> str:
    """Return the epoch whose weights early stopping keeps."""
    if not callable(best_epoch):
        raise NotYet("`best_epoch` must be a function of `losses` and `patience`.")
    falling = best_epoch(list(FALLING), 2)
    if falling == 3:
        raise NotYet("count the epochs from 0: of three epochs, the last is number 2.")
    if falling != 2:
        raise NotYet(f"for the losses {FALLING}, each better than the last, 2 is expected.")
    later = best_epoch(list(LATER_BETTER), 2)
    if later == 5 and best_epoch(list(PLATEAU), 2) == 4:
        raise NotYet("you return the last epoch, whether it was good or not.")
    if later == 5:
        raise NotYet(
            f"for the losses {LATER_BETTER} and a patience of 2, training has ended before the "
            "last two epochs: what would come later never happens."
        )
    if later == 3:
        raise NotYet("that is the epoch in which training ended. Return the best one before it.")
    one_bad = best_epoch(list(ONE_BAD), 2)
    if one_bad == 1:
        raise NotYet(
            "you stop at the first epoch that is not better. With a patience of 2, one bad epoch "
            "is forgiven."
        )
    if best_epoch(list(PLATEAU), 2) != 1:
        raise NotYet(f"for {PLATEAU} the best epoch is 1: an equal loss is not better.")
    if (later, one_bad) != (1, 3):
        raise NotYet(f"for {ONE_BAD} and a patience of 2, epoch 3 is expected, not {one_bad}.")
    return "that is what the callback of Keras does, with the same numbers."
