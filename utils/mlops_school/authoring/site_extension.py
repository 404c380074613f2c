"""What the course adds to Sphinx: links to the glossary, and formulas that need no program."""

import re

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.writers.html5 import HTML5Translator

from mlops_school.glossary import Term, load_terms

_NO_PROSE = (nodes.title, nodes.reference, nodes.literal, nodes.strong, addnodes.pending_xref)


class FirstUses(SphinxTransform):
    """Links the first use of a term in a lesson or lab to the glossary.

    That is where the term stands in bold, for so it is introduced. A term of several words, or with
    a capital letter, is linked elsewhere, too; a single word may be just an everyday word.
    """

    default_priority = 500

    def apply(self) -> None:
        if not self.env.docname.startswith("notebooks/"):
            return
        terms = {form.casefold(): term for term in load_terms() for form in term.spellings}
        linked = set()
        for strong in list(self.document.findall(nodes.strong)):
            term = terms.get(strong.astext().strip(" .,:;").casefold())
            if term and term not in linked and not _is_inside(strong.parent, *_NO_PROSE):
                linked.add(term)
                strong.replace_self(self._link(term, strong))
        special = {
            form: term
            for form, term in terms.items()
            if term not in linked and re.search(r"[\s-]|[A-Z]", term.name)
        }
        if special:
            self._link_words(special)

    def _link_words(self, terms: dict[str, Term]) -> None:
        words = "|".join(map(re.escape, sorted(terms, key=len, reverse=True)))
        pattern = re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE)
        linked = set()
        for text in list(self.document.findall(nodes.Text)):
            if not isinstance(text.parent, nodes.paragraph):
                continue
            parts, end = [], 0
            for match in pattern.finditer(text):
                term = terms[match[0].casefold()]
                if term in linked:
                    continue
                linked.add(term)
                link = self._link(term, nodes.inline("", match[0]))
                parts += [nodes.Text(text[end : match.start()]), link]
                end = match.end()
            if parts:
                text.parent.replace(text, [*parts, nodes.Text(text[end:])])

    def _link(self, term: Term, child: nodes.Node) -> addnodes.pending_xref:
        return addnodes.pending_xref(
            "",
            child.deepcopy(),
            refdomain="std",
            reftype="term",
            reftarget=term.name,
            refexplicit=True,
            refwarn=True,
            refdoc=self.env.docname,
        )


def _is_inside(node: nodes.Node, *kinds: type[nodes.Node]) -> bool:
    while node is not None:
        if isinstance(node, kinds):
            return True
        node = node.parent
    return False


def _inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def _block(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Add all of it to Sphinx."""
    app.add_transform(FirstUses)
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
