"""Answers as plain data: written by a process that nobody trusts, read without running anything.

Pickle, which Python offers, runs code when it reads. Here a value is written as text of what it
consists of. Read is only what is known: numbers, texts, times, containers, arrays, tables, and the
small records of the course itself.
"""

import base64
import dataclasses
import datetime
import io
import sys
from collections.abc import Callable, ItemsView, KeysView, Mapping, Sequence, Set, ValuesView
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from mlops_school.exercises import Blank, ____

DEEPEST = 50  # containers inside one another
PACKAGE = "mlops_school."

_TABLE = "the table"  # the name of the only column of a series
_NEWER_TEXT = pd.StringDtype("pyarrow", na_value=np.nan)


class NotPlain(ValueError):
    """A value is more than plain data, or what is read is not what :func:`encode` writes."""


def encode(value: object, depth: int = 0) -> list[Any]:
    """Return a value as lists and texts, which JSON can hold.

    What is derived from a plain type, or behaves like a list, is written as that plain type.

    Raises
    ------
    NotPlain
        If it is no plain data, such as a function or a model.
    """
    if depth > DEEPEST:
        raise NotPlain("it is nested too deeply")

    def each(values: Any) -> list[Any]:
        return [encode(part, depth + 1) for part in values]

    match value:
        case None | Blank():
            return ["none" if value is None else "blank"]
        case bool():
            return ["bool", value]
        case np.generic() | np.ndarray():
            return _encode_array(value)
        case int():
            return ["int", hex(value)]
        case float():
            return ["float", float.hex(value)]
        case complex():
            return ["complex", value.real.hex(), value.imag.hex()]
        case str():
            return ["str", str.__str__(value)]
        case bytes() | bytearray():
            return ["bytes", _text(bytes(value))]
        case pd.DataFrame():
            return ["table", _encode_table(value)]
        case pd.Series():
            name = encode(value.name, depth + 1)
            return ["series", name, _encode_table(value.to_frame(_TABLE))]
        case pd.Index():
            names = each(value.names)
            frame = pd.DataFrame(index=value.set_names([f"{i}" for i in range(value.nlevels)]))
            return ["index", names, _encode_table(frame)]
        case _ if value is pd.NaT or value is pd.NA:
            return ["nat" if value is pd.NaT else "na"]
        case pd.Timestamp():
            return ["timestamp", value.isoformat(), str(value.tz) if value.tz else None]
        case pd.Timedelta():
            return ["timedelta", f"{value.value}"]
        case datetime.datetime() | datetime.date() | datetime.time():
            return [_TIMES[_base(value, _TIMES)], value.isoformat()]
        case datetime.timedelta():
            return ["duration", value.days, value.seconds, value.microseconds]
        case PurePath():
            return ["path", str(value)]
        case range():
            return ["range", *map(hex, (value.start, value.stop, value.step))]
        case tuple():
            return ["tuple", each(value)]
        case frozenset() | set() | Set() if not isinstance(value, KeysView | ItemsView):
            return ["set", each(value)]
        case list() | KeysView() | ValuesView() | ItemsView():
            return ["list", each(value)]
        case Mapping():
            return ["dict", each(value.keys()), each(value.values())]
        case _ if _is_record(type(value)):
            fields = [field.name for field in dataclasses.fields(value) if field.init]
            kind = f"{type(value).__module__}:{type(value).__qualname__}"
            return ["record", kind, fields, each(getattr(value, name) for name in fields)]
        case Sequence():
            return ["list", each(value)]
    raise NotPlain(f"it is of the type {type(value).__name__}")


def decode(parts: Any) -> Any:
    """Return the value that :func:`encode` has written.

    Raises
    ------
    NotPlain
        If it is anything else.
    """
    try:
        kind, *rest = parts
        return _DECODERS[kind](*rest)
    except NotPlain:
        raise
    except Exception as error:  # whatever has been written there on purpose
        raise NotPlain(f"{type(error).__name__}: {error}") from None


def _decode_all(parts: list[Any]) -> list[Any]:
    return [decode(part) for part in parts]


def _encode_array(value: np.generic | np.ndarray) -> list[Any]:
    array = np.asarray(value)
    if array.dtype == object:
        return ["objects", list(array.shape), [encode(part, 1) for part in array.ravel()]]
    stream = io.BytesIO()
    try:
        np.save(stream, array, allow_pickle=False)
    except ValueError as error:
        raise NotPlain(str(error)) from None
    return ["scalar" if isinstance(value, np.generic) else "array", _text(stream.getvalue())]


def _decode_array(text: str) -> np.ndarray:
    return np.load(io.BytesIO(_bytes(text)), allow_pickle=False)


def _decode_objects(shape: list[int], parts: list[Any]) -> np.ndarray:
    flat = np.empty(len(parts), dtype=object)
    flat[:] = _decode_all(parts)
    return flat.reshape(shape)


def _encode_table(frame: pd.DataFrame) -> list[Any]:
    """Write a table in Arrow's format, which knows the types of columns and index.

    It has one type of text, and pandas has several: the columns of the newer one are named.
    """
    try:
        table = pa.Table.from_pandas(pd.DataFrame(frame))
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise NotPlain(f"a table that Arrow cannot hold ({error})") from None
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    texts = [number for number, kind in enumerate(frame.dtypes) if kind == _NEWER_TEXT]
    return [_text(stream.getvalue()), texts]


def _decode_table(parts: list[Any]) -> pd.DataFrame:
    text, texts = parts
    with pa.ipc.open_stream(_bytes(text)) as reader:
        frame = reader.read_all().to_pandas()
    return frame.astype({frame.columns[number]: _NEWER_TEXT for number in texts})


def _decode_series(name: Any, parts: list[Any]) -> pd.Series:
    return _decode_table(parts)[_TABLE].rename(decode(name))


def _decode_index(names: list[Any], parts: list[Any]) -> pd.Index:
    return _decode_table(parts).index.set_names(_decode_all(names))


def _decode_record(kind: str, fields: list[str], parts: list[Any]) -> Any:
    module, _, name = kind.partition(":")
    # Only what the course has imported already: reading an answer imports nothing.
    record = getattr(sys.modules.get(module), name, None)
    if not (isinstance(record, type) and _is_record(record)):
        raise NotPlain(f"there is no record {kind}")
    return record(**dict(zip(fields, _decode_all(parts), strict=True)))


def _is_record(kind: type) -> bool:
    return dataclasses.is_dataclass(kind) and kind.__module__.startswith(PACKAGE)


def _base(value: object, kinds: Mapping[type, str]) -> type:
    return next(kind for kind in kinds if isinstance(value, kind))


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


_TIMES = {datetime.datetime: "datetime", datetime.date: "date", datetime.time: "time"}

_DECODERS: dict[str, Callable[..., Any]] = {
    "none": lambda: None,
    "blank": lambda: ____,
    "bool": bool,
    "int": lambda text: int(text, 16),
    "float": float.fromhex,
    "complex": lambda *parts: complex(*map(float.fromhex, parts)),
    "str": str,
    "bytes": _bytes,
    "scalar": lambda text: _decode_array(text)[()],
    "array": _decode_array,
    "objects": _decode_objects,
    "table": _decode_table,
    "series": _decode_series,
    "index": _decode_index,
    "nat": lambda: pd.NaT,
    "na": lambda: pd.NA,
    "timestamp": lambda text, zone: (
        pd.Timestamp(text).tz_convert(zone) if zone else pd.Timestamp(text)
    ),
    "timedelta": lambda text: pd.Timedelta(int(text)),
    "datetime": datetime.datetime.fromisoformat,
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "duration": datetime.timedelta,
    "path": PurePath,
    "range": lambda *numbers: range(*(int(number, 16) for number in numbers)),
    "tuple": lambda parts: tuple(_decode_all(parts)),
    "set": lambda parts: set(_decode_all(parts)),
    "list": _decode_all,
    "dict": lambda keys, values: dict(zip(_decode_all(keys), _decode_all(values), strict=True)),
    "record": _decode_record,
}
