"""A learner opens a lesson in a real JupyterLab, runs it and answers an exercise."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from mlops_school import progress
from mlops_school.launch import SETTINGS
from mlops_school.manifest import find_lessons

CHROMIUM = next(
    filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None and not (os.environ.get("CI") and sys.platform == "linux"),
        reason="there is no Chromium here; on Linux, CI has one",
    ),
]

MINUTE = 60_000  # milliseconds
expect.set_options(timeout=MINUTE)
OFFLINE = [  # Chromium asks nobody for anything
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Yield the address of a JupyterLab that serves a copy of the notebooks."""
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(tmp_path / "workspace"))
    folder = tmp_path / "course"
    (folder / "notebooks").mkdir(parents=True)
    for lesson in find_lessons():
        shutil.copy(lesson.notebook, folder / "notebooks")
    log = tmp_path / "jupyter.log"
    environment = os.environ | {
        "JUPYTER_CONFIG_PATH": str(SETTINGS),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces"),
        "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"),
        "OMP_NUM_THREADS": "1",
    }
    command = ["jupyterlab", "--no-browser", "--ip=127.0.0.1", "--IdentityProvider.token="]
    with log.open("w", encoding="utf-8") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", *command, f"--ServerApp.root_dir={folder}"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield _address(server, log)
        finally:
            server.terminate()
            server.wait(30)


def _address(server: subprocess.Popen, log: Path) -> str:
    """Return where the server listens, once it says so."""
    for _ in range(600):
        if found := re.search(r"http://127\.0\.0\.1:\d+/", log.read_text(encoding="utf-8")):
            return found[0]
        try:
            server.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    pytest.fail("JupyterLab did not start:\n" + log.read_text(encoding="utf-8"))


@pytest.fixture
def page():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OFFLINE)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(MINUTE)
        yield page
        browser.close()


def open_lesson(page: Page, lab: str, lesson: str) -> None:
    page.goto(f"{lab}lab/tree/notebooks/{lesson}.ipynb")
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    page.locator(".jp-RenderedMarkdown h1").first.wait_for()
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()  # has a kernel


def run_all(page: Page) -> None:
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    # The last cell shows the quiz, so when that is there, everything has run.
    page.locator(".jp-OutputArea .widget-button").first.wait_for(timeout=3 * MINUTE)


def answer(page: Page, cell: str, code: str) -> None:
    """Put `code` in the place of ____ and run the cell."""
    editor = page.locator(".jp-CodeCell", has_text=cell).locator(".cm-content")
    editor.scroll_into_view_if_needed()
    line = editor.locator(".cm-line", has_text="____")
    line.click()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+End")
    page.keyboard.type(code)
    page.keyboard.press("Control+Enter")


@pytest.mark.parametrize(
    ("lesson", "check", "wrong", "right"),
    [
        (
            "00_start_here",
            "q1.check(",
            "flights_per_day = len(january)",
            "flights_per_day = len(january) / 31",
        ),
        (
            "09_building",
            "q2.check(",
            "fair_threshold = 0.5",
            "fair_threshold = NEEDLESS / (NEEDLESS + MISSED)",
        ),
    ],
)
def test_a_learner_runs_a_lesson_and_solves_an_exercise(page, lab, lesson, check, wrong, right):
    outside = []
    page.on("request", lambda request: outside.append(request.url))
    open_lesson(page, lab, lesson)
    run_all(page)
    cell = page.locator(".jp-CodeCell", has_text=check)
    status = cell.get_by_role("status")
    expect(status).to_contain_text("Not attempted")

    answer(page, check, wrong)
    expect(status).to_contain_text("Not yet")
    editor = cell.locator(".cm-line", has_text=wrong.partition(" =")[0]).first
    editor.click()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+End")
    page.keyboard.type(right)
    page.keyboard.press("Control+Enter")
    expect(status).to_contain_text("Correct")

    entry = progress.load()[lesson][check.partition(".")[0]]
    assert (entry["solved"], entry["attempts"]) == (True, 2)
    local = ("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")
    assert not [url for url in outside if not url.startswith(local)]


def test_a_slider_draws_anew(page, lab):
    open_lesson(page, lab, "03_waterfall_agile")
    cell = page.locator(".jp-CodeCell", has_text="simulation_views.explore(")
    cell.scroll_into_view_if_needed()
    picture = cell.locator(".jp-OutputArea img")
    expect(picture).to_be_visible()  # although nothing has run yet
    run_all(page)
    cell.scroll_into_view_if_needed()
    expect(picture).to_have_attribute("alt", re.compile("Waterfall: 9[0-9] % at the deadline"))
    handle = cell.locator(".noUi-handle").first
    for _ in range(3):
        before = picture.get_attribute("alt")
        handle.press("ArrowRight")
        expect(picture).not_to_have_attribute("alt", before)
    expect(picture).to_have_attribute("alt", re.compile("Waterfall: 0 % at the deadline"))
