"""How Kubernetes decides how many replicas a service gets, and a simulation of it over a day.

The rules are those of the page "Horizontal Pod Autoscaling" of the Kubernetes documentation
(kubernetes.io, autoscaling/v2), with its default settings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

STEP = 15  # seconds from one decision to the next
TOLERANCE = 0.1  # how far from the target nothing is done


def desired(
    current: int,
    metrics: Sequence[float | None],
    target: float,
    unready: int = 0,
    tolerance: float = TOLERANCE,
) -> int:
    """Return how many replicas a metric asks for.

    Parameters
    ----------
    current : int
        How many there are.
    metrics : sequence of float or None
        The metric of each replica that is ready; None where it is missing.
    target : float
        What it is to be on average.
    unready : int
        How many replicas have not become ready yet.
    tolerance : float
        How far the ratio of metric and target may be from 1 without any action.
    """
    known = [value for value in metrics if value is not None]
    if not known:
        return current
    ratio = sum(known) / len(known) / target
    if ratio == 1:
        return current
    missing = len(metrics) - len(known)
    # Cautious both ways: whoever is not heard of needs all that it may have before replicas are
    # taken away, and nothing before some are added.
    assumed = [target if ratio < 1 else 0.0] * missing + [0.0] * (unready if ratio > 1 else 0)
    counted = known + assumed
    cautious = sum(counted) / len(counted) / target
    if abs(cautious - 1) <= tolerance or (cautious > 1) != (ratio > 1):
        return current
    # Rounded first: 3 * (100 / 100) must not become 4 for an error in the last digit.
    wanted = ceil(round(cautious * len(counted), 9))
    return max(wanted, current) if ratio > 1 else min(wanted, current)


@dataclass(frozen=True)
class Policy:
    """By how much the number of replicas may change in some seconds.

    Attributes
    ----------
    kind : str
        ``Pods`` or ``Percent``.
    value : int
        So many, or so many percent of those at the beginning of the period.
    seconds : int
        The period.
    """

    kind: str
    value: int
    seconds: int = STEP

    def most(self, replicas: int) -> int:
        """Return how many there may be at the end of a period that began with `replicas`."""
        if self.kind == "Pods":
            return replicas + self.value
        return ceil(replicas * (100 + self.value) / 100)

    def least(self, replicas: int) -> int:
        """Return how many there must be left; what is taken away is rounded up."""
        if self.kind == "Pods":
            return replicas - self.value
        return replicas * (100 - self.value) // 100


@dataclass(frozen=True)
class Autoscaler:
    """A HorizontalPodAutoscaler: the fields of its manifest that matter here.

    Attributes
    ----------
    target : float
        Requests a second for each replica.
    minimum, maximum : int
        Bounds for the number of replicas.
    stabilization : int
        Seconds. It scales down only to the highest number asked for within them.
    up, down : tuple of Policy
        Of several, the one that allows most counts.
    """

    target: float
    minimum: int = 2
    maximum: int = 20
    stabilization: int = 300
    up: tuple[Policy, ...] = (Policy("Percent", 100), Policy("Pods", 4))
    down: tuple[Policy, ...] = (Policy("Percent", 100),)

    def decide(self, wanted: Sequence[int], replicas: Sequence[int]) -> int:
        """Return the next number of replicas.

        Parameters
        ----------
        wanted : sequence of int
            What :func:`desired` said at each step so far; the last one is now.
        replicas : sequence of int
            How many there were at each of these steps; the last one is now.
        """
        now = replicas[-1]
        window = 1 + self.stabilization // STEP
        goal = wanted[-1] if wanted[-1] > now else min(now, max(wanted[-window:]))
        if goal > now:
            goal = min(goal, max(one.most(_before(replicas, one)) for one in self.up))
        elif goal < now:
            goal = max(goal, min(one.least(_before(replicas, one)) for one in self.down))
        return min(max(goal, self.minimum), self.maximum)


def simulate(
    load: ArrayLike, scaler: Autoscaler, capacity: float, start_seconds: int = 30
) -> pd.DataFrame:
    """Follow an autoscaler through some hours.

    Parameters
    ----------
    load : array-like of float, shape (n_steps,)
        Requests a second, every ``STEP`` seconds.
    scaler : Autoscaler
        Who decides.
    capacity : float
        Requests a second that one replica can answer.
    start_seconds : int
        From the decision until a new replica is ready.

    Returns
    -------
    DataFrame of shape (n_steps, 3)
        The ``load``, the ``replicas``, and whether those that were ready were ``overloaded``.
    """
    load = np.asarray(load, dtype=float)
    # One that is never below its target would change nothing at the beginning.
    first = max(scaler.minimum, ceil(load[0] / scaler.target))
    replicas, wanted, rows = [first], [], []
    for requests in load:
        now = replicas[-1]
        ready = min([now, *replicas[-1 - ceil(start_seconds / STEP) :]])
        rows.append((requests, now, requests > capacity * ready))
        # A replica that cannot keep up shows its capacity, no more, however long its queue is.
        metric = min(requests / ready, capacity)
        wanted.append(desired(now, [metric] * ready, scaler.target, unready=now - ready))
        replicas.append(scaler.decide(wanted, replicas))
    return pd.DataFrame(rows, columns=["load", "replicas", "overloaded"])


def questions(departures: ArrayLike, each: float, minutes: int = 30) -> np.ndarray:
    """Return the requests a second if passengers ask in the last minutes before departure.

    Parameters
    ----------
    departures : array-like of int
        Minutes since midnight, one for each flight of a day.
    each : float
        Questions about each flight, spread evenly over these minutes.
    minutes : int
        How many minutes.

    Returns
    -------
    ndarray of shape (24 * 3600 / STEP,)
        Every ``STEP`` seconds.
    """
    flights = np.bincount(np.asarray(departures, dtype=int), minlength=24 * 60)[: 24 * 60]
    waiting = [flights[minute + 1 : minute + 1 + minutes].sum() for minute in range(24 * 60)]
    return np.repeat(np.array(waiting) * each / (60 * minutes), 60 // STEP)


def _before(replicas: Sequence[int], policy: Policy) -> int:
    """Return how many replicas there were when the policy's period began."""
    steps = max(policy.seconds // STEP, 1)
    return replicas[-steps:][0]
