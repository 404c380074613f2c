"""The registry: aliases move, versions stay, and what is poisoned is stopped."""

import mlflow
import pytest

from mlops_school import champion, intrusions, registry
from mlops_school.errors import CourseError
from mlops_school.features import FEATURES, load_examples
from mlops_school.model_package import MODEL, ModelPackage
from mlops_school.origin import provenance
from mlops_school.packing import CARD, pack
from mlops_school.training import make_boosting


@pytest.fixture(scope="module")
def models():
    """Return two small models that differ."""
    flights = load_examples([1]).head(3000)
    return [
        make_boosting(seed=seed, max_iter=3, max_leaf_nodes=4 + seed).fit(
            flights[FEATURES], flights["late"]
        )
        for seed in (0, 1)
    ]


@pytest.fixture(autouse=True)
def own_registry(models, tmp_path, monkeypatch):
    """Begin with a small release 1."""
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(tmp_path / "a work space"))
    release = make(models[0], "1").write(tmp_path / "release")
    monkeypatch.setattr(champion, "folder", lambda: release)
    registry.start()
    yield
    mlflow.end_run()


def make(model, version):
    return ModelPackage(version, model, 0.25, (1,), {"seed": "0", **provenance([1])})


@pytest.fixture
def second(models, tmp_path):
    """Return the folder of release 2, packed."""
    return pack(make(models[1], "2"), tmp_path / "packed", card="# Card\n")


def stopped(version):
    return [verdict.gate for verdict in registry.check(version) if not verdict.passed]


def test_it_begins_with_release_1_as_the_champion():
    assert registry.at("champion") == 1
    assert registry.at("challenger") is None
    assert stopped(1) == []


def test_beginning_again_leaves_nothing_twice(second):
    registry.add(second, "a key")
    registry.start()
    assert registry.table().index.tolist() == [1]
    assert len(mlflow.search_runs()) == 1


def test_connecting_changes_nothing(second):
    registry.promote(registry.add(second, "a key"))
    registry.connect()
    assert registry.at("champion") == 2
    assert registry.table().index.tolist() == [1, 2]


def test_one_key_is_registered_once(second):
    assert registry.add(second, "a key") == registry.add(second, "a key") == 2
    assert registry.add(second, "another") == 3


def test_promote_and_rollback_move_an_alias(second):
    version = registry.add(second, "a key")
    assert registry.promote(version)
    assert (registry.at("champion"), registry.at("previous")) == (2, 1)
    assert not registry.promote(version)
    assert registry.at("previous") == 1
    assert registry.rollback() == registry.at("champion") == 1


def test_who_is_killed_while_promoting_leaves_the_champion_and_can_repeat_it(second, monkeypatch):
    version = registry.add(second, "a key")
    honest = registry.point

    def killed(alias, version):
        if alias == registry.CHAMPION:
            raise KeyboardInterrupt
        honest(alias, version)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(registry, "point", killed)
        registry.promote(version)
    assert registry.at("champion") == registry.rollback() == 1
    assert registry.promote(version)
    assert (registry.at("champion"), registry.at("previous")) == (version, 1)


def test_without_a_previous_champion_there_is_no_way_back():
    with pytest.raises(CourseError, match="no previous"):
        registry.rollback()


def test_a_run_in_the_registry_suffices_to_train_the_model_again():
    run = mlflow.search_runs(output_format="list")[0]
    assert run.data.params["months"] == "[1]"
    assert run.data.params["seed"] == "0"
    assert run.data.tags["data_version"] == provenance([1])["data_version"]


def test_a_signature_allows_what_may_be_missing(second):
    inputs = mlflow.models.Model.load(second).signature.inputs
    assert inputs.input_names() == FEATURES
    required = [column.name for column in inputs if column.required]
    assert required == ["carrier", "origin", "dest", "weekday"]


def test_export_gives_what_a_service_loads_alone(second, tmp_path):
    registry.promote(registry.add(second, "a key"))
    folder = registry.export(tmp_path / "service")
    assert ModelPackage.load(folder).version == "2"
    assert (folder / CARD).read_text(encoding="utf-8") == "# Card\n"


def test_a_model_registered_by_hand_is_not_promoted(models):
    version = intrusions.by_hand(models[1])
    assert stopped(version) == ["unsigned", "changed"]
    with pytest.raises(CourseError, match=r"Version 2 is not promoted[\s\S]*has no signature"):
        registry.promote(version)
    assert registry.at("champion") == 1


def test_a_signature_with_other_columns_is_stopped(second):
    mlmodel = second / "MLmodel"
    text = mlmodel.read_text(encoding="utf-8")
    assert text.count('"name": "carrier"') == 1
    mlmodel.write_text(text.replace('"carrier"', '"arr_time"'), encoding="utf-8")
    assert stopped(registry.add(second, "a key")) == ["unsigned"]


@pytest.mark.parametrize("swap", [intrusions.swap_file, intrusions.swap_package])
def test_a_swapped_model_is_noticed_and_can_be_put_right(swap, models, second, tmp_path):
    version = registry.add(second, "a key")
    registry.promote(version)
    service = registry.export(tmp_path / "service")
    before = (service / MODEL).read_bytes()
    swap(version, make(models[0], "2"))
    assert stopped(version) == ["changed"]
    with pytest.raises(CourseError, match="not exported"):
        registry.export(service)
    assert (service / MODEL).read_bytes() == before
    registry.rollback()
    with pytest.raises(CourseError, match="not promoted"):
        registry.promote(version)
    for name in (MODEL, "package.json"):
        (registry.folder_of(version) / name).write_bytes((second / name).read_bytes())
    assert registry.promote(version)


def test_a_swapped_package_alone_would_not_be_noticed(models, second):
    version = registry.add(second, "a key")
    intrusions.swap_package(version, make(models[0], "2"))
    ModelPackage.load(registry.folder_of(version))


def test_a_smuggled_pickle_reaches_no_service(tmp_path):
    version = intrusions.smuggle(intrusions.surprise(tmp_path / "poisoned.txt"))
    assert registry.at("champion") == version
    registry.table()
    with pytest.raises(CourseError, match="not exported"):
        registry.export(tmp_path / "service")
    assert not (tmp_path / "poisoned.txt").exists()
    assert not (tmp_path / "service").exists()


def test_a_surprise_runs_when_its_pickle_is_opened_and_skops_would_not_build_it(tmp_path):
    import pickle

    file = tmp_path / "poisoned.txt"
    pickle.loads(intrusions.surprise(file))
    assert file.exists()
    assert intrusions.unknown_types(file) == ["mlops_school.intrusions.Surprise"]


def test_a_package_of_unknown_types_is_not_registered(second, tmp_path):
    import json

    import skops.io

    from mlops_school import files

    skops.io.dump(intrusions.Surprise(tmp_path / "x"), second / MODEL)
    about = json.loads((second / "package.json").read_text(encoding="utf-8"))
    about["sha256"] = files.sha256(second / MODEL)
    (second / "package.json").write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(CourseError, match="nobody has approved"):
        registry.add(second, "a key")


def test_versions_and_aliases_that_are_not_there(tmp_path):
    with pytest.raises(CourseError, match="no version 7"):
        registry.folder_of(7)
    with pytest.raises(CourseError, match="No version is the challenger"):
        registry.export(tmp_path / "service", "challenger")
