"""How a request is refused: with its status, and the name of each thing that is wrong (R6)."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from mlops_school.forecasts import what_is_wrong


class Wrong(BaseModel):
    """One thing that is wrong with a request.

    Attributes
    ----------
    where : str
        The field, or the part of the request.
    what : str
        What is wrong with it.
    """

    where: str
    what: str


class Refusal(BaseModel):
    """Why a request was refused."""

    wrong: list[Wrong]


# What the documentation says of each status.
MEANINGS = {
    400: "The body is not JSON.",
    408: "The body did not come in time.",
    413: "The body is too large.",
    415: "The body is not declared as JSON.",
    422: "The body is JSON, but no flight that can be forecast.",
    503: "Too many requests are waiting. Try again after `Retry-After` seconds.",
}
# What is wrong if the framework refuses a request before it looks at fields.
_PARTS = {
    400: ("body", "cannot be read as JSON in UTF-8"),
    404: ("path", "there is nothing here"),
    405: ("method", "is not one that this path answers"),
    415: ("content-type", "must be application/json"),
    503: ("service", "too many requests are waiting"),
}
RESPONSES = {
    status: {"model": Refusal, "description": meaning} for status, meaning in MEANINGS.items()
}


def refusal(
    status: int, where: str, what: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the answer that refuses a request for one reason."""
    return _answer(status, [{"where": where, "what": what}], headers)


def install(app: FastAPI) -> None:
    """Let an application refuse in this way whatever it refuses."""

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        wrong = [what_is_wrong(entry) for entry in error.errors()]
        request.state.wrong.extend(entry["where"] for entry in wrong)
        no_json = any(entry["type"] == "json_invalid" for entry in error.errors())
        return _answer(400 if no_json else 422, wrong)

    @app.exception_handler(HTTPException)
    def other(request: Request, error: HTTPException) -> Response:
        where, what = _PARTS.get(error.status_code, ("body", str(error.detail)))
        request.state.wrong.append(where)
        return refusal(error.status_code, where, what, error.headers)


def _answer(
    status: int, wrong: list[dict[str, str]], headers: Mapping[str, str] | None = None
) -> Response:
    return JSONResponse({"wrong": wrong}, status, dict(headers or {}))
