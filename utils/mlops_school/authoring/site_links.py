"""Where the links of the site lead: to its own pages, to a forge, and into JupyterLab."""

import os
import posixpath
import re
import subprocess
from collections.abc import Set
from dataclasses import dataclass
from typing import Self

from mlops_school.paths import ROOT

_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]\n]+)\]\((?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")
_FORGE = re.compile(r"https://(github|gitlab)\.com/(?P<path>[\w.-]+/[\w.-]+?)(\.git)?/?")
_BINDER = {"github": "gh/{path}", "gitlab": "gl/{quoted}"}


@dataclass(frozen=True)
class Links:
    """Links as they are where the course is published.

    Attributes
    ----------
    repository : str
        The address of the repository on a public forge; empty if none is known.
    """

    repository: str = ""

    @classmethod
    def of_course(cls) -> Self:
        """Return the links of this copy of the course: of the workflow's repository, or Git's."""
        if name := os.environ.get("GITHUB_REPOSITORY"):
            address = f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{name}"
        else:
            address = _origin()
        found = _FORGE.fullmatch(address)
        return cls(f"https://{found[1]}.com/{found['path']}" if found else "")

    def binder(self, page: str) -> str:
        """Return where Binder opens a notebook of the repository; empty if that is not known."""
        if not self.repository:
            return ""
        found = _FORGE.fullmatch(self.repository)
        place = _BINDER[found[1]].format(
            path=found["path"], quoted=found["path"].replace("/", "%2F")
        )
        return f"https://mybinder.org/v2/{place}/HEAD?urlpath=lab/tree/{page}"

    def with_launch(self, header: str, page: str) -> str:
        """Return the first cell of a notebook with the ways to work in it, below its title."""
        up = "../" * page.count("/")
        ways = [f"[Open in JupyterLab]({up}run.md)"]
        if binder := self.binder(page):
            ways.append(f"[Try on Binder]({binder})")
        title, facts, rest = header.split("\n\n", 2)
        launch = f"{{.launch}}\n{' '.join(ways)}"
        return "\n\n".join([title, f"{{.facts}}\n{facts}", launch, rest])

    def mended(self, text: str, page: str, places: Set[str]) -> str:
        """Return a page whose links to files that the site does not have lead to the forge.

        Where no forge is known, the words of such a link stay, and the link goes.

        Parameters
        ----------
        text : str
            Markdown.
        page : str
            Where it stands in the course's folder.
        places : set of str
            The pages of the site.
        """

        def mend(match: re.Match) -> str:
            target, anchor = match["target"], match["anchor"] or ""
            if re.match(r"[a-z]+:", target):
                return match[0]
            path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target))
            if path in places:
                return match[0]
            if f"{path}/README.md" in places:
                return f"[{match['text']}]({target.rstrip('/')}/README.md{anchor})"
            if self.repository and (ROOT / path).exists():
                return f"[{match['text']}]({self.repository}/tree/HEAD/{path}{anchor})"
            return match["text"]

        return _LINK.sub(mend, text)


def _origin() -> str:
    """Return from where this copy of the course was cloned; empty if nobody knows."""
    command = ["git", "remote", "get-url", "origin"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    except OSError:  # no Git
        return ""
    return done.stdout.strip()
