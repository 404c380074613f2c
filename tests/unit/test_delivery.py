"""The delay service is packed, deployed, watched and rolled back, and no step can be half done."""

import json
import subprocess
import sys
import zipfile

import pytest

from mlops_school import delivery, hooks, operations, pipeline
from mlops_school.delivery import Artefact, Production
from mlops_school.errors import CourseError
from mlops_school.operations import edit, one_day, release
from mlops_school.repository import Repository

TABLE = "LATE = {hour: hour / 50 for hour in range(5, 24)}\n"


@pytest.fixture
def repository(tmp_path):
    repository = Repository.create(tmp_path / "repository")
    operations.write_files(repository)
    repository.write("table.py", TABLE)
    return repository


@pytest.fixture
def artefacts(repository, tmp_path):
    """Return a folder with the artefacts of 1.0, and of 1.1, which is wrong at night."""
    folder = tmp_path / "art efacts"
    assert release(repository, "1.0", "first", folder).passed
    edit(repository, "rule.py", "LATE.get(hour, 0.0)", "LATE[hour]")
    assert release(repository, "1.1", "wrong at night", folder).passed
    edit(repository, "rule.py", "WARN_FROM = 0.2", "WARN_FROM = LATE['table of 1.2']")
    edit(repository, "test_rule.py", "from rule", "import table\ntable.LATE['table of 1.2'] = 0.2"
         "\nfrom rule")  # fmt: skip
    assert release(repository, "1.2", "green, and does not start", folder).passed
    return folder


@pytest.fixture
def production(artefacts, tmp_path):
    production = Production(tmp_path / "production", artefacts)
    yield production
    production.stop()


# ---- the service itself


def test_what_its_files_are_is_what_lies_in_the_course():
    found = [path for path in operations.FOLDER.rglob("*") if path.is_file()]
    names = {path.relative_to(operations.FOLDER).as_posix() for path in found}
    assert {name for name in names if "__pycache__" not in name} == set(operations.FILES)


def test_it_answers_and_counts(production):
    production.deploy("1.1")
    assert production.get("/health") == (200, "ok, version 1.1\n")
    status, text = production.get("/predict?hour=20")
    assert (status, json.loads(text)) == (200, {"late": 0.4, "warn": True, "version": "1.1"})
    assert json.loads(production.get("/predict?hour=6")[1])["warn"] is False
    assert production.get("/predict?hour=3")[0] == 500
    assert production.get("/predict?hour=noon")[0] == 400
    assert production.get("/predict")[0] == 400
    assert production.get("/nothing")[0] == 404
    assert production.metrics() == {"delay_requests_total": 5, "delay_errors_total": 1}


def test_a_day_is_a_difference_of_counters(production):
    production.deploy("1.1")
    assert one_day(production) == one_day(production) == pytest.approx(100 * 5 / 24)


@pytest.mark.parametrize(
    ("line", "refused"),
    [('PASSWORD = "x"', True), ("passWord", True), ("AIRPORT = 'JFK'", False)],
)
def test_the_check_of_a_commit_looks_at_added_lines(line, refused, repository):
    repository.commit("the check itself names what it looks for")
    hooks.install(repository, "pre-commit", "check_commit.py")
    repository.write("passwords.txt", f"fine\n{line}\n")
    if refused:
        with pytest.raises(CourseError, match="must not be committed") as caught:
            repository.commit("secret")
        assert line in str(caught.value)
        assert "fine" not in str(caught.value)
    else:
        repository.commit("no secret")


def test_an_edit_that_finds_nothing_is_reported(repository):
    with pytest.raises(CourseError, match=r"rule\.py has no 'nonsense'"):
        edit(repository, "rule.py", "nonsense", "sense")


# ---- artefacts


def test_one_commit_gives_the_same_bytes_every_time(repository, artefacts, tmp_path):
    pipeline.run(repository, "v1.0", env={"ARTEFACTS": str(tmp_path / "again")})
    one, other = Artefact.find("1.0", artefacts), Artefact.find("1.0", tmp_path / "again")
    assert one.path.read_bytes() == other.path.read_bytes()
    assert one.sha256 == other.sha256 != Artefact.find("1.1", artefacts).sha256
    with zipfile.ZipFile(one.path) as file:
        assert file.namelist() == ["__main__.py", "rule.py", "table.py", "version.py"]
        assert {entry.date_time for entry in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_red_test_leaves_no_artefact(repository, tmp_path):
    edit(repository, "rule.py", ">=", "<")
    run = release(repository, "2.0", "wrong way round", tmp_path / "none")
    assert run.jobs == {"test": "failed", "package": "skipped"}
    assert not (tmp_path / "none").exists()


def test_without_a_place_for_artefacts_they_go_where_a_real_runner_looks(repository, tmp_path):
    subprocess.run([sys.executable, "package.py"], cwd=repository.folder, check=True)
    assert Artefact.find("1.0", repository.folder / "dist").path.is_file()


def test_an_artefact_that_was_changed_is_not_deployed(production, artefacts):
    path = artefacts / "delay-service-1.0.zip"
    path.write_bytes(path.read_bytes() + b"!")
    with pytest.raises(CourseError, match="SHA-256 differs"):
        production.deploy("1.0")
    assert production.version is None


def test_an_artefact_that_is_not_there_is_named(production, artefacts):
    with pytest.raises(CourseError, match=r"no artefact of version 7\.0"):
        production.deploy("7.0")
    (artefacts / "delay-service-1.0.sha256").write_text("", encoding="utf-8")
    with pytest.raises(CourseError, match=r"no artefact of version 1\.0"):
        production.deploy("1.0")


# ---- production


def test_a_new_version_takes_over_and_a_rollback_brings_the_old_one_back(production):
    assert str(production.deploy("1.0")) == "1.0 went live"
    old = production._server
    production.deploy("1.1")
    assert (production.version, production.get("/health")[1]) == ("1.1", "ok, version 1.1\n")
    assert not old.running
    assert production.rollback().live
    assert (production.version, production.get("/health")[1]) == ("1.0", "ok, version 1.0\n")
    with pytest.raises(CourseError, match="no earlier version"):
        production.rollback()


def test_a_version_that_does_not_start_changes_nothing(production):
    production.deploy("1.0")
    before = production._pointer.read_bytes()
    refused = production.deploy("1.2")
    assert not refused.live
    assert refused.reason == "KeyError: 'table of 1.2'"
    assert "1.2 was refused" in str(refused)
    assert production._pointer.read_bytes() == before
    assert production.get("/health")[1] == "ok, version 1.0\n"
    assert [one.version for one in production.releases] == ["1.0", "1.2"]
    with pytest.raises(CourseError, match="no earlier version"):
        production.rollback()


def test_the_pointer_is_never_half_written(production, monkeypatch):
    production.deploy("1.0")

    def crash(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(delivery.Path, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        production.deploy("1.1")
    monkeypatch.undo()
    assert production.version == "1.0"
    assert production.get("/health")[1] == "ok, version 1.0\n"


def test_a_version_that_is_deployed_twice_is_gone_back_to_once(production):
    for version in ("1.0", "1.1", "1.1"):
        production.deploy(version)
    assert production.rollback().version == "1.0"


def test_what_is_live_is_known_after_a_restart(production, artefacts, tmp_path):
    production.deploy("1.0")
    production.deploy("1.1")
    production.stop()
    again = Production(tmp_path / "production", artefacts)
    assert again.version == "1.1"
    with pytest.raises(CourseError, match="No version is live"):
        again.get("/health")
    again.rollback()
    assert again.get("/health")[1] == "ok, version 1.0\n"
    again.stop()


def test_without_a_deployment_nothing_is_live(production):
    assert production.version is None
    production.stop()
    with pytest.raises(CourseError, match="Deploy one first"):
        production.metrics()
