"""Is a month of flights good enough to be used? A report says which rules it breaks."""

import html
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from great_expectations.core import ExpectationValidationResult

from mlops_school import expectations
from mlops_school.data import TEXT, as_flights
from mlops_school.expectations import FLIGHT, Limits, usual_limits
from mlops_school.process import load_requirements

EXAMPLES = 3  # how many of the rows that break a rule are shown
SHOWN = 5  # and how many values

_FILE_NAME = re.compile(r"(\d{4})-(0[1-9]|1[0-2])\.parquet")


class UnreadableMonth(Exception):
    """A file is not a month of flights at all; the message says why."""


@dataclass(frozen=True)
class Finding:
    """A rule that a month breaks.

    Attributes
    ----------
    rule, expected, found : str
        Its name, what it expects, and what it met.
    severity : str
        ``critical`` keeps the month out; a ``warning`` only asks a person to look.
    rows : int or None
        How many rows break it; None if it is about the month as a whole.
    examples : tuple of dict
        A few of these rows.
    """

    rule: str
    expected: str
    found: str
    severity: str = "critical"
    rows: int | None = None
    examples: tuple[dict[str, str], ...] = ()

    def __str__(self) -> str:
        rows = "" if self.rows is None else f" ({self.rows:,} rows)"
        lines = [f"{self.severity}: {self.rule}{rows}", f"  expected: {self.expected}"]
        lines.append(f"  found:    {self.found}")
        for row in self.examples:
            lines.append("  example:  " + ", ".join(f"{k} {v}" for k, v in row.items()))
        return "\n".join(lines)


@dataclass(frozen=True, repr=False)
class Report:
    """What validation found out about a month.

    Attributes
    ----------
    month : str
        Its name, such as ``2013-08``.
    rows : int or None
        How many flights it has; None if it could not be read.
    findings : tuple of Finding
        The rules that it breaks, in the order in which they were asked.
    """

    month: str
    rows: int | None
    findings: tuple[Finding, ...] = ()

    @property
    def good(self) -> bool:
        """Whether the month may go on: no critical rule is broken."""
        return not self.broken

    @property
    def broken(self) -> list[str]:
        """The names of the critical rules that it breaks, each once."""
        return self._names("critical")

    @property
    def warnings(self) -> list[str]:
        """The names of the rules that it breaks and that are warnings only."""
        return self._names("warning")

    def _names(self, severity: str) -> list[str]:
        found = (finding.rule for finding in self.findings if finding.severity == severity)
        return list(dict.fromkeys(found))

    def __str__(self) -> str:
        return "\n".join([self._title(), *map(str, self.findings)])

    __repr__ = __str__

    def _title(self) -> str:
        rows = "unreadable" if self.rows is None else f"{self.rows:,} rows"
        requirement = load_requirements()["R8"]
        verdict = "is good" if self.good else f"breaks {requirement.id} ({requirement.title})"
        return f"{self.month}, {rows}: {verdict}"

    def to_json(self) -> str:
        """Return the report for programs to read."""
        facts = {"requirement": "R8", "good": self.good, **asdict(self)}
        return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"

    def to_html(self) -> str:
        """Return the report as a page for people to read, which needs nothing beside itself."""
        title = html.escape(self._title())
        return (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            f"<title>{title}</title></head>\n<body>{self._repr_html_()}</body></html>\n"
        )

    def _repr_html_(self) -> str:
        columns = ["severity", "rule", "expected", "found", "rows", "examples"]
        head = "".join(f'<th scope="col" style="text-align: left">{name}</th>' for name in columns)
        body = "".join(f"<tr>{_cells(finding, columns)}</tr>\n" for finding in self.findings)
        table = f"<table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"
        return f"<p><strong>{html.escape(self._title())}</strong></p>\n" + table * bool(body)


def _cells(finding: Finding, columns: list[str]) -> str:
    facts = asdict(finding)
    facts["rows"] = "" if finding.rows is None else f"{finding.rows:,}"
    cells = {name: html.escape(str(facts[name])) for name in columns[:-1]}
    rows = (", ".join(f"{k} {v}" for k, v in row.items()) for row in finding.examples)
    cells["examples"] = "<br>".join(map(html.escape, rows))
    return "".join(f'<td style="text-align: left">{cells[name]}</td>' for name in columns)


def validate(month: pd.DataFrame, name: str, limits: Limits | None = None) -> Report:
    """Check a month of flights against all rules.

    Parameters
    ----------
    month : DataFrame
        The flights, as :func:`read_month` gives them.
    name : str
        The month that they are said to be, such as ``2013-08``.
    limits : Limits, optional
        The thresholds that come from history; by default, those from January to June.
    """
    month = month.reset_index(drop=True)
    year, number = map(int, name.split("-"))
    columns, types, values = expectations.stages(year, number, limits or usual_limits())
    # Great Expectations reads all it is given, and the names of columns need no rows.
    failed = expectations.ask(month.head(0), columns) or expectations.ask(month, types)
    if not failed:
        month = expectations.with_differences(month)
        failed = expectations.ask(month, values)
    return Report(name, len(month), tuple(_finding(one, month) for one in failed))


def read_month(path: Path) -> tuple[str, pd.DataFrame]:
    """Return the name of the month in a file, and its flights.

    Numbers and times may have any width in the file; they get those of ``load_flights``. A column
    of another kind, such as numbers written as text, stays as it arrived: validation names it.

    Parameters
    ----------
    path : Path
        A Parquet file that is named after its month: ``2013-08.parquet``.

    Raises
    ------
    UnreadableMonth
        If it is named otherwise, or is no whole Parquet file.
    """
    named = _FILE_NAME.fullmatch(path.name)
    if not named or named[1] == "0000":
        raise UnreadableMonth(f"{path.name} is not named after a month, as 2013-08.parquet is")
    content = path.read_bytes()
    if not content:
        raise UnreadableMonth("the file is empty")
    if not content.startswith(b"PAR1"):
        start = content[:20].decode("ascii", "replace").replace("\ufffd", "?")
        raise UnreadableMonth(f"no Parquet file: it begins with {start!r}")
    if not content.endswith(b"PAR1"):
        raise UnreadableMonth("the Parquet file breaks off: its end is missing")
    try:
        file = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
        # What pandas noted in the file may be wrong; only what is in the columns counts.
        month = as_flights(file.read()).to_pandas(types_mapper=_as_text, ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnreadableMonth(f"the Parquet file is damaged: {reason}") from error
    return path.stem, month


def validate_file(path: Path, limits: Limits | None = None) -> Report:
    """Check a file that is said to hold a month; one that cannot be read breaks a rule, too."""
    try:
        name, month = read_month(path)
    except UnreadableMonth as error:
        expected = "a whole Parquet file that is named after its month"
        return Report(path.stem, None, (Finding("readable", expected, str(error)),))
    return validate(month, name, limits)


def _as_text(type_: pa.DataType) -> pd.StringDtype | None:
    return TEXT if pa.types.is_string(type_) or pa.types.is_large_string(type_) else None


def _finding(failed: ExpectationValidationResult, month: pd.DataFrame) -> Finding:
    """Say in words what Great Expectations found."""
    config = failed.expectation_config
    where = failed.result.get("partial_unexpected_index_list") or []
    about = config.kwargs.get("column_list") or [config.kwargs.get("column")]
    shown = dict.fromkeys(["day", *FLIGHT[:-1], *about])
    return Finding(
        rule=config.meta["rule"],
        expected=config.description,
        found=_found(failed, month),
        severity=config.severity.value,
        rows=int(failed.result["unexpected_count"]) if where else None,
        examples=tuple(
            {column: _words(month.loc[row, column]) for column in shown} for row in where[:EXAMPLES]
        ),
    )


def _found(failed: ExpectationValidationResult, month: pd.DataFrame) -> str:
    config, result = failed.expectation_config, failed.result
    column = config.kwargs.get("column", "")
    if config.meta["rule"] == "columns":
        return _other_columns(config.kwargs["column_list"], list(month))
    if result.get("partial_missing_list"):
        return "missing: " + _some(result["partial_missing_list"], result["missing_count"])
    if result.get("observed_value") is not None:
        return _words(result["observed_value"])
    if config.type == "expect_column_values_to_not_be_null":
        return f"missing in {result['unexpected_percent']:.1f} percent of the rows"
    if config.type == "expect_compound_columns_to_be_unique":
        return "rows that agree"
    seen = list(dict.fromkeys(map(_words, result.get("partial_unexpected_list", []))))
    if not seen:
        return "nothing that could be checked"
    if column.endswith("_off"):
        unit = "hours" if column == "time_hour_off" else "minutes"
        return f"off by ({unit}): {_some(seen)}"
    return _some(seen)


def _some(values: list[Any], count: int = 0) -> str:
    """Return the first of some values, of which there may be more than these."""
    shown = values[:SHOWN]
    more = max(len(values), count) > len(shown)
    return ", ".join(map(str, shown)) + (", and others" if more else "")


def _other_columns(expected: list[str], found: list[str]) -> str:
    lacks = [name for name in expected if name not in found]
    new = [name for name in found if name not in expected]
    parts = [f"missing: {', '.join(lacks)}"] * bool(lacks) + [f"new: {', '.join(new)}"] * bool(new)
    return "; ".join(parts) or "another order, or one of them twice: " + ", ".join(found)


def _words(value: Any) -> str:
    """Return a value for people to read."""
    if np.ndim(value) == 0 and pd.isna(value):
        return "missing"
    if isinstance(value, float | np.floating):
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    if isinstance(value, int | np.integer) and abs(value) >= 10_000:
        return f"{value:,}"
    return str(value)
