"""A new lesson gets an id and a phase that fit, or a sentence, and then nothing is written."""

import pytest

from mlops_school.authoring import new_lesson
from mlops_school.authoring.source import read_cells
from mlops_school.errors import CourseError
from mlops_school.manifest import load_manifest


@pytest.fixture(autouse=True)
def written(monkeypatch) -> dict[str, str]:
    """Return what would be written, by the name of the file."""
    files = {}
    monkeypatch.setattr(new_lesson, "_write", lambda file, text: files.__setitem__(file.name, text))
    return files


@pytest.mark.parametrize("id_", ["16_more", "airlines", "17 airlines", "17_Airlines", "../17_x"])
def test_an_id_that_does_not_fit_is_a_sentence(written, id_):
    with pytest.raises(CourseError, match="such as 17_airlines"):
        new_lesson.create(id_, "Title", "Data", 60)
    assert not written


def test_a_slug_that_is_taken_and_an_unknown_phase_are_sentences(written):
    with pytest.raises(CourseError, match="slug building already"):
        new_lesson.create("17_building", "Title", "Data", 60)
    with pytest.raises(CourseError, match="Dreaming is no phase.*Orientation, Foundations"):
        new_lesson.create("17_airlines", "Title", "Dreaming", 60)
    assert not written


def test_all_its_parts_carry_its_name_and_title(written, tmp_path):
    new_lesson.create("17_late_airlines", "Airlines & delays", "Data", 45)
    assert {"17_late_airlines.py", "late_airlines.py", "17_late_airlines.yml"} <= set(written)
    assert not any(
        word in text
        for name, text in written.items()
        for word in ("LESSON_ID", "SLUG", "TITLE")
        if "airlines" in name
    )
    source = tmp_path / "17_late_airlines.py"
    source.write_text(written["17_late_airlines.py"], encoding="utf-8")
    assert sum(cell.has_solution for cell in read_cells(source)) == 3
    row = "| [Airlines & delays](notebooks/17_late_airlines.ipynb) | Data | 45 |"
    last = load_manifest()[-1].notebook.name
    lines = written["README.md"].splitlines()
    assert last in lines[lines.index(row) - 1]
