"""The web site of the course: pages put together in one folder, and built by Sphinx, offline."""

import shutil
import subprocess
import sys
from pathlib import Path

from mlops_school.authoring import site_pages
from mlops_school.authoring.assemble import read_notebook, write_notebook
from mlops_school.authoring.site_links import Links
from mlops_school.authoring.site_notebooks import readable
from mlops_school.errors import CourseError
from mlops_school.manifest import load_labs, load_manifest
from mlops_school.paths import BUILD, COURSE, ROOT

SETTINGS = COURSE / "site"  # Sphinx's settings, the pages that only the site has, and how it looks
SITE = BUILD / "site"
SOURCE = BUILD / "site-source"  # laid out like the course's folder, so that links lead on
FIGURES = "figures"  # the folder of pictures on the site
# What the theme brings, and no page asks for.
UNUSED = ("**/*.map", "scripts/fontawesome.js", "locales/**/*.po", "locales/**/*.mo")
TEACHERS = COURSE / "instructor"


def build(site: Path = SITE, source: Path = SOURCE) -> None:
    """Build the site anew.

    Parameters
    ----------
    site, source : Path
        Where it goes, and where its pages are put together before.

    Raises
    ------
    CourseError
        If a page cannot be built, or a link leads nowhere; what is wrong is printed before.
    """
    for folder in (site, source):
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise CourseError(
                f"The folder {folder} cannot be made anew ({error.strerror or error}). Close the "
                "programs that use it, and run the same command again."
            ) from None
    assemble(source, site / FIGURES)
    command = [sys.executable, "-m", "sphinx", "--builder", "html", "--quiet", "--jobs", "auto"]
    command += ["--fail-on-warning", "--fresh-env", "--conf-dir", str(SETTINGS)]
    command += ["--doctree-dir", str(source / ".doctrees"), str(source), str(site)]
    if subprocess.call(command, cwd=ROOT):
        raise CourseError(
            "The site is not built; the reason is above. Mend the page that it names (in "
            f"{source} you see it as Sphinx does), and run the same command again."
        )
    for pattern in UNUSED:
        for path in sorted((site / "_static").glob(pattern)):
            path.unlink()


def assemble(source: Path, figures: Path) -> None:
    """Put the pages of the site together in one folder, and their pictures in another.

    Raises
    ------
    CourseError
        If a notebook or the glossary is missing or damaged.
    """
    links = Links.of_course()
    teachers = sorted(TEACHERS.rglob("*.md"), key=lambda path: (path.name != "README.md", path))
    taken = [COURSE / "tools.md", COURSE / "data" / "README.md", *teachers]
    texts = {_page(path): path.read_text(encoding="utf-8") for path in taken}
    guide, below = (_page(teachers[0]), teachers[1:]) if teachers else ("", [])
    texts |= site_pages.own_pages(SETTINGS, guide, links)
    if below:
        pages = [path.relative_to(TEACHERS).as_posix() for path in below]
        texts[guide] += "\n\n" + site_pages.contents("", pages)
    units = (*load_manifest(), *load_labs())
    places = {*texts, *(_page(unit.notebook) for unit in units)}
    for page, text in texts.items():
        path = source / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(links.mended(text, page, places), encoding="utf-8", newline="\n")
    figures.mkdir(parents=True)
    for unit in units:
        page = _page(unit.notebook)
        try:
            notebook = read_notebook(unit.notebook)
        except (OSError, ValueError) as error:
            raise CourseError(f"{error}. Run `school build {unit.id}` first.") from None
        notebook = readable(notebook, unit.id, figures, up="../" * page.count("/"))
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = links.mended(cell.source, page, places)
        notebook.cells[0].source = links.with_launch(notebook.cells[0].source, page)
        write_notebook(notebook, source / page)


def _page(path: Path) -> str:
    """Return where a file of the course is on the site."""
    return path.relative_to(ROOT).as_posix()
