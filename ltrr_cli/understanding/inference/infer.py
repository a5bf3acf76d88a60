"""Content understanding: which of the catalog's own values does an entity lack that its words and other values imply?

Words of title and text, values of other fields and mentions of the value itself speak for values (``bayes``), and say
whether an entity like this one has the field at all (``presence``). Every part of the entities is scored by a model of
the others, so that the entities whose value is known say how often such a score is right (``calibration``): that is
what an inferred value is worth, and where nothing can be told, nothing is inferred. In a field of which entities have
several values, an entity that states some is also asked which one is missing beside these.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from ltrr_cli.core.before import Before
from ltrr_cli.core.inferred import Inferred
from ltrr_cli.core.types import Catalog
from ltrr_cli.storage.packed_arrays import open_arrays, write_arrays
from ltrr_cli.understanding.inference.bayes import learn
from ltrr_cli.understanding.inference.calibration import believed, calibrate, joined
from ltrr_cli.understanding.inference.candidates import candidates
from ltrr_cli.understanding.inference.cases import LEAST, read
from ltrr_cli.understanding.inference.value_counts import ROWS, StatedValues

FILE = "inferred.bin"
SAMPLE = 100_000  # entities that are learnt from
FOLDS = 4  # each is scored by a model of the others


def build(catalog: Catalog, folder: Path, before: Before | None = None) -> None:
    """Write what can be inferred of a catalog's entities (slow; writes only into ``folder``).

    before -- what was inferred there is kept of unchanged entities; of others nothing is inferred until a whole build
    """
    found = infer(catalog) if before is None else _kept(before)
    arrays = {"rows": found.rows, "pairs": found.pairs, "scores": found.scores}
    write_arrays(folder / FILE, arrays)
    (folder / "pairs.json").write_bytes(msgspec.json.encode([found.fields, found.values]))


def _kept(before: Before) -> Inferred:
    """Return what was inferred of entities that did not change, by their rows now."""
    found = open_inferred(before.folder / "inferred")
    now = np.full(max(int(before.rows.max(initial=-1)), int(found.rows.max(initial=-1))) + 1, -1, np.int32)
    unchanged = np.flatnonzero(before.rows >= 0)
    now[before.rows[unchanged]] = unchanged
    rows = now[found.rows]
    keep = rows >= 0
    return Inferred(found.fields, found.values, rows[keep], found.pairs[keep], found.scores[keep])


def open_inferred(folder: Path) -> Inferred:
    """Map what ``build`` wrote; nothing where the folder is absent (a generation from before there was any)."""
    if not (folder / FILE).exists():
        return Inferred.none()
    arrays = open_arrays(folder / FILE)
    fields, values = msgspec.json.decode((folder / "pairs.json").read_bytes(), type=tuple[list[str], list[str]])
    return Inferred(tuple(fields), tuple(values), arrays["rows"], arrays["pairs"], arrays["scores"])


def infer(catalog: Catalog) -> Inferred:
    """Return the values that entities lack and that can be told, the same for the same catalog."""
    cases = read(catalog)
    size = len(catalog)
    if not len(cases.values) or size < 2 * LEAST:
        return Inferred.none()
    fold = (np.arange(size) * 2_654_435_761 >> 16) % FOLDS  # a fixed shuffle: ids often come in the order of kinds
    learnt = np.linspace(0, size - 1, min(size, SAMPLE)).astype(np.int64)
    known = StatedValues.of_cases(cases)
    models = learn(cases, known, [learnt[fold[learnt] == held] for held in range(FOLDS)])
    scored = [candidates(cases, model, learnt[fold[learnt] == held]) for held, model in enumerate(models)]
    scale = calibrate(cases, known, joined(scored))
    found = [believed(cases, known, scale, part) for part in scored]
    rest = np.setdiff1d(np.arange(size), learnt, assume_unique=True)
    for held, model in enumerate(models):
        rows = rest[fold[rest] == held]
        parts = np.array_split(rows, -(-len(rows) // ROWS)) if len(rows) else []
        found += [believed(cases, known, scale, candidates(cases, model, part)) for part in parts]
    row, pair, sure = (np.concatenate(part) for part in zip(*found, strict=True))
    if not len(row):
        return Inferred.none()
    order = np.lexsort((pair, row))
    names = tuple(cases.fields[field] for field in cases.field_of)
    return Inferred(names, tuple(cases.values), row[order].astype(np.int32), pair[order].astype(np.int32),
                    sure[order].astype(np.float32))  # fmt: skip
