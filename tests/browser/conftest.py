"""A real JupyterLab, and a real browser that looks at it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from mlops_school.launch import SETTINGS
from mlops_school.manifest import find_lessons

CHROMIUM = next(
    filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None
)

PATH = "/user/ada/"
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
def lab(tmp_path, monkeypatch) -> Iterator[str]:
    """Yield the address of a JupyterLab that serves a copy of the notebooks.

    Like one on Binder or on a hub, it is below a path.
    """
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
    command += [f"--ServerApp.root_dir={folder}", f"--ServerApp.base_url={PATH}"]
    with log.open("w", encoding="utf-8") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", *command], env=environment, stdout=output, stderr=output
        )
        try:
            yield _address(server, log)
        finally:
            server.terminate()
            server.wait(30)


def _address(server: subprocess.Popen, log: Path) -> str:
    """Return where the server listens, once it says so."""
    for _ in range(600):
        if found := re.search(rf"http://127\.0\.0\.1:\d+{PATH}", log.read_text(encoding="utf-8")):
            return found[0]
        try:
            server.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    pytest.fail("JupyterLab did not start:\n" + log.read_text(encoding="utf-8"))


@pytest.fixture
def page() -> Iterator[Page]:
    """Yield a page of the browser."""
    if CHROMIUM is None and not (os.environ.get("CI") and sys.platform == "linux"):
        pytest.skip("there is no Chromium here; on Linux, CI has one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OFFLINE)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(MINUTE)
        yield page
        browser.close()
