"""Each lab in its own environment: `make test-labs`. The first time installs what is missing."""

import os
import re
import subprocess
import sys
import threading
import time
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from urllib.request import Request

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell

from mlops_school import labs, progress
from mlops_school.authoring import execute as executing
from mlops_school.authoring.assemble import learner_notebook, solved_notebook
from mlops_school.authoring.check_lesson import IGNORED
from mlops_school.authoring.kernel import execute
from mlops_school.manifest import load_labs
from mlops_school.paths import ROOT
from mlops_school.servers import opener
from mlops_school.solutions import read_solutions

pytestmark = pytest.mark.labs

EXECUTIONS = 2  # of each notebook, in the test below
INSTALLATION = 5  # seconds, where the packages have been downloaded before


def chosen():
    """Yield each lab, with a mark if it is left out: for want of time, or of what it needs.

    The environment variable SCHOOL_LAB_SECONDS says how much time there is; without it, there is
    enough. The quickest labs come first.
    """
    left = float(os.environ.get("SCHOOL_LAB_SECONDS", "inf"))
    for lab in sorted(load_labs(), key=attrgetter("seconds")):
        left -= EXECUTIONS * lab.seconds + INSTALLATION
        reason = labs.what_hinders(lab) or ("there is no time for it" if left < 0 else "")
        marks = [pytest.mark.skip(reason=f"{lab.id}: {reason}")] if reason else []
        yield pytest.param(lab, id=lab.id, marks=marks)


each_lab = pytest.mark.parametrize("lab", list(chosen()))

# Refuses every connection that leaves this computer, and writes down who tried.
NO_NETWORK = """\
import sys
from pathlib import Path


def refuse(event, arguments):
    if event == "socket.connect":
        host = arguments[1][0] if isinstance(arguments[1], tuple) else "localhost"
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if host not in (None, "", "localhost", "127.0.0.1", "::1"):
        with Path({log!r}).open("a", encoding="utf-8") as log:
            print(event, host, file=log)
        raise OSError("no network")


sys.addaudithook(refuse)
"""


@each_lab
def test_the_lab_gives_what_is_stored_and_runs_again_solved_without_the_network(
    lab, workspace, tmp_path, monkeypatch
):
    notebook = learner_notebook(lab)
    cost = execute(notebook, lab)
    stored = nbformat.read(lab.notebook, as_version=4)
    for cell, kept in zip(notebook.cells, stored.cells, strict=True):
        if IGNORED not in cell.metadata.get("tags", ()):
            assert cell.get("outputs") == kept.get("outputs"), cell.id
    assert cost.peak / 1e6 < 1.25 * lab.memory_mb

    log = tmp_path / "network.txt"

    def guarded(unit):
        notebook = solved_notebook(unit)
        notebook.cells.insert(0, new_code_cell(NO_NETWORK.format(log=str(log)), id="no-network"))
        return notebook

    monkeypatch.setattr(executing, "solved_notebook", guarded)
    executing.execute_solved(lab, tmp_path, fast=True, cwd=tmp_path / "elsewhere")
    tasks = progress.load()[lab.id]
    assert {name for name, entry in tasks.items() if entry["solved"]} == set(
        read_solutions(lab.source)
    )
    assert not log.exists(), log.read_text(encoding="utf-8")


def test_the_guard_notices_a_connection(workspace, tmp_path):
    """Or the test above would prove nothing."""
    log = tmp_path / "network.txt"
    code = "import urllib.request\nurllib.request.urlopen('http://example.org', timeout=5)"
    answer = subprocess.run(
        [sys.executable, "-c", NO_NETWORK.format(log=str(log)) + code],
        env={key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")},
        capture_output=True,
        encoding="utf-8",
    )
    assert "no network" in answer.stderr
    assert "example.org" in log.read_text(encoding="utf-8")


def test_school_lab_opens_jupyterlab_with_the_kernel_of_the_lab(tmp_path):
    lab = min(load_labs(), key=attrgetter("seconds"))
    code = "import sys; from mlops_school.cli import main; sys.exit(main(sys.argv[1:]))"
    server = subprocess.Popen(
        [sys.executable, "-c", code, "lab", lab.id],
        env=os.environ | {"CI": "true", "JUPYTER_DATA_DIR": str(tmp_path / "data")},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    watch = threading.Timer(120, server.kill)  # a start that hangs fails the test
    watch.start()
    try:
        lines = iter(server.stdout.readline, "")
        address = next(line.strip() for line in lines if "token=" in line)
        root, page, token = re.fullmatch(r"(.+?/)lab/tree/(.+)\?token=(.+)", address).groups()
        ask = opener.open
        header = {"Authorization": f"token {token}"}
        for _ in range(300):  # the address is printed just before the server begins to listen
            try:
                ask(Request(f"{root}api/kernels", b'{"name": "python3"}', header)).close()
                break
            except OSError:
                time.sleep(0.1)
        programs = []
        for child in psutil.Process(server.pid).children(recursive=True):
            with suppress(psutil.Error):  # one that has ended in the meantime
                programs.append(child.cmdline())
        ask(Request(f"{root}api/shutdown", headers=header, method="POST")).close()
        assert server.wait(60) == 0
    finally:
        watch.cancel()
        if server.poll() is None:
            for process in [*psutil.Process(server.pid).children(recursive=True), server]:
                process.kill()
        server.stdout.close()
    assert ROOT / page == lab.notebook
    kernels = [words for words in programs if "ipykernel_launcher" in words]
    assert [Path(words[0]).parent for words in kernels] == [labs.environment(lab).programs]
