"""What a search knew when it was answered, and the labels that came afterwards: what rankers are trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ltrr_cli.core.types import BoolArray, FloatArray, Impression, Outcome, Shown
from ltrr_cli.engine.score import anonymous
from ltrr_cli.engine.search import Answer
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.ranking.model import Examples, Schema


@dataclass(frozen=True, slots=True)
class FrozenSearch:
    """What the system knew when it answered one search; labels come later and change nothing here.

    ids      -- entity ids of the candidates
    features -- (n, f) float32, without what is known of who asked
    baseline -- (n,) float32, the untrained score without it
    shown    -- the page as it was, with the odds of its places; empty where they are not known
    """

    impression_id: str
    time_ms: int
    schema: Schema
    ids: tuple[str, ...]
    features: FloatArray
    baseline: FloatArray
    shown: tuple[Shown, ...] = ()

    def place_of(self, entity_id: str) -> int:
        """Return the candidate's place, -1 where it is none."""
        return self.ids.index(entity_id) if entity_id in self.ids else -1

    def only(self, keep: BoolArray) -> FrozenSearch:
        """Return the candidates where ``keep`` is true."""
        ids = tuple(entity for entity, kept in zip(self.ids, keep.tolist(), strict=True) if kept)
        return replace(self, ids=ids, features=self.features[keep], baseline=self.baseline[keep])


def freeze(snapshot: Snapshot, search: Impression, answer: Answer) -> FrozenSearch:
    """Keep all candidates of a search."""
    return FrozenSearch(
        search.impression_id,
        search.time_ms or 0,
        answer.schema,
        tuple(snapshot.catalog.ids[int(row)] for row in answer.candidates.rows),
        anonymous(answer.schema, answer.features),
        answer.anonymous,
        tuple(search.shown or ()) if search.origin == "live" else (),
    )


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
        )
