"""The page that is given where the answer is late: full text alone, from an index of its own."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from ltrr_cli.catalog.filters import parse_filter
from ltrr_cli.core.clock import now_ms
from ltrr_cli.core.types import Context, Hits, Impression, IntArray, Reading, Request, Shown
from ltrr_cli.engine.query import QueryRequest
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.retrieval import strategy_registry
from ltrr_cli.retrieval.strategy import Resources, Strategy
from ltrr_cli.serving.served_state import ServedState
from ltrr_cli.text.normalise import query_key, query_tokens

STRATEGY = "lexical"


@dataclass(frozen=True, slots=True)
class _Opened:
    """Full text of one catalog generation, and its rows by popularity, best first.

    The snapshot that it was opened with is not kept: who holds one lets its next update wait.
    """

    catalog: int
    strategy: Strategy
    popular: IntArray


@dataclass(frozen=True, slots=True)
class PlainPage:
    """Rows, best first, their scores, and how long it took."""

    snapshot: Snapshot
    hits: Hits
    took_ms: float


class Fallback:
    """Answers from full text, or by popularity where there are no words; of one thread."""

    def __init__(self, state: ServedState) -> None:
        self._state = state
        self._opened: _Opened | None = None

    def answer(self, asked: QueryRequest, impression_id: str | None) -> PlainPage:
        """Answer at once, and journal the page under ``impression_id`` (its odds are not known); None: do not."""
        start = perf_counter()
        snapshot, current = self._state.held()
        opened = self._open(snapshot, current.catalog)
        words = tuple(query_tokens(asked.text))
        context = Context(snapshot.clock_ms, asked.user, asked.session, filters=tuple(map(parse_filter, asked.filters)))
        allowed = snapshot.catalog.allowed(context.filters)
        request = Request(asked.text, context, Reading(words, words, query_key(asked.text)), allowed=allowed)
        hits = opened.strategy.look(request).hits(asked.k) if words else Hits.none()
        if not len(hits.rows):
            rows = opened.popular if allowed is None else opened.popular[allowed[opened.popular]]
            hits = Hits(rows[: asked.k], np.zeros(len(rows[: asked.k]), np.float32))
        if impression_id is not None:
            self._state.journal.append_impression(_impression(snapshot, asked, hits, impression_id))
        return PlainPage(snapshot, hits, (perf_counter() - start) * 1e3)

    def _open(self, snapshot: Snapshot, catalog: int) -> _Opened:
        if self._opened is None or self._opened.catalog != catalog:
            folder = self._state.generations.folder("catalog", catalog) / STRATEGY
            resources = Resources(snapshot.catalog, snapshot.encoder, snapshot.header.language)
            popularity = np.nan_to_num(np.asarray(snapshot.catalog.popularity), nan=0.0)
            popular = np.argsort(-popularity, kind="stable").astype(np.int32)
            strategy = strategy_registry.strategy(STRATEGY).open(resources, folder, None)
            self._opened = _Opened(catalog, strategy, popular)
        return self._opened


def _impression(snapshot: Snapshot, asked: QueryRequest, hits: Hits, impression_id: str) -> Impression:
    ids = [snapshot.catalog.ids[row] for row in hits.rows.tolist()]
    return Impression(
        impression_id=impression_id,
        time_ms=now_ms(),
        query=asked.text,
        origin="live" if asked.live else "trial",
        user=asked.user,
        session=asked.session,
        context=asked.context,
        shown=tuple(Shown(entity_id, place) for place, entity_id in enumerate(ids, 1)),
    )
