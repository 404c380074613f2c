"""Pages that only the web site has, made from the manifests and the glossary."""

import re
from html import escape
from itertools import groupby
from pathlib import Path

from mlops_school.authoring.glossary_page import other_words
from mlops_school.authoring.site_links import Links
from mlops_school.glossary import Term, load_terms
from mlops_school.manifest import Lab, Lesson, load_labs, load_manifest
from mlops_school.paths import ROOT

GLOSSARY = "course/glossary/README.md"  # as in the course's folder, where it is another


def own_pages(folder: Path, guide: str, links: Links) -> dict[str, str]:
    """Return the text of each page, by its place on the site.

    Parameters
    ----------
    folder : Path
        Of the pages that are written by hand; in them, a comment such as ``<!-- map -->`` stands
        for what is made here.
    guide : str
        The page for teachers, which leads to their others; empty if there is none.
    links : Links
        Where the repository is.
    """
    lessons, labs = load_manifest(), load_labs()
    made = {
        "facts": _facts(lessons, labs),
        "map": course_map(lessons),
        "guide": f"- [**For teachers**]({guide}): how to teach it." * bool(guide),
        "contents": _navigation(lessons, guide),
        "labs": lab_list(labs) + "\n\n" + contents("", [_page(lab) for lab in labs]),
        "repository": _repository(links),
        "binder": _binder(links, _page(lessons[0])),
    }
    pages = {}
    for path in sorted(folder.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        pages[path.name] = re.sub(r"<!-- (\w+) -->", lambda match: made[match[1]], text)
    return pages | {GLOSSARY: glossary(load_terms())}


def _repository(links: Links) -> str:
    name = "the course's repository"
    return f"[{name}]({links.repository})" if links.repository else name


def _binder(links: Links, page: str) -> str:
    if address := links.binder(page):
        return f"[Start on Binder]({address})."
    return (
        "Open <https://mybinder.org>, paste the address of the repository that holds the course, "
        f"enter `{page}` as the file to open, and launch."
    )


def _facts(lessons: tuple[Lesson, ...], labs: tuple[Lab, ...]) -> str:
    minutes = [lesson.minutes for lesson in lessons]
    hours = f"{sum(minutes) / 60:.0f} hours"
    facts = (
        (len(lessons), "lessons, from a first notebook to a year in production"),
        (hours, f"of work, in parts of {min(minutes)} to {max(minutes)} minutes"),
        (len(labs), "tool labs, each with one tool of the field"),
        ("336,776", "flights of 2013, and the weather"),
    )
    items = "".join(f"<li><strong>{number}</strong> {text}</li>" for number, text in facts)
    return f'<ul class="facts-strip">{items}</ul>'


def course_map(lessons: tuple[Lesson, ...]) -> str:
    """Return the lessons by phase, in HTML: what they are called, teach and take."""
    phases = []
    for phase, group in groupby(lessons, key=lambda lesson: lesson.phase):
        members = list(group)
        items = "".join(_lesson(lesson) for lesson in members)
        minutes = _time(sum(lesson.minutes for lesson in members))
        phases.append(
            f'<li class="phase"><p class="phase-name">{escape(phase)} <span>{minutes}</span></p>'
            f"<ol>{items}</ol></li>"
        )
    return f'<ol class="course-map">{"".join(phases)}</ol>'


def _lesson(lesson: Lesson) -> str:
    href = _page(lesson).removesuffix(".ipynb") + ".html"
    return (
        f'<li><a href="{href}">{lesson.number} · {escape(lesson.title)}</a>'
        f'<span class="minutes">{lesson.minutes} min</span>'
        f"<p>{escape(_upper(lesson.goals[0]))}.</p></li>"
    )


def lab_list(labs: tuple[Lab, ...]) -> str:
    """Return a table of the tool labs, in Markdown."""
    rows = [
        f"| [{lab.title}]({_page(lab)}) | {lab.summary} | {lab.kind} | {lab.minutes} | "
        f"{lab.download_mb} |"
        for lab in labs
    ]
    head = "| Lab | What happens in it | How real | Minutes | Download, MB |"
    return "\n".join([head, "|---|---|---|---:|---:|", *rows])


def glossary(terms: list[Term]) -> str:
    """Return the glossary, in Markdown: a section for each letter, an entry for each term.

    Unlike the page in the course's folder, it tells Sphinx what a term is, so that other pages can
    refer to it and the search finds it.
    """
    units = {unit.id: unit for unit in (*load_manifest(), *load_labs())}
    parts = [
        "# Glossary",
        f"{len(terms)} words, and what they mean in this course. In each lesson and lab, the first "
        "use of a word leads here.",
    ]
    for letter, group in groupby(terms, key=lambda term: term.name[0].upper()):
        entries = "\n\n".join(_entry(term, units[term.lesson]) for term in group)
        parts += [f"## {letter}", f"```{{glossary}}\n{entries}\n```"]
    return "\n\n".join(parts) + "\n"


def _entry(term: Term, unit: Lesson | Lab) -> str:
    origin = f"[{unit.name}]({_up(GLOSSARY)}{_page(unit)})"
    if others := other_words(term):
        origin = f"Also: {', '.join(others)}. · {origin}"
    if term.see:
        origin += " · See " + ", ".join(f"{{term}}`{name}`" for name in term.see)
    text = term.meaning.replace("\n", "\n  ")
    return f"{term.name}\n  {text}\n\n  {origin}"


def _up(page: str) -> str:
    return "../" * page.count("/")


def contents(caption: str, pages: list[str]) -> str:
    """Return what tells Sphinx which pages come next, and in which order; readers do not see it."""
    options = f":caption: {caption}\n" * bool(caption) + ":hidden:\n"
    return "```{toctree}\n" + options + "\n" + "\n".join(pages) + "\n```\n"


def _navigation(lessons: tuple[Lesson, ...], guide: str) -> str:
    """Return what the pages are and in which order, for the navigation."""
    parts = [
        contents(phase, [_page(lesson) for lesson in group])
        for phase, group in groupby(lessons, key=lambda lesson: lesson.phase)
    ]
    parts.append(
        contents(
            "Look up", ["run.md", "labs.md", "course/tools.md", GLOSSARY, "course/data/README.md"]
        )
    )
    if guide:
        parts.append(contents("For teachers", [guide]))
    return "\n".join(parts)


def _page(unit: Lesson | Lab) -> str:
    return unit.notebook.relative_to(ROOT).as_posix()


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]


def _time(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return " ".join([f"{hours} h"] * (hours > 0) + [f"{rest} min"] * (rest > 0))
