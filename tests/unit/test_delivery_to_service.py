"""What lesson 11 delivers, lesson 12 serves and lesson 13 releases, without anything in between."""

import json
import os
import subprocess
import sys

import pytest

from mlops_school import containers, model_pipeline, paths, registry, releases
from mlops_school.gateway import Gateway
from mlops_school.model_package import ModelPackage
from mlops_school.servers import Server, get
from mlops_school.service.releases import point_to

# The service may import what is in the image, and nothing else. A distribution that is not there
# is refused, wherever it is imported.
ONLY_WHAT_IS_IN_THE_IMAGE = """\
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

allowed = {name.lower().replace("_", "-") for name in sys.argv[2:]}
owners = packages_distributions()


class Refuse:
    def find_spec(self, name, path=None, target=None):
        found = {owner.lower().replace("_", "-") for owner in owners.get(name.split(".")[0], ())}
        if found and not found & allowed:
            raise ModuleNotFoundError(f"{name} is not in the image", name=name)


sys.meta_path.insert(0, Refuse())

from fastapi.testclient import TestClient

from mlops_school import containers

with TestClient(containers.application()) as client:
    assert client.get("/health").json()["release"] == "1"
    assert client.get("/docs").status_code == 200
    assert client.get("/").status_code == 200
    flight = {"carrier": "UA", "origin": "EWR", "dest": "ORD"}
    flight["departure"] = "2013-07-01T17:30:00-04:00"
    assert client.post("/forecast", json=flight).status_code == 200
print("served")
"""


@pytest.fixture
def plan(workspace):
    file = paths.COURSE / "pipelines" / model_pipeline.FILE
    return model_pipeline.Plan.read(file)


def test_a_delivered_model_takes_the_place_of_the_champion_and_goes_again(plan, tmp_path, capsys):
    registry.connect()
    champion = registry.champion_version()
    shelf = tmp_path / "releases"
    registry.export(shelf / "1")
    point_to(shelf, "1")
    with (
        Server([sys.executable, "-m", "mlops_school.service", str(shelf)]) as service,
        Gateway(live="stable", releases={"stable": service.address}) as gateway,
    ):
        health = f"{gateway.address}/health"
        assert json.loads(get(health)[1])["release"] == "1"

        model_pipeline.run(plan)
        capsys.readouterr()
        assert registry.champion_version() != champion
        registry.export(shelf / "2")
        delivered = ModelPackage.load(shelf / "2")
        assert delivered.version == plan.release
        bodies = releases.afternoon(7, 1)
        swap = releases.under_load(gateway, bodies, lambda: point_to(shelf, "2"))
        assert releases.lost(swap) == 0
        assert json.loads(get(health)[1])["release"] == "2"

        assert registry.rollback() == champion
        point_to(shelf, "1")
        assert releases.lost(releases.under_load(gateway, bodies)) == 0
        assert json.loads(get(health)[1])["release"] == "1"


def test_the_image_holds_all_that_the_service_imports(plan):
    from mlops_school import champion

    pinned = [line.partition("==")[0] for line in containers.pinned()]
    # What the test itself needs: the client, and the package, which is copied, not installed.
    names = [*pinned, "httpx", "httpcore", "certifi", "mlops-school"]
    done = subprocess.run(
        [sys.executable, "-c", ONLY_WHAT_IS_IN_THE_IMAGE, "", *names],
        env={**os.environ, "MODEL_PACKAGE": str(champion.folder())},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.stdout.endswith("served\n"), done.stderr
