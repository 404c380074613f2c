"""Versions of data, with a real Git repository and a real DVC."""

import shutil
import socket

import pytest

from mlops_school import data_versions
from mlops_school.data_versions import FLIGHTS, DataRepository
from mlops_school.errors import CourseError
from mlops_school.etl import Record

DATE = "2013-02-04 09:00"


def put(versions, month, content):
    """Store a month with its record, as the pipeline does."""
    folder = versions.folder / FLIGHTS
    folder.mkdir(exist_ok=True)
    (folder / f"{month}.parquet").write_bytes(content)
    source = f"{month}_{len(content)}.csv"
    text = str(vars(Record(source, "", 0, 0, {}, 1, "", f"{month}.parquet", "")))
    (folder / f"{month}.json").write_bytes(text.replace("'", '"').encode("utf-8"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make a repository with two versions, once; its path has a blank."""
    home = tmp_path_factory.mktemp("versions") / "my data"
    versions = DataRepository.create(home / "repository", home / "remote")
    put(versions, "2013-01", b"january")
    put(versions, "2013-02", b"february")
    versions.save("v1", "Two months", date=DATE)
    put(versions, "2013-02", b"corrected")
    put(versions, "2013-03", b"january")  # equal bytes
    versions.save("v2", "March, and February corrected", date=DATE)
    return home


@pytest.fixture
def versions(made, tmp_path):
    """Return a copy that a test may spoil."""
    shutil.copytree(made, tmp_path / "our data")
    return DataRepository(tmp_path / "our data" / "repository")


def contents(versions):
    return {path.stem: path.read_bytes() for path in (versions.folder / FLIGHTS).glob("*.parquet")}


V1 = {"2013-01": b"january", "2013-02": b"february"}
V2 = {"2013-01": b"january", "2013-02": b"corrected", "2013-03": b"january"}


def test_git_keeps_pointers_and_records_and_the_remote_each_content_once(made):
    versions = DataRepository(made / "repository")
    tracked = versions.repository.git("ls-files").splitlines()
    assert [name for name in tracked if name.startswith(FLIGHTS)] == [
        f"{FLIGHTS}/.gitignore",
        *(f"{FLIGHTS}/2013-0{n}.{end}" for n in (1, 2, 3) for end in ("json", "parquet.dvc")),
    ]
    stored = [path.read_bytes() for path in (made / "remote").rglob("*") if path.is_file()]
    assert sorted(stored) == [b"corrected", b"february", b"january"]


def test_every_version_comes_back_as_it_was(versions):
    assert contents(versions) == V2
    for version, content in [("v1", V1), ("v2", V2), ("v1", V1), ("main", V2)]:
        versions.switch(version)
        assert contents(versions) == content


def test_changes_that_are_in_no_version_are_not_lost(versions):
    put(versions, "2013-02", b"not saved")
    with pytest.raises(CourseError, match=r"2013-02\.parquet has changes"):
        versions.switch("v1")
    assert contents(versions) == V2 | {"2013-02": b"not saved"}
    assert versions.repository.git("branch", "--show-current") == "main"


def test_a_clone_gets_the_data_of_any_version_from_the_remote(versions):
    clone = versions.clone(versions.folder.parent / "a colleague")
    assert contents(clone) == {}
    clone.dvc("pull")
    assert contents(clone) == V2
    clone.repository.git("checkout", "--quiet", "v1")
    clone.dvc("pull")
    assert contents(clone) == V1


def test_hashes_and_lineage_are_known_without_any_data(versions):
    clone = versions.clone(versions.folder.parent / "a colleague")
    hashes = clone.hashes("v2")
    assert hashes["2013-01.parquet"] == hashes["2013-03.parquet"] != hashes["2013-02.parquet"]
    assert clone.hashes("v1")["2013-02.parquet"] != hashes["2013-02.parquet"]
    assert {month: record.source for month, record in clone.lineage("v1").items()} == {
        "2013-01": "2013-01_7.csv",
        "2013-02": "2013-02_8.csv",
    }
    assert clone.lineage("v2")["2013-02"].source == "2013-02_9.csv"


def test_saving_again_without_a_change_makes_no_commit(versions):
    before = versions.repository.resolve("main")
    versions.save("v2", "Nothing new", date=DATE)
    assert versions.repository.resolve("main") == before


def test_a_version_never_changes(versions):
    put(versions, "2013-04", b"april")
    with pytest.raises(CourseError, match="a released version never changes"):
        versions.save("v1", "April", date=DATE)


def test_a_version_without_months_is_refused(tmp_path):
    with pytest.raises(CourseError, match="run the ETL first"):
        DataRepository(tmp_path).save("v1", "Nothing")


def test_a_version_that_does_not_exist_is_named(versions):
    for ask in (versions.switch, versions.lineage, versions.hashes):
        with pytest.raises(CourseError, match="'v7'"):
            ask("v7")


def test_what_dvc_says_reaches_the_learner(versions):
    with pytest.raises(CourseError, match=r"`dvc add`(?s:.*)nothing\.parquet"):
        versions.dvc("add", "nothing.parquet")


def test_data_that_the_remote_has_lost_are_missed(versions):
    shutil.rmtree(versions.folder.parent / "remote")
    clone = versions.clone(versions.folder.parent / "clone")
    with pytest.raises(CourseError, match="`dvc pull`"):
        clone.dvc("pull")


def test_a_folder_that_is_not_empty_is_no_place_for_a_repository(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(CourseError, match="not empty"):
        DataRepository.create(tmp_path, tmp_path.parent / "remote")


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CourseError, match="nowhere"):
        DataRepository(tmp_path / "nowhere").dvc("status")


def test_without_git_the_message_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CourseError, match="Git is not installed"):
        DataRepository.create(tmp_path / "new", tmp_path / "remote")


def test_without_dvc_the_message_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(data_versions, "find_spec", lambda name: None)
    with pytest.raises(CourseError, match="DVC is not installed"):
        DataRepository.create(tmp_path / "new", tmp_path / "remote")
    assert not (tmp_path / "new").exists()


def test_a_command_that_hangs_is_stopped(versions, monkeypatch):
    monkeypatch.setattr(data_versions, "DVC_SECONDS", 0.01)
    with pytest.raises(CourseError, match="was stopped"):
        versions.dvc("status")


def test_nothing_is_written_elsewhere_and_nobody_is_told(tmp_path, monkeypatch):
    """Settings of the user do not matter, and files of the repository are no modules of DVC's."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "USERPROFILE", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "APPDATA"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "users"))
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.setblocking(False)
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        versions = DataRepository.create(tmp_path / "repository", tmp_path / "remote")
        for name in ("dvc.py", "yaml.py", "json.py"):
            (versions.folder / name).write_text("raise SystemExit(7)", encoding="utf-8")
        put(versions, "2013-01", b"january")
        versions.save("v1", "One month", date=DATE)
        with pytest.raises(BlockingIOError):
            proxy.accept()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "remote", "repository"]
    assert not [*home.rglob("*")]
    assert (versions.folder / ".git" / "dvc" / "cache").is_dir()  # by default in /var/tmp
    for setting in ("core.analytics", "core.check_update"):
        assert versions.dvc("config", setting) == "false"


def test_the_remote_is_found_wherever_both_are_moved(versions):
    """Its path is relative, and the folder of these tests was copied already."""
    config = (versions.folder / ".dvc" / "config").read_text(encoding="utf-8")
    assert "url = ../../remote" in config
    assert str(versions.folder.parent) not in config
