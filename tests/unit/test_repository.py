"""A Git repository behaves the same for everyone, and says what to do when something is wrong."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from mlops_school import hooks
from mlops_school.errors import CourseError
from mlops_school.repository import Repository


@pytest.fixture
def repository(tmp_path):
    return Repository.create(tmp_path / "a repository")


@pytest.fixture
def in_new_york(monkeypatch):
    """Set the clock of this computer to another time zone, where the system can."""
    tzset = getattr(time, "tzset", lambda: None)
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        tzset()
        yield
    tzset()


def commit(repository, text, date=None):
    repository.write("file.txt", text)
    return repository.commit(text, date)


def test_it_works_where_git_knows_no_user(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nobody"))
    repository = Repository.create(tmp_path / "new")
    commit(repository, "first")
    assert repository.git("log", "--format=%an") == "Learner"


def test_the_settings_of_the_user_make_no_difference(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\nname = Me\nemail = me@example.org\n[commit]\ngpgSign = true\n"
        "[tag]\ngpgSign = true\n"
        "[core]\nautocrlf = true\nhooksPath = /nowhere\n[init]\ndefaultBranch = trunk\n"
        "[merge]\nff = only\n[color]\nui = always\n[log]\nshowSignature = true\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    repository = Repository.create(tmp_path / "new")
    first = commit(repository, "line\n", "2013-03-04 09:00")
    repository.tag("v1", "a release")
    repository.git("branch", "side")
    repository.git("merge", "side")
    assert repository.git("branch", "--show-current") == "main"
    assert [one.id for one in repository.log()] == [first]
    repository.checkout("v1", tmp_path / "copy")
    assert (tmp_path / "copy" / "file.txt").read_bytes() == b"line\n"
    assert not (repository.folder / ".git" / "hooks").exists()


def test_variables_that_lead_to_another_repository_are_ignored(repository, tmp_path, monkeypatch):
    commit(repository, "here")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody")
    commit(repository, "there")
    assert [one.message for one in repository.log()] == ["here", "there"]
    assert "Somebody" not in repository.git("log")


def test_equal_content_and_dates_give_equal_commits(tmp_path):
    ids = {commit(Repository.create(tmp_path / name), "same", "2013-03-04 09:00") for name in "ab"}
    assert len(ids) == 1


@pytest.mark.parametrize("date", ["2013-03-04 09:00", "2013-03-04T10:00:00+01:00"])
def test_a_date_is_in_utc_unless_it_says_otherwise(date, repository, in_new_york):
    commit(repository, "first", date)
    assert repository.log()[0].date == datetime(2013, 3, 4, 9, tzinfo=UTC)


def test_without_a_date_it_is_now(repository):
    before = datetime.now(UTC).replace(microsecond=0)
    commit(repository, "first")
    assert before <= repository.log()[0].date <= datetime.now(UTC)


def test_the_log_is_oldest_first_and_knows_merges(repository):
    first = commit(repository, "first", "2013-03-04 09:00")
    repository.git("switch", "--quiet", "--create", "side")
    side = commit(repository, "side\twith a tab", "2013-03-04 10:00")
    repository.git("switch", "--quiet", "main")
    repository.git("merge", "--no-ff", "--message", "merge", "side", date="2013-03-05 09:00")
    log = repository.log()
    assert [one.message for one in log] == ["first", "side\twith a tab", "merge"]
    assert [one.parents for one in log] == [(), (first,), (first, side)]
    assert [one.id for one in repository.log("side")] == [first, side]


def test_a_tag_with_a_message_has_a_date_of_its_own(repository):
    commit(repository, "first", "2013-03-04 09:00")
    repository.tag("plain")
    repository.tag("noted", "why", "2013-03-05 00:00")
    seconds = repository.git("for-each-ref", "--format=%(taggerdate:unix)", "refs/tags/noted")
    assert datetime.fromtimestamp(int(seconds), UTC) == datetime(2013, 3, 5, tzinfo=UTC)
    assert repository.resolve("plain") == repository.resolve("noted") == repository.log()[0].id


def test_a_checkout_holds_what_was_committed_and_nothing_else(repository, tmp_path):
    repository.write("folder/old.txt", "old\n")
    old = repository.commit("old")
    repository.write("folder/old.txt", "new\n")
    repository.write("stray.txt", "stray\n")
    repository.checkout(old, tmp_path / "copy")
    files = [path for path in (tmp_path / "copy").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in files] == [b"old\n"]


def test_lines_end_alike_on_every_system(repository):
    repository.write("file.txt", "eins\nzwei: ü\n")
    assert (repository.folder / "file.txt").read_bytes() == "eins\nzwei: ü\n".encode()


@pytest.mark.parametrize("version", ["v9", "", "--all", "HEAD~5"])
def test_an_unknown_version_is_named(version, repository, tmp_path):
    commit(repository, "first")
    with pytest.raises(CourseError, match="has no version"):
        repository.checkout(version, tmp_path / "copy")


def test_without_a_change_there_is_no_new_commit(repository):
    first = commit(repository, "first")
    assert repository.commit("again") == first
    assert len(repository.log()) == 1


def test_the_log_knows_the_names_of_versions(repository):
    commit(repository, "first")
    repository.tag("v1")
    repository.tag("stable")
    commit(repository, "second")
    assert [one.tags for one in repository.log()] == [("stable", "v1"), ()]


def test_a_name_stays_with_its_version(repository):
    commit(repository, "first")
    repository.tag("v1")
    repository.tag("v1")  # a cell that is run again
    commit(repository, "second")
    with pytest.raises(CourseError, match="v1 is the name of another version"):
        repository.tag("v1")


def test_a_file_that_is_gone_is_gone_in_the_next_version(repository):
    commit(repository, "first")
    (repository.folder / "file.txt").unlink()
    repository.write("other.txt", "2")
    repository.commit("second")
    assert repository.git("ls-files") == "other.txt"


def test_a_copy_may_be_made_again_but_not_over_something_else(repository, tmp_path):
    commit(repository, "first")
    repository.tag("v1")
    for _ in range(2):
        assert repository.checkout("v1", tmp_path / "copy") == tmp_path / "copy"
    (tmp_path / "copy" / "mine.txt").write_text("precious", encoding="utf-8")
    with pytest.raises(CourseError, match="already holds other files, such as mine.txt"):
        repository.checkout("v1", tmp_path / "copy")


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CourseError, match="There is no folder"):
        Repository(tmp_path / "nowhere").git("status")


def test_a_repository_around_it_is_not_touched(tmp_path):
    outer = Repository.create(tmp_path)
    inner = tmp_path / "inner"
    inner.mkdir()
    with pytest.raises(CourseError, match="not a git repository"):
        Repository(inner).commit("where does this go?")
    assert outer.git("status", "--porcelain") == ""


def test_the_learners_own_git_works_there_too(repository):
    commit(repository, "first")
    repository.write("more.txt", "2")
    environment = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull}
    for command in (["add", "."], ["commit", "--message=by hand"]):
        subprocess.run(
            ["git", *command],
            cwd=repository.folder,
            env=environment,
            check=True,
            capture_output=True,
        )
    assert repository.log()[-1].message == "by hand"


def test_a_folder_with_something_in_it_is_refused_and_kept(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(CourseError, match="not empty"):
        Repository.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_without_git_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CourseError, match=r"Git is not installed.*apt install git.*winget"):
        Repository.create(tmp_path / "new")


def test_a_command_that_hangs_is_stopped(repository, monkeypatch):
    monkeypatch.setattr("mlops_school.repository.GIT_SECONDS", 0.2)
    hang = f'"{sys.executable}" -c "import time; time.sleep(60)"'
    repository.git("config", "alias.hang", f"!exec {hang}")
    with pytest.raises(CourseError, match="not done after"):
        repository.git("hang")


# ---- hooks


def test_a_hook_refuses_a_commit_with_its_own_words(repository):
    repository.write("check this.py", "raise SystemExit('Not today, René.')\n")
    hooks.install(repository, "pre-commit", "check this.py")
    with pytest.raises(CourseError, match=r"Not today, René\."):
        repository.commit("first")
    with pytest.raises(CourseError):
        repository.resolve("HEAD")


def test_a_hook_that_agrees_lets_the_commit_pass(repository):
    hooks.install(repository, "pre-commit", "check.py")
    repository.write("check.py", "print('fine')\n")
    repository.commit("first")
    assert [one.message for one in repository.log()] == ["first"]


def test_a_hook_runs_with_this_python_and_can_ask_git(repository):
    repository.write(
        "check.py",
        "import pathlib, subprocess, sys\n"
        "asked = subprocess.check_output(['git', 'diff', '--cached', '--name-only'], text=True)\n"
        "pathlib.Path('seen.txt').write_text(sys.executable + '\\n' + asked)\n",
    )
    hooks.install(repository, "pre-commit", "check.py")
    repository.commit("first")
    seen = (repository.folder / "seen.txt").read_text(encoding="utf-8")
    assert seen.splitlines() == [sys.executable, "check.py"]


def test_a_hook_is_written_as_a_shell_on_any_system_reads_it(repository, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/folder with blank/it's/python")
    hooks.install(repository, "pre-commit", "check.py")
    written = (repository.folder / ".git" / "hooks" / "pre-commit").read_bytes()
    assert written == b"#!/bin/sh\nexec '/folder with blank/it'\"'\"'s/python' check.py\n"
