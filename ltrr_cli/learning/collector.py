"""Frozen searches and the labels that came afterwards, as lines for training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ltrr_cli.core.types import FloatArray, IntArray, Outcome
from ltrr_cli.engine.frozen_search import FrozenSearch
from ltrr_cli.ranking.model import Examples, Schema


@dataclass(slots=True)
class Collector:
    """Frozen searches and the outcomes that label them."""

    frozen: list[FrozenSearch] = field(default_factory=list)
    labels: dict[str, dict[str, float]] = field(default_factory=dict)  # impression -> entity -> best reward

    def note(self, outcomes: Sequence[Outcome]) -> None:
        """Take labels from outcomes that belong to an impression."""
        for outcome in outcomes:
            if outcome.impression_id is not None and outcome.reward > 0:
                of = self.labels.setdefault(outcome.impression_id, {})
                of[outcome.entity_id] = max(of.get(outcome.entity_id, 0.0), outcome.reward * outcome.weight)

    def keep_newest(self, searches: int) -> None:
        """Forget all before the newest searches that were acted on by now."""
        acted = [place for place, item in enumerate(self.frozen) if item.impression_id in self.labels]
        if len(acted) > searches:
            gone, self.frozen = self.frozen[: acted[-searches]], self.frozen[acted[-searches] :]
            for item in gone:
                self.labels.pop(item.impression_id, None)

    def labelled(self, schema: Schema) -> list[tuple[FrozenSearch, FloatArray]]:
        """Return (search, gains of its candidates) where gains differ, in time order, of one schema."""
        parts = [
            (item, np.array([labels.get(entity, 0.0) for entity in item.ids], np.float32))
            for item in sorted(self.frozen, key=lambda item: (item.time_ms, item.impression_id))
            if item.schema.digest == schema.digest and (labels := self.labels.get(item.impression_id))
        ]
        return [(item, gains) for item, gains in parts if np.ptp(gains) > 0]

    def named(self, schema: Schema, texts: Mapping[str, str]) -> tuple[str, ...]:
        """Return the query of every group of ``examples``; texts -- impression id -> query."""
        return tuple(texts.get(item.impression_id, "") for item, _ in self.labelled(schema))

    def entities(self, schema: Schema) -> tuple[str, ...]:
        """Return the candidate's id of every line of ``examples``."""
        return tuple(entity for item, _ in self.labelled(schema) for entity in item.ids)

    def examples(self, schema: Schema) -> Examples:
        """Return the searches that have a rewarded candidate, in time order, of one schema."""
        parts = self.labelled(schema)
        if not parts:
            empty = np.empty(0, np.float32)
            return Examples(np.empty((0, len(schema.names)), np.float32), empty, np.empty(0, np.int32), empty, empty)
        sizes = [len(item.ids) for item, _ in parts]
        return Examples(
            features=np.concatenate([item.features for item, _ in parts]),
            labels=np.concatenate([gains for _, gains in parts]),
            groups=np.repeat(np.arange(len(parts), dtype=np.int32), sizes),
            weights=np.ones(sum(sizes), np.float32),
            baseline=np.concatenate([item.baseline for item, _ in parts]),
            items=_numbered(entity for item, _ in parts for entity in item.ids),
        )


def _numbered(entities: Iterable[str]) -> IntArray:
    """Return (n,) int32: equal entities have equal numbers."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(entity, len(numbers)) for entity in entities], np.int32)
