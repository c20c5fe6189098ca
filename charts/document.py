"""Writes each chart's values.schema.json and the values in its README from values.yaml's comments.

The comment above a key is its description. A line `@schema {…}` in it is JSON Schema that goes over
what the default tells; `free: true` there makes a mapping one value, whose keys are not described.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
CHARTS = ("github-stream", "platform")
BEGIN, END = "<!-- values: made by `make charts` -->\n", "<!-- end of values -->\n"

_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array"}
# What Helm itself puts among a subchart's values.
_FROM_PARENTS = {"global": {"type": "object"}, "enabled": {"type": "boolean"}}


class CommentError(ValueError):
    """A key of values.yaml says too little: the text names it."""


@dataclass(frozen=True)
class Value:
    """One key of values.yaml. `schema` is what its comment adds; `children` are its own keys."""

    path: str
    description: str
    schema: Mapping[str, Any]
    default: Any
    children: tuple[Value, ...]

    @property
    def name(self) -> str:
        """The key itself."""
        return self.path.rpartition(".")[2]


def read(text: str) -> tuple[Value, ...]:
    """Return the keys of a values.yaml. Raises CommentError for one without a description."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise CommentError("values.yaml is no mapping of keys to values")
    return tuple(_values(root, text.splitlines(), prefix=""))


def _values(mapping: yaml.MappingNode, lines: list[str], prefix: str) -> Iterator[Value]:
    for key, node in mapping.value:
        path = prefix + key.value
        description, schema = _comment(lines, key.start_mark, path)
        is_leaf = not isinstance(node, yaml.MappingNode) or not node.value
        children: tuple[Value, ...] = ()
        if not is_leaf and not schema.pop("free", False) and "$ref" not in schema:
            children = tuple(_values(node, lines, path + "."))
        default = yaml.safe_load(yaml.serialize(node))
        if default == [] and "items" not in schema:
            raise CommentError(f"{path}: an empty list does not tell what it holds; add @schema")
        yield Value(path, description, schema, default, children)


def _comment(lines: list[str], mark: yaml.Mark, path: str) -> tuple[str, dict[str, Any]]:
    """Return the description and the schema of the comment that ends above a key."""
    comment: list[str] = []
    for line in reversed(lines[: mark.line]):
        if not line.startswith(" " * mark.column + "# "):
            break
        comment.insert(0, line.strip().removeprefix("# "))
    description = " ".join(line for line in comment if not line.startswith("@schema "))
    if not description:
        raise CommentError(f"{path} has no description: write a comment above it")
    schema: dict[str, Any] = {}
    for line in comment:
        if line.startswith("@schema "):
            schema |= yaml.safe_load(line.removeprefix("@schema "))
    return description, schema


def schema(chart: str, values: tuple[Value, ...]) -> dict[str, Any]:
    """Return the JSON Schema of a chart's values: nothing passes that is not described."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"Values of {chart}",
        "type": "object",
        "properties": _properties(values) | _FROM_PARENTS,
        "additionalProperties": False,
    }


def _properties(values: tuple[Value, ...]) -> dict[str, Any]:
    return {value.name: _property(value) for value in values}


def _property(value: Value) -> dict[str, Any]:
    if "$ref" in value.schema:
        return {"description": value.description, **value.schema}
    if value.children:
        return {
            "description": value.description,
            "type": "object",
            "properties": _properties(value.children),
            "additionalProperties": False,
            **value.schema,
        }
    kind = _TYPES.get(type(value.default), "object")
    own = {"description": value.description, "type": kind, "default": value.default}
    return own | dict(value.schema)


def tables(values: tuple[Value, ...]) -> str:
    """Return the values as Markdown: one table for each top-level key that holds others."""
    parts = [_table("General", "", [value for value in values if not value.children])]
    parts += [_table(f"`{v.path}`", v.description, list(_leaves(v))) for v in values if v.children]
    return "\n".join(parts)


def _leaves(value: Value) -> Iterator[Value]:
    if not value.children:
        yield value
    for child in value.children:
        yield from _leaves(child)


def _table(title: str, description: str, values: list[Value]) -> str:
    lines = [f"### {title}", ""]
    lines += [description, ""] if description else []
    lines += ["| value | what it is | default |", "|---|---|---|"]
    lines += [f"| `{v.path}` | {_cell(v.description)} | {_default(v)} |" for v in values]
    return "\n".join(lines) + "\n"


def _default(value: Value) -> str:
    if value.default == "":
        return ""
    shown = value.default if isinstance(value.default, str) else json.dumps(value.default)
    return f"`{_cell(shown)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def documents(folder: Path) -> dict[Path, str]:
    """Return what a chart's README.md and values.schema.json should hold."""
    values = read((folder / "values.yaml").read_text(encoding="utf-8"))
    readme = (folder / "README.md").read_text(encoding="utf-8")
    before, _, rest = readme.partition(BEGIN)
    after = rest.partition(END)[2]
    written = json.dumps(schema(folder.name, values), indent=2, ensure_ascii=False)
    return {
        folder / "README.md": f"{before}{BEGIN}\n{tables(values)}\n{END}{after}",
        folder / "values.schema.json": written + "\n",
    }


if __name__ == "__main__":
    for name in CHARTS:
        for path, text in documents(HERE / name).items():
            path.write_text(text, encoding="utf-8")
