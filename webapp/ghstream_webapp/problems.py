"""Errors as application/problem+json (RFC 9457)."""

from __future__ import annotations

import logging
from http import HTTPStatus

from flask import Flask, Response
from ghstream_store.reader import StoreUnavailableError
from pydantic import BaseModel, Field
from werkzeug.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
logger = logging.getLogger(__name__)


class ParameterError(BaseModel):
    """What is wrong with one parameter of a request."""

    parameter: str
    message: str


class Problem(BaseModel):
    """Why a request was not answered."""

    type: str = "about:blank"
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What was wrong, and what to do.")
    errors: list[ParameterError] | None = Field(
        None, description="For status 422: the parameters at fault."
    )


class BadParametersError(Exception):
    """A request whose parameters are wrong."""

    def __init__(self, errors: list[ParameterError]) -> None:
        super().__init__(errors)
        self.errors = errors


def problem(
    status: HTTPStatus, detail: str, errors: list[ParameterError] | None = None
) -> Response:
    """Return the response that says what went wrong."""
    body = Problem(title=status.phrase, status=status, detail=detail, errors=errors)
    return Response(body.model_dump_json(exclude_none=True), status, content_type=MEDIA_TYPE)


def register_handlers(app: Flask) -> None:
    """Answer every error of the application with a problem."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(BadParametersError, _bad_parameters)
    app.register_error_handler(StoreUnavailableError, _store_unavailable)


def _http_error(error: HTTPException) -> Response:
    answer = problem(HTTPStatus(error.code or 500), error.description or "")
    answer.headers.extend(
        (name, value) for name, value in error.get_headers() if name in {"Allow", "Retry-After"}
    )
    return answer


def _bad_parameters(error: BadParametersError) -> Response:
    names = ", ".join(dict.fromkeys(one.parameter for one in error.errors))
    detail = f"The request has wrong parameters: {names}."
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, error.errors)


def _store_unavailable(error: StoreUnavailableError) -> Response:
    logger.error("the store cannot be read: %s", error)
    return unavailable("The store cannot be read now; try again soon.")


def unavailable(detail: str) -> Response:
    """Return the problem of something that will be there again soon."""
    answer = problem(HTTPStatus.SERVICE_UNAVAILABLE, detail)
    answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer
