"""Parts of the web site: where links lead, and what becomes of a notebook."""

import re

import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from mlops_school import plots
from mlops_school.authoring import site_links, site_pages
from mlops_school.authoring.site_links import Links
from mlops_school.authoring.site_notebooks import accessible, readable
from mlops_school.manifest import load_labs, load_manifest

GITHUB = Links("https://github.com/ada/course")
PLACES = {"run.md", "course/tools.md", "notebooks/05_data.ipynb", "course/instructor/README.md"}


@pytest.mark.parametrize(
    ("workflow", "origin", "repository"),
    [
        ("ada/course", "", "https://github.com/ada/course"),
        ("", "https://github.com/ada/course.git", "https://github.com/ada/course"),
        ("", "https://gitlab.com/ada/course", "https://gitlab.com/ada/course"),
        ("", "https://ada:secret@github.com/ada/course", ""),
        ("", "https://git.example.org/ada/course", ""),
        ("", "git@github.com:ada/course.git", ""),
        ("", "/srv/course.git", ""),
        ("", "", ""),
    ],
)
def test_only_a_public_forge_is_a_repository(monkeypatch, workflow, origin, repository):
    monkeypatch.setenv("GITHUB_REPOSITORY", workflow)
    monkeypatch.delenv("GITHUB_SERVER_URL", raising=False)
    monkeypatch.setattr(site_links, "_origin", lambda: origin)
    assert Links.of_course().repository == repository


def test_a_workflow_of_a_company_does_not_lead_to_github(monkeypatch):
    monkeypatch.setenv("GITHUB_REPOSITORY", "ada/course")
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.example.org")
    assert Links.of_course().repository == ""


def test_binder_opens_a_notebook_of_the_repository():
    page = "notebooks/05_data.ipynb"
    start = "https://mybinder.org/v2"
    end = f"HEAD?urlpath=lab/tree/{page}"
    assert GITHUB.binder(page) == f"{start}/gh/ada/course/{end}"
    assert Links("https://gitlab.com/ada/course").binder(page) == f"{start}/gl/ada%2Fcourse/{end}"
    assert Links().binder(page) == ""


def test_a_lesson_has_a_button_for_binder_only_where_the_repository_is_known():
    header = "# 05 · Data\n\n**Data** · about 70 minutes\n\nBuilds on\n\nmore"
    page = "notebooks/05_data.ipynb"
    assert "[Open in JupyterLab](../run.md)" in Links().with_launch(header, page)
    assert "mybinder" not in Links().with_launch(header, page)
    assert f"[Try on Binder]({GITHUB.binder(page)})" in GITHUB.with_launch(header, page)
    assert GITHUB.with_launch(header, page).endswith("\n\nBuilds on\n\nmore")


@pytest.mark.parametrize(
    ("link", "alone", "on_github"),
    [
        ("[x](../course/tools.md)", None, None),
        ("[x](05_data.ipynb)", None, None),
        ("[x](https://example.org/a)", None, None),
        ("[x](#below)", None, None),
        ("![x](picture.png)", None, None),
        ("[x](../course/instructor)", *2 * ["[x](../course/instructor/README.md)"]),
        ("[x](../LICENSE)", "x", "[x](https://github.com/ada/course/tree/HEAD/LICENSE)"),
        ("[x](../missing.txt)", "x", "x"),
    ],
)
def test_a_link_leads_to_a_page_or_the_repository_or_is_none(link, alone, on_github):
    for links, expected in ((Links(), alone), (GITHUB, on_github)):
        text = f"See {link}, please."
        mended = links.mended(text, "notebooks/05_data.ipynb", PLACES)
        assert mended == (text if expected is None else f"See {expected}, please.")


def test_no_header_of_a_table_is_empty_and_each_says_of_what_it_is_one():
    table = pd.DataFrame({"late": [1, 2]}, index=pd.Index(["JFK", "LGA"], name="origin"))
    styled = table.style.format("{:.1f}").to_html()
    for page in (table.to_html(), styled):
        page = accessible(page)
        assert re.findall(r"<th\b[^>]*>\s*(?:&nbsp;)?\s*</th>", page) == []
        assert set(re.findall(r'<th scope="(\w+)"', page)) == {"col", "row"}
        assert page.count("<th ") == page.count("<th scope=") == 4
        assert "<style" not in page and "border=" not in page


def test_pictures_become_files_and_what_needs_a_kernel_a_note(tmp_path):
    figure, axes = plots.plt.subplots()
    axes.plot([1, 2])
    html = plots.to_html(figure, "A line goes up from 1 to 2.")
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/html": html}
    notebook = new_notebook(
        metadata={"widgets": {}},
        cells=[
            new_code_cell("line", id="line", outputs=[new_output("display_data", widget)]),
            new_code_cell("quiz.show()", id="quiz", metadata={"tags": ["quiz"]}),
            new_markdown_cell("Next", id="footer"),
        ],
    )
    notebook = readable(notebook, "05_data", tmp_path, up="../")
    assert [cell.id for cell in notebook.cells] == [
        "line",
        "line-interactive",
        "quiz",
        "quiz-interactive",
    ]
    assert "widgets" not in notebook.metadata
    data = notebook.cells[0].outputs[0].data
    assert list(data) == ["text/html"]
    assert data["text/html"] == (
        '<img alt="A line goes up from 1 to 2." src="../figures/05_data-line.png" loading="lazy" '
        'width="800" height="360">'
    ).replace("figures", tmp_path.name)
    with Image.open(tmp_path / "05_data-line.png") as picture:
        assert picture.size == (800, 360)


def test_the_map_has_every_lesson_under_its_phase_and_adds_up_the_minutes():
    page = site_pages.course_map(load_manifest())
    parts = re.findall(r'phase-name">(.+?) <span>(.+?)</span>.*?(?=<li class="phase">|$)', page)
    assert ("Foundations", "4 h 55 min") in parts
    assert len(parts) == len({lesson.phase for lesson in load_manifest()})
    assert page.count('<a href="notebooks/') == len(load_manifest())


def test_the_table_of_labs_has_every_lab():
    assert site_pages.lab_list(load_labs()).count("(notebooks/labs/") == len(load_labs())
