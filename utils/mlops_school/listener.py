"""A small web server in this Python, that keeps what it is sent."""

import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Sent:
    """A request.

    Attributes
    ----------
    method, path : str
        Such as ``POST`` and ``/events``.
    headers : mapping of str to str
        As they came.
    body : bytes
        What came with it.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Listener:
    """Answers every request, on a free port of this computer.

    It ends with :meth:`stop`, or with this Python.

    Parameters
    ----------
    answer : callable
        Gets each request, in a thread of its own, and returns the status and the JSON of the
        answer.

    Attributes
    ----------
    address : str
        Where it is, such as ``http://127.0.0.1:8000``.
    """

    def __init__(self, answer: Callable[[Sent], tuple[int, bytes]]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                sent = Sent(self.command, self.path, dict(self.headers), body)
                status, text = answer(sent)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, format: str, *args: object) -> None:
                """Keep the notebook free of a line for each request."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        weakref.finalize(self, _close, self._server)

    def stop(self) -> None:
        """End it; if it has ended already, do nothing."""
        _close(self._server)


def _close(server: ThreadingHTTPServer) -> None:
    server.shutdown()
    server.server_close()
