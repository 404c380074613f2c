"""The gate for new months: good ones go on, bad ones are set aside with a report."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mlops_school.expectations import Limits
from mlops_school.files import arrived, cannot_be, replacing, sha256
from mlops_school.validation import Finding, Report, validate_file


@dataclass(frozen=True)
class Receipt:
    """What became of one file of a delivery.

    Attributes
    ----------
    report : Report
        What validation found.
    place : Path
        Where the file is now.
    """

    report: Report
    place: Path

    @property
    def accepted(self) -> bool:
        """Whether the month went on."""
        return self.report.good

    @property
    def alert(self) -> str:
        """The line that a person is sent; empty if there is nothing to do."""
        if self.accepted:
            return ""
        first = next(one for one in self.report.findings if one.severity == "critical")
        others = len(self.report.broken) - 1
        more = f" (and {others} more)" * bool(others)
        return f"ALERT R8: {self.report.month} is in quarantine. {first.rule}{more}: {first.found}."

    def __str__(self) -> str:
        rows = "unreadable" if self.report.rows is None else f"{self.report.rows:,} rows"
        where = "accepted" if self.accepted else "quarantine"
        rules = ", ".join(self.report.broken or self.report.warnings)
        return f"{self.report.month:<8} {rows:>11}  {where:<10}  {rules}".rstrip()


class Gate:
    """Three folders: months arrive in one, and each ends up in one of the others.

    Attributes
    ----------
    inbox, accepted, quarantine : Path
        Where months arrive; where good ones go (as ``mlops_school.data`` finds them); and where bad
        ones are kept, each in a folder of its own beside its report.
    """

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self.inbox = folder / "inbox"
        self.accepted = folder / "accepted"
        self.quarantine = folder / "quarantine"
        self._limits = limits
        for place in (self.inbox, self.accepted / "flights", self.quarantine):
            _make(place)

    def hand_in(self, month: pd.DataFrame, name: str) -> Path:
        """Put a month, such as ``2013-08``, into the inbox, and return its file.

        It is written under another name first: nobody finds half a file under the right one.

        Raises
        ------
        CourseError
            If the inbox cannot be written to.
        """
        path = self.inbox / f"{name}.parquet"
        with replacing(path) as unfinished:
            month.to_parquet(unfinished, index=False, write_page_checksum=True)
        return path

    def receive(self) -> list[Receipt]:
        """Check every file in the inbox and move it on, in the order of their names.

        A file moves in one step, after its report is written. If this is stopped in the middle,
        calling it again does the rest. No file is ever written over, changed or deleted, but for
        one that is in its new place already, byte for byte.

        Raises
        ------
        CourseError
            If a file cannot be read or moved; it is still in the inbox then.
        """
        return [self._receive(path) for path in arrived(self.inbox)]

    def _receive(self, path: Path) -> Receipt:
        try:
            digest = sha256(path)
            report = validate_file(path, self._limits)
        except OSError as error:
            raise cannot_be("read", path, error) from error
        place = self.accepted / "flights" / path.name
        if report.good and place.exists() and sha256(place) != digest:
            report = Report(report.month, report.rows, (_OTHER_VERSION,))
        if not report.good:
            case = self.quarantine / f"{path.stem[:100].strip()}-{digest[:8]}"
            _make(case)
            _write(case / "report.json", report.to_json())
            _write(case / "report.html", report.to_html())
            place = case / path.name
        return Receipt(report, _move(path, place))


_OTHER_VERSION = Finding(
    "not_yet_accepted",
    expected="a month that was not accepted before",
    found="another version of a month that was; nobody has decided which one is right",
)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_be("made", folder, error) from error


def _write(path: Path, text: str) -> None:
    with replacing(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8", newline="\n")


def _move(path: Path, place: Path) -> Path:
    try:
        path.replace(place)
    except OSError as error:
        raise cannot_be("moved", path, error) from error
    return place
