"""The API's OpenAPI 3.1 document, from the endpoints' types."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from ghstream_webapp import problems
from ghstream_webapp.api.parameters import NAME
from ghstream_webapp.endpoints import Operation

Json = dict[str, Any]
_REFERENCE = "#/components/schemas/{model}"
_PROBLEMS = {
    404: "The path names nothing that the store has seen, or is not a name.",
    422: "A parameter is wrong; the answer says which and why.",
    503: "The store cannot be read now.",
}


def document(app: Flask) -> Json:
    """Return the OpenAPI document of the application's endpoints."""
    found = list(_operations(app))
    answers = {operation.answer for _, operation in found} | {problems.Problem}
    _, definitions = models_json_schema(
        [(model, "serialization") for model in sorted(answers, key=lambda model: model.__name__)],
        ref_template=_REFERENCE,
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "GitHubStream",
            "version": version("ghstream-webapp"),
            "summary": "Live figures of GitHub activity",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {_path(rule): {"get": _operation(rule, operation)} for rule, operation in found},
        "components": {"schemas": definitions["$defs"]},
    }


def _operations(app: Flask) -> Iterable[tuple[Rule, Operation]]:
    for rule in app.url_map.iter_rules():
        operation = getattr(app.view_functions[rule.endpoint], "operation", None)
        if operation:
            yield rule, operation


def _path(rule: Rule) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def _operation(rule: Rule, operation: Operation) -> Json:
    summary, _, description = operation.description.partition("\n")
    reference = {"$ref": _REFERENCE.format(model=operation.answer.__name__)}
    statuses = (*([404] if rule.arguments else []), 422, 503)
    described: Json = {
        "operationId": rule.endpoint.split(".")[-1],
        "summary": summary.rstrip("."),
        "parameters": [*_path_parameters(rule), *_query_parameters(operation.query)],
        "responses": {
            "200": {
                "description": "The answer.",
                "content": {operation.media_type: {"schema": reference}},
            },
            **{str(status): _problem(status) for status in statuses},
        },
    }
    return described | ({"description": description.strip()} if description.strip() else {})


def _problem(status: int) -> Json:
    schema = {"$ref": _REFERENCE.format(model=problems.Problem.__name__)}
    return {
        "description": _PROBLEMS[status],
        "content": {problems.MEDIA_TYPE: {"schema": schema}},
    }


def _path_parameters(rule: Rule) -> Iterable[Json]:
    for name in re.findall(r"<(?:\w+:)?(\w+)>", rule.rule):
        yield {"name": name, "in": "path", "required": True, "schema": NAME}


def _query_parameters(model: type[BaseModel]) -> Iterable[Json]:
    schema = model.model_json_schema()
    required = schema.get("required", ())
    for name, one in schema["properties"].items() if schema.get("properties") else ():
        given = _inlined(one, schema.get("$defs", {}))
        description = given.pop("description", None)
        yield {
            "name": name,
            "in": "query",
            "required": name in required,
            **({"description": description} if description else {}),
            "schema": given,
        }


def _inlined(schema: Json, definitions: Mapping[str, Json]) -> Json:
    """Put a definition in the place of the reference to it: a parameter's are not shared."""
    reference = schema.pop("$ref", None)
    target = definitions[reference.rsplit("/", 1)[1]] if reference else {}
    return {key: value for key, value in {**target, **schema}.items() if key != "title"}


def text(app: Flask) -> str:
    """Return the document as it is committed."""
    return json.dumps(document(app), indent=2) + "\n"
