"""What the bandit may look at before anything is retrieved, and how the journal keeps it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from ltrr_cli.allocation.bandit_features import context_features
from ltrr_cli.allocation.models.strategy_history import FIRST, PAST, shape
from ltrr_cli.allocation.policy import BanditContext
from ltrr_cli.core.types import Context, FloatArray, Hits, Request
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.retrieval.strategy import look_of
from ltrr_cli.text.normalise import query_key


def bandit_context_of(
    snapshot: Snapshot, request: Request, strategies: tuple[str, ...], budget: int, *, explore: bool
) -> BanditContext:
    """Return what the bandit may look at: all of it is known before retrieval."""
    wordless = not request.reading.tokens
    features = context_features(
        snapshot.header.signals, _signals(snapshot, request), request.context, wordless=wordless
    )
    past = snapshot.history.of(strategies, dict(zip(snapshot.features(), features.tolist(), strict=True)))
    lead = snapshot.leading(strategies, request.reading)
    absent = frozenset(
        name for name in strategies if snapshot.strategies[name].remote and name not in request.context.remote
    )
    moment, seed = request.context.time_ms, request.seed
    return BanditContext(strategies, budget, features, moment, seed, explore, past, lead, absent)


def signal_names(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the names of all signals, in a fixed order."""
    return tuple(sorted(_signals(snapshot, snapshot.request("", Context(snapshot.clock_ms), 0))))


def _signals(snapshot: Snapshot, request: Request) -> dict[str, float]:
    context, read = request.context, [(slot.field, query_key(slot.value)) for slot in request.reading.slots]
    signals = {**request.reading.signals, **snapshot.preferences.features(context.user, read, context.time_ms)}
    for name, strategy in snapshot.strategies.items():
        if strategy.signal_names:
            signals.update({f"{name}.{key}": value for key, value in look_of(strategy, request).signals().items()})
    return signals


def shapes_of(snapshot: Snapshot, hits: Sequence[Hits], depth: int) -> FloatArray:
    """Return (s, 3) float32: what the list of every strategy looked like."""
    types = snapshot.catalog.types
    return np.array([shape(found.scores, types[found.rows[:FIRST]], depth) for found in hits], np.float32)


def schema_of(snapshot: Snapshot) -> str:
    """Return what names the columns of a journalled context."""
    names = "\n".join((*snapshot.features(), *PAST))
    return f"situation-2 {hashlib.sha256(names.encode()).hexdigest()[:12]}"


def journalled(snapshot: Snapshot, bandit_context: BanditContext, hits: Sequence[Hits]) -> FloatArray:
    """Return one vector: the features, then the past and then the lists' shapes of every strategy."""
    past = (
        np.zeros((len(bandit_context.strategies), len(PAST)), np.float32)
        if bandit_context.past is None
        else bandit_context.past
    )
    shapes = shapes_of(snapshot, hits, bandit_context.budget)
    return np.concatenate([bandit_context.features, past.ravel(), shapes.ravel()]).astype(np.float32)
