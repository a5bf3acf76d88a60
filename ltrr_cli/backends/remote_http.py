"""Retrievers asked over HTTP: any that speaks JSON, OpenSearch, Elasticsearch, Qdrant (the door to http.client)."""

from __future__ import annotations

import http.client
import json
from collections import deque
from collections.abc import Sequence
from time import monotonic
from urllib.parse import urlsplit

from ltrr_cli.backends.files import read_secret
from ltrr_cli.backends.remote_template import checked_template, conditions, filled, lines_of
from ltrr_cli.core.config import RemoteSettings
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.remote import RemoteLine, RemoteQuestion

LARGEST = 16 * 1024 * 1024  # bytes of an answer
# kind -> where ids, scores and fields stand, where the settings do not say; Qdrant's own ids are numbers and UUIDs
PATHS = {
    "opensearch": ("hits.hits[]._id", "hits.hits[]._score", "hits.hits[]._source"),
    "elasticsearch": ("hits.hits[]._id", "hits.hits[]._score", "hits.hits[]._source"),
    "qdrant": ("result.points[].payload.id", "result.points[].score", "result.points[].payload"),
}
BATCHED = ("opensearch", "elasticsearch")  # that take many questions in one request


class HttpRetriever:
    """Asks one address; connections are kept, and threads may share it.

    Any of OSError, http.client.HTTPException and DataError means that there is no answer.
    """

    def __init__(self, name: str, settings: RemoteSettings) -> None:
        self._kept: deque[http.client.HTTPConnection] = deque()
        split = urlsplit(settings.address)
        if split.scheme not in ("http", "https") or not split.hostname:
            raise DataError(
                f"retrieval.remote.{name}: {settings.address!r} is no address", hint="http://HOST:PORT/PATH"
            )
        for template in (settings.address, settings.request):
            checked_template(name, template)
        if settings.kind == "http" and not settings.ids:
            raise DataError(f"retrieval.remote.{name}: ids is empty", hint='where ids stand: ids = "results[].id"')
        self._settings, self._split = settings, split
        self._headers = {"Accept": "application/json"} | _secret(name, settings)

    @property
    def needs_vector(self) -> bool:
        """Whether the request holds the query's vector."""
        request = self._settings.request
        return "{{vector}}" in request.replace(" ", "") or (self._settings.kind == "qdrant" and not request)

    def search(self, question: RemoteQuestion, timeout: float) -> list[RemoteLine]:
        """Ask, and return the hits, best first; ``timeout`` is in seconds for the whole answer."""
        until = monotonic() + timeout
        body = self._body(question)
        return self._lines(_json(self._answer("POST" if body else "GET", self._path(question), body, until)), question)

    def search_many(self, questions: Sequence[RemoteQuestion], timeout: float) -> list[list[RemoteLine] | None]:
        """Ask many questions, in one request where the kind takes them so (``_msearch``); None: no answer to that one.

        timeout -- in seconds, for all of them
        """
        until = monotonic() + timeout
        if self._settings.kind not in BATCHED or not self._settings.index:
            return [self.search(question, until - monotonic()) for question in questions]
        asked = b"".join(b"{}\n" + _one_line(self._body(question)) + b"\n" for question in questions)
        path = self._path(questions[0]).replace("/_search", "/_msearch", 1)
        answers = _json(self._answer("POST", path, asked, until, "application/x-ndjson"))
        found = answers.get("responses") if isinstance(answers, dict) else None
        if not isinstance(found, list) or len(found) != len(questions):
            raise DataError(f"no answers to {len(questions)} questions in responses")
        return [
            None if not isinstance(one, dict) or "error" in one else self._lines(one, question)
            for one, question in zip(found, questions, strict=True)
        ]

    def _lines(self, answer: object, question: RemoteQuestion) -> list[RemoteLine]:
        settings = self._settings
        ids, scores, fields = PATHS.get(settings.kind, ("", "", ""))
        try:
            found = lines_of(answer, settings.ids or ids, settings.scores or scores, settings.fields or fields)
        except RecursionError as error:
            raise DataError(f"no JSON: {error}") from None
        return found[: question.k]

    def _path(self, question: RemoteQuestion) -> str:
        address = urlsplit(filled(self._settings.address, question, in_url=True))
        path = address.path
        place, index = path.rstrip("/"), self._settings.index
        if self._settings.kind == "qdrant":
            path = f"{place}/collections/{index}/points/query" if index else path
        elif self._settings.kind != "http":
            path = f"{place}/{index}/_search" if index else path
        return (path or "/") + (f"?{address.query}" if address.query else "")

    def _body(self, question: RemoteQuestion) -> bytes:
        settings = self._settings
        if settings.request:
            return filled(settings.request, question, kind=settings.kind).encode()
        if settings.kind == "http":
            return b""
        if settings.kind == "qdrant":
            told = {"must": conditions(question, settings.kind)}
            body = {"query": question.vector, "limit": question.k, "with_payload": True, "filter": told}
            return json.dumps(body).encode()
        match = {"multi_match": {"query": question.text}} if question.text else {"match_all": {}}
        asked = {"size": question.k, "query": {"bool": {"must": [match], "filter": conditions(question)}}}
        return json.dumps(asked).encode()

    def close(self) -> None:
        """Close the connections that are kept."""
        while self._kept:
            self._kept.pop().close()

    def __del__(self) -> None:
        self.close()

    def _answer(self, method: str, path: str, body: bytes, until: float, sends: str = "application/json") -> bytes:
        try:
            kept = self._kept.pop()
        except IndexError:
            kept = None
        if kept is not None:
            try:
                return self._exchange(kept, method, path, body, until, sends)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                pass  # a kept connection grew old: a fresh one says whether anybody is there
        return self._exchange(self._connect(until), method, path, body, until, sends)

    def _connect(self, until: float) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._split.scheme == "https" else http.client.HTTPConnection
        left = max(until - monotonic(), 0.001)
        return kind(self._split.hostname or "", self._split.port, timeout=left)

    def _exchange(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes, until: float, sends: str
    ) -> bytes:
        """Ask over a connection, kept afterwards where all went well and closed where not."""
        try:
            data = self._exchanged(connection, method, path, body, until, sends)
        except BaseException:
            connection.close()
            raise
        self._kept.append(connection)
        return data

    def _exchanged(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes, until: float, sends: str
    ) -> bytes:
        left = until - monotonic()
        if left <= 0:
            raise TimeoutError("no time left")
        connection.timeout = left
        if connection.sock is not None:
            connection.sock.settimeout(left)
        connection.request(method, path, body or None, self._headers | {"Content-Type": sends})
        response = connection.getresponse()
        parts: list[bytes] = []
        size = 0
        while chunk := response.read1(65_536):
            parts.append(chunk)
            size += len(chunk)
            if size > LARGEST:
                raise DataError(f"an answer of more than {LARGEST} bytes")
            if monotonic() > until:
                raise TimeoutError("the answer did not end in time")
        response.close()  # else the connection could not be asked again
        if response.status != 200:
            raise DataError(f"status {response.status}")
        return b"".join(parts)


def _json(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DataError(f"no JSON: {error}") from None


def _one_line(body: bytes) -> bytes:
    """Return JSON without line ends: in a request of many questions each stands on its line."""
    return json.dumps(_json(body)).encode()


def _secret(name: str, settings: RemoteSettings) -> dict[str, str]:
    """Return the header that holds the secret; raises DataError where its file cannot be read."""
    if not settings.secret_file:
        return {}
    secret = read_secret(name, settings.secret_file)
    if not secret or not secret.isprintable():
        raise DataError(f"retrieval.remote.{name}: secret_file holds no line of text")
    return {settings.header: secret}
