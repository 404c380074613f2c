"""The pipeline that delivers a model: ``python -m mlops_school.model_pipeline STAGE``.

It reads ``model.toml`` in the current folder. Each stage reads what those before it have written
into a folder of the workspace, and adds its own, so that each can be a job of its own in a CI
service. If a stage is stopped, its exit status is 1, and what it prints says why.

MLflow takes a second to import, so it is imported by the stages that need the registry.
"""

import argparse
import hashlib
import json
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from mlops_school import champion, data, files, gates
from mlops_school.errors import CourseError
from mlops_school.features import LATE_FROM, make_features
from mlops_school.model_package import ModelPackage
from mlops_school.origin import provenance
from mlops_school.paths import workspace
from mlops_school.training import make_boosting

FILE = "model.toml"
RUNS = Path("11-delivery", "runs")
# Columns of a flight that nobody knows two hours before it leaves.
_TOO_LATE = ["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"]


@dataclass(frozen=True)
class Plan:
    """What is to be trained, as ``model.toml`` says.

    Attributes
    ----------
    release : str
        The name of the release that this is to become.
    months : tuple of int
        Months of 2013 to learn from; the threshold is chosen on the month after them.
    seed : int
        Fixes everything that is random.
    settings : dict
        Of :func:`~mlops_school.training.make_boosting`.
    """

    release: str
    months: tuple[int, ...]
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        last = min(gates.MONTHS) - 2
        months = self.months if isinstance(self.months, Collection) else ()
        if not months or not set(months) <= set(range(1, last + 1)):
            raise CourseError(
                f"A plan may learn from the months 1 to {last}: the month after them chooses the "
                "threshold, and later ones judge."
            )

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read a plan from a file.

        Raises
        ------
        CourseError
            If there is no such file, or it is no plan.
        """
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
            return cls(**content | {"months": tuple(content["months"])})
        except FileNotFoundError:
            raise CourseError(
                f"There is no {file.name} here. Start the stage in the folder that has one."
            ) from None
        except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
            raise CourseError(f"{file.name} is no plan of a model ({error}).") from None

    @cached_property  # a commit made while a plan is at work does not make it another one
    def key(self) -> str:
        """A fingerprint of the plan, the data and the code: what is equal here makes one model.

        What was changed in the code and not committed does not count; in CI, there is nothing such.
        """
        origin = provenance(self.months)
        origin["git_commit"] = origin["git_commit"].removesuffix("-dirty")
        text = json.dumps([asdict(self), origin], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def folder(self) -> Path:
        """Where the stages leave their files."""
        return workspace() / RUNS / self.key


def test(plan: Plan) -> str:
    """Test the code and the data that will make the model, on little."""
    flights = data.load_flights(plan.months[:1])
    weather, planes = data.load_weather(), data.load_planes()
    known = make_features(flights, weather, planes)
    blinded = make_features(flights.assign(**dict.fromkeys(_TOO_LATE, np.nan)), weather, planes)
    if not known.equals(blinded):
        raise CourseError("R1: a feature uses what is not known two hours before departure.")
    few = known.head(2000)
    late = flights["arr_delay"].head(2000) >= LATE_FROM
    once, twice = (
        make_boosting(seed=plan.seed, **plan.settings).fit(few, late).predict_proba(few)
        for _ in range(2)
    )
    if not np.array_equal(once, twice):
        raise CourseError("R4: trained twice from the same, the model gives two answers.")
    return "R1 no feature knows the future; R4 training twice gives the same"


def train(plan: Plan) -> str:
    """Train the model, unless that was done already."""
    place = plan.folder / "trained"
    try:
        record = ModelPackage.load(place).record
    except CourseError:
        record = {}
    if provenance(plan.months).items() <= record.items():
        return "trained before, from the same data, code and settings: kept"
    champion.train(plan.release, plan.months, plan.seed, **plan.settings).write(place)
    return f"release {plan.release}, trained on months {', '.join(map(str, plan.months))}"


def validate(plan: Plan) -> str:
    """Put the model through the gates, against the champion on the same flights."""
    from mlops_school import model_card, registry

    candidate = _trained(plan)
    registry.connect()
    version = registry.champion_version()
    if registry.key_of(version) == plan.key:
        return "it is the champion: there is nothing to compare it with"
    now = ModelPackage.load(registry.folder_of(version))
    report = model_card.report(gates.load_trial(), candidate, now)
    with files.replacing(plan.folder / "report.json") as part:
        part.write_text(json.dumps(report, indent=2), encoding="utf-8")
    _refuse_unless_passed(report)
    return "\n".join(report["verdicts"])


def package(plan: Plan) -> str:
    """Make one folder of the model, its signature, its card and the fingerprint of its bytes."""
    from mlops_school import model_card
    from mlops_school.packing import CARD, pack

    candidate, report = _trained(plan), _report(plan)
    _refuse_unless_passed(report)
    card, place = model_card.write(candidate, report), plan.folder / "package"
    if (place / CARD).exists() and (place / CARD).read_text(encoding="utf-8") == card:
        return "packed before: kept"
    pack(candidate, place, card)
    return "model, signature, model card and SHA-256 in one folder"


def register(plan: Plan) -> str:
    """Add the package to the registry, unless it is there, and call it the challenger."""
    from mlops_school import registry

    _refuse_unless_passed(_report(plan))
    registry.connect()
    version = registry.add(plan.folder / "package", plan.key)
    registry.point(registry.CHALLENGER, version)
    return f"version {version} is the challenger"


def promote(plan: Plan) -> str:
    """Make the challenger the champion, if it is what was registered."""
    from mlops_school import registry

    registry.connect()
    version = registry.at(registry.CHALLENGER)
    if version is None or registry.key_of(version) != plan.key:
        raise CourseError("This model is not the challenger. Run the stage `register` first.")
    if registry.promote(version):
        return f"version {version} is the champion"
    return f"version {version} has been the champion before: nothing to do"


STAGES: dict[str, Callable[[Plan], str]] = {
    stage.__name__: stage for stage in (test, train, validate, package, register, promote)
}


def run(plan: Plan) -> None:
    """Run all stages in order, and print what each says.

    Raises
    ------
    CourseError
        If one is stopped.
    """
    for name, stage in STAGES.items():
        lines = stage(plan).splitlines()
        print(f"{name:9} {lines[0]}", *(f"{'':9} {line}" for line in lines[1:]), sep="\n")


def _trained(plan: Plan) -> ModelPackage:
    try:
        return ModelPackage.load(plan.folder / "trained")
    except CourseError:
        raise CourseError("There is no trained model. Run the stage `train` first.") from None


def _report(plan: Plan) -> dict[str, Any]:
    try:
        return json.loads((plan.folder / "report.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CourseError("Nobody has validated it. Run the stage `validate` first.") from None


def _refuse_unless_passed(report: Mapping[str, Any]) -> None:
    if not report["passed"]:
        lines = "\n".join(report["verdicts"])
        raise CourseError(f"A gate stops this model, and the champion stays.\n{lines}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one stage, and return its exit status."""
    parser = argparse.ArgumentParser(prog="model_pipeline", description="Deliver a model.")
    parser.add_argument("stage", choices=STAGES)
    stage = STAGES[parser.parse_args(arguments).stage]
    try:
        print(stage(Plan.read(Path(FILE))))
    except CourseError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
