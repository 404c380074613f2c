"""A server is healthy when it is there, ends when it should, and shows its log when it fails."""

import os
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

from mlops_school import servers
from mlops_school.errors import CourseError
from mlops_school.servers import Server, get

PROGRAM = """\
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    sick = int(os.environ.get("SICK", "0"))

    def do_GET(self):
        Handler.sick -= self.path == "/health"
        good = self.path == "/ready" or (self.path == "/health" and Handler.sick < 0)
        self.send_response(200 if good else 503)
        self.end_headers()
        self.wfile.write(os.environ.get("WORD", os.getcwd()).encode())

    def log_message(self, *_):
        print("asked for", self.path, flush=True)

print("begun", flush=True)
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
COMMAND = [sys.executable, "-c", PROGRAM]


def test_it_is_healthy_inside_the_block_and_gone_after_it():
    with Server(COMMAND, env={"WORD": "ü"}) as server:
        assert server.running
        assert server.address.startswith("http://127.0.0.1:")
        assert get(f"{server.address}/ready") == (200, "ü")
        assert get(f"{server.address}/nothing") == (503, "ü")
    assert not server.running
    with pytest.raises(CourseError, match="does not answer"):
        get(server.address)


def test_two_servers_have_two_addresses():
    with Server(COMMAND) as one, Server(COMMAND) as other:
        assert one.address != other.address


def test_it_waits_until_the_server_says_that_it_is_healthy():
    with Server(COMMAND, env={"SICK": "2"}) as server:
        assert server.log.count("asked for /health") == 3


def test_the_path_of_the_health_check_can_be_another():
    with Server(COMMAND, env={"SICK": "9"}, health="/ready") as server:
        assert "asked for /ready" in server.log


def test_it_works_in_the_folder_that_is_given(tmp_path):
    with Server(COMMAND, cwd=tmp_path) as server:
        assert get(f"{server.address}/ready")[1] == str(tmp_path.resolve())


def test_its_port_can_be_an_argument():
    program = PROGRAM.replace('os.environ["PORT"]', "sys.argv[1]").replace(
        "import os", "import os, sys"
    )
    with Server([sys.executable, "-c", program, "{port}"]) as server:
        assert get(f"{server.address}/ready")[0] == 200


def test_it_leaves_its_folder_as_it_is(tmp_path):
    (tmp_path / "part.py").write_text("", encoding="utf-8")
    with Server([sys.executable, "-c", f"import part\n{PROGRAM}"], cwd=tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["part.py"]


def test_it_can_be_stopped_twice_and_the_log_stays():
    server = Server(COMMAND)
    server.stop()
    server.stop()
    assert server.log.startswith("begun")


def test_a_proxy_of_the_machine_is_not_asked():
    code = "import sys; from mlops_school.servers import Server, get; "
    code += "server = Server(sys.argv[1:]); print(get(server.address + '/ready')[0])"
    environment = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
    printed = subprocess.check_output(
        [sys.executable, "-c", code, *COMMAND],
        env=environment | {"http_proxy": "http://127.0.0.1:1"},
        text=True,
    )
    assert printed.strip() == "200"


def test_a_server_that_ends_at_once_shows_the_end_of_its_log():
    program = "print('\\n'.join(map(str, range(99)))); raise SystemExit('no table: ü')"
    with pytest.raises(CourseError, match=r"(?s)did not start.*status 1.*no table: ü") as caught:
        Server([sys.executable, "-c", program])
    assert "98" in str(caught.value)
    assert "\n50\n" not in str(caught.value)


def test_a_server_that_never_gets_healthy_is_stopped(monkeypatch):
    monkeypatch.setattr(servers, "START_SECONDS", 1)
    begun = watch(monkeypatch)
    with pytest.raises(CourseError, match=r"(?s)not healthy after 1 seconds.*begun"):
        Server(COMMAND, env={"SICK": "9999"})
    assert begun[0].poll() is not None


def test_a_learner_who_interrupts_the_wait_leaves_no_process(monkeypatch):
    begun = watch(monkeypatch)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "_wait_until_healthy", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Server(COMMAND)
    assert begun[0].poll() is not None


def test_a_server_that_is_asked_to_end_and_does_not_is_killed(monkeypatch):
    monkeypatch.setattr(servers, "STOP_SECONDS", 0.2)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + PROGRAM
    server = Server([sys.executable, "-c", deaf])
    server.stop()
    assert not server.running


def test_workers_end_with_a_server_that_is_killed_before_it_can_end_them(monkeypatch):
    monkeypatch.setattr(servers, "STOP_SECONDS", 0.2)
    worker = "[sys.executable, '-c', 'import time; time.sleep(99)']"
    deaf = "import signal, subprocess, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    deaf += f"print(subprocess.Popen({worker}).pid, flush=True)\n" + PROGRAM
    server = Server([sys.executable, "-c", deaf])
    worker = psutil.Process(int(server.log.split()[0]))
    server.stop()
    for _ in range(100):
        if not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.05)
    pytest.fail("the worker runs on")


def test_it_says_what_it_costs():
    with Server(COMMAND) as server:
        assert 0 < server.seconds < servers.START_SECONDS
        assert server.megabytes() > 1
    assert server.megabytes() == 0


def test_its_byte_code_is_written_only_if_that_is_wanted(tmp_path):
    (tmp_path / "part.py").write_text("", encoding="utf-8")
    command = [sys.executable, "-c", f"import part\n{PROGRAM}"]
    with Server(command, cwd=tmp_path, env={"PYTHONDONTWRITEBYTECODE": ""}):
        pass
    assert (tmp_path / "__pycache__").exists()


def test_the_log_is_shown_when_the_block_fails(capsys):
    with suppress(ZeroDivisionError), Server(COMMAND):
        print(1 / 0)
    assert "The log of the server ends with:\nbegun" in capsys.readouterr().err


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(CourseError, match="`no-such-program` cannot be started"):
        Server(["no-such-program"])


def test_it_ends_with_the_python_that_started_it():
    code = "import sys; from mlops_school.servers import Server; "
    code += "server = Server(sys.argv[1:]); print(server.address)"
    address = subprocess.check_output([sys.executable, "-c", code, *COMMAND], text=True).strip()
    with pytest.raises(CourseError, match="does not answer"):
        get(address)


def watch(monkeypatch):
    """Return the list of processes that are started from now on."""
    begun = []

    class Watched(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            begun.append(self)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    return begun
