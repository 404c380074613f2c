"""The project that the lab on BentoML packs: whole, and without BentoML to be tested."""

import os

import pytest
import yaml

from mlops_school import bento
from mlops_school.exercises.labs.bentoml import _NEEDED, _UNWANTED


@pytest.fixture
def project(workspace, monkeypatch):
    for name in ("BENTOML_HOME", "BENTOML_DO_NOT_TRACK"):
        monkeypatch.setenv(name, "")  # put back afterwards what the function sets
    return bento.new_project()


def test_a_project_has_what_the_exercise_says(project):
    for file in [*_NEEDED, *_UNWANTED]:
        assert (project / file).is_file(), file
    assert not list(project.rglob("__pycache__"))


def test_the_files_of_bentoml_are_beside_the_project_and_it_keeps_silent(project):
    assert os.environ["BENTOML_HOME"] == str(project.parent / "home")
    assert os.environ["BENTOML_DO_NOT_TRACK"] == "True"


def test_the_recipe_pins_what_is_installed():
    parts = yaml.safe_load(bento.recipe(["notes/"]))
    assert parts["include"] == ["notes/"]
    assert all("==" in package for package in parts["python"]["packages"])
    assert not parts["python"]["lock_packages"]


def test_the_mean_batch_is_that_of_the_method():
    name = "bentoml_service_adaptive_batch_size"
    metrics = "\n".join(
        f'{name}_{part}{{method_name="{method}",service_name="delay"}} {value}'
        for method, total in {"forecast": 12.0, "hurried": 4.0}.items()
        for part, value in {"sum": total, "count": 4.0, 'bucket{le="1.0"': 1.0}.items()
    )
    assert bento.mean_batch(metrics, "forecast") == 3
    assert bento.mean_batch(metrics, "hurried") == 1
