"""A door at which the client of the platform Fiddler is refused, and what it would have found.

Its client is not imported here: what it makes, such as a column of a schema, is taken as it comes.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import pandas as pd

from mlops_school.listener import Listener, Sent
from mlops_school.process import load_requirements

NONE = "00000000-0000-0000-0000-000000000000"  # the id of a model or project that does not exist


class Column(Protocol):
    """What a schema says of a column; ``None`` where it says nothing."""

    name: str
    min: float | None
    max: float | None
    categories: list[Any] | None


class Door(Listener):
    """Stands where the platform would be, on this computer: it lets nobody in.

    Attributes
    ----------
    sent : list of Sent
        All requests so far, oldest first. Each was refused, as one without an account is.
    """

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        super().__init__(self._refuse)

    def _refuse(self, sent: Sent) -> tuple[int, bytes]:
        self.sent.append(sent)
        error = {"code": 401, "message": "This token belongs to no account.", "errors": []}
        body = {"error": error, "api_version": "3.0", "kind": "ERROR"}
        return 401, json.dumps(body).encode()


def outcome(attempt: Callable[[], Any]) -> str:
    """Return whether the client takes something, and with which kind of error if it does not."""
    try:
        attempt()
    except Exception as error:  # of whatever kind: which one is the answer
        return f"refused: {type(error).__name__}"
    return "taken"


def rule(client: Any, **changes: Any) -> Any:
    """Return requirement R3 as an alert rule of Fiddler's client.

    Parameters
    ----------
    client : module
        The package ``fiddler``.
    **changes
        What is to be otherwise.
    """
    minimum = load_requirements()["R3"].limits["minimum_roc_auc"]
    usual = {
        "name": "DelayRanksBadly",
        "model_id": NONE,
        "metric_id": "auc",
        "priority": client.Priority.MEDIUM,
        "compare_to": client.CompareTo.RAW_VALUE,
        "condition": client.AlertCondition.LESSER,
        "critical_threshold": minimum,
        "bin_size": client.BinSize.MONTH,
    }
    return client.AlertRule(**usual | changes)


def body(sent: Sent) -> dict[str, Any]:
    """Return the JSON that was sent."""
    return json.loads(sent.body)


def sent_columns(sent: Sent) -> list[str]:
    """Return the columns of a table that was sent as a file of comma-separated values."""
    _, _, content = sent.body.partition(b"\r\n\r\n")
    return content.decode("utf-8").splitlines()[0].split(",")


def violations(table: pd.DataFrame, columns: Iterable[Column]) -> pd.Series:
    """Return which share of a table is not as a schema says, by column.

    Numbers are to lie between ``min`` and ``max``, both included; text is to be one of the
    ``categories``. What is missing counts for neither.

    Parameters
    ----------
    table : DataFrame
        Rows that came in.
    columns : iterable of Column
        What the schema says. Columns that the table does not have are left out.
    """
    shares = {}
    for column in columns:
        if column.name not in table:
            continue
        values = table[column.name].dropna()
        wrong = pd.Series(False, index=values.index)
        if column.min is not None:
            wrong |= values < column.min
        if column.max is not None:
            wrong |= values > column.max
        if column.categories is not None:
            wrong |= ~values.isin(column.categories)
        shares[column.name] = wrong.sum() / max(len(table), 1)
    return pd.Series(shares, dtype=float)


def in_words(table: pd.DataFrame) -> str:
    """Return a table of lines by month as a text for those who do not see its picture."""
    lines = (
        f"{name}: {', '.join(f'{value:.2f} in {month}' for month, value in line.items())}"
        for name, line in table.items()
    )
    return "; ".join(lines) + "."
