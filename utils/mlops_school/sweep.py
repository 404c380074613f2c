"""Many policies at once, on all cores or on a cluster."""

from collections.abc import Sequence

import joblib
import numpy as np
import pandas as pd

from mlops_school import production_year as year
from mlops_school.policies import WINDOWS, Policy
from mlops_school.production_year import Year

TUNED_UNTIL = 8  # policies are chosen by March to August, and judged by the months after
TOGETHER = 25  # policies in one task: a task of milliseconds is not worth its message


def random_policies(count: int, seed: int = 0) -> list[Policy]:
    """Draw policies, each of them possible."""
    rng = np.random.default_rng(seed)

    def some(*values: object) -> object:
        return values[rng.integers(len(values))]

    limits = {
        "never": (1,),
        "schedule": (1, 2, 3, 4),
        "drift": (0.03, 0.05, 0.08, 0.10, 0.15),
        "performance": (0.7, 0.8, 0.9, 1.0),
    }
    drawn = []
    for number in range(1, count + 1):
        trigger = some("never", "schedule", "schedule", "drift", "drift", "performance")
        drawn.append(
            Policy(
                name=f"policy {number}",
                trigger=trigger,
                limit=some(*limits[trigger]),
                evidence=some(1, 2, 3),
                window=some(*WINDOWS),
                data_gate=some(True, False),
                model_gate=some(None, 0.0, 0.1, 0.3),
                canary_share=some(None, 0.02, 0.1, 0.3),
                canary_days=some(1, 2, 5),
                alert_days=some(None, 1, 3, 5),
                alert_margin=some(0.15, 0.25, 0.35),
            ).check()
        )
    return drawn


def sweep(policies: Sequence[Policy], seed: int = 0) -> list[Year]:
    """Replay a year under each policy, in parallel.

    Where it runs is for the caller to say, by :func:`joblib.parallel_config`: on this computer's
    cores, or, unchanged, on a cluster of Dask or Ray.

    Parameters
    ----------
    policies : sequence of Policy
        To be replayed.
    seed : int
        Of the faults, the same for all.

    Raises
    ------
    CourseError
        If a policy cannot be followed.
    """
    parts = [policies[begin : begin + TOGETHER] for begin in range(0, len(policies), TOGETHER)]
    done = joblib.Parallel()(joblib.delayed(_replay)(part, seed) for part in parts)
    return [one for part in done for one in part]


def _replay(policies: Sequence[Policy], seed: int) -> list[Year]:
    return [year.replay(policy, seed) for policy in policies]


def parts(done: Year) -> tuple[Year, Year]:
    """Return the months by which a policy is chosen, and those by which it is judged."""
    return done.part(year.FIRST, TUNED_UNTIL), done.part(TUNED_UNTIL + 1, year.LAST)


def table(policies: Sequence[Policy], years: Sequence[Year]) -> pd.DataFrame:
    """Return a row for each policy, by its name.

    Returns
    -------
    DataFrame
        The fields of the policies; ``mistakes``, ``compute``, ``incidents`` and ``total`` of the
        year; the totals of its two :func:`parts`, ``tuned`` and ``judged``; and of December, the
        release at its end and the dollars of its mistakes, by flight.
    """
    rows = [
        {
            **policy.as_dict(),
            "mistakes": done.mistakes,
            "compute": done.compute,
            "incidents": done.incidents,
            "total": done.total,
            "tuned": parts(done)[0].total,
            "judged": parts(done)[1].total,
            "December's release": done.months[-1].release,
            "December's $ a flight": round(done.months[-1].mistakes / done.months[-1].flights, 2),
        }
        for policy, done in zip(policies, years, strict=True)
    ]
    found = pd.DataFrame(rows).set_index("name")
    # Left alone, pandas makes 3.0 of 3 where others are None.
    return found.assign(window=pd.Series([one.window for one in policies], found.index, object))
