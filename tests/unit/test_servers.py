import subprocess
import sys
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import pytest

from mlops_school import servers
from mlops_school.errors import CourseError
from mlops_school.servers import Server

SERVE = """
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ready" else 404)
        self.end_headers()
        self.wfile.write(f"{os.getcwd()} {os.environ.get('WORD')}".encode())

print("serving", flush=True)
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def program(code, *arguments):
    return [sys.executable, "-c", code, *arguments]


def ask(address):
    return build_opener(ProxyHandler({})).open(f"{address}/ready", timeout=5).read().decode()


def is_gone(address):
    try:
        ask(address)
    except (URLError, ConnectionError):
        return True
    return False


def test_it_answers_and_stops(tmp_path):
    command = program(SERVE, "{port}")
    with Server(command, tmp_path, {"WORD": "hello"}, health="/ready") as server:
        folder, word = ask(server.address).rsplit(" ", 1)
        assert (folder, word) == (str(tmp_path.resolve()), "hello")
        assert server.log().startswith("serving")
        address = server.address
    assert is_gone(address)
    server.stop()  # a second time does no harm


def test_two_servers_have_two_addresses(tmp_path):
    command = program(SERVE, "{port}")
    with (
        Server(command, tmp_path, health="/ready") as one,
        Server(command, tmp_path, health="/ready") as other,
    ):
        assert one.address != other.address


def test_an_address_is_reached_without_the_proxy(tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with Server(program(SERVE, "{port}"), tmp_path, health="/ready") as server:
        assert server.address


def test_one_that_ends_says_why(tmp_path):
    code = "import sys; print('so far, so good'); sys.exit('no model, no service')"
    with pytest.raises(CourseError, match="ended before it answered") as error:
        Server(program(code), tmp_path).start()
    assert "so far, so good" in str(error.value) and "no model, no service" in str(error.value)


def test_only_the_end_of_a_long_log_is_shown(tmp_path):
    code = "for n in range(1000): print(f'line {n}')"
    with pytest.raises(CourseError) as error:
        Server(program(code), tmp_path).start()
    assert "line 999" in str(error.value)
    assert len(str(error.value).splitlines()) == servers.LOG_LINES + 1


@pytest.fixture
def started(monkeypatch):
    """Return the processes that are started."""
    processes = []
    start = subprocess.Popen

    def remember(*arguments, **options):
        processes.append(start(*arguments, **options))
        return processes[-1]

    monkeypatch.setattr(subprocess, "Popen", remember)
    return processes


def test_one_that_was_started_is_not_started_again(tmp_path, started):
    server = Server(program(SERVE, "{port}"), tmp_path, health="/ready").start()
    address = server.address
    with server:
        assert server.address == address
    assert len(started) == 1
    assert started[0].poll() is not None


def test_one_that_has_ended_is_started_again(tmp_path, started):
    server = Server(program(SERVE, "{port}"), tmp_path, health="/ready").start()
    started[0].kill()
    started[0].wait()
    with server:
        assert ask(server.address)
    assert len(started) == 2


def test_one_that_never_is_ready_is_stopped(tmp_path, monkeypatch, started):
    monkeypatch.setattr(servers, "PATIENCE", 0)
    with pytest.raises(CourseError, match="did not answer within 0 seconds"):
        Server(program(SERVE, "{port}"), tmp_path, health="/never").start()
    assert started[0].poll() is not None


def test_an_interrupt_while_it_starts_leaves_nothing_behind(tmp_path, monkeypatch, started):
    def interrupt(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "_answers", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Server(program(SERVE, "{port}"), tmp_path).start()
    assert started[0].poll() is not None


@pytest.mark.skipif(sys.platform == "win32", reason="there, a program cannot refuse to end")
def test_one_that_will_not_end_is_killed(tmp_path, monkeypatch, started):
    monkeypatch.setattr(servers, "STOP_SECONDS", 0.1)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    with Server(program(deaf + SERVE, "{port}"), tmp_path, health="/ready"):
        pass
    assert started[0].returncode == -9


def test_it_ends_with_python(tmp_path):
    code = (
        "import sys; from pathlib import Path; from mlops_school.servers import Server\n"
        f"command = [sys.executable, '-c', {SERVE!r}, '{{port}}']\n"
        "print(Server(command, Path.cwd(), health='/ready').start().address)"
    )
    done = subprocess.run(
        program(code), cwd=tmp_path, capture_output=True, check=True, text=True, encoding="utf-8"
    )
    assert done.stdout.startswith("http://127.0.0.1:")
    assert is_gone(done.stdout.strip())
