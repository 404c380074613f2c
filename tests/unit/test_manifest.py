"""The manifest: what it gives, and what is said of one that is not right."""

import json
import os
import subprocess
import sys

import pytest

from mlops_school import manifest
from mlops_school.errors import CourseError
from mlops_school.manifest import (
    Lab,
    Lesson,
    Tool,
    find_lab,
    find_lessons,
    find_units,
    load_labs,
    load_manifest,
)

ENTRY = """
[[lesson]]
id = "{id}"
title = "Cómo empezar → ✓"
phase = "Orientation"
minutes = 40
goals = ["run a cell", "say why"]
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "course.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def two_lessons(write, monkeypatch):
    lessons = load_manifest(write(ENTRY.format(id="00_first") + ENTRY.format(id="01_second_one")))
    monkeypatch.setattr(manifest, "load_manifest", lambda: lessons)
    return lessons


def test_a_lesson_has_what_the_manifest_says(write):
    text = ENTRY.format(id="01_second") + (
        'prerequisites = ["00_first"]\ntools = ["pandas"]\nfast = { rows = 5 }\n'
    )
    assert load_manifest(write(text)) == (
        Lesson(
            id="01_second",
            title="Cómo empezar → ✓",
            phase="Orientation",
            minutes=40,
            goals=("run a cell", "say why"),
            prerequisites=("00_first",),
            tools=(Tool("pandas"),),
            fast={"rows": 5},
        ),
    )


def test_what_a_lesson_may_leave_out(write):
    (lesson,) = load_manifest(write(ENTRY.format(id="00_first")))
    assert (lesson.prerequisites, lesson.tools, lesson.fast) == ((), (), {})


def test_a_lesson_finds_its_files_by_its_id(two_lessons, tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "COURSE", tmp_path / "course")
    monkeypatch.setattr(manifest, "NOTEBOOKS", tmp_path / "notebooks")
    lesson = two_lessons[1]
    assert (lesson.number, lesson.slug) == ("01", "second_one")
    assert lesson.source == tmp_path / "course" / "lessons" / "01_second_one.py"
    assert lesson.quiz == tmp_path / "course" / "quizzes" / "01_second_one.yml"
    assert lesson.notebook == tmp_path / "notebooks" / "01_second_one.ipynb"


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        ([], ["00_first", "01_second_one"]),
        (["01_second_one"], ["01_second_one"]),
        (["01_second_one", "00_first"], ["00_first", "01_second_one"]),
    ],
    ids=["all by default", "one", "in the manifest's order"],
)
def test_lessons_are_found_by_id(two_lessons, ids, found):
    assert [lesson.id for lesson in find_lessons(ids)] == found


def test_an_unknown_lesson_is_named_beside_those_there_are(two_lessons):
    with pytest.raises(CourseError) as caught:
        find_lessons(["99_nowhere", "00_first"])
    assert str(caught.value) == (
        "There is no lesson 99_nowhere. The lessons are: 00_first, 01_second_one."
    )


@pytest.mark.parametrize(
    "text",
    [
        "[[lesson]",
        "",
        "lesson = 5",
        'lesson = ["00_first"]',
        ENTRY.format(id="00_first").replace("[[lesson]]", "[lesson]"),
        ENTRY.format(id="00_first").replace("minutes = 40", ""),
        ENTRY.format(id="00_first") + "color = 'red'",
    ],
    ids=["not TOML", "empty", "number", "strings", "a table", "key missing", "key unknown"],
)
def test_a_manifest_that_is_not_right_is_reported_by_name(write, text):
    path = write(text)
    with pytest.raises(CourseError, match=r"is not a valid manifest: .") as caught:
        load_manifest(path)
    assert str(path) in str(caught.value)


def test_a_manifest_that_is_not_text_is_reported_by_name(tmp_path):
    path = tmp_path / "course.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CourseError, match="is not a valid manifest"):
        load_manifest(path)


def test_a_folder_in_the_place_of_the_manifest_is_reported(tmp_path):
    with pytest.raises(CourseError) as caught:
        load_manifest(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_missing_manifest_is_reported_by_name(tmp_path):
    with pytest.raises(CourseError, match=r"There is no .*complete copy") as caught:
        load_manifest(tmp_path / "course.toml")
    assert str(tmp_path / "course.toml") in str(caught.value)


def test_a_manifest_that_has_been_put_right_is_read_again(write):
    with pytest.raises(CourseError):
        load_manifest(write("[[lesson]"))
    assert [lesson.id for lesson in load_manifest(write(ENTRY.format(id="00_first")))] == [
        "00_first"
    ]


def test_reading_does_not_depend_on_the_locale(write):
    path = write(ENTRY.format(id="00_first"))
    code = (
        "import json, locale, sys; from pathlib import Path\n"
        "from mlops_school.manifest import load_manifest\n"
        "title = load_manifest(Path(sys.argv[1]))[0].title\n"
        "print(json.dumps([locale.getpreferredencoding(False), title]))"
    )
    plain = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    answer = subprocess.check_output(
        [sys.executable, "-c", code, path], env=os.environ | plain, text=True
    )
    encoding, title = json.loads(answer)
    assert "utf" not in encoding.lower()  # or this would prove nothing
    assert title == "Cómo empezar → ✓"


def test_the_manifest_of_the_course_is_valid():
    ids = [lesson.id for lesson in load_manifest()]
    assert ids
    assert ids == sorted(set(ids))


# -- tool labs

LAB = """
[[lab]]
id = "tool"
title = "Tool, a tool"
summary = "It does something."
tools = [{ name = "Small", kind = "runs against an emulator", reason = "It is small." }]
minutes = 20
goals = ["use it"]
prerequisites = ["00_first"]
download_mb = 60
disk_mb = 1500
memory_mb = 500
seconds = 10
"""


@pytest.fixture
def one_lab(write, monkeypatch, two_lessons):
    (lab,) = load_labs(write(LAB))
    monkeypatch.setattr(manifest, "load_labs", lambda: (lab,))
    return lab


def test_a_lab_has_what_the_manifest_says(one_lab, monkeypatch, tmp_path):
    assert one_lab == Lab(
        "tool",
        "Tool, a tool",
        "It does something.",
        20,
        ("use it",),
        60,
        1500,
        500,
        10,
        prerequisites=("00_first",),
        tools=(Tool("Small", "runs against an emulator", "It is small."),),
    )
    assert one_lab.phase == "Tool lab that runs against an emulator"
    monkeypatch.setattr(manifest, "COURSE", tmp_path / "course")
    monkeypatch.setattr(manifest, "NOTEBOOKS", tmp_path / "notebooks")
    assert one_lab.name == "Lab · Tool, a tool"
    assert one_lab.source == tmp_path / "course" / "labs" / "tool.py"
    assert one_lab.notebook == tmp_path / "notebooks" / "labs" / "tool.ipynb"
    assert one_lab.exercises == "mlops_school.exercises.labs.tool"


@pytest.mark.parametrize("text", ["", LAB + "colour = 'red'", LAB.replace("disk_mb = 1500", "")])
def test_a_manifest_of_labs_that_is_not_right_is_reported(write, text):
    with pytest.raises(CourseError, match=r"is not a valid manifest: ."):
        load_labs(write(text))


def test_an_unknown_lab_is_named_beside_those_there_are(one_lab):
    assert find_lab("tool") == one_lab
    with pytest.raises(CourseError) as caught:
        find_lab("tol")
    assert str(caught.value) == "There is no lab tol. The labs are: tool."


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        ([], ["00_first", "01_second_one"]),
        (["tool"], ["tool"]),
        (["tool", "01_second_one"], ["01_second_one", "tool"]),
    ],
    ids=["no lab by default", "a lab by name", "a lesson and a lab"],
)
def test_lessons_and_labs_are_found_by_id(one_lab, ids, found):
    assert [unit.id for unit in find_units(ids)] == found


def test_what_is_neither_lesson_nor_lab_is_named(one_lab):
    with pytest.raises(CourseError, match="There is no lesson tol"):
        find_units(["tool", "tol"])
