"""Kill a program while it writes, and see what is left.

The program is a real process, and it is killed by the operating system: no ``finally`` runs.
"""

import itertools
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from mlops_school import etl, killing
from mlops_school.errors import CourseError


def write_csv_in_place(chunks: Iterable[pa.Table], path: Path) -> None:
    """Write a CSV file chunk by chunk, over the one that is there. Half of it can be read."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        for number, chunk in enumerate(chunks):
            stream.write(chunk.to_pandas().to_csv(index=False, header=not number))
            stream.flush()


def append_to_delta(chunks: Iterable[pa.Table], path: Path) -> None:
    """Append chunk by chunk to a Delta table, in many small files. Needs its lab's environment."""
    from deltalake import write_deltalake

    chunks = iter(chunks)
    first = next(chunks)
    batches = (batch for chunk in itertools.chain([first], chunks) for batch in chunk.to_batches())
    reader = pa.RecordBatchReader.from_batches(first.schema, batches)
    write_deltalake(path, reader, mode="append", target_file_size=10_000)


WRITERS = {
    "in place": etl.write_in_place,
    "CSV in place": write_csv_in_place,
    "whole": etl.write_whole,
    "append to Delta": append_to_delta,
}


def kill_while_writing(source: Path, path: Path, writer: str, chunks: int) -> None:
    """Start a program that loads a month, and kill it when it has written some chunks.

    Parameters
    ----------
    source : Path
        The bureau's file.
    path : Path
        The file that the program writes.
    writer : str
        How it writes: a key of ``WRITERS``.
    chunks : int
        After how many chunks it is killed.

    Raises
    ------
    CourseError
        If the program ended by itself before it could be killed.
    """
    if not killing.kill(__name__, str(source), str(path), writer, str(chunks)):
        raise CourseError(f"The program that writes {path.name} ended before it could be killed.")


def _wait_after(chunks: Iterable[pa.Table], after: int) -> Iterator[pa.Table]:
    """Yield chunks; after some of them, perhaps all, say so and wait for the end."""
    written = 0
    for chunk in chunks:
        if written == after:
            killing.tell_and_wait()
        yield chunk
        written += 1
    if written == after:
        killing.tell_and_wait()


def _victim(source: Path, path: Path, writer: str, after: int) -> None:
    table, _ = etl.transform(etl.extract(source), source.name.partition("_")[0])
    WRITERS[writer](_wait_after(etl.in_chunks(table), after), path)


if __name__ == "__main__":
    _victim(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
