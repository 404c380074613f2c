"""A challenger on its way into service, the way back, and the end of a release."""

import shutil

import mlflow
import pytest

from mlops_school import challenger as steps
from mlops_school import champion, cli, compatibility, registry, replay, retirement, rollback
from mlops_school.compatibility import DELIVERED, Column
from mlops_school.errors import CourseError
from mlops_school.features import FEATURES, load_examples
from mlops_school.model_package import MODEL, ModelPackage
from mlops_school.origin import provenance
from mlops_school.packing import pack
from mlops_school.service.releases import Releases
from mlops_school.training import make_boosting


@pytest.fixture(scope="module")
def model():
    flights = load_examples([1]).head(2000)
    return make_boosting(max_iter=2, max_leaf_nodes=4).fit(flights[FEATURES], flights["late"])


@pytest.fixture
def releases(model, workspace, monkeypatch):
    """Begin with a small release 1 as the champion; 3-6 is what can be built before August."""
    record = {"seed": "0", **provenance([1])}
    one = ModelPackage("1", model, 0.25, (1, 2, 3, 4), record)
    newer = ModelPackage("3-6", model, 0.2, (3, 4, 5, 6), record)
    folder = one.write(workspace.parent / "one")
    monkeypatch.setattr(champion, "folder", lambda: folder)
    monkeypatch.setattr(champion, "built_before", lambda number, window: newer)
    registry.start()
    yield {"1": one, "3-6": newer}
    mlflow.end_run()


@pytest.fixture
def costs(monkeypatch, month):
    """Return what the flights of each release cost; a test may change it."""
    dollars = {"1": 5.0, "3-6": 4.0}
    monkeypatch.setattr(
        replay,
        "said_by",
        lambda package, number: month(number, sharp=False, dollars=dollars[package.version]),
    )
    return dollars


# ---- from an alarm to a release, or to none


def test_a_cheaper_challenger_is_promoted_and_deployed(releases, costs, capsys):
    steps.run(8)
    assert capsys.readouterr().out.splitlines() == [
        "asked for by: Performance",
        "challenger:   version 2",
        "difference:   -1.00 [-1.00, -1.00] dollars per flight",
        "promoted:     release 3-6",
    ]
    assert registry.at("champion") == 2
    assert ModelPackage.load(rollback.place() / "2").version == "3-6"


def test_a_challenger_that_proves_nothing_is_stopped(releases, costs, capsys):
    costs["3-6"] = 5.0
    assert steps.main(["8"]) == 0
    assert "stopped: " in capsys.readouterr().out
    assert (registry.at("champion"), registry.at("challenger")) == (1, 2)
    assert steps.train(8) == 2  # once more changes nothing


def test_without_a_reason_nothing_is_trained(releases, costs, monkeypatch, capsys, month):
    monkeypatch.setattr(replay, "said_by", lambda package, number: month(number))
    steps.run(8)
    assert capsys.readouterr().out == "asked for by: nobody\n"
    assert registry.at("challenger") is None


def test_triggers_are_told_all_months_of_the_champion(releases, costs, monkeypatch):
    seen = []
    monkeypatch.setattr(steps, "TRIGGERS", (seen.append,))
    assert steps.reasons(9) == []
    (known,) = seen
    assert (known.month, known.built, set(known.served["month"])) == (9, 6, {6, 7, 8})


def test_a_month_that_is_known_already_is_no_judge(releases, costs, capsys):
    with pytest.raises(CourseError, match="serves from month 6 on"):
        steps.reasons(6)
    with pytest.raises(CourseError, match="No version is the challenger"):
        steps.compare(8)
    with pytest.raises(CourseError, match="No version is the challenger"):
        steps.promote()
    steps.train(8)
    with pytest.raises(CourseError, match="3-6, the challenger, has learned from month 7"):
        steps.compare(7)
    assert steps.main(["7"]) == 1
    assert "later months only" in capsys.readouterr().out


# ---- the way back


@pytest.fixture
def second(releases, tmp_path):
    """Promote a second release, and let services take it."""
    rollback.deploy()
    version = registry.add(pack(releases["3-6"], tmp_path / "packed"), key="second")
    registry.promote(version)
    assert rollback.deploy() == "3-6"
    return version


def test_R10_one_command_brings_the_release_before_back_into_service(second, capsys):
    service = Releases(rollback.place())
    assert service.version == "3-6"
    for _ in range(2):  # twice is as good as once
        assert cli.main(["rollback"]) == 0
        assert "Release 1 is the champion again." in capsys.readouterr().out
        while service.refresh():
            pass
        service.refresh()
        assert (service.version, service.refused) == ("1", "")
    assert registry.at("champion") == registry.at("previous") == 1


def test_with_nothing_to_go_back_to_the_service_is_left_alone(workspace, capsys):
    assert cli.main(["rollback"]) == 1
    assert "no release was registered yet" in capsys.readouterr().err
    assert not (workspace / "mlflow").exists()


def test_the_first_release_has_none_before_it(releases, capsys):
    rollback.deploy()
    assert cli.main(["rollback"]) == 1
    assert "no release was the champion before" in capsys.readouterr().err
    assert registry.at("champion") == 1


def test_what_cannot_serve_does_not_become_the_champion_again(second, capsys):
    (registry.folder_of(1) / compatibility.NEEDS).write_text("{", encoding="utf-8")
    assert cli.main(["rollback"]) == 1
    assert "Pack the model again" in capsys.readouterr().err
    assert registry.at("champion") == second
    assert Releases(rollback.place()).version == "3-6"


def test_a_release_that_does_not_fit_is_not_deployed(second):
    registry.promote(1)
    with pytest.raises(CourseError, match="temp is needed as number in °F, and delivered as"):
        rollback.deploy({**DELIVERED, "temp": Column("number", "°C")})
    assert Releases(rollback.place()).version == "3-6"


def test_a_health_that_does_not_come_is_no_endless_wait(workspace, monkeypatch):
    monkeypatch.setattr(rollback, "get", lambda address: (200, '{"release": "1"}'))
    assert rollback.await_health("here", lambda health: health["release"] == "1")
    with pytest.raises(CourseError, match="After 0 seconds, the service still says"):
        rollback.await_health("here", lambda health: False, within=0)


# ---- the end


def test_only_what_nobody_points_at_is_retired_and_its_archive_is_whole(second, tmp_path):
    with pytest.raises(CourseError, match="champion would point at nothing"):
        retirement.retire(second)
    rollback.back()
    with pytest.raises(CourseError, match="champion and previous would point at nothing"):
        retirement.retire(1)
    file = registry.folder_of(second) / MODEL
    content = file.read_bytes()
    file.write_bytes(b"half")
    with pytest.raises(CourseError, match="SHA-256 differs"):
        retirement.retire(second)
    assert registry.table().index.tolist() == [1, second]
    file.write_bytes(content)
    shutil.unpack_archive(retirement.retire(second), tmp_path / "again")
    assert ModelPackage.load(tmp_path / "again").version == "3-6"
    assert registry.table().index.tolist() == [1]
