"""What the course adds to Sphinx: links to the glossary, formulas, headers of tables."""

import re
from functools import cache
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.writers.html5 import HTML5Translator

from mlops_school.glossary import Term, load_terms


class FirstUses(SphinxTransform):
    """Links the first use of a term in a lesson or lab to the glossary.

    That is where the term stands in bold, for so it is introduced. A term of several words, or with
    a capital letter, is linked elsewhere, too; a single word may be just an everyday word.
    """

    default_priority = 500

    def apply(self) -> None:
        """Link them, in all of a notebook but its first cell, which only says what will come."""
        if not self.env.docname.startswith("notebooks/"):
            return
        linked: set[Term] = set()
        parts = [part for part in self.document.findall(nodes.section) if _level(part) == 2]
        for part in parts:
            for strong in list(part.findall(nodes.strong)):
                term = _terms().get(strong.astext().strip(" .,:;").casefold())
                if term and term not in linked and isinstance(strong.parent, nodes.paragraph):
                    linked.add(term)
                    strong.replace_self(self._link(term, strong))
        for part in parts:
            for text in list(part.findall(nodes.Text)):
                if isinstance(text.parent, nodes.paragraph):
                    text.parent.replace(text, self._with_links(text, linked))

    def _with_links(self, text: nodes.Text, linked: set[Term]) -> list[nodes.Node]:
        """Return a text with links in it, and add what they link to what is linked."""
        parts: list[nodes.Node] = []
        end = 0
        for match in _words().finditer(text):
            term = _terms()[match[0].casefold()]
            if term in linked:
                continue
            linked.add(term)
            parts.append(nodes.Text(text[end : match.start()]))
            parts.append(self._link(term, nodes.inline("", match[0])))
            end = match.end()
        return [*parts, nodes.Text(text[end:])]

    def _link(self, term: Term, child: nodes.Element) -> addnodes.pending_xref:
        child = child.deepcopy()
        child["classes"].append("term")
        return addnodes.pending_xref(
            "",
            child,
            refdomain="std",
            reftype="term",
            reftarget=term.name,
            refexplicit=True,
            refwarn=True,
            refdoc=self.env.docname,
        )


@cache
def _terms() -> dict[str, Term]:
    """Return the terms by all that they are called, in small letters."""
    return {form.casefold(): term for term in load_terms() for form in term.spellings}


@cache
def _words() -> re.Pattern:
    """Return a pattern of the words that are terms wherever they stand."""
    special = [form for form, term in _terms().items() if re.search(r"[ -]|[A-Z]", term.name)]
    words = "|".join(map(re.escape, sorted(special, key=len, reverse=True)))
    return re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE)


def _level(node: nodes.Node) -> int:
    """Return how many sections a node is or is in."""
    level = 0
    while node is not None:
        level += isinstance(node, nodes.section)
        node = node.parent
    return level


# Every browser draws MathML, so that no page has to load a program for its formulas.


def _inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def _block(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def _without_empty_headers(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.Node
) -> None:
    """Make a plain cell of a header without words, which a table in Markdown cannot leave out."""
    body = context.get("body", "")
    context["body"] = re.sub(r'<th class="head[^"]*"><p></p></th>', "<td></td>", body)


def setup(app: Sphinx) -> dict[str, bool]:
    """Add all of it to Sphinx."""
    app.add_transform(FirstUses)
    app.connect("html-page-context", _without_empty_headers)
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
