"""Exercises of lesson 05, Data."""

import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mlops_school import bureau, etl
from mlops_school.data_versions import FLIGHTS, DataRepository
from mlops_school.errors import CourseError
from mlops_school.etl import FLOAT, INTEGER, TEXT, Column
from mlops_school.exercises import Blank, NotYet, StillBlank, exercise
from mlops_school.files import md5, sha256

LESSON = "05_data"

_LETTER = {
    "gate": ["07", "12B", None],
    "taxi_out": ["14", None, "9"],
    "sold": ["151", "98", "120"],
}
_GATE = 'Column("gate", TEXT, nullable=True)'
_TAXI = 'Column("taxi_out", INTEGER, "minutes", nullable=True)'
_SOLD = 'Column("sold", INTEGER, "tickets")'


@exercise(
    LESSON,
    hints=(
        "Go through the columns one by one: can you calculate with its values? May one be missing?",
        "`12B` is no number. And if `07` becomes the number 7, the sign at the gate says something "
        "else.",
        "A missing value does not make a whole number a float. Say `nullable=True`, and only where "
        "the letter allows a gap.",
    ),
    wrong={
        f'new_columns = [Column("gate", INTEGER, nullable=True), {_TAXI}, {_SOLD}]': "'12B'",
        f'new_columns = [{_GATE}, Column("taxi_out", FLOAT, "minutes", nullable=True), {_SOLD}]': (
            "whole minutes"
        ),
        f'new_columns = [{_GATE}, Column("taxi_out", INTEGER, "minutes"), {_SOLD}]': (
            "row 2 has no taxi_out"
        ),
        f"new_columns = [{_GATE}, {_TAXI}, "
        'Column("sold", INTEGER, "tickets", nullable=True)]': "always given",
        f'new_columns = [{_GATE}, Column("taxi_out", INTEGER, nullable=True), {_SOLD}]': "unit",
        f"new_columns = [{_GATE}, {_TAXI.replace('minute', 'second')}, {_SOLD}]": "counts minutes",
        f'new_columns = [{_GATE}, {_TAXI}, Column("sold", int, "tickets")]': "without quotes",
        f"new_columns = [{_GATE}, {_TAXI}]": "gate, taxi_out, sold",
        "new_columns = ['gate', 'taxi_out', 'sold']": "list of `Column",
    },
    given=lambda: {"Column": Column, "FLOAT": FLOAT, "INTEGER": INTEGER, "TEXT": TEXT},
)
def q1(new_columns: Sequence[Column]) -> str:
    """What do you promise of three new columns?"""
    if not isinstance(new_columns, list | tuple) or not all(
        isinstance(column, Column) for column in new_columns
    ):
        raise NotYet("`new_columns` is a list of `Column(…)`.")
    promised = {column.name: column for column in new_columns}
    if promised.keys() != _LETTER.keys() or len(new_columns) != len(_LETTER):
        raise NotYet(f"declare each column of the letter once: {', '.join(_LETTER)}.")
    for column in new_columns:
        if not isinstance(column.type, pa.DataType):
            raise NotYet(f"the type of `{column.name}` is INTEGER, FLOAT or TEXT, without quotes.")
    for name, values in _LETTER.items():
        try:
            etl.convert(pa.chunked_array([pa.array(values, TEXT)]), promised[name])
        except etl.Refused as problem:
            raise NotYet(f"the file of the letter is refused: {problem}") from None
    if promised["gate"].type != TEXT:
        raise NotYet("`07` and `12B` are names, and `gate` is text.")
    if promised["taxi_out"].type != INTEGER:
        raise NotYet("`taxi_out` is whole minutes, also where some are missing: `INTEGER`.")
    if promised["sold"].type != INTEGER:
        raise NotYet("`sold` is a whole number: nobody sells half a ticket.")
    if promised["sold"].nullable:
        raise NotYet("`sold` is always given. If you allow gaps, nobody notices the first one.")
    if not promised["taxi_out"].unit:
        raise NotYet("`taxi_out` has a unit. Without it, somebody will take it for seconds.")
    if not promised["taxi_out"].unit.lower().startswith("min"):
        raise NotYet("the letter says that `taxi_out` counts minutes.")
    return "types from what values mean, gaps only where the letter allows them, and a unit."


_LOADER = "def replace_month(stored, arriving, month):\n"


def _rows(month: int, *flights: int, delay: int = 0) -> pd.DataFrame:
    return pd.DataFrame({"month": month, "flight": flights, "arr_delay": delay}).astype("int64")


def _months() -> dict[str, Any]:
    return {"pd": pd}


@exercise(
    LESSON,
    hints=(
        "What must be true of `stored` before you may append `arriving`?",
        "Take away the rows of this month first, whatever they are: "
        "`stored[stored['month'] != month]` has all others.",
        "`pd.concat([one, other])` puts two frames one below the other.",
    ),
    wrong={
        _LOADER + "    return pd.concat([stored, arriving])": "second start",
        _LOADER + "    return pd.concat([stored, arriving]).drop_duplicates()": "corrected",
        _LOADER + "    if (stored['month'] == month).any():\n"
        "        return stored\n"
        "    return pd.concat([stored, arriving])": "correction never",
        _LOADER + "    return arriving": "other months",
        _LOADER + "    both = pd.concat([stored, arriving])\n"
        "    return both.drop_duplicates(['month', 'flight'], keep='last')": "cancelled",
        _LOADER + "    pd.concat([stored[stored['month'] != month], arriving])": "return",
        _LOADER + "    return pd.concat([stored[stored['month'] != 2], arriving])": "only February",
        _LOADER + "    others = stored.drop(stored[stored['month'] == month].index)\n"
        "    return pd.concat([others, arriving])": "same index",
        "replace_month = 3": "function",
    },
    given=_months,
)
def q2(replace_month: Callable[..., pd.DataFrame]) -> str:
    """How is a month loaded so that twice is as good as once?"""
    if not callable(replace_month):
        raise NotYet("`replace_month` is a function of `stored`, `arriving` and `month`.")
    january, february, corrected = _rows(1, 1, 2), _rows(2, 3, 4), _rows(2, 3, delay=30)

    def call(stored: pd.DataFrame, arriving: pd.DataFrame, month: int = 2) -> list[tuple[int, ...]]:
        answer = replace_month(stored.copy(), arriving.copy(), month)
        if isinstance(answer, Blank):
            raise StillBlank
        if not isinstance(answer, pd.DataFrame):
            raise NotYet("it must return a frame. Is there a `return`?")
        return sorted(answer[["month", "flight", "arr_delay"]].itertuples(index=False, name=None))

    def rows(*frames: pd.DataFrame) -> list[tuple[int, ...]]:
        return sorted(pd.concat(frames).itertuples(index=False, name=None))

    both = pd.concat([january, february])
    first, second, again = call(january, february), call(both, february), call(both, corrected)
    if not set(rows(january)) <= set(first):
        raise NotYet("the other months are gone. Keep them.")
    if first != rows(january, february):
        raise NotYet("the first time, all rows of `arriving` come to those that are stored.")
    if not set(rows(january)) <= set(second):
        raise NotYet(
            "at the second start January is gone. `drop` goes by the index, and rows of different "
            "months may have the same index."
        )
    if len(second) > len(both):
        raise NotYet("after the second start February is there twice.")
    if second != first:
        raise NotYet("the second start changes something. It must give what the first one gave.")
    if again == rows(both):
        raise NotYet("a correction never gets in: February stays as it came first.")
    if len(again) == len(rows(both, corrected)):
        raise NotYet(
            "a corrected row is not identical to the old one, so both stay. Compare by month, "
            "not by row."
        )
    if again != rows(january, corrected):
        raise NotYet(
            "the correction leaves out flight 4, which was cancelled long before, and it is still "
            "there. All old rows of the month must go."
        )
    if call(both, january, month=1) != first:
        raise NotYet("it works for only February. Which month it is stands in `month`.")
    return "new, again, or corrected: the month is there exactly once, as it came last."


_WRITER = "def careful_write(chunks, path):\n"


def _writing() -> dict[str, Any]:
    return {"etl": etl, "os": os, "shutil": shutil, "tempfile": tempfile, "Path": Path}


@exercise(
    LESSON,
    hints=(
        "Where may half a file lie without harm? Under a name that nobody reads.",
        "Next to the file it is on the same disk: `path.with_name(f'{path.name}.part')`.",
        "Write all chunks to the other name first. `other.replace(path)` comes last; the new "
        "file takes the place of the old one, so nobody has to delete that.",
    ),
    wrong={
        _WRITER + "    etl.write_in_place(chunks, path)": "half",
        _WRITER + "    part = path.with_name('part')\n"
        "    path.unlink(missing_ok=True)\n"
        "    etl.write_in_place(chunks, part)\n"
        "    os.replace(part, path)": "no file at all",
        _WRITER + "    part = path.with_name('part')\n"
        "    etl.write_in_place(chunks, part)\n"
        "    shutil.copyfile(part, path)": "copy",
        _WRITER + "    part = Path(tempfile.mkdtemp()) / path.name\n"
        "    etl.write_in_place(chunks, part)\n"
        "    os.replace(part, path)": "another disk",
        _WRITER + "    part = path.with_name('part')\n"
        "    etl.write_in_place(chunks, part)\n"
        "    path.unlink(missing_ok=True)\n"
        "    os.rename(part, path)": "for a moment",
        _WRITER + "    part = path.with_name('part')\n"
        "    etl.write_in_place(chunks, part)\n"
        "    part.rename(path)": "on Windows",
        _WRITER + "    part = path.with_name('part')\n"
        "    etl.write_in_place(chunks, part)": "old month is still",
        _WRITER + "    part = path.with_name('part')\n"
        "    etl.write_in_place(chunks, part)\n"
        "    os.replace(path, path.with_name('old'))\n"
        "    os.replace(part, path)": "for a moment",
        _WRITER + "    part = path.with_name('part')\n"
        "    for chunk in chunks:\n"
        "        etl.write_in_place([chunk], part)\n"
        "    part.replace(path)": "not the whole month",
        _WRITER + "    etl.write_in_place(list(chunks), path)": "straight to `path`",
        "careful_write = 'os.replace'": "function",
    },
    given=_writing,
)
def q3(careful_write: Callable[[Iterable[pa.Table], Path], object]) -> str:
    """How is a month written so that a kill does no harm?"""
    if not callable(careful_write):
        raise NotYet("`careful_write` is a function of `chunks` and `path`.")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "2013-02.parquet"
        path.write_bytes(b"old")
        seen: list[bytes | None] = []

        def chunks() -> Iterator[pa.Table]:
            for number in range(3):
                seen.append(_content(path))
                yield pa.table({"flight": [number]})
            seen.append(_content(path))

        with _watched_renames(path) as renames:
            careful_write(chunks(), path)
        if not seen:
            raise StillBlank
        _judge_writer(seen, renames, path)
    return "killed anywhere, it leaves the old month or the new one, and never half of one."


def _judge_writer(
    seen: Sequence[bytes | None], renames: Sequence[tuple[str, Path, Path, bool]], path: Path
) -> None:
    if None in seen:
        raise NotYet("while it writes there is no file at all. Let the old month stay until then.")
    if any(content != b"old" for content in seen):
        raise NotYet("killed while it writes, it leaves half a month under the name of the whole.")
    if _content(path) == b"old":
        raise NotYet("when it is done, the old month is still there. The new name must become old.")
    if any(not whole for _, _, _, whole in renames):
        raise NotYet(
            "for a moment there is no month under its name. `replace` needs no room made for it."
        )
    last = [rename for rename in renames if rename[2] == path]
    if not last:
        raise NotYet(
            "nothing was renamed to `path`. To copy, or to write straight to `path`, takes time, "
            "and can be killed halfway."
        )
    function, old, _, _ = last[-1]
    if function != "replace":
        raise NotYet(
            "`rename` refuses on Windows if the old file is there, and deleting it first leaves "
            "a gap. `replace` does both in one step."
        )
    if old.parent != path.parent:
        raise NotYet(
            "that folder may be on another disk, where a rename fails. Use the folder of `path`."
        )
    try:
        stored = pq.read_table(pa.BufferReader(path.read_bytes()))
    except pa.ArrowInvalid:
        raise NotYet("what is there in the end is no Parquet file.") from None
    if stored.to_pydict() != {"flight": [0, 1, 2]}:
        raise NotYet(
            "what is there in the end is not the whole month. `etl.write_in_place` begins a new "
            "file each time: give it all chunks at once."
        )


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


@contextmanager
def _watched_renames(path: Path) -> Iterator[list[tuple[str, Path, Path, bool]]]:
    """Note each rename: by which function, from, to, and whether `path` is there all the time."""
    renames: list[tuple[str, Path, Path, bool]] = []

    def watched(name: str) -> Callable[..., None]:
        real = getattr(os, name)

        def rename(old: str | Path, new: str | Path, **options: Any) -> None:
            there_before = path.exists()
            real(old, new, **options)
            whole = there_before and path.exists()
            renames.append((name, Path(old).absolute(), Path(new).absolute(), whole))

        return rename

    with (
        mock.patch.object(os, "replace", watched("replace")),
        mock.patch.object(os, "rename", watched("rename")),
    ):
        yield renames


def _deliveries_of_march() -> dict[str, Any]:
    home = Path(tempfile.mkdtemp(dir=Path.cwd()))
    raw = home / "raw"
    good = bureau.deliver(3, raw)
    april = etl.run_month(bureau.deliver(4, raw), home)
    wrong = etl.run_month(bureau.deliver(3, raw, number=2, in_kilometres=True), home)
    repaired = etl.run_month(bureau.deliver(3, raw, number=3), home)
    records = {
        "v1": {"2013-03": etl.run_month(good, home)},
        "v2": {"2013-03": wrong, "2013-04": april},
        "v3": {"2013-03": repaired, "2013-04": april},
    }
    return {"sha256": sha256, "raw": raw, "versions": SimpleNamespace(lineage=records.__getitem__)}


_RECORD = "record = versions.lineage('v2')['2013-03']\nculprit = record.source\n"


@exercise(
    LESSON,
    hints=(
        "The record of a month tells where it comes from. You have seen one in the table above.",
        "`versions.lineage('v2')['2013-03']` is March's. Its attribute `source` is a file's name.",
        "Compare its `source_sha256` with `sha256` of the file in `raw`.",
    ),
    wrong={
        "culprit, untouched = '2013-03.parquet', True": "came out",
        "record = versions.lineage('v1')['2013-03']\n"
        "culprit, untouched = record.source, True": "first delivery",
        "record = versions.lineage('v3')['2013-03']\n"
        "culprit, untouched = record.source, True": "repaired",
        "culprit, untouched = raw / '2013-03_2.csv', True": "name",
        "culprit, untouched = '2013-04_1.csv', True": "another month",
        "culprit, untouched = str(raw / '2013-03_2.csv'), True": "such as",
        "culprit, untouched = '2013-03_2', True": "such as",
        _RECORD + "untouched = sha256(raw / culprit) == record.output_sha256": "the source's",
        _RECORD + "untouched = record.source_sha256": "True or False",
        "culprit = versions.lineage('v2')['2013-03']\nuntouched = True": "name",
        "later = versions.lineage('v3')\n"
        "versions.lineage = lambda version: later\n"
        "culprit, untouched = '2013-03_3.csv', True": "out of order",
    },
    given=_deliveries_of_march,
)
def q4(culprit: str, untouched: bool, raw: Path, versions: DataRepository) -> str:
    """Which file is behind a wrong number, and is it still the same?"""
    if not isinstance(culprit, str):
        raise NotYet("`culprit` is the name of a file, as text: the record says it so.")
    if culprit == "2013-03.parquet":
        raise NotYet("that is what came out. The question is what went in.")
    if not re.fullmatch(r"2013-\d\d_\d+\.csv", culprit):
        raise NotYet("a raw file has a name such as `2013-01_1.csv`, without a folder before it.")
    if not culprit.startswith("2013-03"):
        raise NotYet("that file is of another month. Which bar is too high?")
    if culprit == "2013-03_1.csv":
        raise NotYet("that is the first delivery, and its distances are right. Ask v2.")
    record = versions.lineage("v2")["2013-03"]
    if record.source != "2013-03_2.csv":
        raise NotYet(
            "v2 has another March than it should, because cells were run out of order. Run the "
            "lesson again from its top."
        )
    if culprit != record.source:
        raise NotYet("that is not the source of March in v2. It may be the repaired delivery.")
    if not isinstance(untouched, bool):
        raise NotYet("`untouched` is True or False: compare two hashes with `==`.")
    same = record.source_sha256 == sha256(raw / culprit)
    if not same:
        raise NotYet("somebody has changed the file in `raw`. Run the lesson again from its top.")
    if not untouched:
        raise NotYet("the file is unchanged. A record has two hashes: compare with the source's.")
    return "a name and a hash: now it is certain which bytes the wrong number comes from."


@cache
def _template() -> tempfile.TemporaryDirectory:
    """Make a small repository with three versions once, for all answers that are tried."""
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    home = Path(folder.name)
    versions = DataRepository.create(home / "repository", home / "remote")
    flights = versions.folder / "flights"
    flights.mkdir()
    contents = [
        {"2013-02": "two", "2013-03": "three"},
        {"2013-03": "three in km", "2013-04": "four"},
        {"2013-03": "three", "2013-05": "five"},
    ]
    for number, months in enumerate(contents, 1):
        for month, content in months.items():
            (flights / f"{month}.parquet").write_bytes(content.encode("utf-8"))
            (flights / f"{month}.json").write_bytes(f'"{content}"\n'.encode())
        versions.save(f"v{number}", f"Version {number}", date=f"2013-0{number + 3}-01 09:00")
    return folder


def _repository() -> dict[str, Any]:
    return {"versions": DataRepository(Path(_template().name, "repository"))}


@exercise(
    LESSON,
    hints=(
        "Two things have to happen: Git brings the old pointer of March, and DVC the data.",
        "Nothing else may go back. `git checkout VERSION -- FILE` takes one file of a version; "
        "the pointer of March is `flights/2013-03.parquet.dvc`.",
        "A new clone has no data on its computer yet. Which of `dvc checkout` and `dvc pull` "
        "fetches them?",
    ),
    wrong={
        "commands = 'git checkout v2 -- flights/2013-03.parquet.dvc'": "no data",
        "commands = 'dvc pull'": "today's March",
        "commands = 'git checkout v2\\ndvc pull'": "other months",
        "commands = 'dvc pull\\ngit checkout v2 -- flights/2013-03.parquet.dvc'": "moved Git's",
        "commands = 'git checkout v2 -- flights/2013-03.parquet.dvc\\ndvc checkout'": "dvc pull",
        "commands = 'git checkout v2 -- flights/2013-03.parquet\\ndvc pull'": "not in Git",
        "commands = 'cp v2/2013-03.parquet flights'": "begins with",
        "commands = 'git checkout v2 -- flights/2013-03.parquet.dvc && dvc pull'": "own line",
        "commands = 'dvc'": "what it is to do",
        'commands = "git checkout \'v2"': "quotation",
        "commands = ['git', 'checkout', 'v2']": "one text",
    },
    given=_repository,
    hands_on=True,
)
def q5(commands: str, versions: DataRepository) -> str:
    """Which commands bring back one month of an earlier version?"""
    if not isinstance(commands, str):
        raise NotYet("`commands` is one text, with a command in each line.")
    try:
        lines = [shlex.split(line, comments=True) for line in commands.splitlines()]
    except ValueError:
        raise NotYet("a quotation mark is open. You need none here.") from None
    lines = [words for words in lines if words]
    if any(words[0] not in ("git", "dvc") for words in lines):
        raise NotYet("each line begins with `git` or `dvc`, without a `$` before it.")
    if any({"&&", ";"} & {*words} for words in lines):
        raise NotYet("write each command in its own line.")
    if any(len(words) == 1 for words in lines):
        raise NotYet("after `git` or `dvc`, say what it is to do.")
    # Beside the repository, from where the way to the remote is the same.
    with tempfile.TemporaryDirectory(
        dir=versions.folder.parent, ignore_cleanup_errors=True
    ) as folder:
        clone = versions.clone(Path(folder))
        clone.repository.git("checkout", "--quiet", "--detach", "v3")
        _type(lines, clone)
        return _judge_clone(clone)


def _type(lines: Sequence[Sequence[str]], clone: DataRepository) -> None:
    """Run the commands in a clone."""
    for program, *arguments in lines:
        try:
            clone.dvc(*arguments) if program == "dvc" else clone.repository.git(*arguments)
        except CourseError as error:
            if program == "dvc" and arguments[:1] == ["checkout"]:
                raise NotYet(
                    "the data that a pointer names are not on her computer: the clone is new. "
                    "`dvc pull` fetches them."
                ) from None
            if program == "git" and any(word.endswith(".parquet") for word in arguments):
                raise NotYet(
                    "the Parquet file is not in Git. Its pointer is, and ends in `.dvc`."
                ) from None
            raise NotYet(f"her clone answers: {error}") from None


def _judge_clone(clone: DataRepository) -> str:
    flights, march = clone.folder / FLIGHTS, "2013-03.parquet"
    then, today = clone.hashes("v2"), clone.hashes("v3")
    there = {path.name: md5(path) for path in flights.glob("*.parquet")}
    if not there:
        raise NotYet("she has pointers and no data yet. DVC has to fetch them.")
    if there.get(march) == today[march]:
        if then[march] in (flights / f"{march}.dvc").read_text(encoding="utf-8"):
            raise NotYet("you moved Git's pointer after DVC had brought the data. Turn it round.")
        raise NotYet("that is today's March. She wants the one of v2.")
    wanted = today | {march: then[march]}
    if lacking := sorted(wanted.keys() - there.keys()):
        raise NotYet(
            f"her folder lacks {', '.join(lacking)}. March goes back, and all other months are to "
            "be there as they are today."
        )
    if there != wanted:
        raise NotYet("she has another month that is not today's. Only March is to go back.")
    record = (flights / "2013-03.json").read_text(encoding="utf-8").strip()
    if record != clone.repository.git("show", f"v2:{FLIGHTS}/2013-03.json"):
        return (
            "March of v2, all else of today. Next time bring its record, too "
            "(`flights/2013-03.json`), or it speaks of another March."
        )
    return "March of v2 with its record, and all else of today."
