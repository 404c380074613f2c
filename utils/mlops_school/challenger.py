"""From an alarm to a release, or to none: ``python -m mlops_school.challenger MONTH``.

On the first day of a month somebody asks whether to train again. If so, the new release is the
challenger for that month: it answers as a shadow beside the champion, for the same flights. When
the month is over, it follows the champion if it has proven that it is cheaper. Each step can be a
task of its own in an orchestrator; what they share stands in the registry.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mlops_school import champion, registry, replay, retraining, rollback
from mlops_school.errors import CourseError
from mlops_school.gates import Interval
from mlops_school.model_package import ModelPackage
from mlops_school.packing import pack
from mlops_school.retraining import Drift, Known, Performance

TRIGGERS = (Drift(), Performance())


def reasons(month: int) -> list[str]:
    """Return which triggers ask for a training on the first day of a month; none if all is well.

    Raises
    ------
    CourseError
        If the champion has learned from the month before, so that nothing is known of it yet.
    """
    registry.connect()
    now = ModelPackage.load(registry.folder_of(registry.champion_version()))
    built = _first_month(now)
    if month <= built:
        raise CourseError(
            f"The champion serves from month {built} on, so on the first day of month {month} "
            f"nothing is known about it. Ask from month {built + 1} on."
        )
    served = [replay.said_by(now, earlier) for earlier in range(built, month)]
    known = Known(month, built, pd.concat(served, ignore_index=True))
    return [type(trigger).__name__ for trigger in TRIGGERS if trigger(known)]


def train(month: int) -> int:
    """Register the newest release that can be built before a month, as the challenger.

    Returns
    -------
    int
        Its version.
    """
    version = register(champion.built_before(month, retraining.WINDOW))
    registry.point(registry.CHALLENGER, version)
    return version


def register(package: ModelPackage) -> int:
    """Register a release, and return its version; the same one is registered once."""
    registry.connect()
    origin = " ".join(package.record[name] for name in ("data_version", "git_commit"))
    key = f"months {package.months} threshold {package.threshold} {origin}"
    with tempfile.TemporaryDirectory() as folder:
        return registry.add(pack(package, Path(folder) / "package"), key)


def compare(month: int) -> Interval:
    """Return by how many dollars per flight of a month the challenger is dearer than the champion.

    Raises
    ------
    CourseError
        If there is no challenger, or one of the two knows the month already.
    """
    registry.connect()
    answers = []
    for alias in (registry.CHALLENGER, registry.CHAMPION):
        if (version := registry.at(alias)) is None:
            raise CourseError(f"No version is the {alias}. Train one first.")
        package = ModelPackage.load(registry.folder_of(version))
        if month < _first_month(package):
            raise CourseError(
                f"Release {package.version}, the {alias}, has learned from month {month}, or its "
                "threshold has. It can be tried on later months only."
            )
        answers.append(replay.said_by(package, month))
    return retraining.difference(*answers)


def follows(month: int) -> bool:
    """Tell whether the challenger has proven in a month that it may follow the champion."""
    return retraining.is_cheaper(compare(month))


def promote() -> str:
    """Make the challenger the champion, let services take it, and return its release."""
    registry.connect()
    if (version := registry.at(registry.CHALLENGER)) is None:
        raise CourseError("No version is the challenger. Train one first.")
    registry.promote(version)
    return rollback.deploy()


def run(month: int) -> None:
    """Do all steps for a month, and print what each says.

    Raises
    ------
    CourseError
        If a step cannot be done. The champion stays.
    """
    found = reasons(month)
    print("asked for by:", ", ".join(found) or "nobody")
    if not found:
        return
    print("challenger:   version", train(month))
    dearer = compare(month)
    print(f"difference:   {dearer} dollars per flight")
    if retraining.is_cheaper(dearer):
        print("promoted:     release", promote())
    else:
        print("stopped:      it is not shown to be cheaper; the champion stays")


def _first_month(package: ModelPackage) -> int:
    """Return the first month of which a release knows nothing: its threshold has seen one more."""
    return max(package.months) + 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the steps for a month, and return the exit status."""
    parser = argparse.ArgumentParser(prog="challenger", description="Train again if need be.")
    months = range(retraining.START + 1, retraining.END + 1)
    parser.add_argument("month", type=int, choices=months, metavar="MONTH", help="from 7 to 12")
    try:
        run(parser.parse_args(arguments).month)
    except CourseError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
