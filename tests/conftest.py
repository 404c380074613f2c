"""What all tests share: a workspace that is not the learner's, and notebooks as tests."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbval import kernel as nbval_kernel
from nbval.plugin import IPyNbFile
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling

from mlops_school.authoring.kernel import THREADS, Kernel

TESTS = Path(__file__).parent
NOTEBOOKS = TESTS.parent / "notebooks"


def pytest_configure(config: pytest.Config) -> None:
    """Keep the learner's workspace out of it, whatever a test forgets, and set up nbval."""
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    os.environ["SCHOOL_WORKSPACE"] = folder.name
    os.environ["OMP_NUM_THREADS"] = THREADS
    nbval_kernel.KernelManager = Kernel
    config.option.nbval_sanitize_with = str(TESTS / "sanitize.cfg")


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Let the stored notebooks be tests wherever the tests of notebooks are."""
    if path == TESTS / "notebooks":
        return NotebookTests.from_parent(parent, path=path)
    return None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadGroupScheduling:
    """Let one worker take all of a notebook, which one kernel executes from top to bottom.

    The mark ``xdist_group`` should do, but pytest 9.2 and xdist 3.8 together ignore it:
    https://github.com/pytest-dev/pytest-xdist/issues/1386
    """
    config.option.loadscopereorder = False  # as collected: notebooks go before what is quick
    return NotebookScheduling(config, log)


class NotebookScheduling(LoadGroupScheduling):
    """Hands out tests one by one, but notebooks whole."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.endswith(".ipynb") else super()._split_scope(nodeid)


class NotebookTests(pytest.Dir):
    """The folder of the tests of notebooks; the notebooks count as tests in it."""

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        yield from super().collect()
        for path in sorted(NOTEBOOKS.glob("*.ipynb")):
            notebook = StoredNotebook.from_parent(self, path=path)
            notebook.add_marker("notebooks")
            yield notebook


class StoredNotebook(IPyNbFile):
    """A notebook that nbval executes again; each output must be the one that is stored."""

    def setup(self) -> None:
        """Start its kernel, in a workspace as empty as the one in which it was built."""
        self.workspace = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SCHOOL_WORKSPACE", self.workspace.name)
            super().setup()

    def teardown(self) -> None:
        super().teardown()
        self.workspace.cleanup()


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a new workspace, which this test and what it starts use."""
    folder = tmp_path / "workspace"
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(folder))
    return folder
