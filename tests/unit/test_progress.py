"""Progress: nothing that a learner has solved may get lost."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from mlops_school import progress
from mlops_school.errors import CourseError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Return a workspace of the test's own."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(folder))
    return folder


def entry(**facts):
    return {"solved": False, "attempts": 0, "hints": 0, "solution_seen": False} | facts


def document(tasks, version=progress.VERSION):
    return json.dumps({"version": version, "tasks": tasks})


# ---- recording


def test_at_first_nothing_is_known(folder):
    assert progress.load() == {}
    assert not progress.file().exists()


def test_each_check_counts_as_an_attempt():
    progress.record("00_a", "q1", outcome="not yet")
    progress.record("00_a", "q1", outcome="not yet")
    progress.record("00_a", "q1", outcome="correct")
    assert progress.load() == {"00_a": {"q1": entry(solved=True, attempts=3)}}


def test_what_is_solved_stays_solved():
    progress.record("00_a", "q1", outcome="correct")
    progress.record("00_a", "q1", outcome="not yet")
    assert progress.load()["00_a"]["q1"] == entry(solved=True, attempts=2)


def test_hints_and_solutions_are_no_attempts_and_are_not_forgotten():
    progress.record("00_a", "q1", hints=2)
    progress.record("00_a", "q1", solution_seen=True)
    progress.record("00_a", "q1", hints=1)
    assert progress.load()["00_a"]["q1"] == entry(hints=2, solution_seen=True)


def test_tasks_and_lessons_do_not_mix():
    progress.record("00_a", "q1", outcome="correct")
    progress.record("00_a", "q2", outcome="not yet")
    progress.record("01_b", "q1", outcome="not yet")
    known = progress.load()
    assert {lesson: sorted(tasks) for lesson, tasks in known.items()} == {
        "00_a": ["q1", "q2"],
        "01_b": ["q1"],
    }
    assert not known["01_b"]["q1"]["solved"]


# ---- merging

entries = st.fixed_dictionaries(
    {},
    optional={
        "solved": st.booleans(),
        "attempts": st.integers(0, 1000),
        "hints": st.integers(0, 5),
        "solution_seen": st.booleans(),
    },
)


@given(entries, entries)
def test_merging_is_commutative(a, b):
    assert progress._merge(a, b) == progress._merge(b, a)


@given(entries, entries, entries)
def test_merging_is_associative(a, b, c):
    merge = progress._merge
    assert merge(merge(a, b), c) == merge(a, merge(b, c))


@given(entries, entries)
def test_merging_is_idempotent(a, b):
    once = progress._merge(a, b)
    assert progress._merge(once, b) == once
    assert progress._merge(once, once) == once


@given(entries, entries)
def test_merging_loses_nothing(a, b):
    merged = progress._merge(a, b)
    for one in (a, b):
        assert all(merged[fact] >= value for fact, value in one.items())
    assert all(merged[fact] in (a.get(fact, 0), b.get(fact, 0)) for fact in merged)


# ---- damage


@pytest.mark.parametrize(
    "content",
    [
        document({"00_a": {"q1": entry()}}).encode()[:-9],
        b"",
        b"\x89PNG\r\n\x1a\n\x00\xff\xfe",
        document({"00_a": {"q1": entry()}}, version=2).encode(),
        b'{"tasks": {}}',
        b'{"version": 1}',
        b'[{"version": 1}]',
        b"null",
        document([]).encode(),
        document({"00_a": []}).encode(),
        document({"00_a": {"q1": "solved"}}).encode(),
        document({"00_a": {"q1": None}}).encode(),
        document({"00_a": {"q1": entry(attempts="3")}}).encode(),
        document({"00_a": {"q1": entry(hints=None)}}).encode(),
    ],
    ids=[
        "truncated",
        "empty",
        "binary",
        "other version",
        "no version",
        "no tasks",
        "list",
        "null",
        "tasks are a list",
        "lesson is a list",
        "task is a string",
        "task is null",
        "attempts are a string",
        "hints are null",
    ],
)
def test_a_damaged_file_is_set_aside_whole_and_said_so(content, folder, capsys):
    progress.file().write_bytes(content)
    assert progress.load() == {}
    (aside,) = folder.glob("progress.damaged-*.json")
    assert aside.read_bytes() == content
    assert capsys.readouterr().out == (
        f"Your progress file could not be read. It is kept as {aside.name}; a new one begins.\n"
    )
    progress.record("00_a", "q1", outcome="correct")
    assert progress.load() == {"00_a": {"q1": entry(solved=True, attempts=1)}}
    assert capsys.readouterr().out == ""


def test_recording_sets_a_damaged_file_aside_too(folder, capsys):
    progress.file().write_bytes(b"{")
    progress.record("00_a", "q1", outcome="correct")
    assert progress.load()["00_a"]["q1"]["solved"]
    assert [aside.read_bytes() for aside in folder.glob("progress.damaged-*.json")] == [b"{"]
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_every_damaged_file_is_kept(folder):
    for content in (b"first", b"second"):
        progress.file().write_bytes(content)
        progress.load()
    kept = {aside.read_bytes() for aside in folder.glob("progress.damaged-*.json")}
    assert kept == {b"first", b"second"}


def test_a_file_that_cannot_be_opened_is_not_taken_for_damaged(folder, monkeypatch):
    progress.record("00_a", "q1", outcome="correct")
    with monkeypatch.context() as fault:
        fault.setattr(Path, "read_text", failing(PermissionError(13, "Permission denied")))
        with pytest.raises(CourseError, match=r"progress\.json .*: Permission denied"):
            progress.load()
        with pytest.raises(CourseError, match=r"progress\.json .*: Permission denied"):
            progress.record("00_a", "q2", outcome="correct")
    assert progress.load() == {"00_a": {"q1": entry(solved=True, attempts=1)}}
    assert not list(folder.glob("*damaged*"))


def test_a_damaged_file_that_cannot_be_set_aside_is_reported_and_kept(monkeypatch):
    progress.file().write_bytes(b"{")
    monkeypatch.setattr(Path, "replace", failing(PermissionError(13, "Permission denied")))
    with pytest.raises(CourseError, match="Permission denied"):
        progress.load()
    assert progress.file().read_bytes() == b"{"


# ---- writing


def failing(error):
    def fail(*args, **kwargs):
        raise error

    return fail


@pytest.mark.parametrize(
    "step",
    ["os.fsync", "pathlib.Path.replace", "tempfile.NamedTemporaryFile"],
)
def test_a_failure_during_writing_leaves_the_old_file(step, folder, monkeypatch):
    progress.record("00_a", "q1", outcome="correct")
    old = progress.file().read_bytes()
    files = sorted(folder.iterdir())
    with monkeypatch.context() as fault:
        fault.setattr(step, failing(OSError(28, "No space left on device")))
        with pytest.raises(CourseError, match="cannot be written: No space left on device"):
            progress.record("00_a", "q2", outcome="correct")
    assert progress.file().read_bytes() == old
    assert sorted(folder.iterdir()) == files  # and nothing half-written is left over
    progress.record("00_a", "q2", outcome="correct")
    assert sorted(progress.load()["00_a"]) == ["q1", "q2"]


def test_an_interrupt_during_writing_leaves_the_old_file(folder, monkeypatch):
    progress.record("00_a", "q1", outcome="correct")
    old = progress.file().read_bytes()
    files = sorted(folder.iterdir())
    with monkeypatch.context() as fault:
        fault.setattr("os.fsync", failing(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            progress.record("00_a", "q2", outcome="correct")
    assert progress.file().read_bytes() == old
    assert sorted(folder.iterdir()) == files
    progress.record("00_a", "q2", outcome="correct")  # the lock has been given back
    assert sorted(progress.load()["00_a"]) == ["q1", "q2"]


def test_the_file_is_text_that_people_and_version_control_can_compare():
    progress.record("01_b", "q2", outcome="not yet")
    progress.record("00_a", "q1", outcome="correct")
    text = progress.file().read_text(encoding="utf-8")
    assert text == (
        json.dumps({"version": 1, "tasks": progress.load()}, indent=1, sort_keys=True) + "\n"
    )


def test_a_folder_in_the_place_of_the_file_is_reported(folder):
    (folder / "progress.json").mkdir()
    with pytest.raises(CourseError, match=r"progress\.json"):
        progress.record("00_a", "q1", outcome="correct")
    assert (folder / "progress.json").is_dir()


def test_a_folder_in_the_place_of_the_lock_is_reported(folder):
    (folder / "progress.lock").mkdir()
    with pytest.raises(CourseError, match=r"progress\.json"):
        progress.record("00_a", "q1", outcome="correct")


def test_a_workspace_that_cannot_be_written_to_is_reported(tmp_path, monkeypatch):
    blocker = tmp_path / "blocker"
    blocker.touch()
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(blocker))
    for use in (progress.load, lambda: progress.record("00_a", "q1", outcome="correct")):
        with pytest.raises(CourseError, match="cannot be written to"):
            use()


# ---- several processes

WRITER = """
import sys
from mlops_school import progress
print("ready", flush=True)
for number in range(20):
    progress.record("00_a", "q1", outcome="not yet")
    progress.record("00_a", sys.argv[1] + str(number), outcome="correct")
"""

HOLDER = """
import sys
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def start(code, *arguments):
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline()
    return process


def test_two_processes_that_record_at_the_same_time_lose_nothing(folder):
    with FileLock(folder / "progress.lock"):  # both begin when this one lets go
        writers = [start(WRITER, name) for name in ("left", "right")]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    tasks = progress.load()["00_a"]
    assert tasks.pop("q1")["attempts"] == 40
    assert sorted(tasks) == sorted(f"{w}{n}" for w in ("left", "right") for n in range(20))


def test_a_lock_that_another_process_holds_is_reported(folder, monkeypatch):
    progress.record("00_a", "q1", outcome="correct")
    old = progress.file().read_bytes()
    holder = start(HOLDER, str(folder / "progress.lock"))
    monkeypatch.setattr(progress, "LOCK_SECONDS", 0.01)
    try:
        with pytest.raises(CourseError) as caught:
            progress.record("00_a", "q2", outcome="correct")
    finally:
        holder.communicate()
    assert str(caught.value) == (
        "Another program has been using progress.json for 0.01 seconds. "
        "Close other notebooks of the course and run the cell again."
    )
    assert progress.file().read_bytes() == old


def test_loading_waits_for_a_process_that_is_writing(folder, monkeypatch):
    """Two that find the same damage must not set the new file aside."""
    holder = start(HOLDER, str(folder / "progress.lock"))
    monkeypatch.setattr(progress, "LOCK_SECONDS", 0.01)
    progress_file = folder / "progress.json"
    progress_file.write_bytes(b"{")
    try:
        with pytest.raises(CourseError, match="Another program"):
            progress.load()
    finally:
        holder.communicate()
    assert progress_file.read_bytes() == b"{"


# ---- export and import


def test_what_is_exported_can_be_imported_elsewhere(tmp_path, monkeypatch):
    progress.record("00_a", "q1", outcome="correct")
    progress.record("00_a", "q1", hints=2)
    progress.record("01_b", "quiz1", outcome="not yet")
    known = progress.load()
    progress.export(tmp_path / "mine.json")
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(tmp_path / "elsewhere"))
    assert progress.load() == {}
    progress.import_(str(tmp_path / "mine.json"))
    assert progress.load() == known
    progress.import_(tmp_path / "mine.json")
    assert progress.load() == known  # twice is as good as once


def test_importing_keeps_the_better_of_both(tmp_path):
    theirs = {
        "00_a": {"q1": entry(attempts=9, hints=1), "q2": entry(solved=True, attempts=1)},
        "02_c": {"q1": entry(solved=True, attempts=1)},
    }
    (tmp_path / "theirs.json").write_text(document(theirs), encoding="utf-8")
    progress.record("00_a", "q1", outcome="correct")
    progress.record("01_b", "q1", outcome="correct")
    progress.import_(tmp_path / "theirs.json")
    assert progress.load() == {
        "00_a": {
            "q1": entry(solved=True, attempts=9, hints=1),
            "q2": entry(solved=True, attempts=1),
        },
        "01_b": {"q1": entry(solved=True, attempts=1)},
        "02_c": {"q1": entry(solved=True, attempts=1)},
    }


def test_a_learner_without_progress_can_export_too(tmp_path):
    progress.export(tmp_path / "mine.json")
    progress.import_(tmp_path / "mine.json")
    assert progress.load() == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"name,mark\nAda,1\n", "is not a progress file"),
        (b"\xff\xfe\x00", "is not a progress file"),
        (b"", "is not a progress file"),
        (b'{"tasks": {"00_a": {"q1": {"solved": true}}}}', "is not a progress file"),
        (document({"00_a": {"q1": entry(), "q2": 1}}).encode(), "is not a progress file"),
        (document({}, version=2).encode(), "written by another version"),
    ],
    ids=["table", "binary", "empty", "other JSON", "half right", "other version"],
)
def test_importing_another_kind_of_file_changes_nothing(content, words, folder, tmp_path):
    progress.record("00_a", "q1", outcome="correct")
    old = progress.file().read_bytes()
    files = sorted(folder.iterdir())
    stranger = tmp_path / "stranger"
    stranger.write_bytes(content)
    with pytest.raises(CourseError, match=words) as caught:
        progress.import_(stranger)
    assert str(stranger) in str(caught.value)
    assert stranger.read_bytes() == content
    assert progress.file().read_bytes() == old
    assert sorted(folder.iterdir()) == files


def test_importing_a_missing_file_is_reported(folder, tmp_path):
    with pytest.raises(CourseError, match=r"There is no file .*nowhere\.json"):
        progress.import_(tmp_path / "nowhere.json")
    assert not list(folder.iterdir())


def test_importing_a_folder_is_reported(folder, tmp_path):
    with pytest.raises(CourseError) as caught:
        progress.import_(tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("target", [".", "nowhere/mine.json"], ids=["folder", "no such folder"])
def test_exporting_to_where_it_cannot_be_written_is_reported(target, tmp_path):
    before = sorted(tmp_path.iterdir())
    with pytest.raises(CourseError, match=r"cannot be written: .") as caught:
        progress.export(tmp_path / target)
    assert str(tmp_path) in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before
