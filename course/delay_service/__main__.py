"""The delay service over HTTP, on the port of this computer that PORT names."""

import json
import os
import traceback
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from urllib.parse import parse_qs, urlsplit

from rule import probability, warn
from version import VERSION

counts = Counter(requests=0, errors=0)
lock = Lock()  # several requests may be answered at the same time


class Handler(BaseHTTPRequestHandler):
    """Answers /health, /metrics, and /predict?hour=18."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/health":
            self.answer(200, f"ok, version {VERSION}\n")
        elif url.path == "/metrics":
            self.answer(200, "".join(f"delay_{name}_total {counts[name]}\n" for name in counts))
        elif url.path == "/predict":
            self.predict(parse_qs(url.query))
        else:
            self.answer(404, "There is nothing at this address.\n")

    def predict(self, query: dict[str, list[str]]) -> None:
        with lock:
            counts["requests"] += 1
        try:
            hour = int(query["hour"][0])
        except (KeyError, ValueError):  # the caller's mistake, not the service's
            self.answer(400, "Ask for an hour, as in /predict?hour=18\n")
            return
        try:
            answer = {"late": probability(hour), "warn": warn(hour), "version": VERSION}
        except Exception:
            with lock:
                counts["errors"] += 1
            traceback.print_exc()
            self.answer(500, "The service made a mistake.\n")
            return
        self.answer(200, json.dumps(answer) + "\n")

    def answer(self, status: int, text: str) -> None:
        body = text.encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing for a request that went well."""


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
