"""What all tests share: a workspace that is not the learner's, and notebooks as tests."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbval import kernel as nbval_kernel
from nbval.plugin import IPyNbFile
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling

from mlops_school.authoring.kernel import THREADS, Kernel

TESTS = Path(__file__).parent
NOTEBOOKS = TESTS.parent / "notebooks"
WORKSPACES = pytest.StashKey[Path]()  # where each lesson has a workspace for both of its tests


def pytest_configure(config: pytest.Config) -> None:
    """Keep the learner's workspace out of it, whatever a test forgets, and set up nbval."""
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    os.environ["SCHOOL_WORKSPACE"] = folder.name
    config.stash[WORKSPACES] = Path(folder.name) / "lessons"
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
    """Let one worker take all of a lesson: one kernel executes its notebook from top to bottom.

    The mark ``xdist_group`` should do, but pytest 9.2 and xdist 3.8 together ignore it:
    https://github.com/pytest-dev/pytest-xdist/issues/1386
    """
    config.option.loadscopereorder = False  # as collected: notebooks go before what is quick
    return LessonScheduling(config, log)


class LessonScheduling(LoadGroupScheduling):
    """Hands out tests by file, so that what a file sets up is made once, and by lesson or lab."""

    def _split_scope(self, nodeid: str) -> str:
        lesson = re.search(r"/(\w+)\.ipynb::|test_(?:solved_lesson|the_lab)_\w+\[(\w+)\]$", nodeid)
        return lesson[1] or lesson[2] if lesson else nodeid.partition("::")[0]


class NotebookTests(pytest.Dir):
    """The folder of the tests of notebooks; the notebooks count as tests in it."""

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        for path in sorted(NOTEBOOKS.glob("*.ipynb")):
            notebook = StoredNotebook.from_parent(self, path=path)
            notebook.add_marker("notebooks")
            yield notebook
        yield from super().collect()


class StoredNotebook(IPyNbFile):
    """A notebook that nbval executes again; each output must be the one that is stored."""

    def get_kernel_message(self, timeout: float | None = None, stream: str = "iopub") -> dict:
        """Return the kernel's next message; what updates an output is put into that output.

        nbval keeps the data of an output as they are, and passes over later updates. A notebook
        stores what was shown last.
        """
        message = super().get_kernel_message(timeout, stream)
        content = message["content"]
        if id_ := content.get("transient", {}).get("display_id"):
            if message["msg_type"] == "update_display_data":
                self._shown[id_].clear()
                self._shown[id_].update(content["data"])
            else:
                content["data"] = self._shown[id_] = NotebookNode(content["data"])
        return message

    def setup(self) -> None:
        """Start its kernel, in a workspace as empty as the one in which it was built."""
        self._shown: dict[str, NotebookNode] = {}
        workspace = self.config.stash[WORKSPACES] / self.path.stem
        workspace.mkdir(parents=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SCHOOL_WORKSPACE", str(workspace))
            super().setup()


@pytest.fixture
def lesson_workspace(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Return the workspace that the stored notebook of a lesson has left, if it was executed."""
    folder = request.config.stash[WORKSPACES] / request.getfixturevalue("lesson").id
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a new workspace, which this test and what it starts use."""
    folder = tmp_path / "workspace"
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(folder))
    return folder
