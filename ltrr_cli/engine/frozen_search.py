"""What a search knew when it was answered: what rankers are trained on, as an object and as bytes.

Of some hundred candidates a part is kept: the page, those that might have been on it, and a few of the others, drawn
by the search's own name. That is enough for what training learns (which of the first ones belongs in front of which,
and what does not belong there at all), at a quarter of the space and time.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import BoolArray, FloatArray, Impression, Shown
from ltrr_cli.engine.score import anonymous
from ltrr_cli.engine.search import Answer
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.ranking.model import Schema
from ltrr_cli.storage.journal_frozen import SERVED, FrozenRow

BEST, OTHERS = 30, 30  # candidates that are kept beside those on the page: the first by the untrained score, and others


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

    def part(self, wanted: Collection[str] = ()) -> FrozenSearch:
        """Return the candidates that are worth keeping; ``wanted`` ids among them."""
        there = {*wanted, *(line.entity_id for line in self.shown)}
        keep = kept(self.impression_id, self.baseline)
        keep |= np.array([entity in there for entity in self.ids], np.bool_)
        return self.only(keep)


def kept(impression_id: str, baseline: FloatArray) -> BoolArray:
    """Say which candidates of a search are worth keeping, whoever was shown."""
    keep = np.zeros(len(baseline), np.bool_)
    order = np.argsort(-baseline, kind="stable")
    keep[order[:BEST]] = True
    rest = order[BEST:]
    if len(rest):
        keep[generator("frozen", impression_id).permutation(rest)[:OTHERS]] = True
    return keep


def freeze(snapshot: Snapshot, search: Impression, answer: Answer, keep: BoolArray | None = None) -> FrozenSearch:
    """Keep the candidates of a search where ``keep`` is true; None: all of them."""
    part = slice(None) if keep is None else keep
    return FrozenSearch(
        search.impression_id,
        search.time_ms or 0,
        answer.schema,
        tuple(snapshot.catalog.ids_of(answer.candidates.rows[part].tolist())),
        anonymous(answer.schema, answer.features[part]),
        answer.anonymous[part],
        _shown(search),
    )


def served(snapshot: Snapshot, search: Impression, answer: Answer) -> FrozenRow:
    """Return what the journal keeps of a search that is served."""
    keep = kept(search.impression_id, answer.anonymous)
    keep[answer.page] = True
    return FrozenRow(search.impression_id, SERVED, packed(freeze(snapshot, search, answer, keep)))


class _Packed(msgspec.Struct, array_like=True):
    schema: str
    ids: list[str]
    features: bytes
    baseline: bytes


def packed(frozen: FrozenSearch) -> bytes:
    """Return it as bytes, without what its impression says too."""
    columns = np.ascontiguousarray(frozen.features.T, "<f4")  # a column repeats itself more than a row
    held = _Packed(frozen.schema.digest, list(frozen.ids), columns.tobytes(), frozen.baseline.astype("<f4").tobytes())
    return zlib.compress(msgspec.msgpack.encode(held), 1)


def unpacked(data: bytes, search: Impression, schema: Schema) -> FrozenSearch | None:
    """Return what ``packed`` made; None where it is damaged, or has other features than those of ``schema``."""
    try:
        held = msgspec.msgpack.decode(zlib.decompress(data), type=_Packed)
        if held.schema != schema.digest:
            return None
        columns = np.frombuffer(held.features, "<f4").reshape(len(schema.names), len(held.ids))
        features = np.ascontiguousarray(columns.T)  # as it was when it was frozen
        baseline = np.frombuffer(held.baseline, "<f4").reshape(len(held.ids))
    except (zlib.error, msgspec.MsgspecError, ValueError):
        return None
    moment, ids = search.time_ms or 0, tuple(held.ids)
    return FrozenSearch(search.impression_id, moment, schema, ids, features, baseline, _shown(search))


def _shown(search: Impression) -> tuple[Shown, ...]:
    """Return the page of a search whose places have odds."""
    return tuple(search.shown or ()) if search.origin == "live" else ()
