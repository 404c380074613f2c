"""The glossary: complete, in order, and about the lessons as they are."""

import re
import tomllib
from functools import cache
from itertools import pairwise

import pytest

from mlops_school import glossary
from mlops_school.authoring import glossary_page
from mlops_school.authoring.source import read_cells
from mlops_school.errors import CourseError
from mlops_school.glossary import Term, load_terms
from mlops_school.manifest import Lesson, load_labs, load_manifest
from mlops_school.process import load_requirements

UNITS = {unit.id: unit for unit in (*load_manifest(), *load_labs())}
ORDER = list(UNITS)
TERMS = load_terms()
LISTS = tomllib.loads(glossary.PATH.read_text(encoding="utf-8"))
EMPHASIS, CAPITALS = LISTS["emphasis"], LISTS["capitals"]
SPELLINGS = {spelling.casefold(): term for term in TERMS for spelling in term.spellings}

LONGEST = max(len(spelling.split()) for spelling in SPELLINGS)  # in words: 5
ACRONYM = re.compile(r"(?<![\w/])[A-Z][A-Z0-9]+s?(?!\w)")
REQUIREMENT = re.compile(r"R\d+")


def without_code(text: str) -> str:
    """Return Markdown without code, formulas and the addresses of links."""
    text = re.sub(r"```.*?```|\$\$.*?\$\$|`[^`]*`", " ", text, flags=re.DOTALL)
    return re.sub(r"\]\([^)]*\)", "]", text)


@cache
def texts(id_: str) -> list[str]:
    """Return the texts of a lesson or lab: goals, names of tools, cells of text, and quiz."""
    unit = UNITS[id_]
    cells = [cell.source for cell in read_cells(unit.source) if cell.kind == "markdown"]
    quiz = [unit.quiz.read_text(encoding="utf-8")] if isinstance(unit, Lesson) else []
    tools = [tool.name for tool in unit.tools]
    return [*unit.goals, *tools, *cells, *quiz]


def bold(id_: str) -> list[str]:
    """Return what a lesson or lab sets in bold and what could be a term.

    Left out are sentences, what is longer than any term, and the beginnings of the points at the
    end, which repeat.
    """
    phrases = []
    for text in texts(id_):
        text = re.sub(r"```.*?```", " ", text, flags=re.DOTALL)
        text, _, end = text.partition("## What you take with you")
        text += re.sub(r"^- \*\*.+?\*\*", "", end, flags=re.DOTALL | re.MULTILINE)
        phrases += [" ".join(p.split()) for p in re.findall(r"\*\*(\S.*?)\*\*", text, re.DOTALL)]
    return [p for p in phrases if p[-1] not in ".?!" and len(p.split()) <= LONGEST]


def occurs(term: Term, text: str) -> bool:
    """Whether a text has a term, in any of its forms."""
    return any(
        re.search(rf"(?<!\w){re.escape(s)}(?!\w)", text, 0 if s.isupper() else re.IGNORECASE)
        for s in term.spellings
    )


@pytest.mark.parametrize("unit", ORDER)
def test_bold_is_for_terms(unit):
    known = {phrase.casefold() for phrase in EMPHASIS} | SPELLINGS.keys()
    strange = [phrase for phrase in bold(unit) if phrase.casefold() not in known]
    assert not strange, "no terms: write them in italics, or into course/glossary/terms.toml"


@pytest.mark.parametrize("unit", ORDER)
def test_a_term_is_introduced_where_the_glossary_says(unit):
    introduced = {SPELLINGS[p.casefold()] for p in bold(unit) if p.casefold() in SPELLINGS}
    late = [t.name for t in introduced if ORDER.index(t.lesson) > ORDER.index(unit)]
    assert not late, "bold here, before the lesson that the glossary names"
    text = " ".join(" ".join(texts(unit)).split())
    absent = [t.name for t in TERMS if t.lesson == unit and not occurs(t, text)]
    assert not absent, "named by the glossary, and not to be found here"


@pytest.mark.parametrize("unit", ORDER)
def test_an_acronym_is_explained(unit):
    assert not set().union(*map(unexplained, texts(unit)))


def test_an_acronym_in_a_requirement_is_explained():
    assert not set().union(*(unexplained(str(r)) for r in load_requirements().values()))


def unexplained(text: str) -> set[str]:
    """Return the acronyms of a text that are no word of a term."""
    words = {word for t in TERMS for s in t.spellings for word in re.findall(r"\w+", s)}
    found = {found.removesuffix("s") for found in ACRONYM.findall(without_code(text))}
    return {f for f in found - words - set(CAPITALS) if not REQUIREMENT.fullmatch(f)}


def test_the_lists_of_exceptions_are_small_and_used():
    every = " ".join(" ".join(" ".join(texts(unit)) for unit in ORDER).split())
    assert len(EMPHASIS) <= 8
    assert [p for p in EMPHASIS if f"**{p}**" not in every or p.casefold() in SPELLINGS] == []
    assert [c for c in CAPITALS if not re.search(rf"\b{c}\b", every)] == []


def test_terms_are_in_alphabetical_order():
    names = [term.name.casefold() for term in TERMS]
    assert [two for two in pairwise(names) if two[0] >= two[1]] == []


def test_no_two_terms_share_a_spelling_or_an_anchor():
    assert len(SPELLINGS) == sum(len(term.spellings) for term in TERMS)
    assert len({term.anchor for term in TERMS}) == len(TERMS)


def test_a_meaning_is_one_to_three_sentences():
    ends = {t.name: len(re.findall(r"[.?!](?=\s|$)", t.meaning)) for t in TERMS}
    assert [name for name, count in ends.items() if not 1 <= count <= 3] == []
    assert [t.name for t in TERMS if t.meaning[-1] not in ".?!"] == []


def test_a_meaning_does_not_begin_with_its_term():
    circular = []
    for term in TERMS:
        begin = re.sub(r"^(an?|the|to|said of) ", "", term.meaning, flags=re.IGNORECASE)
        words = "|".join(map(re.escape, term.spellings))
        circular += [term.name] if re.match(rf"({words})(?!\w)", begin, re.IGNORECASE) else []
    assert circular == []


def test_related_terms_and_lessons_exist():
    names = {term.name for term in TERMS}
    assert [
        (t.name, other) for t in TERMS for other in t.see if other not in names - {t.name}
    ] == []
    assert {term.lesson for term in TERMS} <= UNITS.keys()


def test_the_page_is_up_to_date():
    assert glossary_page.PATH.read_text(encoding="utf-8") == glossary_page.page()


def test_every_link_of_the_page_leads_somewhere():
    page = glossary_page.page()
    anchors = re.findall(r'<a id="([^"]+)"></a>', page)
    assert len(anchors) == len(set(anchors))
    for target in set(re.findall(r"\]\(([^)]+)\)", page)):
        path, _, anchor = target.partition("#")
        assert (glossary_page.PATH.parent / path).is_file(), target
        assert not anchor or anchor in anchors, target


def test_the_page_names_other_words_and_no_plurals():
    page = glossary_page.page()
    assert "**alert** (alarm): " in page
    assert "**version**: " in page


ENTRY = """
[[term]]
name = "drift"
meaning = \"\"\"
Not what
it was.\"\"\"
lesson = "01_ml_devops_mlops"
"""


def test_an_entry_needs_neither_forms_nor_related_terms(tmp_path):
    path = tmp_path / "terms.toml"
    path.write_text(ENTRY, encoding="utf-8")
    assert load_terms(path) == [Term("drift", (), "Not what it was.", "01_ml_devops_mlops", ())]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[[term", "terms.toml"),
        ("name = 'drift'", "term"),
        (ENTRY.replace("lesson", "lab"), "'drift' lacks or does not know: lab, lesson"),
        (ENTRY + "see = 'skew'", "see of 'drift' must be a list"),
        (ENTRY + "forms = [1]", "forms of 'drift' holds something else than text"),
        (ENTRY.replace("01_ml_devops_mlops", " "), "lesson of 'drift' holds something else"),
        ("term = ['drift']", "terms.toml"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, text, what):
    path = tmp_path / "terms.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match="no valid glossary") as caught:
        load_terms(path)
    assert what in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CourseError, match="complete copy"):
        load_terms(tmp_path / "terms.toml")
