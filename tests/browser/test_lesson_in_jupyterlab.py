"""A learner opens a lesson in a real JupyterLab, runs it and answers an exercise."""

import re

import pytest
from playwright.sync_api import Page, expect

from mlops_school import progress

pytestmark = pytest.mark.browser

MINUTE = 60_000  # milliseconds


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
