"""What lesson 11 delivers, lesson 12 serves and lesson 13 releases, without anything in between."""

import json
import sys

import pytest

from mlops_school import model_pipeline, paths, registry, swaps
from mlops_school.gateway import Gateway
from mlops_school.model_package import ModelPackage
from mlops_school.servers import Server, get
from mlops_school.service.releases import point_to


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
        bodies = swaps.afternoon(7, 1)
        swap = swaps.under_load(gateway, bodies, lambda: point_to(shelf, "2"))
        assert swaps.lost(swap) == 0
        assert json.loads(get(health)[1])["release"] == "2"

        assert registry.rollback() == champion
        point_to(shelf, "1")
        assert swaps.lost(swaps.under_load(gateway, bodies)) == 0
        assert json.loads(get(health)[1])["release"] == "1"
