"""The description of the interface (OpenAPI 3.1), made from the operations and their record types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ltrr_cli import __version__
from ltrr_cli.serving.operations import JSON, JSON_LINES, Operation, Parameter
from ltrr_cli.serving.problems import MEDIA_TYPE, Problem

_REF = "#/components/schemas/{name}"
_ANY = (400, 403, 500)  # statuses that any request may meet
_ASKED = (401, 429)  # that a request with a scope may meet
_SENT = (408, 413, 415)  # that a request with a body may meet
_WORDS = {
    400: "The request cannot be read.", 401: "No known token, or an id that was not given out here.",
    403: "The token may not do this, or the page's origin may not.", 404: "There is no such thing.",
    408: "The request did not come whole in time.",
    409: "Another event has this id; or the page did not show this, was served to somebody else, or is too old.",
    413: "Too large.", 415: "Another media type.", 429: "Too many; see Retry-After.", 500: "The server failed.",
    503: "It cannot answer now.",
}  # fmt: skip


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the whole document."""
    kinds = [kind for one in operations for kind in (one.body, one.answer) if kind is not None]
    described, components = msgspec.json.schema_components((*kinds, Problem), ref_template=_REF)
    schemas = dict(zip(map(repr, kinds), described, strict=False))
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        of = paths.setdefault(one.path.replace(":path}", "}"), {})
        of[one.method.lower()] = _operation(one, schemas)
        if one.method == "GET":
            of["head"] = _head(of["get"])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ltrr",
            "version": __version__,
            "summary": "Search that learns to retrieve and rank",
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": {name: _plain(schema) for name, schema in components.items()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(one: Operation, schemas: Mapping[str, Any]) -> dict[str, Any]:
    statuses = sorted({*_ANY, *(_ASKED if one.scope else ()), *(_SENT if one.body else ()), *one.problems})
    found: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "parameters": [_parameter(each) for each in one.parameters],
        "responses": {
            "200": {"description": "Done.", "content": {one.media: {"schema": _schema(one.answer, schemas)}}},
            **{str(status): _problem(status) for status in statuses},
        },
    }
    if one.scope is not None:
        found["security"] = [{"token": []}, {}]
        found["description"] = f"Where the server asks for tokens, one with the scope `{one.scope}`."
    if one.body is not None:
        content = {JSON: {"schema": _schema(one.body, schemas)}}
        if one.lines:
            content[JSON_LINES] = {"schema": {"type": "string"}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _head(get: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same without contents."""
    responses = {status: {"description": of["description"]} for status, of in get["responses"].items()}
    return {**get, "operationId": get["operationId"] + "_head", "responses": responses}


def _schema(kind: Any, schemas: Mapping[str, Any]) -> Any:
    return {"type": "string"} if kind is None else _plain(schemas[repr(kind)])


def _parameter(one: Parameter) -> dict[str, Any]:
    required = {"required": True} if one.where == "path" else {}
    return {"name": one.name, "in": one.where, "description": one.about, "schema": dict(one.schema), **required}


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": _WORDS[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(name="Problem")}}},
    }


def _plain(schema: Any) -> Any:
    """Say of numbers that they may be null: a value that is not known is NaN here and null in JSON."""
    if isinstance(schema, Mapping):
        made = {key: _plain(value) for key, value in schema.items()}
        if made.get("type") == "number" and "minimum" not in made:
            made["type"] = ["number", "null"]
        return made
    return [_plain(value) for value in schema] if isinstance(schema, list) else schema
