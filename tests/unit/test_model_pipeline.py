"""The stages of the pipeline, alone and one after the other."""

import json
import subprocess
import sys
from dataclasses import replace

import mlflow
import pytest

from mlops_school import champion, ci_services, model_pipeline, pipeline, registry
from mlops_school.errors import CourseError
from mlops_school.model_package import ModelPackage
from mlops_school.model_pipeline import STAGES, Plan, main
from mlops_school.origin import provenance
from mlops_school.paths import COURSE, workspace
from mlops_school.process import load_requirements
from mlops_school.repository import Repository

PLAN = COURSE / "pipelines" / "model.toml"


@pytest.fixture(scope="module")
def release():
    """Return a release 1 that is trained in no time, and taken for the real one."""
    record = {"seed": "0", **provenance(champion.MONTHS)}
    return replace(champion.train("1", (1,), max_iter=3), record=record)


@pytest.fixture(autouse=True)
def own_workspace(release, tmp_path, monkeypatch):
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(tmp_path / "a work space"))
    monkeypatch.chdir(tmp_path)
    release.write(workspace() / "releases" / "1")
    yield
    mlflow.end_run()


def test_the_plan_of_the_course_can_be_read():
    assert Plan.read(PLAN) == Plan("2", (1, 2, 3, 4, 5), 0, {"max_leaf_nodes": 15})


def test_a_plan_passes_all_stages_twice_and_is_registered_once(capsys):
    plan = Plan("2", (5,), settings={"max_iter": 20})
    model_pipeline.run(plan)
    first = capsys.readouterr().out
    model_pipeline.run(plan)
    second = capsys.readouterr().out
    assert "version 2 is the champion\n" in first
    assert "kept" in second and "nothing to do" in second
    assert registry.table().index.tolist() == [1, 2]

    folder = registry.export(plan.folder.parent / "service")
    assert ModelPackage.load(folder).version == "2"
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    for part in ("Intended use", "Training data", "Evaluation data", "Slices", "Gates", "Limits"):
        assert f"## {part}" in card
    for name in ("R1", "R2", "R3", "R5", "R7"):
        assert load_requirements()[name].title in card
    assert plan.key == registry.key_of(2)
    assert ModelPackage.load(registry.folder_of(1)).model[-1].n_iter_ == 3  # the quick release 1


@pytest.fixture
def small():
    """Return a plan that is trained in no time."""
    return Plan("2", (1,), settings={"max_iter": 3})


def test_stages_say_what_they_lack(small):
    with pytest.raises(CourseError, match="stage `train` first"):
        STAGES["validate"](small)
    STAGES["train"](small)
    with pytest.raises(CourseError, match="stage `validate` first"):
        STAGES["package"](small)
    with pytest.raises(CourseError, match="stage `validate` first"):
        STAGES["register"](small)


def test_what_a_gate_has_stopped_is_neither_packed_nor_registered(small):
    STAGES["train"](small)
    report = {"passed": False, "verdicts": ["STOPPED worse (R2): dearer"]}
    (small.folder / "report.json").write_text(json.dumps(report), encoding="utf-8")
    for stage in ("package", "register"):
        with pytest.raises(CourseError, match="the champion stays.\nSTOPPED worse"):
            STAGES[stage](small)


def test_training_again_keeps_what_is_there(small):
    assert "trained on months 1" in STAGES["train"](small)
    record = ModelPackage.load(small.folder / "trained").record
    assert (record["seed"], record["max_iter"]) == ("0", "3")
    assert "kept" in STAGES["train"](small)


def test_training_is_repeated_if_the_data_were_others(small):
    STAGES["train"](small)
    package = ModelPackage.load(small.folder / "trained")
    other = {**package.record, "data_version": "other"}
    ModelPackage("2", package.model, 0.5, (1,), other).write(small.folder / "trained")
    assert "trained on months 1" in STAGES["train"](small)


def test_equal_plans_have_equal_keys_and_others_do_not(small, monkeypatch):
    assert small.key == Plan("2", (1,), settings={"max_iter": 3}).key
    others = [
        Plan("3", (1,), settings={"max_iter": 3}),
        Plan("2", (1, 2), settings={"max_iter": 3}),
        Plan("2", (1,), 1, {"max_iter": 3}),
        Plan("2", (1,)),
    ]
    assert len({small.key, *(plan.key for plan in others)}) == 5
    origin = {"data_version": "a", "git_commit": "b"}
    monkeypatch.setattr(model_pipeline, "provenance", lambda months: dict(origin))
    before = small.key

    def key():
        return Plan("2", (1,), settings={"max_iter": 3}).key

    clean = key()
    assert clean != before
    origin["git_commit"] = "b-dirty"
    assert key() == clean
    origin["git_commit"] = "c"
    assert key() != clean
    assert small.key == before


def test_a_plan_for_a_single_number_of_a_month_says_what_is_wrong():
    with pytest.raises(CourseError, match="months 1 to 5"):
        Plan("2", 5)


def test_the_test_stage_finds_a_feature_that_knows_the_future(small, monkeypatch):
    honest = model_pipeline.make_features

    def leaky(flights, weather, planes):
        return honest(flights, weather, planes).assign(seats=flights["dep_delay"])

    assert "R1" in STAGES["test"](small)
    monkeypatch.setattr(model_pipeline, "make_features", leaky)
    with pytest.raises(CourseError, match="R1"):
        STAGES["test"](small)


def test_the_test_stage_finds_training_that_depends_on_chance(small, monkeypatch):
    honest = model_pipeline.make_boosting
    seeds = iter([1, 2])

    def careless(seed, **settings):
        return honest(seed=next(seeds), max_features=0.3, **settings)

    monkeypatch.setattr(model_pipeline, "make_boosting", careless)
    with pytest.raises(CourseError, match="R4"):
        STAGES["test"](small)


def test_only_the_challenger_is_promoted(small, monkeypatch):
    monkeypatch.setattr(registry, "connect", lambda: None)
    monkeypatch.setattr(registry, "at", lambda alias: None)
    with pytest.raises(CourseError, match="stage `register` first"):
        STAGES["promote"](small)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no model.toml here"),
        ("months = [", "no plan"),
        ("months = [1]", "no plan"),
        ('release = "2"\nmonths = [1]\ncolour = "red"', "no plan"),
        ('release = "2"\nmonths = []', "months 1 to 5"),
        ('release = "2"\nmonths = 5', "no plan"),
        ('release = "2"\nmonths = [5, 6]', "months 1 to 5"),
    ],
)
def test_a_plan_that_is_none_ends_with_status_1_and_a_sentence(text, words, tmp_path, capsys):
    if text is not None:
        (tmp_path / "model.toml").write_text(text, encoding="utf-8")
    assert main(["train"]) == 1
    assert words in capsys.readouterr().out


def test_the_github_file_runs_as_it_is_and_a_gate_stops_a_worse_model(tmp_path):
    repository = Repository.create(tmp_path / "repository")
    file = ci_services.SERVICES["GitHub Actions"].place
    repository.write(file, ci_services.read("GitHub Actions"))
    repository.write("model.toml", 'release = "2"\nmonths = [1]\n[settings]\nlearning_rate = 1.0\n')
    repository.commit("Learn hastily")
    run = pipeline.run(repository, file=file)
    assert list(run.jobs.values()) == ["passed", "passed", "failed", *["skipped"] * 3]
    assert "STOPPED worse (R2)" in run.log("validate")


def test_the_first_stages_need_not_wait_for_mlflow():
    code = "import sys, mlops_school.model_pipeline; print('mlflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "False"
