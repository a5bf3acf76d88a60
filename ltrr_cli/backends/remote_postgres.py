"""Vectors in PostgreSQL with pgvector, asked by SQL (the door to psycopg, the extra ``postgres``)."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from ltrr_cli.backends.files import read_secret
from ltrr_cli.core.config import RemoteSettings
from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.core.remote import RemoteLine, RemoteQuestion


class PostgresRetriever:
    """Asks one query that returns (id, score, further columns); connections are kept, and threads may share it.

    Any of OSError and DataError means that there is no answer.
    """

    needs_vector = True

    def __init__(self, name: str, settings: RemoteSettings) -> None:
        self._kept: deque[Any] = deque()
        try:
            import psycopg
        except ImportError:
            raise UsageError(
                f"retrieval.remote.{name}: pgvector needs psycopg, which is not installed",
                hint="pip install 'ltrr-cli[postgres]'",
            ) from None
        if not settings.request:
            raise DataError(
                f"retrieval.remote.{name}: request is empty",
                hint="select id, 1 - (vector <=> %(vector)s::vector) from items order by vector <=> %(vector)s::vector "
                "limit %(k)s",
            )
        self._psycopg: Any = psycopg
        self._settings, self._name = settings, name

    def search(self, question: RemoteQuestion, timeout: float) -> list[RemoteLine]:
        """Ask, and return the hits, best first; ``timeout`` is in seconds."""
        given = {
            "query": question.text,
            "k": question.k,
            "vector": "[" + ",".join(f"{value:.7g}" for value in question.vector) + "]",
        }
        try:
            names, rows = self._answer(given, question.k, timeout)
        except self._psycopg.Error as error:
            raise DataError(f"PostgreSQL: {str(error).splitlines()[0] if str(error) else error!r}") from None
        if len(names) < 2:
            raise DataError("the query returns no (id, score)")
        found: dict[str, RemoteLine] = {}
        for row in rows:
            # the distance to a vector of length 0 is no number
            if row[0] is not None and row[1] is not None and math.isfinite(row[1]):
                fields = {name: cell for name, cell in zip(names[2:], row[2:], strict=True) if cell is not None}
                found.setdefault(str(row[0]), RemoteLine(str(row[0]), float(row[1]), fields))
        return sorted(found.values(), key=lambda line: -line.score)

    def search_many(self, questions: Sequence[RemoteQuestion], timeout: float) -> list[list[RemoteLine]]:
        """Ask one question after another; ``timeout`` is in seconds, for all of them."""
        until = monotonic() + timeout
        return [self.search(question, until - monotonic()) for question in questions]

    def close(self) -> None:
        """Close the connections that are kept."""
        while self._kept:
            self._kept.pop().close()

    def __del__(self) -> None:
        self.close()

    def _answer(self, given: Mapping[str, object], k: int, timeout: float) -> tuple[list[str], list[Any]]:
        connection = self._connection(timeout)
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"set statement_timeout = {max(int(timeout * 1000), 1)}")
                cursor.execute(self._settings.request, given)
                found = [column.name for column in cursor.description or ()], cursor.fetchmany(k)
        except BaseException:
            connection.close()
            raise
        self._kept.append(connection)
        return found

    def _connection(self, timeout: float) -> Any:
        try:
            return self._kept.pop()
        except IndexError:
            pass
        settings, more = self._settings, {}
        if settings.secret_file:
            more["password"] = read_secret(self._name, settings.secret_file)
        return self._psycopg.connect(settings.address, autocommit=True, connect_timeout=max(int(timeout), 1), **more)
