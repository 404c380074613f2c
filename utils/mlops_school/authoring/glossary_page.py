"""The glossary as a page, made from its terms: ``course/glossary/README.md``."""

from itertools import groupby
from pathlib import Path

from mlops_school import glossary
from mlops_school.glossary import Term, load_terms
from mlops_school.manifest import Lab, Unit, load_labs, load_manifest
from mlops_school.paths import ROOT

PATH = glossary.PATH.with_name("README.md")

_TEXT = """\
# The words of the course

{count} terms: what each means here, which lesson or lab introduces it, and which are related.
In a lesson, a term stands in **bold** where it is introduced.

{letters}

{entries}

---

Made from `terms.toml` by `python -m mlops_school.authoring.glossary_page`; a test holds that it is
up to date.
"""


def page() -> str:
    """Return the page as Markdown, with an anchor for each term and each letter."""
    terms = load_terms()
    units = {unit.id: unit for unit in (*load_manifest(), *load_labs())}
    anchors = {term.name: term.anchor for term in terms}
    letters, parts = [], []
    for letter, group in groupby(terms, key=lambda term: term.name[0].upper()):
        anchor = f"letter-{letter.lower()}"
        letters.append(_link(letter, anchor))
        parts.append(f'<a id="{anchor}"></a>\n\n## {letter}')
        parts += [_entry(term, units[term.lesson], anchors) for term in group]
    return _TEXT.format(count=len(terms), letters=" · ".join(letters), entries="\n\n".join(parts))


def _entry(term: Term, unit: Unit, anchors: dict[str, str]) -> str:
    name = f"lab {unit.id}" if isinstance(unit, Lab) else f"lesson {unit.number}"
    path = unit.notebook.relative_to(ROOT).as_posix()
    links = f"[{name}](../../{path})"
    if term.see:
        links += " · see " + ", ".join(_link(other, anchors[other]) for other in term.see)
    also = f" ({', '.join(others)})" if (others := other_words(term)) else ""
    return f'<a id="{term.anchor}"></a>\n**{term.name}**{also}: {term.meaning}\\\n{links}'


def _link(text: str, anchor: str) -> str:
    # With the name of the file: JupyterLab does not follow a link that is an anchor alone.
    return f"[{text}]({PATH.name}#{anchor})"


def other_words(term: Term) -> list[str]:
    """Return the forms that are more than an inflection of the name, or of one before."""
    words = [term.name]
    for form in term.forms:
        if not any(_alike(form.lower(), word.lower()) for word in words):
            words.append(form)
    return words[1:]


def _alike(one: str, other: str) -> bool:
    """Whether two phrases have as many words and begin alike, as inflections do."""
    return one.count(" ") == other.count(" ") and one[:3] == other[:3]


def write(path: Path = PATH) -> None:
    """Write the page."""
    path.write_text(page(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write()
