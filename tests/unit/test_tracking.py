import sqlite3
import subprocess
import sys

import mlflow
import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from mlops_school import data, origin, tracking
from mlops_school.errors import CourseError
from mlops_school.features import FEATURES, load_examples
from mlops_school.training import make_boosting

EXPERIMENT = "test"


@pytest.fixture(autouse=True)
def own_workspace(tmp_path, monkeypatch):
    folder = tmp_path / "a work space"
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(folder))
    yield folder
    mlflow.end_run()


@pytest.fixture(scope="module")
def january():
    return load_examples([1])


def record_run(**overrides):
    with mlflow.start_run() as run:
        mlflow.log_params({"months": [1], "seed": 3, "max_iter": 10, **overrides})
        mlflow.set_tags(tracking.provenance([1]))
    return run.info.run_id


def test_runs_stay_in_the_workspace(own_workspace, tmp_path):
    tracking.start(EXPERIMENT)
    record_run()
    assert tracking.count_runs() == {EXPERIMENT: 1, "Default": 0}
    assert (own_workspace / "mlflow" / "mlflow.db").exists()
    assert [path.name for path in tmp_path.iterdir()] == [own_workspace.name]


def test_starting_again_leaves_no_duplicates_and_loses_nothing():
    tracking.start(EXPERIMENT)
    kept = record_run()
    tracking.start(EXPERIMENT)
    record_run()
    assert tracking.count_runs()[EXPERIMENT] == 1
    assert mlflow.get_run(kept).info.lifecycle_stage == "deleted"
    mlflow.MlflowClient().restore_run(kept)
    assert tracking.count_runs()[EXPERIMENT] == 2


def test_a_new_experiment_may_keep_its_files_elsewhere():
    tracking.start(EXPERIMENT, artifacts="s3://bucket/mlflow")
    with mlflow.start_run() as run:
        assert run.info.artifact_uri.startswith("s3://bucket/mlflow/")


def test_starting_leaves_other_experiments_alone():
    tracking.start("mine")
    record_run()
    tracking.start(EXPERIMENT)
    assert tracking.count_runs()["mine"] == 1


def test_a_run_left_open_is_closed():
    tracking.start(EXPERIMENT)
    mlflow.start_run()
    tracking.start(EXPERIMENT)
    assert mlflow.active_run() is None


def test_R4_retraining_from_the_record_gives_the_same_model(january):
    tracking.start(EXPERIMENT)
    run_id = record_run()
    first = make_boosting(seed=3, max_iter=10).fit(january[FEATURES], january["late"])
    again = tracking.retrain(run_id)
    np.testing.assert_array_equal(
        first.predict_proba(january[FEATURES]), again.predict_proba(january[FEATURES])
    )


def test_retraining_refuses_changed_data(monkeypatch):
    tracking.start(EXPERIMENT)
    run_id = record_run()
    monkeypatch.setattr(data, "version", lambda months: "another")
    with pytest.raises(CourseError, match="data have changed"):
        tracking.retrain(run_id)


def test_retraining_names_what_the_record_lacks():
    tracking.start(EXPERIMENT)
    with mlflow.start_run() as run:
        mlflow.log_param("months", [1])
    with pytest.raises(CourseError, match="lacks: seed, data_version"):
        tracking.retrain(run.info.run_id)
    with pytest.raises(CourseError, match="no run 'nonsense'"):
        tracking.retrain("nonsense")


def test_a_stored_model_is_the_model_and_needs_no_pickle(january):
    tracking.start(EXPERIMENT)
    model = make_boosting(max_iter=10).fit(january[FEATURES], january["late"])
    with mlflow.start_run():
        stored = tracking.log_model(model, january[FEATURES].head())
    loaded = mlflow.sklearn.load_model(stored.model_uri)
    expected = model.predict_proba(january[FEATURES])
    np.testing.assert_array_equal(loaded.predict_proba(january[FEATURES]), expected)
    assert stored.flavors["sklearn"]["serialization_format"] == "skops"
    assert stored.signature.inputs.input_names() == FEATURES

    served = mlflow.pyfunc.load_model(stored.model_uri)
    np.testing.assert_array_equal(served.predict(january[FEATURES].head()), expected[:5])


def test_a_model_with_code_of_its_own_is_refused(january):
    class Tampered(HistGradientBoostingClassifier):
        pass

    tracking.start(EXPERIMENT)
    model = make_boosting(max_iter=2).fit(january[FEATURES], january["late"])
    model[-1].__class__ = Tampered
    with mlflow.start_run(), pytest.raises(Exception, match="[Uu]ntrusted"):
        tracking.log_model(model, january[FEATURES].head())


def test_a_locked_database_is_one_sentence_and_loses_nothing(own_workspace, monkeypatch):
    tracking.start(EXPERIMENT)
    record_run()
    monkeypatch.setattr(tracking, "LOCK_SECONDS", 0.05)
    other = sqlite3.connect(own_workspace / "mlflow" / "mlflow.db")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(CourseError, match="locked.*no run is lost"):
        tracking.start(EXPERIMENT)
    other.close()
    assert tracking.count_runs()[EXPERIMENT] == 1


def test_a_damaged_database_is_one_sentence_and_is_kept(own_workspace):
    tracking.start(EXPERIMENT)
    database = own_workspace / "mlflow" / "mlflow.db"
    mlflow.set_tracking_uri(None)
    database.write_bytes(b"not a database " * 1000)
    with pytest.raises(CourseError, match="damaged.*Rename"):
        tracking.start(EXPERIMENT)
    assert database.read_bytes() == b"not a database " * 1000


def test_two_lessons_start_at_once(own_workspace):
    code = f"from mlops_school import tracking; tracking.start({EXPERIMENT!r} + input())"
    lessons = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for number, lesson in enumerate(lessons):
        lesson.communicate(str(number), timeout=60)
    assert [lesson.returncode for lesson in lessons] == [0, 0]
    assert set(tracking.count_runs()) == {"Default", f"{EXPERIMENT}0", f"{EXPERIMENT}1"}


def test_a_read_only_course_folder_is_no_obstacle(tmp_path, monkeypatch):
    in_the_way = tmp_path / "a file"
    in_the_way.write_text("", encoding="utf-8")
    monkeypatch.setattr(tracking, "BUILD", in_the_way)
    tracking.start(EXPERIMENT)
    assert tracking.count_runs()[EXPERIMENT] == 0


def test_provenance_names_data_and_code():
    tags = tracking.provenance([1, 2])
    assert tags["data_version"] == data.version([1, 2]) != data.version([1])
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=origin.ROOT, capture_output=True, text=True
    ).stdout.strip()
    assert tags["git_commit"].removesuffix("-dirty") == head


def test_outside_a_repository_the_commit_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(origin, "ROOT", tmp_path)
    assert tracking.provenance([1])["git_commit"] == "unknown"


def test_without_git_the_commit_is_unknown(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert tracking.provenance([1])["git_commit"] == "unknown"
