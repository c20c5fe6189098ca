"""Endpoints of the API: a view's types say what a request may hold and what the answer is.

    @endpoint(blueprint, "/repositories/top")
    def top_repositories(query: RankingQuery) -> RepositoryRanking: …

The query string is checked against the parameter `query`, the answer is written as its return
type, and `openapi` describes both, so the three cannot disagree.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, wraps
from typing import Any, TypeVar, get_type_hints

from flask import Blueprint, Response, request
from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.datastructures import MultiDict

from ghstream_webapp.problems import BadParametersError, ParameterError

Q = TypeVar("Q", bound="Query")
OPERATION = "operation"


class Query(BaseModel):
    """The parameters of a query string; others are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Answer(BaseModel):
    """The body of an answer; its parts may be read from the store's dataclasses."""

    model_config = ConfigDict(
        from_attributes=True, serialize_by_alias=True, use_attribute_docstrings=True
    )


@dataclass(frozen=True)
class Operation:
    """What is known of one endpoint."""

    query: type[Query]
    answer: type[BaseModel]
    media_type: str
    description: str


def endpoint(
    blueprint: Blueprint,
    rule: str,
    *,
    media_type: str = "application/json",
    answer: type[BaseModel] | None = None,
) -> Callable[[Callable[..., BaseModel | Response]], Callable[..., BaseModel | Response]]:
    """Register a view for GET. A view that builds its Response itself names its `answer`."""

    def register(
        view: Callable[..., BaseModel | Response],
    ) -> Callable[..., BaseModel | Response]:
        types = get_type_hints(view)
        query_type = types.get("query", Query)
        wants_query = "query" in types

        @wraps(view)
        def respond(**path: str) -> Response:
            query = parse_query(query_type, request.args)
            result = view(query=query, **path) if wants_query else view(**path)
            if isinstance(result, Response):
                return result
            return Response(result.model_dump_json(), content_type=media_type)

        respond.operation = Operation(  # type: ignore[attr-defined]
            query_type,
            answer or types["return"],
            media_type,
            inspect.getdoc(view) or "",
        )
        blueprint.get(rule)(respond)
        return view

    return register


def parse_query(model: type[Q], arguments: MultiDict[str, str]) -> Q:
    """Return the parameters, checked. Raises BadParametersError that names each one at fault."""
    values: dict[str, object] = {}
    repeated = []
    for name, given in arguments.lists():
        if name in repeatable(model):
            values[name] = given
        else:
            values[name] = given[0]
            if len(given) > 1:
                repeated.append(ParameterError(parameter=name, message="is given more than once"))
    try:
        query = model.model_validate(values, context={"now": datetime.now(UTC)})
    except ValidationError as error:
        wrong = [_parameter_error(model, one) for one in error.errors()]
        raise BadParametersError([*repeated, *wrong]) from error
    if repeated:
        raise BadParametersError(repeated)
    return query


@cache
def repeatable(model: type[Query]) -> frozenset[str]:
    """Return the names of the parameters that may be given more than once."""
    properties = model.model_json_schema().get("properties", {})
    return frozenset(name for name, one in properties.items() if one.get("type") == "array")


def _parameter_error(model: type[Query], error: Any) -> ParameterError:
    # Of a default that does not fit, pydantic tells the field; what was given has the alias.
    name = str(error["loc"][0])
    field = model.model_fields.get(name)
    parameter = (field and field.alias) or name
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "is not a parameter of this endpoint"
    return ParameterError(parameter=parameter, message=message)
