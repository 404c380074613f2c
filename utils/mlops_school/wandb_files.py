"""The file of an offline run of Weights & Biases: a log of records in the format of LevelDB."""

import json
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mlops_school.errors import CourseError

_START = b":W&B"
_START_SIZE = 7  # bytes; then come blocks, counted from the beginning of the file
_BLOCK = 32768
_HEAD = struct.Struct("<IHB")  # checksum, bytes, kind
_WHOLE, _LAST = 1, 4  # kinds of pieces with which a record ends


def records(path: Path) -> Iterator[bytes]:
    """Yield the records of a run, each as the bytes of a protobuf message ``Record``.

    A record that does not fit into the rest of a block is cut into pieces, which are put together
    again. One that is not there to its end, as after a crash, is left out.

    Parameters
    ----------
    path : Path
        The file ``run-….wandb``.

    Raises
    ------
    CourseError
        If it is no such file.
    """
    content = path.read_bytes()
    if not content.startswith(_START):
        raise CourseError(f"{path.name} is no file of a run of Weights & Biases.")
    place, record = _START_SIZE, b""
    while place + _HEAD.size <= len(content):
        left = _BLOCK - place % _BLOCK
        if left < _HEAD.size:  # no room for another head: the rest of the block is filled up
            place += left
            continue
        _, size, kind = _HEAD.unpack_from(content, place)
        place += _HEAD.size
        record += content[place : place + size]
        place += size
        if place > len(content):
            return
        if kind in (_WHOLE, _LAST):
            yield record
            record = b""


def load(folder: Path) -> dict[str, list[Any]]:
    """Return the records of all offline runs below a folder, by the name of each run.

    Parameters
    ----------
    folder : Path
        What ``WANDB_DIR`` named. Each record is a protobuf message of the client, which must be
        installed.

    Raises
    ------
    CourseError
        If a file is no file of a run.
    """
    from wandb.proto.wandb_internal_pb2 import Record

    found = {}
    for file in sorted(folder.glob("wandb/offline-run-*/run-*.wandb")):
        parsed = [Record.FromString(one) for one in records(file)]
        found |= {one.run.display_name: parsed for one in parsed if one.HasField("run")}
    return found


def history(parsed: Iterable[Any]) -> list[dict[str, Any]]:
    """Return what a run has logged: a row for each call, without the client's own columns."""
    rows = []
    for record in parsed:
        if record.HasField("history"):
            items = {(i.key or ".".join(i.nested_key)): i.value_json for i in record.history.item}
            rows.append({k: json.loads(v) for k, v in items.items() if not k.startswith("_")})
    return rows
