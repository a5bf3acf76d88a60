"""Retrievers elsewhere, asked beside the local strategies: before a search begins, and waited for until a deadline."""

from __future__ import annotations

import http.client
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from importlib import import_module
from time import monotonic
from typing import Any, Protocol

from ltrr_cli.backends.circuit_breaker import CircuitBreaker
from ltrr_cli.core.config import RemoteSettings, Settings
from ltrr_cli.core.errors import DataError, LtrrError
from ltrr_cli.core.remote import RecordedAnswer, RemoteAnswer, RemoteLine, RemoteQuestion
from ltrr_cli.core.types import Catalog, Context, Encoder

# kind -> module:class; a client raises OSError, http.client.HTTPException or DataError where it has no answer
CLIENTS = {
    "http": "ltrr_cli.backends.remote_http:HttpRetriever",
    "opensearch": "ltrr_cli.backends.remote_http:HttpRetriever",
    "elasticsearch": "ltrr_cli.backends.remote_http:HttpRetriever",
    "qdrant": "ltrr_cli.backends.remote_http:HttpRetriever",
    "pgvector": "ltrr_cli.backends.remote_postgres:PostgresRetriever",
}
THREADS = 8  # for each retriever


class Retriever(Protocol):
    """Asks somebody elsewhere."""

    needs_vector: bool

    def search(self, question: RemoteQuestion, timeout: float) -> list[RemoteLine]:
        """Return the hits, best first; ``timeout`` is in seconds."""
        ...

    def search_many(
        self, questions: Sequence[RemoteQuestion], timeout: float
    ) -> Sequence[Sequence[RemoteLine] | None]:
        """Return the hits of each question, None where it has no answer; ``timeout`` is for all of them."""
        ...


class PendingAnswer:
    """An answer that may still be on its way (``core.remote.RemoteAnswer``)."""

    def __init__(self, future: Future[list[RemoteLine]], until: float, breaker: CircuitBreaker) -> None:
        self._future, self._until, self._breaker = future, until, breaker
        self._waited = False
        self._lines: Sequence[RemoteLine] | None = None
        self.reason = ""  # why there is none

    def lines(self) -> Sequence[RemoteLine] | None:
        """Return the hits, waiting until the deadline; the same each time, whatever comes later."""
        if not self._waited:
            self._waited = True
            try:
                self._lines = self._future.result(max(self._until - monotonic(), 0.0))
            except FutureTimeout:
                self._future.cancel()
                self.reason = "no answer in time"
            except (OSError, http.client.HTTPException, LtrrError) as error:
                self.reason = str(error) or type(error).__name__
            if self._lines is None:
                self._breaker.failure()
            else:
                self._breaker.success()
        return self._lines


@dataclass(slots=True)
class _Arm:
    settings: RemoteSettings
    client: Retriever
    pool: ThreadPoolExecutor
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    unknown: int = 0  # ids that the catalog has not


class RemoteRetrievers:
    """All retrievers of the settings; threads may share it."""

    def __init__(self, settings: Settings) -> None:
        self._arms: dict[str, _Arm] = {}
        for name, one in settings.retrieval.remote.items():
            place = CLIENTS.get(one.kind)
            if place is None:
                raise DataError(f"retrieval.remote.{name}: kind {one.kind!r} is not built in", hint=", ".join(CLIENTS))
            module, _, attribute = place.partition(":")
            client = getattr(import_module(module), attribute)(name, one)
            self._arms[name] = _Arm(one, client, ThreadPoolExecutor(THREADS, thread_name_prefix=f"ltrr-{name}"))

    def __bool__(self) -> bool:
        return bool(self._arms)

    def ask(self, text: str, context: Context, budget: int, encoder: Encoder) -> dict[str, PendingAnswer]:
        """Ask all that are not to be spared, at once, and return name -> answer on its way."""
        conditions = _conditions(context)
        found = {}
        for name, arm in self._arms.items():
            if not arm.breaker.may_ask():
                continue
            depth = min(arm.settings.depth or budget, budget)
            seconds = arm.settings.timeout_ms / 1000.0
            until = monotonic() + seconds
            future = arm.pool.submit(_asked, arm.client, text, depth, conditions, encoder, until)
            found[name] = PendingAnswer(future, until, arm.breaker)
        return found

    def ask_many(
        self, asked: Sequence[tuple[str, Context]], budget: int, encoder: Encoder
    ) -> list[dict[str, RemoteAnswer]]:
        """Ask all that are not to be spared many questions at once; return name -> answer of each question.

        A retriever has its deadline as often as there are questions; one that fails is left out of all of them.
        """
        found: list[dict[str, RemoteAnswer]] = [{} for _ in asked]
        waiting = {
            name: arm.pool.submit(self._many, arm, asked, budget, encoder)
            for name, arm in self._arms.items()
            if asked and arm.breaker.may_ask()
        }
        for name, future in waiting.items():
            arm = self._arms[name]
            try:
                answers = future.result()
            except (OSError, http.client.HTTPException, LtrrError):
                arm.breaker.failure()
                continue
            arm.breaker.success()
            for place, lines in enumerate(answers):
                if lines is not None:
                    found[place][name] = RecordedAnswer(lines)
        return found

    @staticmethod
    def _many(
        arm: _Arm, asked: Sequence[tuple[str, Context]], budget: int, encoder: Encoder
    ) -> Sequence[Sequence[RemoteLine] | None]:
        client, depth = arm.client, min(arm.settings.depth or budget, budget)
        vectors = encoder.encode([text for text, _ in asked]) if client.needs_vector else None
        questions = [
            RemoteQuestion(text, depth, () if vectors is None else tuple(vectors[place].tolist()), _conditions(context))
            for place, (text, context) in enumerate(asked)
        ]
        return client.search_many(questions, arm.settings.timeout_ms / 1000.0 * len(questions))

    def states(self) -> Mapping[str, Mapping[str, Any]]:
        """Return name -> what became of its questions, in this process."""
        return {
            name: {"open": arm.breaker.open, "answered": arm.breaker.answered, "failed": arm.breaker.failed,
                   "unknown": arm.unknown}
            for name, arm in self._arms.items()
        }  # fmt: skip

    def outcome(
        self, answers: Mapping[str, PendingAnswer], catalog: Catalog, most: int
    ) -> tuple[tuple[str, ...], tuple[UnknownResult, ...], list[str]]:
        """Return (names without an answer, hits that the catalog has not, what is said of both)."""
        missing = {name: "asked rarely until it is back" for name in self._arms if name not in answers}
        missing |= {name: one.reason for name, one in answers.items() if one.lines() is None}
        unknown, counts = unknown_results(answers, catalog, most)
        for name, count in counts.items():
            self._arms[name].unknown += count
        told = [f"without {name}: {reason}" for name, reason in missing.items()]
        told += [f"{name}: {count:,} results are not in the catalog" for name, count in counts.items()]
        return tuple(missing), unknown, told


def _conditions(context: Context) -> tuple[tuple[str, str, str], ...]:
    return tuple((one.field, one.op, one.value) for one in context.filters)


def _asked(
    client: Retriever,
    text: str,
    depth: int,
    conditions: tuple[tuple[str, str, str], ...],
    encoder: Encoder,
    until: float,
) -> list[RemoteLine]:
    vector: tuple[float, ...] = ()
    if client.needs_vector:
        vector = tuple(encoder.encode([text])[0].tolist())
    left = until - monotonic()
    if left <= 0:
        raise TimeoutError("no time left")
    return client.search(RemoteQuestion(text, depth, vector, conditions), left)


@dataclass(frozen=True, slots=True)
class UnknownResult:
    """A hit of a retriever elsewhere that the catalog has not: shown beside the page with the fields that came.

    rank -- from 1, in the retriever's own list
    """

    id: str
    strategy: str
    rank: int
    fields: Mapping[str, Any]


def arrived(answers: Mapping[str, RemoteAnswer]) -> dict[str, tuple[tuple[str, float], ...]]:
    """Return name -> (id, score) of those that answered, as the journal keeps them."""
    return {
        name: tuple((line.id, line.score) for line in lines)
        for name, answer in answers.items()
        if (lines := answer.lines()) is not None
    }


def unknown_results(
    answers: Mapping[str, RemoteAnswer], catalog: Catalog, most: int
) -> tuple[tuple[UnknownResult, ...], dict[str, int]]:
    """Return (the first ids of each retriever that the catalog has not, name -> how many there are)."""
    found: list[UnknownResult] = []
    counts: dict[str, int] = {}
    for name, answer in answers.items():
        gone = [(rank, line) for rank, line in enumerate(answer.lines() or (), 1) if catalog.row_of(line.id) < 0]
        if gone:
            counts[name] = len(gone)
            found += [UnknownResult(line.id, name, rank, dict(line.fields)) for rank, line in gone[:most]]
    return tuple(found), counts
