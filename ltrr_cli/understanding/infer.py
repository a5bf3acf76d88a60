"""Content understanding: which of the catalog's own values does an entity lack that its words and other values imply?

A linear model of every (field, value) pair by naive Bayes, in its pointwise form: the score of a value is its
logarithmic prior plus ``ln P(feature | value)`` over the features of the entity: words of title and text, values of its
other fields, and whether the value itself is mentioned. Each half of the entities is scored by a model of the
other half, so that the entities whose value is known say how often such a score is right: nothing is believed that was
not right in ``PRECISION`` of the known cases, for the value and for scores like it; nor where hardly any entity like it
has the field at all (a laptop lacks the kind of ink for a reason). Where nothing can be told, nothing is inferred.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from ltrr_cli.core.inferred import Inferred
from ltrr_cli.core.types import BoolArray, Catalog, DoubleArray, FloatArray, IntArray
from ltrr_cli.text.packed import Array, open_arrays, write_arrays
from ltrr_cli.understanding.cases import LEAST, Cases, Sparse, read

FILE = "inferred.bin"
SAMPLE = 100_000  # entities that are learnt from
PRECISION = 0.7  # of known cases that have to be right
APPLIES = 0.3  # of the entities with such a score that have the field, at least
FEW_CASES = 10  # a feature of no more known cases speaks even by a single one
FOLDS = 4  # each is scored by a model of the others
BINS = 20  # of equal numbers of known cases, by score
SMOOTHING = 1.0  # cases of the prior in P(value | feature)
UNSEEN = 1e-3  # weight, beside the best value's 1, of all values that nothing speaks for
FEW = 3.0  # cases' worth of doing as all values do
CELLS = 4_000_000  # scores held at a time


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
    best = np.full((size, len(cases.fields)), -1, np.int32)
    score = np.zeros((size, len(cases.fields)), np.float32)
    for held in range(FOLDS):
        model = _learn(cases, learnt[fold[learnt] != held])
        rows = np.flatnonzero(fold == held)
        for part in np.array_split(rows, max(1, -(-len(rows) * len(cases.values) // CELLS))):
            best[part], score[part] = _tops(cases, model, part)
    return _believed(cases, best, score)


@dataclass(frozen=True, slots=True)
class _Model:
    """What speaks for which label.

    spoken, strength -- labels of every feature, and parallel ln P(label | feature) / P(label)
    prior            -- (labels,) ln P(label) where the field is there at all
    mention          -- (labels,) what being mentioned adds: ln P(label | mentioned) / P(label), pooled over a field
    """

    spoken: Sparse
    strength: DoubleArray
    prior: DoubleArray
    mention: DoubleArray


def _learn(cases: Cases, rows: Array) -> _Model:
    """Count on some entities."""
    labels, features = len(cases.values), len(cases.own)
    pairs: dict[str, list[Array]] = {"key": [], "count": []}
    for part in np.array_split(rows, max(1, len(rows) // 2_000)):
        owner, feature = cases.features.pairs(part)
        of, label = cases.labels.pairs(part)
        counts = np.bincount(of, minlength=len(part))
        starts = np.cumsum(counts) - counts
        many = counts[owner]
        first = np.repeat(np.cumsum(many) - many, many)
        at = np.arange(int(many.sum())) - first + np.repeat(starts[owner], many)
        keys = np.repeat(feature.astype(np.int64), many) * labels + label[at]
        keys = keys[cases.own[keys // labels] != cases.field_of[keys % labels]]
        key, count = np.unique(keys, return_counts=True)
        pairs["key"].append(key)
        pairs["count"].append(count)
    key, inverse = np.unique(np.concatenate(pairs["key"]), return_inverse=True)
    joint = np.bincount(inverse, np.concatenate(pairs["count"]), len(key))
    feature, label = key // labels, key % labels
    having = _known(cases, rows)  # (rows, fields)
    total = np.bincount(cases.labels.pairs(rows)[1], minlength=labels).astype(np.float64)
    prior = np.maximum(total, 0.5) / np.maximum(having.sum(axis=0)[cases.field_of], 1.0)
    with_field = _cases_of(cases, rows, having, feature, cases.field_of[label])
    owner, mentioned = cases.mentioned.pairs(rows)
    hers = having[owner, cases.field_of[mentioned]]
    owner, mentioned = owner[hers], mentioned[hers]
    own_owner, own_label = cases.labels.pairs(rows)
    right = np.isin(owner * labels + mentioned, own_owner * labels + own_label)
    said = np.bincount(cases.field_of[mentioned], minlength=len(cases.fields))
    meant = np.bincount(cases.field_of[mentioned], right, len(cases.fields))
    mention = np.log(np.maximum((meant + 0.1) / (said + 1.0), 1e-3)[cases.field_of] / prior)
    told = (joint + SMOOTHING * prior[label]) / (with_field + SMOOTHING) / prior[label]
    group = feature * len(cases.fields) + cases.field_of[label]
    _, group = np.unique(group, return_inverse=True)
    nats = np.bincount(group, joint * np.log(told))  # N times the Kullback-Leibler divergence, biased by what is seen
    telling = nats > np.bincount(group) + LEAST
    keep = np.flatnonzero(telling[group] & ((joint >= 2) | (with_field <= FEW_CASES)))
    strength = np.log1p(joint / (SMOOTHING * prior[label]))  # over a value that never stood beside the feature
    starts = np.searchsorted(feature[keep], np.arange(features + 1))
    return _Model(Sparse(starts, label[keep].astype(np.int32)), strength[keep], np.log(prior), np.maximum(mention, 0.0))


def _cases_of(cases: Cases, rows: Array, having: BoolArray, feature: Array, field: Array) -> DoubleArray:
    """Return for each (feature, field) how many of the rows have both."""
    fields = len(cases.fields)
    table = np.zeros(len(cases.own) * fields, np.float32)
    for part in np.array_split(np.arange(len(rows)), max(1, len(rows) // 2_000)):
        _, has = np.nonzero(having[part])
        known = Sparse(np.concatenate([[0], np.cumsum(having[part].sum(axis=1))]), has.astype(np.int32))
        owner, member = cases.features.pairs(rows[part])
        of, named = known.pairs(owner)
        table += np.bincount(member[of].astype(np.int64) * fields + named, minlength=len(table)).astype(np.float32)
    found: DoubleArray = table[feature * fields + field].astype(np.float64)
    return found


def _known(cases: Cases, rows: Array) -> BoolArray:
    """Return (rows, fields) bool: who has a value in which field."""
    having = np.zeros((len(rows), len(cases.fields)), np.bool_)
    owner, label = cases.labels.pairs(rows)
    having[owner, cases.field_of[label]] = True
    return having


def _tops(cases: Cases, model: _Model, rows: Array) -> tuple[IntArray, FloatArray]:
    """Return the best label of each field and its log-odds against the field's others, each (rows, fields).

    -1 where nothing speaks for any.
    """
    owner, feature = cases.features.pairs(rows)
    lengths = model.spoken.starts[feature + 1] - model.spoken.starts[feature]
    ends = np.cumsum(lengths)
    place = np.arange(int(ends[-1]) if len(ends) else 0)
    place += np.repeat(model.spoken.starts[feature] - (ends - lengths), lengths)
    of, mentioned = cases.mentioned.pairs(rows)
    labels = len(cases.values)
    cell = np.concatenate([np.repeat(owner, lengths) * labels + model.spoken.members[place], of * labels + mentioned])
    weight = np.concatenate([model.strength[place], model.mention[mentioned]])
    total = np.bincount(cell, weight, len(rows) * labels).reshape(len(rows), labels)
    best = np.full((len(rows), len(cases.fields)), -1, np.int32)
    score = np.zeros(best.shape, np.float32)
    for field, (start, end) in enumerate(zip(cases.bounds, cases.bounds[1:], strict=False)):
        part = total[:, start:end]
        spoken = np.flatnonzero(part.any(axis=1))
        odds = part[spoken] + model.prior[start:end]
        top = odds.argmax(axis=1)
        value = odds[np.arange(len(spoken)), top]
        rest = np.exp(np.minimum(odds - value[:, None], 0.0)).sum(axis=1) - 1.0 + UNSEEN
        best[spoken, field], score[spoken, field] = start + top, np.minimum(value, 0.0) - np.log(rest)
    return best, score


def _believed(cases: Cases, best: IntArray, score: FloatArray) -> Inferred:
    """Calibrate every field by the entities whose value is known; keep what is right often enough."""
    size, labels = len(best), len(cases.values)
    everyone = np.arange(size)
    having = _known(cases, everyone)
    owner, label = cases.labels.pairs(everyone)
    known = np.sort(owner * labels + label)
    found: list[tuple[Array, Array, DoubleArray]] = []
    for field in range(len(cases.fields)):
        told = np.flatnonzero(best[:, field] >= 0)
        has, guess = having[told, field], best[told, field].astype(np.int64)
        wanted = told * labels + guess
        place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        right = has & (known[place] == wanted)
        if has.sum() < LEAST or has.all():
            continue
        edges = np.quantile(score[told[has], field], np.linspace(0, 1, BINS + 1)[1:-1])
        of = np.searchsorted(edges, score[told, field])
        sure = _shares(right, has, of, guess)
        applies = _shares(has, np.ones(len(has), np.bool_), of, guess)
        keep = ~has & (sure >= PRECISION) & (applies >= APPLIES)
        found.append((told[keep], guess[keep], sure[keep]))
    if not found:
        return Inferred.none()
    row, pair, sure = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((pair, row))
    names = tuple(cases.fields[field] for field in cases.field_of)
    return Inferred(names, tuple(cases.values), row[order].astype(np.int32), pair[order].astype(np.int32),
                    sure[order].astype(np.float32))  # fmt: skip


def _shares(right: BoolArray, counted: BoolArray, bins: Array, values: Array) -> DoubleArray:
    """Return (n,) how often cases like each one are right: by bin of score, less where its value does worse.

    Only cases that are counted speak; a value with few of them does as all do (``FEW``).
    """
    by_bin = np.bincount(bins, right & counted, BINS) / (np.bincount(bins, counted, BINS) + 1.0)
    expected = by_bin[bins]
    _, value = np.unique(values, return_inverse=True)
    seen = np.bincount(value, (right & counted).astype(np.float64))
    usual = np.bincount(value, np.where(counted, expected, 0.0))
    shares: DoubleArray = expected * np.minimum((seen + FEW) / (usual + FEW), 1.0)[value]
    return shares
