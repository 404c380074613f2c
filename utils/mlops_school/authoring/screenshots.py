"""Pictures of the course for the README: ``python -m mlops_school.authoring.screenshots``.

They show the real JupyterLab and the real web site in Chromium. ``school site`` comes before.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from mlops_school.launch import SETTINGS
from mlops_school.paths import BUILD, COURSE, NOTEBOOKS
from mlops_school.servers import free_port, opener

FOLDER = COURSE / "images"
SIZE = {"width": 1280, "height": 800}
OFFLINE = ("--no-sandbox", "--disable-background-networking", "--disable-component-update")
MINUTE = 60_000  # milliseconds


def main() -> None:
    """Take all pictures."""
    FOLDER.mkdir(exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright, _jupyterlab() as address:
        browser = playwright.chromium.launch(executable_path=chromium, args=OFFLINE)
        context = browser.new_context(viewport=SIZE)
        context.set_default_timeout(MINUTE)
        _lesson(context.new_page(), address, "09_building", "q2.check(", "lesson")
        _lesson(context.new_page(), address, "16_capstone", ".jp-OutputArea img", "capstone")
        page = context.new_page()
        page.goto((BUILD / "site" / "index.html").as_uri())
        _take(page, "site")
        browser.close()


def _lesson(page: Page, address: str, lesson: str, show: str, name: str) -> None:
    """Run a lesson, scroll to a text or the first element of a kind, and take the picture."""
    # With the layout of a first visit, whatever was open before.
    page.goto(address.replace("PAGE", f"notebooks/{lesson}.ipynb") + "&reset")
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
    page.keyboard.press("Control+b")  # without the list of files
    cell = (
        page.locator(show) if show.startswith(".") else page.locator(".jp-CodeCell", has_text=show)
    )
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.locator(".widget-button").first.wait_for(state="attached")  # of the quiz, which is last
    cell.first.evaluate("element => element.scrollIntoView({block: 'center'})")
    _take(page, name)


def _take(page: Page, name: str) -> None:
    time.sleep(2)  # until everything is drawn
    page.screenshot(path=FOLDER / f"{name}.png")


@contextmanager
def _jupyterlab() -> Iterator[str]:
    """Serve a copy of the notebooks, which JupyterLab may save; yield the address with its token.

    PAGE stands in the place of the page.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        shutil.copytree(NOTEBOOKS, folder / "course" / "notebooks")
        own = {"JUPYTER_CONFIG_PATH": str(SETTINGS), "SCHOOL_WORKSPACE": str(folder / "workspace")}
        for part in ("CONFIG", "DATA", "RUNTIME"):
            own[f"JUPYTER_{part}_DIR"] = str(folder / part)
        for part in ("SETTINGS", "WORKSPACES"):
            own[f"JUPYTERLAB_{part}_DIR"] = str(folder / part)
        port, token = free_port(), "pictures"
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1"]
        command += [f"--port={port}", f"--IdentityProvider.token={token}", "--allow-root"]
        command += [f"--ServerApp.root_dir={folder / 'course'}", "--Application.log_level=ERROR"]
        server = subprocess.Popen(command, env=os.environ | own)
        root = f"http://127.0.0.1:{port}"
        try:
            while True:
                with suppress(OSError):
                    opener.open(f"{root}/api").close()
                    break
                time.sleep(0.2)
            yield f"{root}/lab/tree/PAGE?token={token}"
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
