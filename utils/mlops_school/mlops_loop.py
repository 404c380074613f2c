"""The loop of MLOps in small: learn, release, answer, watch, and learn again.

Later lessons do each of its steps with the tools of the field.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import skops.io
from matplotlib.figure import Figure
from sklearn.pipeline import Pipeline

from mlops_school import plots
from mlops_school.errors import CourseError
from mlops_school.evaluation import cost_curve, measure, without_model
from mlops_school.features import FEATURES, TARGET, load_examples
from mlops_school.process import load_requirements
from mlops_school.training import TRUSTED_TYPES, make_boosting

MINIMUM_ROC_AUC = load_requirements()["R3"].limits["minimum_roc_auc"]
MINUTES_OF_A_DAY = 24 * 60
ORIGINS = {"EWR", "JFK", "LGA"}
# Not from the calendar module, whose names depend on the language of the system.
MONTH_NAMES = ["Jan", "Feb", "Mar", "Apr", "May", "Jun"]
MONTH_NAMES += ["Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

# ---- learn


@dataclass(frozen=True)
class Service:
    """A model, and the probability from which on it warns. The two belong together."""

    model: Pipeline
    threshold: float

    def probability(self, flights: pd.DataFrame) -> np.ndarray:
        """Return how probable it is that each flight is late."""
        return self.model.predict_proba(flights[FEATURES])[:, 1]

    def warn(self, flights: pd.DataFrame) -> np.ndarray:
        """Return of which flights to warn."""
        return self.probability(flights) >= self.threshold

    def measure(self, examples: pd.DataFrame) -> dict[str, float]:
        """Return ``roc_auc`` and ``cost_per_flight`` on flights whose outcome is known."""
        return measure(examples[TARGET], self.probability(examples), self.threshold)


def learn(examples: pd.DataFrame, seed: int | None = 0) -> Service:
    """Return a service that has learned from some flights.

    Its threshold is the one that would have been cheapest for these flights.

    Parameters
    ----------
    examples : DataFrame
        As :func:`~mlops_school.features.load_examples` returns them.
    seed : int or None
        Fixes everything that is random in training; None fixes nothing.
    """
    model = make_boosting(seed=seed).fit(examples[FEATURES], examples[TARGET])
    probability = model.predict_proba(examples[FEATURES])[:, 1]
    return Service(model, float(cost_curve(examples[TARGET], probability).idxmin()))


def train_service(months: Iterable[int]) -> Service:
    """Load the flights of some months and learn from them: all in one call."""
    return learn(load_examples(months))


# The same, as the cells of a notebook that someone runs by hand; `months` is set before.
TRAINING_CELLS = {
    "load": "from mlops_school.features import FEATURES, load_examples\n"
    "train = load_examples(months)",
    "fit": "from mlops_school.training import make_boosting\n"
    "model = make_boosting(seed=0).fit(train[FEATURES], train['late'])",
    "predict": "probability = model.predict_proba(train[FEATURES])[:, 1]",
    "threshold": "from mlops_school.evaluation import cost_curve\n"
    "threshold = cost_curve(train['late'], probability).idxmin()",
    "assemble": "from mlops_school.mlops_loop import Service\nservice = Service(model, threshold)",
}


def version_of(examples: pd.DataFrame) -> str:
    """Return 12 hexadecimal digits that stand for the content of a table.

    Equal tables have equal versions; another value, row, column or order gives another.
    """
    digest = hashlib.sha256(repr(list(examples.columns)).encode())
    digest.update(pd.util.hash_pandas_object(examples, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:12]


# ---- release


class SimulatedServer:
    """Stands in, in the notebook's own process, for a server.

    It answers with the service that lay in its folder when it was last started.

    Parameters
    ----------
    folder : Path
        Where the files of the service are.

    Raises
    ------
    CourseError
        If there is no service in the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.restart()

    def restart(self) -> None:
        """Read the files again."""
        try:
            model = skops.io.load(_model_file(self.folder), trusted=TRUSTED_TYPES)
            threshold = json.loads(_threshold_file(self.folder).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise CourseError(
                f"The server finds no {Path(error.filename).name} in its folder. "
                "Save a service there first."
            ) from None
        self.service = Service(model, threshold)

    def warn(self, flights: pd.DataFrame) -> np.ndarray:
        """Return of which flights to warn."""
        return self.service.warn(flights)


def release_steps(service: Service, folder: Path) -> dict[str, Callable[[], None]]:
    """Return what someone does, in this order, who puts a service into a server's folder."""
    return {
        "copy the model": lambda: skops.io.dump(service.model, _model_file(folder)),
        "edit the threshold": lambda: _write_threshold(service, folder),
    }


def start_server(service: Service, folder: Path) -> SimulatedServer:
    """Return a new server that answers with this service."""
    folder.mkdir(exist_ok=True)
    for step in release_steps(service, folder).values():
        step()
    return SimulatedServer(folder)


def release_by_hand(service: Service, server: SimulatedServer, forget: str = "") -> list[str]:
    """Put a service on a server step by step, forgetting one, and return the steps.

    Nothing is checked: whether the server now answers as it should is for someone to find out.
    """
    steps = release_steps(service, server.folder) | {"restart the server": server.restart}
    for name, step in steps.items():
        if name != forget:
            step()
    return list(steps)


def percent_wrong(server: SimulatedServer, service: Service, flights: pd.DataFrame) -> float:
    """Return for how many percent of the flights a server answers otherwise than a service."""
    return 100 * float((server.warn(flights) != service.warn(flights)).mean())


def deploy(service: Service, server: SimulatedServer, flights: pd.DataFrame) -> None:
    """Put a service on a server, and make sure that it answers as it was tested.

    Parameters
    ----------
    service : Service
        The new one.
    server : SimulatedServer
        Whose service it replaces.
    flights : DataFrame
        What the server is asked about, to compare its answers with those of `service`.

    Raises
    ------
    CourseError
        If the answers differ. The server then answers with the service that it had before.
    """
    before = server.service
    release_by_hand(service, server)
    if percent_wrong(server, service, flights):
        release_by_hand(before, server)
        raise CourseError(
            "The server does not answer as the new service was tested, so the old one is back. "
            "Find out what differs, then deploy again."
        )


def _model_file(folder: Path) -> Path:
    return folder / "model.skops"


def _threshold_file(folder: Path) -> Path:
    return folder / "threshold.json"


def _write_threshold(service: Service, folder: Path) -> None:
    _threshold_file(folder).write_text(json.dumps(service.threshold), encoding="utf-8")


# ---- answer


def warn_in_chunks(service: Service, chunks: Iterable[pd.DataFrame]) -> tuple[np.ndarray, int]:
    """Return the warnings for tables that come one after the other, and the rows of the longest.

    Only one table is held at a time if `chunks` makes them as they are needed.
    """
    warned, peak = [], 0
    for chunk in chunks:
        warned.append(service.warn(chunk))
        peak = max(peak, len(chunk))
    return np.concatenate(warned), peak


def check_request(flights: pd.DataFrame) -> None:
    """Refuse flights that cannot be.

    A value that is not known may be missing; a value that is impossible may not be there.

    Raises
    ------
    CourseError
        Saying what is wrong with them.
    """
    if absent := [name for name in FEATURES if name not in flights]:
        raise CourseError(f"Refused: the column {absent[0]!r} is missing.")
    if unknown := sorted(set(flights["origin"].dropna()) - ORIGINS):
        raise CourseError(f"Refused: {unknown[0]!r} is no airport of New York.")
    for name, most in {"minute_of_day": MINUTES_OF_A_DAY - 1, "distance": 6000}.items():
        if not (values := flights[name].dropna()).between(0, most).all():
            worst = values[~values.between(0, most)].iloc[0]
            raise CourseError(f"Refused: {name} is {worst:g}, not between 0 and {most}.")


class GuardedService:
    """A service that refuses impossible input, and keeps to the last model that was good.

    Parameters
    ----------
    service : Service
        The first one, known to be good.
    """

    def __init__(self, service: Service) -> None:
        self.last_good = service

    def warn(self, flights: pd.DataFrame) -> np.ndarray:
        """Return of which flights to warn.

        Raises
        ------
        CourseError
            If a flight cannot be.
        """
        check_request(flights)
        return self.last_good.warn(flights)

    def offer(self, candidate: Service, recent: pd.DataFrame) -> str:
        """Try a new service on recent flights, take it if it is good, and say what was decided.

        It is good if it answers, and meets requirement R3 on flights that it did not learn from.
        """
        try:
            roc_auc = candidate.measure(recent)["roc_auc"]
        except Exception as error:  # whatever it is, the last good one still answers
            return f"refused, it fails with {type(error).__name__}"
        if roc_auc < MINIMUM_ROC_AUC:
            return f"refused, ROC AUC {roc_auc:.2f}"
        self.last_good = candidate
        return f"taken, ROC AUC {roc_auc:.2f}"


# ---- watch


def watch(service: Service, months: Iterable[int]) -> pd.DataFrame:
    """Measure a service month by month.

    Returns
    -------
    DataFrame
        A row a month: ``expected`` and ``late``, in percent of the flights, and their ``gap``;
        ``roc_auc``; ``dollars`` per flight; ``simple``, the cost of the cheaper of never and always
        warning; and ``broken``, which of the requirements R2 and R3 are, as text.
    """
    rows = {}
    for month in months:
        examples = load_examples([month])
        probability = service.probability(examples)
        late = examples[TARGET].mean()
        metrics = measure(examples[TARGET], probability, service.threshold)
        dollars, simple = metrics["cost_per_flight"], min(without_model(examples[TARGET]).values())
        broken = {"R2": dollars >= simple, "R3": metrics["roc_auc"] < MINIMUM_ROC_AUC}
        rows[MONTH_NAMES[month - 1]] = {
            "expected": 100 * probability.mean(),
            "late": 100 * late,
            "gap": 100 * (probability.mean() - late),
            "roc_auc": metrics["roc_auc"],
            "dollars": dollars,
            "simple": simple,
            "broken": " ".join(name for name in broken if broken[name]),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


# ---- the picture

# The benefit that shows most at each step of the loop.
STEPS = {
    "Data": "reproducibility",
    "Train": "automation",
    "Check": "reliability",
    "Release": "faster deployment",
    "Answer": "scalability",
    "Watch": "monitoring",
}


def draw_loop() -> Figure:
    """Return a picture of the loop: its steps on a ring, with their benefits."""
    figure, axes = plots.plt.subplots(figsize=(8, 4.6))
    angles = np.pi / 2 - 2 * np.pi * np.arange(len(STEPS)) / len(STEPS)
    places = np.column_stack([2.5 * np.cos(angles), np.sin(angles)])
    box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": plots.BLUE}
    words = [
        axes.text(*place, f"{name}\n{benefit}", ha="center", va="center", bbox=box)
        for place, (name, benefit) in zip(places, STEPS.items(), strict=True)
    ]
    for number, start in enumerate(words):
        end = words[(number + 1) % len(words)]
        back = end is words[0]  # what makes it a loop
        arrow = {
            "arrowstyle": "-|>",
            "linewidth": 2,
            "linestyle": "--" if back else "-",
            "color": plots.RED if back else plots.BLUE,
            "patchA": start.get_bbox_patch(),
            "patchB": end.get_bbox_patch(),
            "shrinkA": 4,
            "shrinkB": 4,
            "connectionstyle": "arc3,rad=-0.12",
        }
        axes.annotate("", end.get_position(), start.get_position(), arrowprops=arrow)
    axes.text(-1.6, 0.98, "an alert", ha="center", color=plots.RED)
    axes.text(0, 0, "code, data and model\neach have a version", ha="center", va="center")
    axes.set(xlim=(-3.4, 3.4), ylim=(-1.4, 1.4))
    axes.axis("off")
    return figure
