"""Is an update an amendment of the generation before, or a whole build? What it may keep, and why it may not.

An amendment keeps what was measured and fitted (known items, fusion weights, the bandit's first examples, inferred
values, the encoder) and what was worked out of entities that did not change. All tables are put together of these
parts, so that rows, counts and statistics are those of a whole build. Changes add up: a whole build comes when so many
entities have changed since the last one that what was fitted may no longer fit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from ltrr_cli.core.before import Before
from ltrr_cli.core.config import Settings
from ltrr_cli.core.types import Entity
from ltrr_cli.engine.snapshot import ANALYSIS, CatalogHeader, header_of

BUILD = 1  # raise it where the same entities come to be built as something else
SHARE = 0.1  # of the entities that may have changed since the last whole build


@dataclass(frozen=True, slots=True)
class Amendment:
    """What an update keeps.

    header  -- of the generation before
    changed -- entities that were added, replaced or deleted since the last whole build
    """

    before: Before
    header: CatalogHeader
    changed: int


def made_by(settings: Settings, strategies: Sequence[str]) -> str:
    """Return a digest of all that decides what entities are built as, the encoder aside."""
    catalog, retrieval = settings.catalog, settings.retrieval
    parts = (
        BUILD, ANALYSIS, list(strategies), catalog.language, catalog.sparse, settings.allocation,
        sorted(retrieval.off),
    )  # fmt: skip
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def amendment(
    folder: Path,
    old: Sequence[Entity],
    new: Sequence[Entity],
    settings: Settings,
    encoder: str | None,
    strategies: Sequence[str],
) -> Amendment | str:
    """Return what an update keeps of the generation in ``folder``, or why it is built as a whole.

    old, new -- all entities before and now, ascending by id
    encoder  -- name of the encoder to keep; None: another one is wanted
    strategies -- that are to be built
    """
    header = header_of(folder)
    if encoder is None or header.encoder != encoder:
        return "another encoder"
    if header.made_by != made_by(settings, strategies):
        return "settings, or the version of ltrr, have changed since the last index"
    row_of = {entity.id: row for row, entity in enumerate(old)}
    rows = np.full(len(new), -1, np.int32)
    for place, entity in enumerate(new):
        row = row_of.get(entity.id, -1)
        if row >= 0 and (entity is old[row] or entity == old[row]):
            rows[place] = row
    stays = np.zeros(len(old), np.bool_)
    stays[rows[rows >= 0]] = True
    gone = tuple(old[row] for row in np.flatnonzero(~stays).tolist())
    still = {entity.id for entity in new}
    deleted = sum(entity.id not in still for entity in gone)
    changed = header.changed + deleted + int(np.count_nonzero(rows < 0))
    if changed > SHARE * len(old):
        return f"{changed:,} of {len(old):,} entities changed since the last whole build"
    return Amendment(Before(folder, rows, gone), header, changed)
