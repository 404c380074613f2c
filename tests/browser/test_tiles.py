"""Tiles of JupyterLab's launcher open MLflow's pages and the delay service, below a path, too."""

import mlflow
import psutil
import pytest
from playwright.sync_api import Page, expect

from mlops_school import tracking

pytestmark = pytest.mark.browser

LOCAL = ("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")


def open_tile(page: Page, lab: str, title: str) -> Page:
    """Return the page that a tile opens."""
    page.goto(f"{lab}lab?reset")
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    with page.expect_popup() as popup:
        page.locator(".jp-LauncherCard", has_text=title).click()
    return popup.value


@pytest.fixture
def outside(page) -> list[str]:
    """Return what will be the addresses of other computers that the browser asks."""
    found = []
    page.context.on(
        "request",
        lambda request: None if request.url.startswith(LOCAL) else found.append(request.url),
    )
    return found


def test_the_tile_of_mlflow_shows_the_learners_runs(page, outside, lab):
    for experiment in ("seen-in-a-tile", "without-runs"):
        tracking.start(experiment)
    mlflow.set_experiment("seen-in-a-tile")
    with mlflow.start_run(run_name="the-first-run"):
        mlflow.log_metric("roc_auc", 0.75)
    runs = open_tile(page, lab, "MLflow runs")
    expect(runs.get_by_role("link", name="the-first-run")).to_be_visible()
    expect(runs.get_by_test_id("experiment-link")).to_have_text("seen-in-a-tile")
    assert not outside


def test_without_runs_the_tile_of_mlflow_shows_an_empty_store(page, lab):
    runs = open_tile(page, lab, "MLflow runs")
    expect(runs.get_by_text("No runs logged")).to_be_visible()


def test_the_tile_of_the_service_shows_its_documentation_which_can_be_tried(page, outside, lab):
    docs = open_tile(page, lab, "Delay service")
    docs.locator("button.opblock-summary-control", has_text="/forecast").click()
    docs.get_by_role("button", name="Try it out").click()
    docs.get_by_role("button", name="Execute").click()
    expect(docs.locator(".live-responses-table tbody")).to_contain_text("200")
    expect(docs.locator(".live-responses-table")).to_contain_text("probability")
    assert not outside


def test_what_a_tile_has_started_ends_with_jupyterlab(page, lab):
    open_tile(page, lab, "MLflow runs").get_by_role("link", name="Runs").wait_for()
    tiles = [
        process
        for process in psutil.process_iter(["cmdline"])
        if "mlops_school.tiles" in (process.info["cmdline"] or [])
    ]
    assert tiles
    for process in tiles:
        process.parent().kill()  # without a chance to clean up
    assert psutil.wait_procs(tiles, timeout=10)[1] == []
