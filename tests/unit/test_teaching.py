"""The teacher's kit: its plans add up, and name what really stands in the lessons."""

import re
from dataclasses import replace

import pytest

from mlops_school.authoring import teaching, teaching_pages
from mlops_school.authoring.source import SETUP
from mlops_school.authoring.teaching import (
    FOLDER,
    Meeting,
    Misconception,
    Omission,
    Place,
    Plan,
    Session,
    Step,
    exercises_of,
    expand,
    load_kit,
    load_outlines,
    outline_problems,
    places,
    problems,
)
from mlops_school.errors import CourseError
from mlops_school.manifest import find_lessons, load_manifest

LESSONS = load_manifest()


@pytest.fixture(scope="module")
def pages():
    return teaching_pages.pages()


@pytest.fixture(scope="module")
def kit():
    return load_kit(find_lessons(["09_building"])[0])


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
def test_the_kit_of_a_lesson_is_right(lesson):
    assert list(problems(load_kit(lesson))) == []


@pytest.mark.parametrize("name", ["five_days", "ten_weeks"])
def test_an_outline_teaches_every_lesson_once_and_adds_up(name):
    assert list(outline_problems(load_outlines()[name])) == []


def test_the_outlines_are_of_five_days_and_of_ten_weeks():
    outlines = load_outlines()
    assert [len(outlines[name].meetings) for name in ("five_days", "ten_weeks")] == [5, 10]


def test_the_pages_are_up_to_date(pages):
    for path, text in pages.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run teaching_pages"
    assert set(FOLDER.glob("*.md")) == {*pages, FOLDER / "README.md", FOLDER / "grading.md"}


def test_links_of_the_kit_lead_somewhere(pages):
    by_hand = [FOLDER / "README.md", FOLDER / "grading.md"]
    texts = pages | {path: path.read_text(encoding="utf-8") for path in by_hand}
    for path, text in texts.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            file, _, anchor = target.partition("#")
            if "://" in target or (file and not file.endswith(".md")):
                continue
            linked = (path.parent / file).resolve() if file else path
            if linked in texts:
                assert not anchor or anchor in anchors(texts[linked]), f"{path.name}: {target}"
            else:
                assert linked.exists(), f"{path.name}: {target}"


def anchors(text):
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}


def test_the_guide_links_every_page(pages):
    guide = (FOLDER / "README.md").read_text(encoding="utf-8")
    for path in pages:
        assert f"({path.name})" in guide


# ---- tried on plans that break a rule


def changed(kit, **changes):
    """Return a kit whose plan of 50 minutes is other than it was."""
    return replace(kit, plans={**kit.plans, 50: replace(kit.plans[50], **changes)})


def first(kit, **changes):
    """Return a kit in whose plan of 50 minutes the first step is other than it was."""
    steps = kit.plans[50].steps
    return changed(kit, steps=(replace(steps[0], **changes), *steps[1:]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda kit: first(kit, minutes=6), "sum to 51"),
        (lambda kit: first(kit, who="nobody"), "is none of"),
        (lambda kit: first(kit, cells=("nowhere",)), "no cell 'nowhere'"),
        (lambda kit: first(kit, cells=("split..why",)), "goes backwards"),
        (lambda kit: first(kit, cells=("recap",)), "order of the lesson"),
        (lambda kit: changed(kit, omit=()), "says nothing of q3, q4, q5"),
        (
            lambda kit: changed(kit, omit=(*kit.plans[50].omit, Omission(("why",), "no time"))),
            "both uses and leaves out why",
        ),
        (lambda kit: replace(kit, slow=("nowhere",)), "no cell 'nowhere'"),
        (lambda kit: replace(kit, misconceptions=()), "no misconception is named for q1"),
        (
            lambda kit: replace(
                kit, misconceptions=(*kit.misconceptions, Misconception("q1", "made up", ""))
            ),
            "no wrong answer of q1 is told 'made up'",
        ),
        (
            lambda kit: replace(kit, misconceptions=(Misconception("q9", "", ""),)),
            "no exercise 'q9'",
        ),
        (lambda kit: replace(kit, without={"network": ""}), "projector"),
        (lambda kit: replace(kit, plans={50: kit.plans[50]}), "plans for"),
    ],
)
def test_a_kit_that_breaks_a_rule_is_found(kit, change, words):
    assert any(words in problem for problem in problems(change(kit)))


def test_a_long_plan_needs_breaks_and_every_exercise(kit):
    plan = kit.plans[180]
    tired = tuple(replace(step, who="class") for step in plan.steps)
    lazy = tuple(step for step in plan.steps if "q4" not in step.cells)
    for steps, omit, words in [
        (tired, (), "without a break"),
        (lazy, (Omission(("q4",), "late"),), "no exercise is left out: q4"),
    ]:
        found = problems(replace(kit, plans={**kit.plans, 180: Plan(steps, omit)}))
        assert any(words in problem for problem in found)


def test_an_outline_that_breaks_a_rule_is_found():
    outline = load_outlines()["five_days"]
    day = outline.meetings[2]

    def with_sessions(*sessions):
        found = replace(outline, meetings=(*outline.meetings[:2], Meeting("Day 3", sessions)))
        return " ".join(outline_problems(found))

    assert "once each and in order" in with_sessions(*day.sessions)  # days 4 and 5 are gone
    assert "no plan of 07_exploration takes 60" in with_sessions(Session(60, "", "07_exploration"))
    assert "500 minutes are more than 495" in with_sessions(Session(500, "Labs"))
    assert "without a break" in with_sessions(Session(96, "Labs"))
    assert "either a lesson or something else" in with_sessions(Session(5))


@pytest.mark.parametrize("text", ["", "leave_with = 3", "plan = 3", "leave_with = '"])
def test_a_damaged_kit_is_refused_in_a_sentence(text, tmp_path, monkeypatch):
    monkeypatch.setattr(teaching, "FOLDER", tmp_path)
    with pytest.raises(CourseError, match="no such file"):
        load_kit(LESSONS[0])
    (tmp_path / f"{LESSONS[0].id}.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match="not a valid kit"):
        load_kit(LESSONS[0])
    with pytest.raises(CourseError, match="not a valid outline"):
        load_outlines(tmp_path / "outlines.toml")


# ---- the words of a page


def test_cells_are_named_as_a_reader_finds_them():
    known = {
        name: Place(name, headings, number)
        for name, headings, number in [
            ("a", ("A",), 0),
            ("a1", ("A",), 1),
            ("a2", ("A",), 2),
            ("bc", ("B", "C"), 0),
            ("c1", ("C",), 3),
            ("c2", ("C",), 4),
            ("c3", ("C",), 5),
        ]
    }
    assert expand(("a1..bc", "c3"), known) == ["a1", "a2", "bc", "c3"]
    where = teaching_pages._where
    assert where(("a..c1", "c3"), known) == "*A* [1] to [2]; *B*; *C* [3], [5]"


def test_places_are_those_of_the_stored_notebook(kit):
    from mlops_school.authoring.assemble import read_notebook

    stored = read_notebook(kit.lesson.notebook).cells
    code = {cell.id: cell.execution_count for cell in stored if cell.cell_type == "code"}
    assert code.pop(SETUP) == 1  # which no plan names
    assert code == {name: one.number for name, one in places(kit.lesson).items() if one.number}


def test_a_page_shows_when_each_step_begins_and_draws_wrong_answers_from_the_exercises(kit):
    page = teaching_pages.lesson_page(kit)
    assert "| 1:10 | 15 | pairs work |" in page
    assert "fair_threshold = NEEDLESS / MISSED" in page
    assert Step(5, "class", "").cells == ()
    assert set(exercises_of(kit.lesson)) == {"q1", "q2", "q3", "q4", "q5"}
