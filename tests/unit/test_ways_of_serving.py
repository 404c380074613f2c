"""FastAPI, Flask and gRPC as processes: the same answers, the same refusals, and the contracts."""

import subprocess
import sys
from pathlib import Path

import grpc
import httpx
import pytest

from mlops_school import champion, load
from mlops_school.forecasts import Flight, Forecaster
from mlops_school.model_package import ModelPackage
from mlops_school.paths import ROOT
from mlops_school.servers import Server
from mlops_school.service import rpc
from mlops_school.service.rpc import delay_pb2, delay_pb2_grpc

GOOD = {
    "carrier": "UA",
    "origin": "EWR",
    "dest": "ORD",
    "departure": "2013-07-01T17:30:00-04:00",
}
ACCEPTED = [GOOD, GOOD | {"tailnum": "N14228"}, GOOD | {"departure": "2013-12-24T06:05:00-05:00"}]
REFUSED = [
    (GOOD | {"carrier": "XX"}, "carrier"),
    (GOOD | {"origin": "BOS"}, "origin"),
    (GOOD | {"dest": "XXX"}, "dest"),
    (GOOD | {"departure": "2013-07-01T17:30:00"}, "departure"),
    (GOOD | {"departure": "0001-01-01T00:00:00+14:00"}, "departure"),
    (GOOD | {"tailnum": "N" * 9}, "tailnum"),
    ({"carrier": "UA"}, "dest"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCHOOL_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        return champion.train("1", months=(1,)).write(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="module")
def expected(folder):
    forecaster = Forecaster(ModelPackage.load(folder))
    return [one.model_dump() for one in forecaster.forecast([Flight(**one) for one in ACCEPTED])]


def serve(module, folder, **settings):
    return Server([sys.executable, "-m", module, str(folder)], **settings)


@pytest.fixture(scope="module")
def fastapi(folder):
    with serve("mlops_school.service", folder) as server:
        yield server


@pytest.fixture(scope="module")
def flask(folder):
    with serve("mlops_school.service.with_flask", folder) as server:
        yield server


@pytest.mark.parametrize("way", ["fastapi", "flask"])
def test_over_http_each_way_answers_and_refuses_alike(way, request, expected):
    server = request.getfixturevalue(way)
    with httpx.Client(base_url=server.address, trust_env=False) as client:
        assert {"status": "ready", "release": "1"}.items() <= client.get("/health").json().items()
        assert [client.post("/forecast", json=one).json() for one in ACCEPTED] == expected
        for flight, field in REFUSED:
            answer = client.post("/forecast", json=flight)
            assert answer.status_code == 422
            assert field in [wrong["where"] for wrong in answer.json()["wrong"]]


def test_over_grpc_it_answers_and_refuses_alike(folder, expected):
    with serve("mlops_school.service.rpc", folder, health=None) as server:
        with grpc.insecure_channel(server.address.removeprefix("http://")) as channel:
            stub = delay_pb2_grpc.DelayStub(channel)
            for flight, forecast in zip(ACCEPTED, expected, strict=True):
                found = stub.Ask(delay_pb2.Flight(**flight), timeout=10)
                assert forecast == {name: getattr(found, name) for name in forecast}
            for flight, field in REFUSED:
                with pytest.raises(grpc.RpcError) as refused:
                    stub.Ask(delay_pb2.Flight(**flight), timeout=10)
                assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
                assert f"{field}: " in refused.value.details()
        bodies = [GOOD, GOOD | {"carrier": "XX"}]
        answers = load.by_grpc_clients(server.address, bodies, clients=2, seconds=0.3)
        assert set(answers["status"]) == {200, 422}
        assert (answers["seconds"] > 0).all()
    gone = load.by_grpc_clients(server.address, bodies, clients=1, seconds=0.1)
    assert set(gone["status"]) == {load.NO_ANSWER}


def test_a_function_without_a_network_is_measured_in_the_same_way():
    called = []
    answers = load.alone(called.append, "ab", seconds=0.01)
    assert called[:4] == ["a", "b", "a", "b"]
    assert len(called) == len(answers) == load.summarise(answers)["requests"]


def test_the_python_of_the_contract_is_made_from_it(tmp_path):
    folder = Path(rpc.__file__).parent
    proto = folder.relative_to(ROOT / "utils") / "delay.proto"
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", ".", str(proto.as_posix())]
    outputs = [f"--python_out={tmp_path}", f"--grpc_python_out={tmp_path}"]
    subprocess.run([*command, *outputs], cwd=ROOT / "utils", check=True)
    for name in ("delay_pb2.py", "delay_pb2_grpc.py"):
        made = (tmp_path / proto.parent / name).read_text(encoding="utf-8")
        assert made == (folder / name).read_text(encoding="utf-8")


SETTINGS = """
# A route that nobody flies, or a year without weather, fits the document and is refused all the
# same: OpenAPI cannot say which airports belong together.
[checks.positive_data_acceptance]
expected-statuses = [200, 422]
"""


def test_schemathesis_finds_nothing_against_the_openapi_document(fastapi, tmp_path):
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(SETTINGS, encoding="utf-8")
    command = ["schemathesis.cli", "--config-file", str(settings), "run"]
    limits = ["--mode", "all", "--max-examples", "12", "--seed", "1", "--no-color"]
    found = subprocess.run(
        [sys.executable, "-m", *command, f"{fastapi.address}/openapi.json", *limits],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert "3 selected" in found.stdout
