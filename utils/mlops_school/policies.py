"""How a service is operated: a policy, and what is wrong with one that cannot be followed."""

from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Any, Self

import numpy as np

from mlops_school.errors import CourseError

WINDOWS = (1, 2, 3, 6, None)  # the months to learn from that a policy may choose; None is all

# What each trigger compares with `limit`, and which limits make sense.
TRIGGERS = {
    "never": ("nothing", None, None),
    "schedule": ("months since the last build", 1, 9),
    "drift": ("difference between the share of late flights and what was expected", 0, 1),
    "performance": ("dollars of mistakes, as a part of the cheaper service without a model", 0, 2),
}


@dataclass(frozen=True)
class Policy:
    """What is done in the year, decided before it begins.

    Attributes
    ----------
    name : str
        What to call it.
    trigger : str
        When a new release is built, on the first of a month: ``never`` (but the first one),
        ``schedule``, ``drift`` or ``performance``.
    limit : float
        Of the trigger: ``schedule`` builds every so many months; ``drift`` if the share of late
        flights differs by more than this from what the release expected; ``performance`` if its
        mistakes cost more than this part of what the cheaper service without a model costs (1: as
        much). Without a meaning for ``never``.
    evidence : int
        How many finished months ``drift`` and ``performance`` look at, 1 to 6.
    window : int or None
        How many months a release learns from: 1, 2, 3 or 6 at most; None: all.
    data_gate : bool
        Whether a month that breaks the rules of its data is refused before anyone uses it.
    model_gate : float or None
        A release is stopped if it is dearer, by more dollars a flight than this, than the one in
        service in the last finished month. None: no gate.
    canary_share : float or None
        The share of flights that a release gets first, above 0 and below 1. None: all at once.
    canary_days : int
        How long, 1 to 14.
    alert_days : int or None
        Whoever is on call is told, and the service goes back to the release before, after so many
        days in a row, 1 to 14, on which a new release warns otherwise than expected. None: nobody
        is on call.
    alert_margin : float
        How much otherwise: a difference in the share of flights that are warned of, above 0 and
        below 1. For canaries, too.
    """

    name: str = "mine"
    trigger: str = "schedule"
    limit: float = 1
    evidence: int = 1
    window: int | None = 2
    data_gate: bool = True
    model_gate: float | None = 0.10
    canary_share: float | None = 0.1
    canary_days: int = 2
    alert_days: int | None = 3
    alert_margin: float = 0.25

    def __post_init__(self) -> None:
        """Take numbers out of NumPy, such as those of a table, as Python's own."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.generic):
                object.__setattr__(self, field.name, value.item())

    def check(self) -> Self:
        """Return the policy itself, if it can be followed.

        Raises
        ------
        CourseError
            If not, with the reason.
        """
        for reason in _problems(self):
            raise CourseError(f"The policy {self.name!r} cannot be followed: {reason}")
        return self

    def as_dict(self) -> dict[str, Any]:
        """Return what :meth:`from_dict` takes."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Any) -> Self:
        """Return the policy of a score card.

        Raises
        ------
        CourseError
            If fields are missing, unknown or cannot be.
        """
        names = {field.name for field in fields(cls)}
        if not isinstance(content, dict) or set(content) != names:
            raise CourseError(f"A policy has these fields, and no others: {', '.join(names)}.")
        return cls(**content).check()


def _number(value: Any, low: float, high: float) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and isfinite(value) and low <= value <= high


def _whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and _number(value, low, high)


def _inside(value: Any) -> bool:
    return _number(value, 0, 1) and 0 < value < 1


def _problems(policy: Policy) -> list[str]:
    """Return why a policy cannot be followed, a sentence each."""
    found = []
    name = policy.name
    if not isinstance(name, str) or not name.strip() or len(name) > 40 or not name.isprintable():
        found.append("give it a name of 1 to 40 letters, all of which can be printed.")
    if not isinstance(policy.trigger, str) or policy.trigger not in TRIGGERS:
        found.append(f"there is no trigger {policy.trigger!r}. Choose of {', '.join(TRIGGERS)}.")
    else:
        what, low, high = TRIGGERS[policy.trigger]
        if low is not None and not _number(policy.limit, low, high):
            found.append(
                f"its limit is {policy.limit!r}. The trigger {policy.trigger!r} compares it with: "
                f"{what}, so it is a number from {low} to {high}."
            )
        elif policy.trigger == "schedule" and policy.limit != int(policy.limit):
            found.append("a schedule counts whole months: its limit is a whole number.")
    if not _whole(policy.evidence, 1, 6):
        early = policy.evidence in (0, False)
        found.append(
            "it looks at labels that are not yet known: on the first of a month, only the flights "
            "of the months before have landed. Choose `evidence` from 1 to 6."
            if early
            else f"`evidence` is a number of finished months, 1 to 6, not {policy.evidence!r}."
        )
    if policy.window is not None and (
        not _whole(policy.window, 1, 6) or policy.window not in WINDOWS
    ):
        found.append(
            f"a release cannot learn from a window of {policy.window!r}. Choose one of the whole "
            "numbers 1, 2, 3 and 6, or None for all months."
        )
    if not isinstance(policy.data_gate, bool):
        found.append("`data_gate` is True or False.")
    if policy.model_gate is not None and not _number(policy.model_gate, -10, 10):
        found.append("`model_gate` is a number of dollars a flight, or None for no gate.")
    if policy.canary_share is not None and not _inside(policy.canary_share):
        found.append(
            f"a canary cannot have the share {policy.canary_share!r}. It gets more than no flight "
            "(0) and less than all (1): a tenth is 0.1. For no canary, choose None."
        )
    if not _whole(policy.canary_days, 1, 14):
        found.append(f"a canary lasts 1 to 14 whole days, not {policy.canary_days!r}.")
    if policy.alert_days is not None and not _whole(policy.alert_days, 1, 14):
        found.append(
            f"`alert_days` is {policy.alert_days!r}. Choose 1 to 14 days in a row, or None if "
            "nobody is on call."
        )
    if not _inside(policy.alert_margin):
        found.append("`alert_margin` is a difference of shares: above 0 and below 1.")
    return found


# What a policy of your own is compared with.
REFERENCES = (
    Policy("never", trigger="never"),
    Policy("monthly"),
    Policy("drift", trigger="drift", limit=0.10),
    Policy("performance", trigger="performance", limit=0.9),
    Policy(
        "monthly, unguarded",
        data_gate=False,
        model_gate=None,
        canary_share=None,
        alert_days=None,
    ),
)
