"""JupyterLab opens on the start page, once, with the course's settings."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import psutil
import pytest
from traitlets.config import Config

from mlops_school import launch, tracking
from mlops_school.errors import CourseError
from mlops_school.manifest import load_manifest
from mlops_school.paths import ROOT

START = f"lab/tree/notebooks/{load_manifest()[0].id}.ipynb"


@pytest.fixture(autouse=True)
def jupyter_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep Jupyter's own folders and variables inside the test; return its runtime folder."""
    for name in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path / name.lower()))
    for name in ("JUPYTER_CONFIG_PATH", "JUPYTER_PREFER_ENV_PATH"):
        monkeypatch.setenv(name, "")  # so that what `learn` sets is undone afterwards
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    return runtime


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of addresses that a browser was asked to open."""
    addresses = []
    monkeypatch.setattr(launch.webbrowser, "open", addresses.append)
    return addresses


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the list of arguments with which JupyterLab was started, without starting it."""
    starts = []

    class Server:
        def server_info(self) -> dict[str, Any]:
            return {"url": "http://127.0.0.1:8899/", "token": "new"}

        def start(self) -> None:
            pass

    def initialize_server(arguments: list[str]) -> Server:
        starts.append(arguments)
        return Server()

    monkeypatch.setattr("jupyterlab.labapp.LabApp.initialize_server", initialize_server)
    return starts


@pytest.fixture
def other_server() -> Iterator[str]:
    """Run a server that answers as Jupyter's does; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/api" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def record(runtime: Path, url: str, root: Path = ROOT) -> None:
    """Leave the record of a running server as Jupyter does."""
    info = {"pid": os.getpid(), "url": url, "root_dir": str(root), "token": "its own"}
    (runtime / "jpserver-1.json").write_text(json.dumps(info), encoding="utf-8")


def set_display(monkeypatch: pytest.MonkeyPatch, platform: str, **variables: str) -> None:
    for name in ("CI", "SSH_CONNECTION", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "a 1 b 2"}, False),
        ("linux", {"DISPLAY": ":0", "CI": "true"}, False),
        ("darwin", {}, True),
        ("darwin", {"SSH_CONNECTION": "a 1 b 2"}, False),
        ("win32", {}, True),
    ],
)
def test_display(monkeypatch, platform, variables, expected):
    set_display(monkeypatch, platform, **variables)
    assert launch.has_display() is expected


@pytest.mark.parametrize("display", [True, False])
def test_a_new_jupyterlab_opens_or_else_prints_its_address(monkeypatch, started, capsys, display):
    monkeypatch.setattr(launch, "has_display", lambda: display)
    assert launch.learn() == 0
    (arguments,) = started
    assert f"--ServerApp.open_browser={display}" in arguments
    assert f"--ServerApp.root_dir={ROOT}" in arguments
    assert "--ServerApp.ip=127.0.0.1" in arguments
    printed = capsys.readouterr().out
    assert f"http://127.0.0.1:8899/{START}?token=new\n" in printed
    assert ("opens in your browser" in printed) is display


def test_another_notebook_can_be_opened(started, capsys):
    lesson = load_manifest()[1]
    assert launch.learn(lesson.notebook) == 0
    (arguments,) = started
    page = f"lab/tree/notebooks/{lesson.id}.ipynb"
    assert f"--LabApp.default_url=/{page}" in arguments
    assert f"http://127.0.0.1:8899/{page}?token=new\n" in capsys.readouterr().out


def test_every_start_has_a_token_of_its_own(started):
    launch.learn()
    launch.learn()
    first, second = ({word for word in words if ".token=" in word} for words in started)
    assert len(first) == 1
    assert first != second


def test_the_learners_own_configuration_comes_second(monkeypatch, started):
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "mine")
    launch.learn()
    assert os.environ["JUPYTER_CONFIG_PATH"] == f"{launch.SETTINGS}{os.pathsep}mine"


@pytest.mark.parametrize("display", [True, False])
def test_a_running_course_is_opened_again(
    monkeypatch, jupyter_folders, other_server, started, opened, capsys, display
):
    monkeypatch.setattr(launch, "has_display", lambda: display)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # must not be asked
    record(jupyter_folders, other_server)
    assert launch.learn() == 0
    address = f"{other_server}{START}?token=its+own"
    assert "running already" in (printed := capsys.readouterr().out)
    assert address in printed
    assert opened == ([address] if display else [])
    assert started == []


def test_a_jupyterlab_for_something_else_is_left_alone(
    jupyter_folders, other_server, started, opened, tmp_path
):
    record(jupyter_folders, other_server, root=tmp_path)
    launch.learn()
    assert len(started) == 1


def test_a_record_whose_server_is_gone_does_not_count(jupyter_folders, started):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        record(jupyter_folders, f"http://127.0.0.1:{free.getsockname()[1]}/")
        launch.learn()
    assert len(started) == 1


def test_missing_jupyterlab_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", None)
    with pytest.raises(CourseError, match="JupyterLab is not installed.*make learn"):
        launch.learn()


def test_nowhere_to_write_is_a_sentence(monkeypatch, tmp_path, started):
    (tmp_path / "file").touch()
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "file" / "runtime"))
    with pytest.raises(CourseError, match="cannot write.*JUPYTER_RUNTIME_DIR"):
        launch.learn()
    assert started == []


def test_the_settings_name_the_start_page():
    config = Config()
    code = (launch.SETTINGS / "jupyter_lab_config.py").read_text(encoding="utf-8")
    exec(code, {"get_config": lambda: config})
    assert config.LabApp.default_url == f"/{START}"


def test_real_jupyterlab(jupyter_folders, tmp_path):
    """One start for all that only the real one shows: a taken port, settings, the kernel."""
    rogue = tmp_path / "data" / "kernels" / "python3"
    rogue.mkdir(parents=True)
    kernel = {"argv": ["nothing"], "display_name": "Another Python", "language": "python"}
    (rogue / "kernel.json").write_text(json.dumps(kernel), encoding="utf-8")
    school = [sys.executable, "-c", "from mlops_school.cli import main; exit(main(['learn']))"]
    environment = dict(os.environ, CI="true", JUPYTER_PREFER_ENV_PATH="0")

    with socket.socket() as taken:
        try:
            taken.bind(("127.0.0.1", 8888))
            taken.listen()
        except OSError:
            pass  # taken by another program: just as well
        server = subprocess.Popen(
            school, env=environment, stdout=subprocess.PIPE, encoding="utf-8", text=True
        )
        watch = threading.Timer(120, server.kill)  # a start that hangs fails the test
        watch.start()
        try:
            lines = iter(server.stdout.readline, "")
            address = next(line.strip() for line in lines if "token=" in line)
            again = subprocess.run(school, env=environment, capture_output=True, encoding="utf-8")
            ask = _Client(address)
            specs = ask("api/kernelspecs")["kernelspecs"]["python3"]["spec"]
            page = ask("lab", json_answer=False)
            notification = ask("lab/api/settings/@jupyterlab/apputils-extension:notification")
            home = ask.opener.open(ask.request("")).url
            with pytest.raises(HTTPError, match="403"):  # nobody gets in without the token
                ask.opener.open(f"{ask.root}api/contents")
            ask.opener.open(ask.request("api/shutdown", method="POST")).close()
            assert server.wait(timeout=60) == 0
        finally:
            watch.cancel()
            server.kill()
            server.stdout.close()

    assert address.startswith("http://127.0.0.1:")
    assert ":8888/" not in address
    assert f"/{START}?" in address
    assert "running already" in again.stdout
    assert address in again.stdout
    assert specs["display_name"] == "Python 3 (ipykernel)"
    assert '"news": {"disabled": true}' in page
    assert notification["schema"]["properties"]["fetchNews"]["default"] == "false"
    assert urlsplit(home).path == f"/{START}"


class _Client:
    """Asks a Jupyter server, past any proxy."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.root = f"{parts.scheme}://{parts.netloc}/"
        self.token = parse_qs(parts.query)["token"][0]
        self.opener = build_opener(ProxyHandler({}))

    def request(self, path: str, method: str = "GET") -> Request:
        header = {"Authorization": f"token {self.token}"}
        return Request(f"{self.root}{path}", headers=header, method=method)

    def __call__(self, path: str, json_answer: bool = True) -> Any:
        with self.opener.open(self.request(path), timeout=30) as answer:
            text = answer.read().decode("utf-8")
        return json.loads(text) if json_answer else text


def test_runs_can_be_browsed_in_mlflows_own_pages(tmp_path, monkeypatch):
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(tmp_path))
    tracking.start("test")
    code = "import sys; from mlops_school.cli import main; sys.exit(main(['mlflow']))"
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        address = re.search(r"http://127\.0\.0\.1:\d+/", server.stdout.readline())[0]
        for _ in range(600):
            try:
                with build_opener(ProxyHandler({})).open(f"{address}health", timeout=5) as answer:
                    assert answer.read() == b"OK"
                break
            except OSError:
                assert server.poll() is None
                time.sleep(0.1)
        with build_opener(ProxyHandler({})).open(address, timeout=5) as answer:
            assert b"<title>MLflow</title>" in answer.read()
    finally:
        for process in [*psutil.Process(server.pid).children(recursive=True), server]:
            process.kill()
        server.wait(30)


def test_without_runs_there_is_nothing_to_browse(tmp_path, monkeypatch):
    monkeypatch.setenv("SCHOOL_WORKSPACE", str(tmp_path))
    with pytest.raises(CourseError, match="No run has been recorded yet"):
        launch.browse_runs()
