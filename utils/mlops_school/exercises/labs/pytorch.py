"""Exercises of the lab on PyTorch, judged with stand-ins that write down what is called."""

from collections.abc import Callable
from typing import Any

from mlops_school.exercises import NotYet, exercise

LAB = "pytorch"


class _Pieces:
    """A network, a loss, an optimiser and a batch; each writes into one list what was called."""

    def __init__(self, training: bool = True) -> None:
        self.calls: list[str] = []
        self.training = training
        self.modes: list[bool] = []

    def network(self, features: str) -> str:
        self._note("network" if features == "features" else "network with something else")
        return "scores"

    def loss_function(self, scores: object, late: object) -> "_Pieces":
        right = (scores, late) == ("scores", "late")
        self._note("loss" if right else "loss of something else")
        return self

    def zero_grad(self) -> None:
        self._note("zero_grad")

    def backward(self) -> None:
        self._note("backward")

    def step(self) -> None:
        self._note("step")

    def _note(self, call: str) -> None:
        self.calls.append(call)


class _Network:
    """Has the two modes of a network, and remembers in which it was asked."""

    def __init__(self, training: bool) -> None:
        self.training = training
        self.asked: list[bool] = []

    def __call__(self, features: object) -> tuple[str, object]:
        self.asked.append(self.training)
        return "scores", features

    def train(self, mode: bool = True) -> "_Network":
        self.training = bool(mode)
        return self

    def eval(self) -> "_Network":
        return self.train(False)


@exercise(
    LAB,
    hints=(
        "The table has the four calls in an order that works; keep the loss in a name.",
        "First `loss = loss_function(network(features), late)`, at the end `return loss`.",
    ),
    wrong={
        "def learn(network, loss_function, optimiser, features, late):\n"
        "    loss = loss_function(network(features), late)\n"
        "    loss.backward()\n"
        "    optimiser.step()\n"
        "    return loss": "pile up",
        "def learn(network, loss_function, optimiser, features, late):\n"
        "    loss = loss_function(network(features), late)\n"
        "    loss.backward()\n"
        "    optimiser.zero_grad()\n"
        "    optimiser.step()\n"
        "    return loss": "moves nothing",
        "def learn(network, loss_function, optimiser, features, late):\n"
        "    loss = loss_function(network(features), late)\n"
        "    optimiser.zero_grad()\n"
        "    optimiser.step()\n"
        "    loss.backward()\n"
        "    return loss": "before `backward`",
        "def learn(network, loss_function, optimiser, features, late):\n"
        "    optimiser.zero_grad()\n"
        "    loss = loss_function(network(features), late)\n"
        "    loss.backward()\n"
        "    return loss": "no weight moves",
        "def learn(network, loss_function, optimiser, features, late):\n"
        "    loss = loss_function(features, late)\n"
        "    optimiser.zero_grad()\n"
        "    loss.backward()\n"
        "    optimiser.step()\n"
        "    return loss": "never asked",
        "def learn(network, loss_function, optimiser, features, late):\n"
        "    loss = loss_function(network(features), late)\n"
        "    optimiser.zero_grad()\n"
        "    loss.backward()\n"
        "    optimiser.step()": "return",
        "learn = None": "a function",
    },
)
def q1(learn: Callable[..., object]) -> str:
    """Make one step of learning."""
    if not callable(learn):
        raise NotYet("`learn` must be a function of five things.")
    pieces = _Pieces()
    loss = learn(pieces.network, pieces.loss_function, pieces, "features", "late")
    bool(loss)  # a blank is not attempted
    calls = pieces.calls
    if "network" not in calls:
        raise NotYet("the network is never asked about `features`.")
    if "loss" not in calls:
        raise NotYet("the loss compares what the network says with `late`, in this order.")
    if "backward" not in calls:
        raise NotYet("without `backward` there are no gradients.")
    if "step" not in calls:
        raise NotYet("without `optimiser.step()` no weight moves.")
    if calls.index("step") < calls.index("backward"):
        raise NotYet("you step before `backward` has computed the gradients of this batch.")
    if "zero_grad" not in calls:
        raise NotYet(
            "the gradients of all batches pile up, since `backward` adds. Forget the old ones."
        )
    if calls.index("zero_grad") > calls.index("step"):
        raise NotYet("forget the old gradients before `backward`, not after the step.")
    if calls.index("zero_grad") > calls.index("backward"):
        raise NotYet(
            "you forget the gradients that you have just computed: the step moves nothing."
        )
    if loss is not pieces:
        raise NotYet("return the loss, so that one can see whether it falls.")
    return "four calls, in an order that works; every training in PyTorch has them."


@exercise(
    LAB,
    hints=(
        "Remember `network.training` before you switch.",
        "`network.train(before)` goes back to the mode `before`, whichever it was.",
    ),
    wrong={
        "ask = lambda network, features: network(features)": "mode `train`",
        "def ask(network, features):\n    network.eval()\n    return network(features)": (
            "without dropout"
        ),
        "def ask(network, features):\n"
        "    network.eval()\n"
        "    scores = network(features)\n"
        "    network.train()\n"
        "    return scores": "was in the mode `eval`",
        "def ask(network, features):\n"
        "    before = network.training\n"
        "    network.eval()\n"
        "    network.train(before)\n"
        "    return network(features)": "mode `train`",
        "def ask(network, features):\n"
        "    before = network.training\n"
        "    network.eval()\n"
        "    network(features)\n"
        "    network.train(before)": "return",
        "ask = None": "a function",
    },
)
def q2(ask: Callable[[Any, object], object]) -> str:
    """Ask in the mode `eval`, and go back to the mode before."""
    if not callable(ask):
        raise NotYet("`ask` must be a function of `network` and `features`.")
    in_training, in_service = _Network(True), _Network(False)
    scores = ask(in_training, "features")
    bool(scores)  # a blank is not attempted
    if not in_training.asked:
        raise NotYet("the network is never asked.")
    if in_training.asked[-1]:
        raise NotYet("you asked it in the mode `train`: dropout is still on.")
    if scores != ("scores", "features"):
        raise NotYet("return what the network says of `features`.")
    if not in_training.training:
        raise NotYet(
            "it was in the mode `train` and stays in `eval`: if this was the middle of a training, "
            "it goes on without dropout."
        )
    ask(in_service, "features")
    if in_service.asked[-1]:
        raise NotYet("you asked it in the mode `train`: dropout is still on.")
    if in_service.training:
        raise NotYet("a network that was in the mode `eval` is in `train` after your question.")
    return "asked without dropout, and nobody notices that you were there."
