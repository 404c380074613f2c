"""Pictures of how data flow, and of which delivery is in which version."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from mlops_school import plots
from mlops_school.etl import Record

_STATIONS = (
    ("bureau", "a CSV file\nevery month", plots.GREY),
    ("raw", "deliveries, kept\nas they came", plots.ORANGE),
    ("flights", "Parquet, and a record\nof where it is from", plots.SKY),
    ("versions", "v1, v2, … to\ncome back to", plots.GREEN),
)
_STEPS = ("arrival", "extract,\ntransform, load", "Git and DVC")


def flow() -> Figure:
    """Draw the way of a month from the bureau to a version."""
    figure, axes = plt.subplots(figsize=(8, 1.9))
    for place, (name, text, colour) in enumerate(_STATIONS):
        axes.add_patch(
            plt.Rectangle((3 * place, 0), 2, 1.6, facecolor=colour, alpha=0.35, edgecolor="black")
        )
        axes.text(3 * place + 1, 1.25, name, ha="center", va="center", weight="bold")
        axes.text(3 * place + 1, 0.55, text, ha="center", va="center", fontsize=8)
    for place, step in enumerate(_STEPS):
        axes.annotate(
            "", (3 * place + 3, 0.7), (3 * place + 2, 0.7), arrowprops={"arrowstyle": "->"}
        )
        axes.text(3 * place + 2.5, 1.72, step, ha="center", va="bottom", fontsize=8)
    axes.set(xlim=(-0.1, 11.1), ylim=(-0.1, 2.5))
    axes.axis("off")
    return figure


def versions_grid(lineage: Mapping[str, Mapping[str, Record]]) -> Figure:
    """Draw which delivery of each month is in each version.

    Parameters
    ----------
    lineage : mapping of str to mapping of str to Record
        The records of the months, by version and month.
    """
    months = sorted({month for records in lineage.values() for month in records})
    figure, axes = plt.subplots(figsize=(8, 0.6 * len(lineage) + 1))
    for row, records in enumerate(lineage.values()):
        for column, month in enumerate(months):
            record = records.get(month)
            number = record.source.rpartition("_")[2].removesuffix(".csv") if record else ""
            first = number == "1"
            axes.add_patch(
                plt.Rectangle(
                    (column, row),
                    0.94,
                    0.88,
                    facecolor=(plots.SKY if first else plots.ORANGE) if record else "white",
                    edgecolor=plots.GREY,
                    hatch="" if first or not record else "//",
                    alpha=0.6 if record else 1,
                )
            )
            words = f"delivery {number}" if record else "not yet"
            axes.text(column + 0.47, row + 0.44, words, ha="center", va="center", fontsize=9)
    axes.set(xlim=(0, len(months)), ylim=(len(lineage), 0))
    axes.set_title("What is in which version (hatched: delivered again)")
    axes.set_xticks([column + 0.47 for column in range(len(months))], months)
    axes.set_yticks([row + 0.44 for row in range(len(lineage))], list(lineage))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def describe_versions(lineage: Mapping[str, Mapping[str, Record]]) -> str:
    """Say in words what :func:`versions_grid` shows."""
    return " ".join(
        f"{version}: {', '.join(record.source for record in records.values())}."
        for version, records in lineage.items()
    )
