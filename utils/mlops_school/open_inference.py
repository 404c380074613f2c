"""The Open Inference Protocol, version 2: how model servers such as MLServer and KServe are asked.

A table goes over the wire as tensors, one for each column. The protocol is described at
https://github.com/kserve/open-inference-protocol.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlops_school import data
from mlops_school.features import CATEGORICAL, FEATURES, NUMERIC, make_features
from mlops_school.model_package import ModelPackage
from mlops_school.paths import COURSE

PROBABILITY, WARN = "probability", "warn"  # the tensors of an answer
# Five flights of July as a request, and what release 1 says of them. Every server that speaks the
# protocol must give that answer. `python -m mlops_school.open_inference` writes both.
REQUEST = COURSE / "serving" / "v2_request.json"
ANSWER = COURSE / "serving" / "v2_answer.json"
DIGITS = 6  # of the probabilities there: the last ones differ from machine to machine


def encode(table: pd.DataFrame) -> dict[str, Any]:
    """Return a table as the body of a request.

    Parameters
    ----------
    table : DataFrame
        Numbers become tensors of type ``FP64``, all others ``BYTES``. What is missing becomes
        null, since JSON has no NaN.
    """
    tensors = [
        {
            "name": name,
            "shape": [len(table)],
            "datatype": "FP64" if pd.api.types.is_numeric_dtype(column) else "BYTES",
            "data": column.astype(object).where(column.notna(), None).tolist(),
        }
        for name, column in table.items()
    ]
    # The protocol leaves parameters open. This one says: the tensors are columns of a table.
    return {"parameters": {"content_type": "pd"}, "inputs": tensors}


def for_grpc(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body as it can go over gRPC, which has NaN and no null, and bytes for text."""
    tensors = [
        one | {"data": [_for_grpc(value, one["datatype"]) for value in one["data"]]}
        for one in body["inputs"]
    ]
    return {**body, "inputs": tensors}


def _for_grpc(value: str | float | None, datatype: str) -> bytes | float:
    if datatype == "BYTES":
        return str(value).encode()
    return float("nan") if value is None else float(value)


def spoilt(body: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return requests that should not be, each with one thing wrong, by what that is."""
    tensors = {one["name"]: one for one in body["inputs"]}
    rows = len(tensors["distance"]["data"])

    def change(name: str, **fields: Any) -> dict[str, Any]:
        changed = tensors | {name: tensors[name] | fields}
        return {**body, "inputs": list(changed.values())}

    without = [one for one in body["inputs"] if one["name"] != "distance"]
    return {
        "no inputs": {"parameters": body["parameters"]},
        "a type TEXT": change("carrier", datatype="TEXT"),
        "no distance": {**body, "inputs": without},
        "distance far": change("distance", data=["far"] * rows),
        "distance -5": change("distance", data=[-5.0] * rows),
        "carrier XX": change("carrier", data=["XX"] * rows),
    }


def metadata() -> list[dict[str, Any]]:
    """Return the tensors that release 1 takes, as a model server describes them."""
    types = dict.fromkeys(CATEGORICAL, "BYTES") | dict.fromkeys(NUMERIC, "FP64")
    return [{"name": name, "datatype": types[name], "shape": [-1]} for name in FEATURES]


def problem(table: pd.DataFrame) -> str:
    """Return what is wrong with a table that a server was sent; empty if it can be forecast.

    The protocol says how tensors look, and not which ones a model needs.
    """
    if missing := [name for name in FEATURES if name not in table]:
        return f"inputs are missing: {', '.join(missing)}"
    for name in CATEGORICAL:
        if not table[name].map(lambda value: isinstance(value, str)).all():
            return f"{name} must be text"
    for name in NUMERIC:
        try:
            values = table[name].astype("float64")
        except (TypeError, ValueError):
            return f"{name} must be a number"
        if np.isinf(values).any():
            return f"{name} must be finite"
    if (table["distance"].astype("float64") <= 0).any():
        return "distance must be above 0"
    return ""


def forecast(package: ModelPackage, table: pd.DataFrame) -> dict[str, list[Any]]:
    """Return the tensors of an answer, by name: a probability, and whether to warn, for each row.

    Parameters
    ----------
    package : ModelPackage
        The release that answers.
    table : DataFrame
        Without a :func:`problem`.
    """
    table = table[FEATURES].astype(dict.fromkeys(NUMERIC, "float64"))
    probability = package.model.predict_proba(table)[:, 1]
    warn = probability >= package.threshold
    return {PROBABILITY: probability.tolist(), WARN: warn.tolist()}


def decode(answer: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the tensors in the body of an answer, by name."""
    return {one["name"]: list(one["data"]) for one in answer["outputs"]}


def agree(answer: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    """Tell whether two answers say the same: all warnings, and probabilities to ``DIGITS`` digits.

    What else a server adds, such as an id or a shape of one column, does not matter.
    """
    ours, theirs = decode(answer), decode(expected)
    if ours[WARN] != theirs[WARN]:
        return False
    return np.allclose(ours[PROBABILITY], theirs[PROBABILITY], rtol=0, atol=2 * 10**-DIGITS)


def example(path: Path) -> dict[str, Any]:
    """Return what all servers share: ``REQUEST`` or ``ANSWER``."""
    return json.loads(path.read_text(encoding="utf-8"))


def example_table() -> pd.DataFrame:
    """Return the features of the flights in ``REQUEST``; of one of them, the plane is unknown."""
    flights = data.load_flights([7]).head(1000)
    unknown = ~flights["tailnum"].isin(data.load_planes()["tailnum"])
    chosen = pd.concat([flights[~unknown].iloc[::250].head(4), flights[unknown].head(1)])
    chosen = chosen.reset_index(drop=True)
    return make_features(chosen, data.load_weather(), data.load_planes())


def write(bodies: Iterable[tuple[Path, Mapping[str, Any]]]) -> None:
    """Write bodies into files as JSON."""
    for path, body in bodies:
        text = json.dumps(body, indent=1) + "\n"
        path.write_text(text, encoding="utf-8", newline="\n")


def main() -> None:
    """Write the request and the answer that all servers share."""
    from mlops_school import champion

    table = example_table()
    said = forecast(ModelPackage.load(champion.folder()), table)
    said[PROBABILITY] = [round(one, DIGITS) for one in said[PROBABILITY]]
    types = {PROBABILITY: "FP64", WARN: "BOOL"}
    outputs = [
        {"name": name, "shape": [len(values)], "datatype": types[name], "data": values}
        for name, values in said.items()
    ]
    write([(REQUEST, encode(table)), (ANSWER, {"model_name": "delay", "outputs": outputs})])


if __name__ == "__main__":
    main()
