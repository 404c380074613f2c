"""The page that JupyterLab opens, and the map on it."""

import re

import pytest

from mlops_school import certificate, overview, progress, quiz, standing, start_page
from mlops_school.authoring import course_map
from mlops_school.exercises.start_here import q1
from mlops_school.manifest import load_manifest
from mlops_school.paths import ROOT
from mlops_school.solutions import read_solutions

FIRST, SECOND = load_manifest()[:2]


@pytest.fixture
def inside(tmp_path, monkeypatch):
    """Let the workspace be in the folder of the course, as it is for learners."""
    folder = tmp_path / "course" / "workspace"
    monkeypatch.setattr(start_page.paths, "ROOT", tmp_path / "course")
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(folder))
    return folder


def solve(lesson) -> None:
    for task in (*read_solutions(lesson.source), *_questions(lesson)):
        progress.record(lesson.id, task, outcome="correct")


def _questions(lesson) -> list[str]:
    return [f"quiz{number}" for number, _ in enumerate(quiz.load(lesson.id), 1)]


def text() -> str:
    return start_page.path().read_text(encoding="utf-8")


def test_a_new_learner_begins_at_the_beginning(inside):
    assert start_page.to_open() == inside / "start.md"
    assert f"**Begin with [{FIRST.name}]" in text()
    rows = [line for line in text().splitlines() if re.match(r"\| \[\d\d · ", line)]
    assert len(rows) == len(load_manifest())
    assert "0 of 3 | 0 of " in rows[0]


def test_who_has_solved_a_lesson_goes_on_with_the_next(inside):
    solve(FIRST)
    start_page.to_open()
    assert f"**Go on with [{SECOND.name}]" in text()
    assert "▰▰▰▰▰ complete |" in text()


def test_who_has_solved_everything_is_told_of_the_certificate(inside):
    for lesson in load_manifest():
        solve(lesson)
    start_page.to_open()
    assert "You have solved everything" in text()
    assert text().count(" complete |") == len(load_manifest())
    assert certificate.issue("Ada").exists()


def test_a_solved_exercise_brings_the_page_up_to_date(inside, monkeypatch):
    start_page.to_open()
    monkeypatch.setattr(q1, "_check", lambda *_: None)
    q1.check(1, 2)
    assert "| 1 of 3 |" in text()
    assert "You have solved 1 of" in text()


def test_without_a_page_there_is_nothing_to_bring_up_to_date(inside):
    start_page.refresh()
    assert not start_page.path().exists()


def test_a_page_that_cannot_be_written_costs_no_progress(inside, monkeypatch, capsys):
    start_page.to_open()
    start_page.path().unlink()
    start_page.path().mkdir()  # nobody can write there
    monkeypatch.setattr(q1, "_check", lambda *_: None)
    q1.check(1, 2)
    assert progress.load()[FIRST.id]["q1"]["solved"]
    assert "not saved" not in capsys.readouterr().out


def test_a_workspace_elsewhere_leaves_the_first_lesson(workspace):
    assert start_page.to_open() == FIRST.notebook
    assert not (workspace / "start.md").exists()


def test_a_damaged_quiz_leaves_the_first_lesson(inside, monkeypatch):
    standing._tasks.cache_clear()
    monkeypatch.setattr(standing.yaml, "safe_load", _fails)
    assert start_page.to_open() == FIRST.notebook
    standing._tasks.cache_clear()


def _fails(text):
    raise ValueError("damaged")


def test_every_link_of_the_page_leads_somewhere():
    folder = ROOT / "workspace"
    page = start_page.render(standing.standings(), folder)
    targets = re.findall(r"\]\(([^)]+)\)", page)
    assert len(targets) > len(load_manifest())
    assert [target for target in targets if not (folder / target).resolve().exists()] == []


def test_the_counts_are_those_of_the_lessons(workspace):
    for one in standing.standings():
        assert one.exercises == len(read_solutions(one.lesson.source))
        assert one.questions == len(quiz.load(one.lesson.id))
    assert list(overview.summary().columns) == ["minutes", "exercises", "quiz"]


# ---- the map


def test_the_map_is_up_to_date():
    assert course_map.FILE.read_text(encoding="utf-8") == course_map.draw()


def test_the_map_says_every_lesson_in_words_and_in_the_picture():
    drawn = course_map.draw()
    words = re.search(r"<desc[^>]*>(.+?)</desc>", drawn)[1]
    for lesson in load_manifest():
        assert f"{lesson.number} {lesson.title}" in words
        assert f">{lesson.number} {lesson.title}</text>" in drawn
