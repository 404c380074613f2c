"""A picture of which files make up each version of a table."""

from collections.abc import Mapping, Set

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from mlops_school import plots


def files_grid(versions: Mapping[str, Set[str]]) -> Figure:
    """Draw which files belong to each version; the first time that a file appears is hatched.

    Parameters
    ----------
    versions : mapping of str to set of str
        The names of the files, by the name of the version, in order. A name begins with the
        folder that its file is in; files are sorted by it and by their first version.
    """
    files = _in_order(versions)
    figure, axes = plt.subplots(figsize=(8, 0.34 * len(files) + 1.3))
    for column, present in enumerate(versions.values()):
        before = set().union(*list(versions.values())[:column])
        for row, name in enumerate(files):
            if name in present:
                first = name not in before
                axes.add_patch(
                    plt.Rectangle(
                        (column, row),
                        0.94,
                        0.84,
                        facecolor=plots.ORANGE if first else plots.SKY,
                        edgecolor=plots.GREY,
                        hatch="//" if first else "",
                        alpha=0.6,
                    )
                )
                if first:
                    axes.text(
                        column + 0.47, row + 0.42, "new", ha="center", va="center", fontsize=9
                    )
    axes.set(xlim=(0, len(versions)), ylim=(len(files), 0))
    axes.set_title("Which files are in which version (hatched: written for it)")
    axes.set_xticks([column + 0.47 for column in range(len(versions))], list(versions), fontsize=8)
    axes.set_yticks([row + 0.42 for row in range(len(files))], _labels(files), fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def describe_files(versions: Mapping[str, Set[str]]) -> str:
    """Say in words what :func:`files_grid` shows."""
    files = _in_order(versions)
    labels = dict(zip(files, _labels(files), strict=True))
    sentences = []
    for version, names in versions.items():
        present = ", ".join(labels[name] for name in files if name in names)
        sentences.append(f"{' '.join(version.split())}: {present}.")
    return " ".join(sentences)


def _in_order(versions: Mapping[str, Set[str]]) -> list[str]:
    """Return all files by folder and by the version in which they appear first."""
    first: dict[str, int] = {}
    for place, names in enumerate(versions.values()):
        for name in names:
            first.setdefault(name, place)
    return sorted(first, key=lambda name: (name.rpartition("/")[0], first[name], name))


def _labels(files: list[str]) -> list[str]:
    """Return short names: the folder of each file, and a letter."""
    folders = [name.rpartition("/")[0] for name in files]
    return [
        f"{folder} {chr(ord('a') + folders[:place].count(folder))}"
        for place, folder in enumerate(folders)
    ]
