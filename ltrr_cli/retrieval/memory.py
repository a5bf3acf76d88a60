"""The memory index: which entities worked for which queries; predicted at first, actual later.

Good for queries that come again, or come written another way. Knows nothing of entities nobody acted on, save what
their own titles and attributes predict.

Four kinds of evidence, kept apart so that the ranker can weigh them:

own        actions on (this very query, entity)
near       actions on queries written like it, each weighted cos(character 2-4-grams) ^ 12
bayes      naive Bayes over the query's words: P(entity | words), prior from the trend
predicted  pseudo-counts from the catalog: titles and attribute values as queries; they never decay, and actual
           counts outgrow them: share of the prior = PRIOR / (n + PRIOR)

Untrained score: ``(own + near + PRIOR p0) / (n + PRIOR)`` with ``n`` the sum of own + near over all entities; what
near brings fades as the query gathers support of its own. The constants below were chosen on held-out users of one
catalog and held-out days of another; the figures are flat around them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import msgspec
import numpy as np

from ltrr_cli.core.chance import seed_of
from ltrr_cli.core.clock import HOUR
from ltrr_cli.core.types import Entity, FloatArray, Hits, IntArray, Outcome, Request
from ltrr_cli.retrieval.base import Resources, Strategy, best
from ltrr_cli.retrieval.neighbours import Neighbours
from ltrr_cli.retrieval.pairs import COLUMNS, HALF_LIVES_H, Pairs
from ltrr_cli.retrieval.trend import Trend
from ltrr_cli.text.normalise import query_key, query_tokens

NEIGHBOURS = 100
SHARPNESS = 12  # a neighbour's weight is its cosine to this power
LEAST_WEIGHT = 1e-3  # neighbours lighter than this are left out
NEAR_FADES = 10.0  # own actions above which the neighbours' share shrinks
PRIOR = 1.0  # actions' worth of all predictions together
BAYES_SHARE, PREDICTED_SHARE, POPULAR_SHARE = 0.3, 0.5, 1.0  # sources of the prior, each a distribution
WORD_ROWS = 500  # entities that the words alone may bring up
SMOOTHING = 1.0  # actions' worth of the background in P(word | entity)
PREDICTED_ROWS = 200  # entities kept per predicted query

_SPANS = (*(f"{h:g}h" for h in HALF_LIVES_H), "ever")


@dataclass(frozen=True, slots=True)
class Recollection:
    """All that the memory has to say on one request: parallel arrays over the rows it thought of, ascending.

    own, near, bayes -- (n, COLUMNS) float32; counts, weighted counts, posterior shares per half-life
    users, last_h    -- (n,) float32; distinct users, hours since the last action (NaN: never)
    predicted        -- (n,) float32, sums to 1 at most
    score            -- (n,) float32, 0..1
    support          -- n in the formula above
    """

    rows: IntArray
    own: FloatArray
    near: FloatArray
    bayes: FloatArray
    users: FloatArray
    last_h: FloatArray
    predicted: FloatArray
    score: FloatArray
    support: float


class Memory(Strategy):
    """Actual and predicted query-to-entity pairs."""

    name: ClassVar[str] = "memory"
    evidence_names: ClassVar[tuple[str, ...]] = (
        *(f"own_{span}" for span in _SPANS),
        *(f"near_{span}" for span in _SPANS),
        *(f"bayes_{span}" for span in _SPANS),
        *(f"trend_{span}" for span in _SPANS),
        "own_count",
        "near_count",
        "users",
        "last_h",
        "predicted",
        "belief",
        "prior_share",
    )

    def __init__(self, resources: Resources, predicted: _Predicted) -> None:
        self._entities = len(resources.catalog)
        self._row_of = resources.catalog.row_of
        self._popularity = np.log1p(np.nan_to_num(resources.catalog.popularity))
        self._predicted = predicted
        self._keys: dict[str, int] = {}
        self._pairs = Pairs()
        self._near = Neighbours()
        self._words: dict[str, int] = {}
        self._word_pairs = Pairs()
        self._word_count: list[float] = []
        self._trend = Trend(self._entities)
        self._seen: set[int] = set()  # hashes of (user, query, entity): who is new to a pair
        self._version = 0
        self._last: tuple[tuple[object, ...], Recollection] | None = None

    # ------------------------------------------------------------ both halves on disk

    @classmethod
    def build(cls, resources: Resources, folder: Path) -> None:
        """Predict queries for every entity of the catalog."""
        predict(resources.catalog.entities(), folder)

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Open the predicted half, and the actual half where there is one."""
        memory = cls(resources, _Predicted.open(folder))
        if learned is not None:
            memory._load(learned)
        return memory

    def save(self, folder: Path) -> None:
        """Write the actual half."""
        self._pairs.save(folder / "pairs.npz")
        self._near.save(folder / "neighbours.npz")
        self._word_pairs.save(folder / "words.npz")
        self._trend.save(folder / "trend.npz")
        header = {"keys": list(self._keys), "words": list(self._words), "word_count": self._word_count}
        (folder / "memory.json").write_bytes(msgspec.json.encode(header))
        np.save(folder / "seen.npy", np.sort(np.fromiter(self._seen, np.uint64, len(self._seen))))

    def _load(self, folder: Path) -> None:
        header = msgspec.json.decode((folder / "memory.json").read_bytes())
        self._keys = {key: number for number, key in enumerate(header["keys"])}
        self._words = {word: number for number, word in enumerate(header["words"])}
        self._word_count = list(map(float, header["word_count"]))
        self._pairs = Pairs.open(folder / "pairs.npz")
        self._near = Neighbours.open(folder / "neighbours.npz")
        self._word_pairs = Pairs.open(folder / "words.npz")
        self._trend = Trend.open(folder / "trend.npz")
        self._seen = set(np.load(folder / "seen.npy", allow_pickle=False).tolist())

    @property
    def pairs(self) -> int:
        """How many (query, entity) pairs were acted on."""
        return len(self._pairs)

    # ------------------------------------------------------------ learning

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Count rewarded actions; what carries no query counts for the trend alone."""
        for outcome in outcomes:
            weight = outcome.reward * outcome.weight
            row = self._row_of(outcome.entity_id)
            if weight > 0 and row >= 0:
                self._count(outcome, row, weight)
        self._version += 1

    def _count(self, outcome: Outcome, row: int, weight: float) -> None:
        self._trend.add(row, outcome.time_ms, weight)
        words = query_tokens(outcome.query)
        if not words:
            return
        key = "".join(words)
        number = self._keys.get(key)
        if number is None:
            number = self._keys[key] = self._pairs.new_key()
            self._near.add(key)
        who = seed_of(outcome.user or outcome.session or outcome.event_id, number, row)
        self._pairs.add(number, row, outcome.time_ms, weight, new_user=who not in self._seen)
        self._seen.add(who)
        for word in dict.fromkeys(words):
            place = self._words.get(word)
            if place is None:
                place = self._words[word] = self._word_pairs.new_key()
                self._word_count.append(0.0)
            self._word_pairs.add(place, row, outcome.time_ms, weight)
            self._word_count[place] += weight

    # ------------------------------------------------------------ recalling

    def retrieve(self, request: Request, limit: int) -> Hits:
        """Bring what worked, best belief first."""
        found = self.recall(request)
        return best(found.rows, found.score, limit, request.allowed)

    def signals(self, request: Request) -> Mapping[str, float]:
        """How much is known of this query."""
        found = self.recall(request)
        own = float(found.own[:, -1].sum())
        return {
            "hit": float(own > 0),
            "support": float(np.log1p(own)),
            "near_support": float(np.log1p(found.near[:, -1].sum())),
            "predicted": float(found.predicted.sum()),
            "confidence": float(found.score.max(initial=0.0)),
        }

    def evidence(self, request: Request, rows: IntArray) -> FloatArray:
        """Say of each row what the memory knows; shares are over all entities of this query."""
        found = self.recall(request)
        place = np.searchsorted(found.rows, rows)
        known = place < len(found.rows)
        known[known] = found.rows[place[known]] == rows[known]
        table = np.zeros((len(rows), len(self.evidence_names)), np.float32)
        table[:, -5] = np.nan  # last_h
        hit = place[known]
        table[known, :COLUMNS] = _shares(found.own)[hit]
        table[known, COLUMNS : 2 * COLUMNS] = _shares(found.near)[hit]
        table[known, 2 * COLUMNS : 3 * COLUMNS] = found.bayes[hit]
        moment = request.context.time_ms
        table[:, 3 * COLUMNS : 4 * COLUMNS] = self._trend.values(rows, moment) / np.maximum(
            self._trend.totals(moment), 1e-9
        )
        table[known, 4 * COLUMNS :] = np.column_stack(
            [
                np.log1p(found.own[hit, -1]),
                np.log1p(found.near[hit, -1]),
                np.log1p(found.users[hit]),
                found.last_h[hit],
                found.predicted[hit],
                found.score[hit],
                np.zeros(len(hit)),
            ]
        )
        table[:, -1] = PRIOR / (found.support + PRIOR)
        return table

    def recall(self, request: Request) -> Recollection:
        """Gather all evidence for a request (kept for the last one: several methods ask)."""
        asked = (request.query, request.context.time_ms, request.reading.words, self._version)
        if self._last is None or self._last[0] != asked:
            self._last = (asked, self._recall(request))
        return self._last[1]

    def _recall(self, request: Request) -> Recollection:
        moment, key = request.context.time_ms, request.reading.key
        own_rows, own_pairs, own = self._own(key, moment)
        near_rows, near = self._from_neighbours(key, moment)
        word_rows, bayes = self._from_words(dict.fromkeys((*request.reading.tokens, *request.reading.words)), moment)
        predicted_rows, predicted = self._predicted.of({key, query_key(" ".join(request.reading.words))})
        rows = np.unique(np.concatenate([own_rows, near_rows, word_rows, predicted_rows]))
        own = _placed(rows, own_rows, own)
        near = _placed(rows, near_rows, near)
        bayes = _placed(rows, word_rows, bayes)
        predicted = _placed(rows, predicted_rows, predicted)
        last = self._pairs.last(own_pairs)
        last_h = np.full(len(rows), np.nan, np.float32)
        last_h[np.searchsorted(rows, own_rows)] = (moment - last) / HOUR
        acted = float(own[:, -1].sum())
        count = own[:, -1] + near[:, -1] * min(1.0, NEAR_FADES / max(acted, 1e-9))
        support = float(count.sum())
        known = self._popularity[rows] ** 2
        prior = BAYES_SHARE * bayes[:, -1] + PREDICTED_SHARE * predicted
        prior += POPULAR_SHARE * known / max(float(known.sum()), 1e-9)
        prior /= max(float(prior.sum()), 1.0)
        return Recollection(
            rows=rows,
            own=own,
            near=near,
            bayes=bayes,
            users=_placed(rows, own_rows, self._pairs.users(own_pairs).astype(np.float32)),
            last_h=last_h,
            predicted=predicted,
            score=((count + PRIOR * prior) / (support + PRIOR)).astype(np.float32),
            support=support,
        )

    def _own(self, key: str, moment: int) -> tuple[IntArray, IntArray, FloatArray]:
        number = self._keys.get(key)
        pairs, _ = self._pairs.pairs_of([] if number is None else [number])
        return self._pairs.rows(pairs), pairs, self._pairs.values(pairs, moment)

    def _from_neighbours(self, key: str, moment: int) -> tuple[IntArray, FloatArray]:
        numbers, cosine = self._near.near(key, NEIGHBOURS + 1, LEAST_WEIGHT ** (1 / SHARPNESS))
        other = numbers != self._keys.get(key, -1)
        numbers, weight = numbers[other][:NEIGHBOURS], cosine[other][:NEIGHBOURS] ** SHARPNESS
        pairs, of = self._pairs.pairs_of(numbers.tolist())
        return _summed(self._pairs.rows(pairs), self._pairs.values(pairs, moment) * weight[of, None])

    def _from_words(self, words: Iterable[str], moment: int) -> tuple[IntArray, FloatArray]:
        """P(entity | words) with a prior per half-life; rows that no word touches are left out."""
        places = [self._words[word] for word in words if word in self._words]
        pairs, of = self._word_pairs.pairs_of(places)
        if not len(pairs):
            return np.empty(0, np.int32), np.empty((0, COLUMNS), np.float32)
        rows, inverse = np.unique(self._word_pairs.rows(pairs), return_inverse=True)
        counts = np.zeros((len(rows), len(places)))
        counts[inverse, of] = self._word_pairs.totals(pairs)
        total = self._trend.values(rows, moment)  # (n, COLUMNS)
        background = np.array([self._word_count[place] for place in places])
        background /= max(float(self._trend.totals(moment)[-1]), 1.0)
        likelihood = np.log((counts + SMOOTHING * background) / (total[:, -1:] + SMOOTHING)).sum(axis=1)
        if len(rows) > WORD_ROWS:
            keep = np.sort(np.argsort(-(likelihood + np.log(total[:, -1])), kind="stable")[:WORD_ROWS])
            rows, likelihood, total = rows[keep], likelihood[keep], total[keep]
        posterior = np.exp(likelihood - likelihood.max())[:, None] * total
        return rows, (posterior / np.maximum(posterior.sum(axis=0), 1e-30)).astype(np.float32)


class _Predicted:
    """Predicted queries as hashed keys (sorted) with their rows: nothing to parse when it opens."""

    def __init__(self, keys: np.ndarray, starts: np.ndarray, rows: IntArray, weights: FloatArray) -> None:
        self._keys, self._starts, self._rows, self._weights = keys, starts, rows, weights

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Map the arrays."""
        return cls(*(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS))

    def of(self, keys: Iterable[str]) -> tuple[IntArray, FloatArray]:
        """Return (rows ascending, weights that sum to 1 or to 0)."""
        rows, weights = [np.empty(0, np.int32)], [np.empty(0, np.float32)]
        for key in sorted(keys):
            hashed = np.uint64(seed_of(key))
            place = int(np.searchsorted(self._keys, hashed))
            if key and place < len(self._keys) and self._keys[place] == hashed:
                part = slice(int(self._starts[place]), int(self._starts[place + 1]))
                rows.append(self._rows[part])
                weights.append(self._weights[part])
        found, weight = _summed(np.concatenate(rows), np.concatenate(weights))
        return found, weight / max(float(weight.sum()), 1e-9)


_ARRAYS = ("keys", "starts", "rows", "weights")


def predict(entities: Iterable[Entity], folder: Path) -> None:
    """Write what the catalog predicts: titles and attribute values as queries, one count each, spread by popularity."""
    keys: list[int] = []
    rows: list[int] = []
    strength: list[float] = []
    for row, entity in enumerate(entities):
        weight = 1.0 + float(np.log1p(max(entity.popularity or 0.0, 0.0)))
        for text, share in _predictions(entity).items():
            keys.append(seed_of(text))
            rows.append(row)
            strength.append(weight * share)
    order = np.lexsort((np.array(rows), -np.array(strength), np.array(keys, np.uint64)))
    key, row_, value = (np.array(a, t)[order] for a, t in ((keys, np.uint64), (rows, np.int32), (strength, np.float32)))
    first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else np.empty(0, np.int64)
    rank = np.arange(len(key)) - np.repeat(first, np.diff(np.r_[first, len(key)]))
    keep = rank < PREDICTED_ROWS
    key, row_, value = key[keep], row_[keep], value[keep] ** 2
    first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else np.empty(0, np.int64)
    starts = np.r_[first, len(key)].astype(np.int64)
    total = np.add.reduceat(value, first) if len(key) else value
    for name, array in zip(_ARRAYS, (key[first], starts, row_, value / np.repeat(total, np.diff(starts))), strict=True):
        np.save(folder / f"{name}.npy", array)


def _predictions(entity: Entity) -> dict[str, float]:
    """Folded queries an entity should answer, with their shares: its title whole, its attribute values by order."""
    found: dict[str, float] = {}
    for value in entity.attributes.values():
        for place, text in enumerate((value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()):
            key = query_key(text)
            if key:
                found[key] = max(found.get(key, 0.0), 0.5 / (1.0 + 0.2 * place))
    title = query_key(entity.title)
    if title:
        found[title] = 2.0
    return found


def _shares(counts: FloatArray) -> FloatArray:
    """Divide each column by its sum (0 where there is nothing)."""
    shares: FloatArray = counts / np.maximum(counts.sum(axis=0), 1e-9)
    return shares


def _placed(rows: IntArray, of: IntArray, values: FloatArray) -> FloatArray:
    """Spread values of ``of`` (a subset of sorted ``rows``) over ``rows``; 0 elsewhere."""
    spread = np.zeros((len(rows), *values.shape[1:]), np.float32)
    spread[np.searchsorted(rows, of)] = values
    return spread


def _summed(rows: IntArray, values: FloatArray) -> tuple[IntArray, FloatArray]:
    """Add up the values of equal rows; rows ascending."""
    distinct, inverse = np.unique(rows, return_inverse=True)
    total = np.zeros((len(distinct), *values.shape[1:]), np.float32)
    np.add.at(total, inverse, values)
    return distinct, total
