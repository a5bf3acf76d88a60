"""Requests to remote retrievers made from templates, and hits found in their answers by paths."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ltrr_cli.core.errors import DataError
from ltrr_cli.core.remote import RemoteLine, RemoteQuestion

_MARK = re.compile(r"\{\{\s*(\w+)\s*\}\}")
MARKS = ("query", "k", "vector", "filters")
_RANGE = {">=": "gte", ">": "gt", "<=": "lte", "<": "lt"}


def filled(template: str, question: RemoteQuestion, *, in_url: bool = False, kind: str = "") -> str:
    r"""Put a question into a template: ``{{query}}``, ``{{k}}``, ``{{vector}}``, ``{{filters}}``, each as JSON.

    in_url -- the text is quoted for an address instead
    kind   -- of the retriever, for how filters are written

    >>> filled('{"q": {{query}}, "n": {{k}}}', RemoteQuestion('a "b"', 3))
    '{"q": "a \\"b\\"", "n": 3}'
    """

    def value(match: re.Match[str]) -> str:
        given: object = {
            "query": question.text, "k": question.k, "vector": question.vector,
            "filters": [] if in_url else conditions(question, kind),
        }[match[1]]  # fmt: skip
        if in_url:
            return quote(str(given) if isinstance(given, str | int) else json.dumps(given), safe="")
        return json.dumps(given, ensure_ascii=False)

    return _MARK.sub(value, template)


def checked_template(name: str, template: str) -> None:
    """Raise DataError for a mark that nobody fills."""
    for mark in _MARK.findall(template):
        if mark not in MARKS:
            known = ", ".join(f"{{{{{one}}}}}" for one in MARKS)
            raise DataError(f"retrieval.remote.{name}: {{{{{mark}}}}} is unknown", hint=f"known: {known}")


def conditions(question: RemoteQuestion, kind: str = "") -> list[Mapping[str, Any]]:
    """Return filters as OpenSearch and Elasticsearch write them, or Qdrant: conditions that must all hold.

    >>> conditions(RemoteQuestion("", 1, filters=(("genre", "=", "jazz"), ("year", ">=", "1960"))))
    [{'term': {'genre': 'jazz'}}, {'range': {'year': {'gte': '1960'}}}]
    >>> conditions(RemoteQuestion("", 1, filters=(("genre", "=", "jazz"), ("year", ">=", "1960"))), "qdrant")
    [{'key': 'genre', 'match': {'value': 'jazz'}}, {'key': 'year', 'range': {'gte': 1960.0}}]
    """
    if kind == "qdrant":
        return [_condition(*one) for one in question.filters]
    found: list[Mapping[str, Any]] = []
    for name, sign, value in question.filters:
        if sign == "=":
            found.append({"term": {name: value}})
        elif sign == "!=":
            found.append({"bool": {"must_not": [{"term": {name: value}}]}})
        else:
            found.append({"range": {name: {_RANGE[sign]: value}}})
    return found


def _condition(name: str, sign: str, value: str) -> Mapping[str, Any]:
    if sign in _RANGE:
        try:
            return {"key": name, "range": {_RANGE[sign]: float(value)}}
        except ValueError:
            return {"key": name, "range": {_RANGE[sign]: value}}  # a moment
    equal = {"key": name, "match": {"value": value}}
    return equal if sign == "=" else {"must_not": [equal]}


def at_path(value: Any, path: str) -> list[Any]:
    """Return all that stands at a path; ``[]`` goes through a list, what is missing is None.

    >>> at_path({"hits": [{"_id": "a"}, {"_id": "b"}, {}]}, "hits[]._id")
    ['a', 'b', None]
    """
    found = [value]
    for step in re.findall(r"\[\]|[^.\[\]]+", path):
        if step == "[]":
            found = [inner for one in found if isinstance(one, list) for inner in one]
        else:
            found = [one.get(step) if isinstance(one, Mapping) else None for one in found]
    return found


def lines_of(answer: Any, ids: str, scores: str, fields: str) -> list[RemoteLine]:
    """Return the hits of an answer, best first, each id once; without a path of scores their order counts.

    Raises DataError where no id, or fewer scores than ids, stand at the paths.
    """
    names = at_path(answer, ids)
    given = at_path(answer, scores) if scores else [-float(rank) for rank in range(len(names))]
    beside = at_path(answer, fields) if fields else [None] * len(names)
    if len(given) != len(names):
        raise DataError(f"{len(names)} ids at {ids!r}, and {len(given)} scores at {scores!r}")
    found: dict[str, RemoteLine] = {}
    for place, (name, score) in enumerate(zip(names, given, strict=True)):
        if isinstance(name, int) and not isinstance(name, bool):
            name = str(name)
        if not isinstance(name, str) or not name:
            raise DataError(f"hit {place + 1} has no id at {ids!r}")
        if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
            raise DataError(f"hit {place + 1} has no score at {scores!r}")
        told = beside[place] if place < len(beside) else None
        found.setdefault(name, RemoteLine(name, float(score), told if isinstance(told, dict) else {}))
    return sorted(found.values(), key=lambda line: -line.score)
