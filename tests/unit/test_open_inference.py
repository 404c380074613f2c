"""Tables as tensors of the V2 protocol, and the one request that all servers must agree on."""

import copy
import json
import math

import numpy as np
import pandas as pd
import pytest

from mlops_school import champion, model_servers, open_inference
from mlops_school.features import FEATURES
from mlops_school.model_package import ModelPackage
from mlops_school.open_inference import ANSWER, PROBABILITY, REQUEST, WARN


@pytest.fixture(scope="module")
def table():
    return open_inference.example_table()


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCHOOL_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        yield champion.folder()


def test_a_table_becomes_one_tensor_a_column():
    table = pd.DataFrame({"carrier": ["UA", "AA"], "seats": [100.0, math.nan]})
    assert open_inference.encode(table)["inputs"] == [
        {"name": "carrier", "shape": [2], "datatype": "BYTES", "data": ["UA", "AA"]},
        {"name": "seats", "shape": [2], "datatype": "FP64", "data": [100.0, None]},
    ]


def test_grpc_has_bytes_and_nan(table):
    body = open_inference.for_grpc(open_inference.encode(table))
    by_name = {tensor["name"]: tensor["data"] for tensor in body["inputs"]}
    assert by_name["carrier"][0] == table["carrier"].iloc[0].encode()
    assert np.array_equal(by_name["seats"], table["seats"], equal_nan=True)


def test_the_stored_request_is_that_of_the_data(table):
    assert open_inference.example(REQUEST) == open_inference.encode(table)
    assert table.isna().any(axis=None)  # or it would not show how a server takes null
    described = [(one["name"], one["datatype"]) for one in open_inference.metadata()]
    sent = [(one["name"], one["datatype"]) for one in open_inference.encode(table)["inputs"]]
    assert described == sent


def test_release_1_gives_the_stored_answer(table, release):
    said = open_inference.forecast(ModelPackage.load(release), table)
    answer = {"outputs": [{"name": name, "data": values} for name, values in said.items()]}
    assert open_inference.agree(answer, open_inference.example(ANSWER))


@pytest.mark.parametrize("name", [PROBABILITY, WARN])
def test_another_answer_does_not_agree(name):
    answer = open_inference.example(ANSWER)
    other = copy.deepcopy(answer)
    (tensor,) = (one for one in other["outputs"] if one["name"] == name)
    value = tensor["data"][0]
    tensor["data"][0] = not value if name == WARN else value + 0.001
    assert open_inference.agree(answer, answer)
    assert not open_inference.agree(other, answer)


def test_a_good_table_has_no_problem(table):
    assert not open_inference.problem(table)
    assert not open_inference.problem(table.astype({"seats": object}))


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("carrier", [None] * 5, "carrier must be text"),
        ("temp", ["warm"] * 5, "temp must be a number"),
        ("temp", [math.inf] * 5, "temp must be finite"),
        ("distance", [-5.0] * 5, "distance must be above 0"),
    ],
)
def test_a_bad_column_is_named(table, column, values, said):
    assert open_inference.problem(table.assign(**{column: values})) == said


def test_missing_inputs_are_named(table):
    found = open_inference.problem(table.drop(columns=["carrier", "temp"]))
    assert found == "inputs are missing: carrier, temp"


def test_each_spoilt_request_differs_in_one_tensor_or_field(table):
    body = open_inference.encode(table)
    kept = copy.deepcopy(body)
    for what, other in open_inference.spoilt(body).items():
        same = [one for one in other.get("inputs", []) if one in body["inputs"]]
        assert len(same) == len(FEATURES) - 1 or what == "no inputs", what
    assert body == kept


def test_a_model_in_the_repository_says_what_it_takes(tmp_path, release):
    package = ModelPackage.load(release)
    folder = model_servers.add_model(tmp_path, "delay", package, "Careful")
    settings = json.loads((folder / "model-settings.json").read_text(encoding="utf-8"))
    assert (folder.name, settings["name"]) == ("delay-1", "delay")
    assert [one["name"] for one in settings["inputs"]] == FEATURES
    assert ModelPackage.load(folder / settings["parameters"]["uri"]).threshold == package.threshold
    runtime = (folder / "mlserver_runtime.py").read_text(encoding="utf-8")
    assert f"class {settings['implementation'].rpartition('.')[2]}(" in runtime
