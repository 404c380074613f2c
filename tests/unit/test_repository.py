import os
import shutil
import stat
import subprocess

import pytest

from mlops_school.errors import CourseError
from mlops_school.paths import new_folder
from mlops_school.repository import BRANCH, EMAIL, Commit, Repository


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repository").create()


def keep(repository, text, message):
    repository.write("folder/file.txt", text)
    return repository.commit(message)


def test_a_version_can_be_brought_back(repository, tmp_path):
    keep(repository, "old\n", "first")
    repository.tag("v1")
    keep(repository, "new\n", "second")
    copy = repository.checkout("v1", tmp_path / "copy")
    assert (copy / "folder" / "file.txt").read_bytes() == b"old\n"
    assert not (copy / ".git").exists()
    assert (repository.path / "folder" / "file.txt").read_bytes() == b"new\n"


def test_the_log_tells_versions_with_their_names_newest_first(repository):
    first = keep(repository, "1", "first")
    repository.tag("v1")
    repository.tag("stable")
    second = keep(repository, "2", "second")
    assert repository.log() == [
        Commit(second, "second"),
        Commit(first, "first", ("stable", "v1")),
    ]


def test_without_a_change_there_is_no_new_version(repository):
    first = keep(repository, "1", "first")
    assert keep(repository, "1", "again") == first
    assert len(repository.log()) == 1


def test_a_file_that_is_gone_is_gone_in_the_next_version(repository, tmp_path):
    keep(repository, "1", "first")
    (repository.path / "folder" / "file.txt").unlink()
    repository.write("other.txt", "2")
    repository.commit("second")
    assert repository.git("ls-files") == "other.txt\n"


def test_a_name_stays_with_its_version(repository):
    keep(repository, "1", "first")
    repository.tag("v1")
    repository.tag("v1")  # a cell that is run again
    keep(repository, "2", "second")
    with pytest.raises(CourseError, match="v1 is the name of another version"):
        repository.tag("v1")


def test_a_copy_may_be_made_again_but_not_over_something_else(repository, tmp_path):
    keep(repository, "1", "first")
    repository.tag("v1")
    for _ in range(2):
        repository.checkout("v1", tmp_path / "copy")
    (tmp_path / "copy" / "mine.txt").write_text("precious", encoding="utf-8")
    with pytest.raises(CourseError, match="already holds other files"):
        repository.checkout("v1", tmp_path / "copy")


def test_there_is_no_such_version(repository, tmp_path):
    keep(repository, "1", "first")
    with pytest.raises(CourseError, match=r"git archive .*v9"):
        repository.checkout("v9", tmp_path / "copy")


def test_a_folder_with_files_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("precious", encoding="utf-8")
    with pytest.raises(CourseError, match="not empty"):
        Repository(tmp_path).create()
    assert not (tmp_path / ".git").exists()


def test_no_folder(tmp_path):
    with pytest.raises(CourseError, match="no folder"):
        Repository(tmp_path / "nowhere").log()


def test_git_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CourseError, match=r"Git, which is not installed. Install it"):
        Repository(tmp_path / "repository").create()


def test_it_needs_nobodys_settings_and_obeys_none(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    hook = hooks / "pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    settings = f"[commit]\n gpgsign = true\n[core]\n hooksPath = {hooks.as_posix()}\n"
    (home / ".gitconfig").write_text(settings, encoding="utf-8")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other"))  # as inside of a hook
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody")

    repository = Repository(tmp_path / "repository").create()
    keep(repository, "1", "first")
    assert repository.git("log", "--format=%an %ae %ce").split() == ["Learner", EMAIL, EMAIL]
    assert repository.git("branch", "--show-current").strip() == BRANCH
    assert not (tmp_path / "other").exists()


def test_a_repository_around_it_is_not_touched(tmp_path):
    outer = Repository(tmp_path).create()
    inner = tmp_path / "inner"
    inner.mkdir()
    with pytest.raises(CourseError, match="not a git repository"):
        Repository(inner).commit("where does this go?")
    assert outer.git("status", "--porcelain") == ""


def is_read_only(path):
    return not path.stat().st_mode & stat.S_IWUSR


def test_a_new_folder_replaces_a_repository(workspace, monkeypatch):
    folder = new_folder("lesson")
    keep(Repository(folder / "repository").create(), "1", "first")
    assert any(map(is_read_only, folder.rglob("*")))
    remove = shutil.rmtree

    def remove_as_windows_does(path):
        assert not any(map(is_read_only, path.rglob("*")))
        remove(path)

    monkeypatch.setattr(shutil, "rmtree", remove_as_windows_does)
    assert new_folder("lesson") == folder == workspace.absolute() / "lesson"
    assert list(folder.iterdir()) == []


def test_a_folder_in_use_is_a_sentence(workspace, monkeypatch):
    new_folder("lesson")

    def refuse(path):
        raise PermissionError

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(CourseError, match="cannot be emptied. Close"):
        new_folder("lesson")


def test_the_learners_own_git_works_there_too(repository):
    keep(repository, "1", "first")
    repository.write("more.txt", "2")
    environment = os.environ | {"GIT_CONFIG_GLOBAL": "/dev/null"}
    for command in (["add", "."], ["commit", "--message=by hand"]):
        subprocess.run(
            ["git", *command], cwd=repository.path, env=environment, check=True, capture_output=True
        )
    assert repository.log()[0].message == "by hand"
