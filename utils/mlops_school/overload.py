"""A guard at the door of a service: whoever cannot be answered in time is told so at once.

``python -m mlops_school.overload FOLDER LIMIT`` serves a model package behind it.
"""

import sys
from pathlib import Path

import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mlops_school.servers import given_port
from mlops_school.service.app import create_app


class Admission:
    """Lets only so many requests for a forecast into an application at the same time.

    The others get status 503 and the header ``Retry-After``, without any work. All other paths,
    such as ``/health``, are always let in: a service that is busy is not ill.

    Parameters
    ----------
    app : ASGI application
        The service.
    limit : int
        How many requests may be inside.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit
        self._inside = 0  # no lock: all of this runs in the one thread of the event loop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != "/forecast":
            await self.app(scope, receive, send)
        elif self._inside >= self.limit:
            refusal = JSONResponse({"wrong": "busy"}, 503, headers={"Retry-After": "1"})
            await refusal(scope, receive, send)
        else:
            self._inside += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self._inside -= 1


if __name__ == "__main__":
    uvicorn.run(
        Admission(create_app(Path(sys.argv[1])), int(sys.argv[2])),
        host="127.0.0.1",
        port=given_port(),
        log_level="warning",
    )
