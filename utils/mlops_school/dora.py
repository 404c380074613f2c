"""DORA's metrics of software delivery, from the history of a Git repository.

Each deployment is an annotated tag ``deployment/1``, ``deployment/2`` and so on: the commit says
what was deployed, the tag when and why. The definitions are DORA's
(https://dora.dev/guides/dora-metrics/), made precise as :func:`measure` says.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Literal, get_args

import matplotlib.pyplot as plt
from matplotlib import dates
from matplotlib.figure import Figure

from mlops_school import plots
from mlops_school.errors import CourseError
from mlops_school.repository import Repository

Kind = Literal["release", "hotfix", "rollback"]
KINDS: tuple[Kind, ...] = get_args(Kind)
REMEDIES = ("hotfix", "rollback")  # each says that the deployment before it had failed

_PREFIX = "deployment/"


@dataclass(frozen=True)
class Deployment:
    """One version put into production.

    Attributes
    ----------
    version : str
        What was deployed, such as ``1.0``.
    kind : str
        ``release`` was planned; ``hotfix`` repairs the deployment before it with a new version,
        ``rollback`` with an old one.
    time : datetime
        When it became live, in UTC.
    committed : tuple of datetime
        When each change was committed that went live with it for the first time; merges are not
        changes.
    failed : bool
        Whether the next deployment had to repair it.
    """

    version: str
    kind: Kind
    time: datetime
    committed: tuple[datetime, ...]
    failed: bool = False


@dataclass(frozen=True)
class Metrics:
    """The four metrics; one that nothing is known of is None.

    Attributes
    ----------
    deployments_per_week : float
        How often changes go live.
    lead_time : timedelta
        The median time from the commit of a change to its deployment.
    change_failure_rate : float
        The share of deployments that had to be repaired at once.
    time_to_restore : timedelta
        The median time from such a deployment to the one that repaired it.
    """

    deployments_per_week: float
    lead_time: timedelta | None
    change_failure_rate: float | None
    time_to_restore: timedelta | None


def record(
    repository: Repository, version: str, kind: Kind = "release", date: str | None = None
) -> None:
    """Write down in a repository that a version was deployed.

    Parameters
    ----------
    repository : Repository
        Where that version has the tag ``v`` and its number.
    version : str
        The version, such as ``1.0``.
    kind : str
        As for :class:`Deployment`.
    date : str, optional
        When, in UTC; by default now.

    Raises
    ------
    CourseError
        If there is no such version, or no such kind.
    """
    if kind not in KINDS:
        raise CourseError(f"A deployment is a {', '.join(KINDS)}; {kind!r} is none of them.")
    commit = repository.resolve(f"v{version}")
    number = len(_tags(repository)) + 1
    message = ["--annotate", "--message", f"{kind} {version}"]
    repository.git("tag", *message, f"{_PREFIX}{number}", commit, date=date)


def history(repository: Repository) -> list[Deployment]:
    """Return all deployments of a repository, in the order in which they were recorded."""
    deployments: list[Deployment] = []
    live_once: set[str] = set()
    for tag in _tags(repository):
        seconds, _, message = repository.git(
            "for-each-ref", "--format=%(taggerdate:unix) %(subject)", f"refs/tags/{tag}"
        ).partition(" ")
        kind, _, version = message.partition(" ")
        if kind in REMEDIES and deployments:
            deployments[-1] = replace(deployments[-1], failed=True)
        commits = repository.log(tag)
        changes = [c for c in commits if c.id not in live_once and len(c.parents) < 2]
        live_once.update(c.id for c in commits)
        time = datetime.fromtimestamp(int(seconds), UTC)
        deployments.append(Deployment(version, kind, time, tuple(c.date for c in changes)))
    return deployments


def measure(deployments: list[Deployment], weeks: float) -> Metrics:
    """Compute the four metrics.

    A rollback brings no change, so it is no deployment that could fail or that had a lead time: it
    only restores. A version that its health check refused was never deployed.

    Parameters
    ----------
    deployments : list of Deployment
        In the order of time.
    weeks : float
        How long the period is in which they happened.
    """
    changes = [one for one in deployments if one.kind != "rollback"]
    lead_times = [one.time - committed for one in changes for committed in one.committed]
    repairs = [after.time - before.time for before, after in pairwise(deployments) if before.failed]
    return Metrics(
        deployments_per_week=len(changes) / weeks,
        lead_time=median(lead_times) if lead_times else None,
        change_failure_rate=sum(c.failed for c in changes) / len(changes) if changes else None,
        time_to_restore=median(repairs) if repairs else None,
    )


def timeline(deployments: list[Deployment]) -> Figure:
    """Draw when changes were committed, and when they went live."""
    figure, axes = plt.subplots(figsize=(8, 3))
    for one in deployments:
        for committed in one.committed:
            axes.plot([committed, one.time], [0, 1], color=plots.GREY, zorder=1)
    committed = [moment for one in deployments for moment in one.committed]
    axes.scatter(committed, [0] * len(committed), color=plots.BLUE, zorder=2, label="commit")
    changes = [one for one in deployments if one.kind != "rollback"]
    looks = {
        "deployed": ("o", plots.GREEN, [d for d in changes if not d.failed]),
        "had to be repaired": ("X", plots.RED, [d for d in changes if d.failed]),
        "rollback": ("<", plots.BLACK, [d for d in deployments if d.kind == "rollback"]),
    }
    for label, (marker, colour, chosen) in looks.items():
        times = [one.time for one in chosen]
        axes.scatter(times, [1] * len(times), 90, colour, marker=marker, zorder=3, label=label)
    for one in deployments:
        axes.annotate(one.version, (one.time, 1), (0, 10), textcoords="offset points", ha="center")
    axes.set(yticks=[0, 1], yticklabels=["committed", "live"], ylim=(-0.4, 1.5))
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(axes.xaxis.get_major_locator()))
    axes.set_title("From commit to production")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=4)
    return figure


def _tags(repository: Repository) -> list[str]:
    tags = repository.git("tag", "--list", f"{_PREFIX}*").split()
    return sorted(tags, key=lambda tag: int(tag.removeprefix(_PREFIX)))
