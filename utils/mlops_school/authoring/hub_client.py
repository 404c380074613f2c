"""What a learner's browser asks of a JupyterHub, over its real HTTP and web sockets."""

import asyncio
import json
import uuid
from typing import Any

import aiohttp
from nbformat import NotebookNode
from nbformat.v4 import output_from_msg
from yarl import URL

from mlops_school.errors import CourseError

START_SECONDS = 900  # until a server answers, if a whole class starts on a small machine
CELL_SECONDS = 600
_ENDS = {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
_OUTPUTS = {"stream", "display_data", "execute_result", "error"}


class Browser:
    """One learner, logged in at a hub.

    Parameters
    ----------
    session : aiohttp.ClientSession
        With cookies of its own, also for addresses without a name.
    hub : str
        Address of the hub, such as ``http://127.0.0.1:8000``.
    name, password : str
        With which the learner logs in.
    """

    def __init__(self, session: aiohttp.ClientSession, hub: str, name: str, password: str) -> None:
        self._session, self._hub, self.name, self._password = session, URL(hub), name, password

    async def log_in(self) -> None:
        """Fill in and send the form of the log-in page.

        Raises
        ------
        CourseError
            If the hub does not let the learner in.
        """
        form = self._hub / "hub/login"
        async with self._session.get(form) as page:
            page.raise_for_status()
        data = {"username": self.name, "password": self._password}
        data["_xsrf"] = self._token(form)
        async with self._session.post(form, data=data, allow_redirects=False) as answer:
            if answer.status != 302:
                raise CourseError(f"The hub did not let {self.name} in: status {answer.status}.")

    async def start_server(self) -> str:
        """Have the hub start the learner's server, wait for it, and return the page it opens."""
        await self.get("hub/spawn")
        status = f"hub/api/users/{self.name}"
        for _ in range(START_SECONDS):
            told = json.loads(await self.get(status))
            if told["server"]:
                async with self._session.get(self._hub / f"user/{self.name}/") as page:
                    page.raise_for_status()
                    return page.url.path
            if not told["pending"]:
                break
            await asyncio.sleep(1)
        raise CourseError(f"The server of {self.name} did not start.")

    async def stop_server(self) -> None:
        """Have the hub stop the learner's server, and wait until it has."""
        address = self._hub / f"hub/api/users/{self.name}/server"
        headers = {"X-XSRFToken": self._token(self._hub / "hub/")}
        async with self._session.delete(address, headers=headers) as answer:
            answer.raise_for_status()
        while json.loads(await self.get(f"hub/api/users/{self.name}"))["servers"]:
            await asyncio.sleep(0.2)

    async def read(self, path: str) -> Any:
        """Return what a file of the learner's holds, or for a folder a list of names."""
        model = await self._ask("GET", f"api/contents/{path}")
        if model["type"] == "directory":
            return [entry["name"] for entry in model["content"]]
        return model["content"]

    async def save(self, path: str, notebook: NotebookNode) -> None:
        """Save a notebook."""
        model = {"type": "notebook", "content": notebook}
        await self._ask("PUT", f"api/contents/{path}", json=model)

    async def get(self, path: str) -> str:
        """Return the text with which any page below the hub's address is answered."""
        async with self._session.get(self._hub.join(URL(path, encoded=True))) as answer:
            answer.raise_for_status()
            return await answer.text()

    async def status_of(self, path: str) -> int:
        """Return the status with which such a page is answered."""
        async with self._session.get(self._hub / path) as answer:
            return answer.status

    async def execute(self, path: str, notebook: NotebookNode) -> None:
        """Start a kernel for a notebook, and execute its code cells from first to last in place.

        Raises
        ------
        CourseError
            If a cell fails that is not meant to.
        """
        kernel = {"name": "python3"}
        wanted = {"path": path, "name": path, "type": "notebook", "kernel": kernel}
        session = await self._ask("POST", "api/sessions", json=wanted)
        channels = f"user/{self.name}/api/kernels/{session['kernel']['id']}/channels"
        async with self._session.ws_connect(self._hub / channels, max_msg_size=0) as socket:
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    await asyncio.wait_for(_execute(socket, cell), CELL_SECONDS)

    async def _ask(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        """Ask the learner's own server."""
        own = self._hub / f"user/{self.name}/"
        headers = {"X-XSRFToken": self._token(own)}
        address = own.joinpath(path)
        async with self._session.request(method, address, headers=headers, **content) as answer:
            answer.raise_for_status()
            return await answer.json()

    def _token(self, address: URL) -> str:
        """Return what shows that a request comes from a page of the hub, or of the server."""
        return self._session.cookie_jar.filter_cookies(address)["_xsrf"].value


async def _execute(socket: aiohttp.ClientWebSocketResponse, cell: NotebookNode) -> None:
    """Execute a cell in the kernel at the other end, and keep its outputs."""
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "version": "5.3"}
    header |= {"session": header["msg_id"], "username": "", "date": "2026-01-01T00:00:00Z"}
    content = {"code": cell.source, "silent": False, "store_history": True, "allow_stdin": False}
    content |= {"stop_on_error": False, "user_expressions": {}}
    request = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
    await socket.send_json(request | {"channel": "shell", "buffers": []})
    cell.outputs, missing = [], {"execute_reply", "idle"}
    while missing:
        frame = await socket.receive()
        if frame.type in _ENDS:
            raise CourseError(f"The kernel was gone in cell {cell.id!r}.")
        if frame.type != aiohttp.WSMsgType.TEXT:
            continue  # what a widget shows
        message = json.loads(frame.data)
        if message["content"].get("execution_state") == "dead":
            raise CourseError(f"The kernel died in cell {cell.id!r}.")
        if message["parent_header"].get("msg_id") != header["msg_id"]:
            continue
        kind = message["header"]["msg_type"]
        if kind in _OUTPUTS:
            cell.outputs.append(output_from_msg(message))
        elif kind == "execute_reply":
            cell.execution_count = message["content"].get("execution_count")
        missing -= {kind, message["content"].get("execution_state")}
    failed = [output for output in cell.outputs if output.output_type == "error"]
    if failed and "raises-exception" not in cell.metadata.get("tags", ()):
        raise CourseError(f"Cell {cell.id!r} failed: {failed[0].ename}: {failed[0].evalue}")
