"""Content understanding: which of the catalog's own values does an entity lack that its words and other values imply?

A linear model of every (field, value) pair by naive Bayes, in its pointwise form: the score of a value is its
logarithmic prior plus ``ln P(feature | value)`` over the features of the entity: words of title and text, values of its
other fields, and whether the value itself is mentioned. Each half of the entities is scored by a model of the
others, so that the entities whose value is known say how often such a score is right (``calibration``): that is what an
inferred value is worth. Nothing is believed where hardly any entity like it has the field at all (a laptop lacks the
kind of ink for a reason), and where nothing can be told, nothing is inferred. In a field of which entities have several
values, an entity that states some is also asked which one is missing beside these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from ltrr_cli.core.inferred import Inferred
from ltrr_cli.core.types import Catalog, DoubleArray
from ltrr_cli.text.packed import Array, open_arrays, write_arrays
from ltrr_cli.understanding.calibration import Scored, believed, calibrate, joined
from ltrr_cli.understanding.cases import LEAST, Cases, Sparse, read
from ltrr_cli.understanding.counted import ROWS, Known, crossed, within

FILE = "inferred.bin"
SAMPLE = 100_000  # entities that are learnt from
FEW_CASES = 10  # a feature of no more known cases speaks even by a single one
FOLDS = 4  # each is scored by a model of the others
SMOOTHING = 1.0  # cases of the prior in P(value | feature)
UNSEEN = 1e-3  # weight, beside the best value's 1, of all values that nothing speaks for
LEAST_SCORE = -5.0  # of a value beside others, below which it is not looked at
MOST_NATS = 300.0  # evidence beyond which more says nothing
CELLS = 500_000  # scores held at a time, few enough for a processor's cache


def build(catalog: Catalog, folder: Path) -> None:
    """Write what can be inferred of a catalog's entities (slow; writes only into ``folder``)."""
    found = infer(catalog)
    arrays = {"rows": found.rows, "pairs": found.pairs, "scores": found.scores}
    write_arrays(folder / FILE, arrays)
    (folder / "pairs.json").write_bytes(msgspec.json.encode([found.fields, found.values]))


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
    known = Known.of_cases(cases)
    models = _learn(cases, known, [learnt[fold[learnt] == held] for held in range(FOLDS)])
    scored = [_scored(cases, model, learnt[fold[learnt] == held]) for held, model in enumerate(models)]
    scale = calibrate(cases, known, joined(scored))
    found = [believed(cases, known, scale, part) for part in scored]
    rest = np.setdiff1d(np.arange(size), learnt, assume_unique=True)
    for held, model in enumerate(models):
        rows = rest[fold[rest] == held]
        parts = np.array_split(rows, -(-len(rows) // ROWS)) if len(rows) else []
        found += [believed(cases, known, scale, _scored(cases, model, part)) for part in parts]
    row, pair, sure = (np.concatenate(part) for part in zip(*found, strict=True))
    if not len(row):
        return Inferred.none()
    order = np.lexsort((pair, row))
    names = tuple(cases.fields[field] for field in cases.field_of)
    return Inferred(names, tuple(cases.values), row[order].astype(np.int32), pair[order].astype(np.int32),
                    sure[order].astype(np.float32))  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Model:
    """What speaks for which label.

    spoken, strength -- labels of every feature, and parallel ln P(label | feature) / P(label), > 0
    prior            -- (labels,) ln P(label) where the field is there at all
    mention          -- (labels,) what being mentioned adds: ln P(label | mentioned) / P(label), pooled over a field
    """

    spoken: Sparse
    strength: DoubleArray
    prior: DoubleArray
    mention: DoubleArray


def _learn(cases: Cases, known: Known, folds: Sequence[Array]) -> list[_Model]:
    """Count on every fold once; the model of each is made of what the others counted."""
    labels, width = len(cases.values), len(cases.fields)
    said, meant = (np.zeros((FOLDS, width)) for _ in range(2))
    for held, rows in enumerate(folds):
        owner, mentioned = cases.mentioned.pairs(rows)
        field = cases.field_of[mentioned]
        hers = within(known.fields, rows[owner] * width + field)
        right = within(known.labels, rows[owner] * labels + mentioned)
        said[held] = np.bincount(field[hers], minlength=width)
        meant[held] = np.bincount(field[hers & right], minlength=width)
    total = np.array([np.bincount(cases.labels.pairs(rows)[1], minlength=labels) for rows in folds], np.float64)
    having = np.array([np.bincount(known.of.pairs(rows)[1], minlength=width) for rows in folds], np.float64)
    key, joint = crossed(cases.features, cases.labels, labels, folds)
    field = cases.field_of[key % labels]
    other = cases.itself[key // labels] != key % labels  # a value says nothing new of itself
    other &= (cases.own[key // labels] != field) | cases.several[field]
    key, joint = key[other], joint[:, other]
    both, with_field = crossed(cases.features, known.of, width, folds)
    group = np.searchsorted(both, key // labels * width + cases.field_of[key % labels])
    models = []
    for held in range(FOLDS):
        cells = (total, having, meant, said, joint, with_field)
        bearing, having_field, right_said, all_said, beside, of_field = (c.sum(axis=0) - c[held] for c in cells)
        prior = np.maximum(bearing, 0.5) / np.maximum(having_field[cases.field_of], 1.0)
        mention = np.log(np.maximum((right_said + 0.1) / (all_said + 1.0), 1e-3)[cases.field_of] / prior)
        strong = _strengths(key % labels, group, beside, of_field, prior)
        keep = np.flatnonzero(strong)
        starts = np.searchsorted(key[keep] // labels, np.arange(len(cases.own) + 1))
        spoken = Sparse(starts, (key[keep] % labels).astype(np.int32))
        models.append(_Model(spoken, strong[keep], np.log(prior), np.maximum(mention, 0.0)))
    return models


def _strengths(label: Array, group: Array, joint: Array, with_field: Array, prior: DoubleArray) -> DoubleArray:
    """Return how much every (feature, label) says, 0 where the feature tells nothing of the label's field.

    group -- which (feature, field) each belongs to; with_field -- cases of every such group
    """
    usual, cases = prior[label], with_field[group]
    told = np.maximum((joint + SMOOTHING * usual) / (cases + SMOOTHING) / usual, 1e-300)
    nats = np.bincount(group, joint * np.log(told))  # N times the Kullback-Leibler divergence, biased by what is seen
    telling = nats > np.bincount(group, joint > 0) + LEAST
    keep = telling[group] & (joint > 0) & ((joint >= 2) | (cases <= FEW_CASES))
    strength: DoubleArray = np.where(keep, np.log1p(joint / (SMOOTHING * usual)), 0.0)
    return strength  # over a value that never stood beside the feature


def _scored(cases: Cases, model: _Model, rows: Array) -> Scored:
    """Score some rows, as many at a time as ``CELLS`` allows."""
    parts = np.array_split(rows, max(1, -(-len(rows) * len(cases.values) // CELLS)))
    found = [_tops(cases, model, part) for part in parts]
    if cases.several.any():
        found += [_besides(cases, model, part) for part in parts]
    return joined(found)


def _tops(cases: Cases, model: _Model, rows: Array) -> Scored:
    """Return the best label of each field that anything speaks for.

    What nothing speaks for has its prior alone, so the most frequent label of a field stands for all of these.
    """
    owner, feature = cases.features.pairs(rows)
    at, spoken = _spread(model.spoken, feature)
    strange = cases.own[feature[at]] != cases.field_of[model.spoken.members[spoken]]  # as if the field were lacking
    at, spoken = at[strange], spoken[strange]
    of, mentioned = cases.mentioned.pairs(rows)
    labels, width = len(cases.values), len(cases.fields)
    cell = np.concatenate([owner[at] * labels + model.spoken.members[spoken], of * labels + mentioned])
    total = np.bincount(cell, np.concatenate([model.strength[spoken], model.mention[mentioned]]), len(rows) * labels)
    cell = np.flatnonzero(total)
    label = cell % labels
    code = cell // labels * width + cases.field_of[label]
    first = np.flatnonzero(np.diff(code, prepend=-1))
    if not len(first):
        return Scored(cell, cell, cell, np.empty(0, np.float32))
    segment = np.repeat(np.arange(len(first)), np.diff(first, append=len(code)))
    field, odds = code[first] % width, total[cell] + model.prior[label]
    value = np.maximum.reduceat(odds, first)
    places = np.flatnonzero(odds == value[segment])
    best = label[places[np.searchsorted(segment[places], np.arange(len(first)))]]
    usual = np.array([start + model.prior[start:end].argmax()
                      for start, end in zip(cases.bounds, cases.bounds[1:], strict=False)])[field]  # fmt: skip
    better = (model.prior[usual] > value) | ((model.prior[usual] == value) & (usual < best))
    best, value = np.where(better, usual, best), np.where(better, model.prior[usual], value)
    odd = np.exp(model.prior)
    silent = np.add.reduceat(odd, cases.bounds[:-1])[field] - np.add.reduceat(odd[label], first)
    rest = np.add.reduceat(np.exp(odds - value[segment]), first) + np.maximum(silent, 0.0) * np.exp(-value) - 1.0
    score = np.minimum(value, 0.0) - np.log(np.maximum(rest, 0.0) + UNSEEN)
    return Scored(rows[code[first] // width], field, best, score.astype(np.float32))


def _besides(cases: Cases, model: _Model, rows: Array) -> Scored:
    """Return labels of fields of several values, for entities that state some of these; ``field`` is past the fields.

    Each is weighed against the labels that the entity does not state, so that one that it does state is scored as if it
    were the one that is missing.
    """
    labels, width = len(cases.values), len(cases.fields)
    owner, feature = cases.features.pairs(rows)
    at, spoken = _spread(model.spoken, feature)
    of, mentioned = cases.mentioned.pairs(rows)
    cell = np.concatenate([owner[at] * labels + model.spoken.members[spoken], of * labels + mentioned])
    weight = np.concatenate([model.strength[spoken], model.mention[mentioned]])
    stating, stated = cases.labels.pairs(rows)
    there = np.zeros((len(rows), width), np.bool_)
    there[stating, cases.field_of[stated]] = True
    listed = there[cell // labels, cases.field_of[cell % labels]] & cases.several[cases.field_of[cell % labels]]
    total = np.bincount(cell[listed], weight[listed], len(rows) * labels)
    cell = np.flatnonzero(total)
    label = cell % labels
    odds = np.minimum(total[cell] + model.prior[label], MOST_NATS)
    code = cell // labels * width + cases.field_of[label]
    _, segment = np.unique(code, return_inverse=True)
    lacked = np.where(within(np.sort(stating * labels + stated), cell), 0.0, np.exp(odds))
    rest = np.bincount(segment, lacked)[segment] - lacked
    score = np.minimum(odds, 0.0) + odds - np.log(np.maximum(rest, 0.0) + UNSEEN * np.exp(odds))
    likely = np.flatnonzero(score > LEAST_SCORE)
    cell, label = cell[likely], label[likely]
    return Scored(rows[cell // labels], width + cases.field_of[label], label, score[likely].astype(np.float32))


def _spread(table: Sparse, rows: Array) -> tuple[Array, Array]:
    """Return (index into ``rows``, place of the member) of all members of some rows."""
    lengths = table.starts[rows + 1] - table.starts[rows]
    ends = np.cumsum(lengths)
    place = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(table.starts[rows] - (ends - lengths), lengths)
    return np.repeat(np.arange(len(rows)), lengths), place
