"""Where the learner's files go, and what a learner sees when something is wrong."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from mlops_school.errors import CourseError
from mlops_school.markup import to_html
from mlops_school.paths import ROOT, new_folder, workspace


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    return InteractiveShell(config=config)


def test_a_course_error_shows_only_its_message_in_ipython(shell, capsys):
    shell.run_cell(
        "from mlops_school.errors import CourseError\n"
        "def deep():\n"
        "    raise CourseError('The disk is full. Delete something.')\n"
        "deep()"
    )
    printed = capsys.readouterr()
    shown = printed.out + printed.err
    assert shown.strip() == "What went wrong: The disk is full. Delete something."


def test_any_other_error_keeps_its_traceback_in_ipython(shell, capsys):
    shell.run_cell("raise ValueError('mine')")
    printed = capsys.readouterr()
    assert "Traceback" in printed.out + printed.err


def test_a_blank_answer_shows_only_its_message_in_ipython(shell, capsys):
    shell.run_cell("from mlops_school.exercises import ____\n____ + 1")
    printed = capsys.readouterr()
    assert (printed.out + printed.err).strip() == (
        "What went wrong: an answer is still ____. Put your own there, and run the cell again."
    )


def test_the_workspace_is_made_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(tmp_path / "new" / "place"))
    assert workspace() == tmp_path / "new" / "place"
    assert workspace().is_dir()


def test_the_workspace_is_absolute_even_if_the_environment_names_it_relatively(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCHOOL_WORKSPACE", "mine")
    assert workspace() == tmp_path / "mine"


@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_the_workspace_is_in_the_course_folder_by_default(value, tmp_path, monkeypatch):
    monkeypatch.delenv("SCHOOL_WORKSPACE", raising=False)
    if value is not None:
        monkeypatch.setenv("SCHOOL_WORKSPACE", value)
    monkeypatch.setattr("mlops_school.paths.ROOT", tmp_path)
    assert workspace() == tmp_path / "workspace"


@pytest.mark.parametrize("below", [".", "workspace"], ids=["in its place", "above it"])
def test_a_file_where_the_workspace_should_be_is_reported_and_kept(below, tmp_path, monkeypatch):
    blocker = tmp_path / "blocker"
    blocker.write_text("mine", encoding="utf-8")
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(blocker / below))
    with pytest.raises(CourseError, match=r"cannot be written to.*SCHOOL_WORKSPACE") as caught:
        workspace()
    assert str(blocker) in str(caught.value)
    assert blocker.read_text(encoding="utf-8") == "mine"


def test_a_workspace_without_permission_to_write_is_reported(tmp_path, monkeypatch):
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(tmp_path))
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(CourseError, match="cannot be written to"):
        workspace()


def test_a_new_folder_is_empty_whatever_was_in_it(workspace):
    folder = new_folder("mine")
    assert folder == workspace / "mine"
    (folder / "deep").mkdir()
    (folder / "deep" / "file.txt").write_text("old", encoding="utf-8")
    (folder / "deep" / "file.txt").chmod(0o444)
    (workspace / "other.txt").write_text("other", encoding="utf-8")
    assert not [*new_folder("mine").iterdir()]
    assert (workspace / "other.txt").is_file()


def test_a_folder_that_is_in_use_is_reported(workspace, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "in use")

    folder = new_folder("mine")
    monkeypatch.setattr("shutil.rmtree", refuse)
    with pytest.raises(CourseError, match="cannot be emptied. Close the programs"):
        new_folder("mine")
    assert folder.is_dir()


def test_the_root_is_the_folder_of_the_course():
    assert (ROOT / "course" / "course.toml").is_file()


def test_the_package_switches_telemetry_off(monkeypatch):
    names = ["MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"]  # the second is read by Evidently
    for name in names:
        monkeypatch.delenv(name, raising=False)
    code = f"import mlops_school, os; print(*[os.environ[name] for name in {names}])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["true"] * 2


def test_markup_escapes_html_and_turns_backticks_into_code():
    assert to_html('a < b & "c": `x<y`') == 'a &lt; b &amp; "c": <code>x&lt;y</code>'


def test_markup_leaves_a_lone_backtick_alone():
    assert to_html("5` is odd") == "5` is odd"
    assert to_html("so is ``") == "so is ``"


@given(st.text())
def test_markup_never_lets_a_tag_through(text):
    rest = to_html(text).replace("<code>", "").replace("</code>", "")
    assert "<" not in rest
    assert ">" not in rest
