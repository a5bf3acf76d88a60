"""The memory index: which entities worked for which queries; predicted at first, actual later.

Good for queries that come again, or come written another way. Knows nothing of entities nobody acted on, save what
their own titles and attributes predict.

Four kinds of evidence, kept apart so that the ranker can weigh them:

own        actions on (this very query, entity)
near       actions on queries written like it, each weighted cos(character 2-4-grams) ^ 12; and what entities take
           over from such as were chosen and have left the catalog, by the words that they share
bayes      naive Bayes over the query's words: P(entity | words), prior from the trend
predicted  pseudo-counts from the catalog: titles and attribute values as queries; they never decay, and actual
           counts outgrow them: share of the prior = strength / (n + strength)

Untrained score: ``(c' + strength p0) / (n + strength) x (1 + c) / (1 + c + against)`` with ``c = own + near``, each as
of late (``counts.late``), ``n`` its sum over all entities and ``c'`` proportional to ``c fame^power``, of the same sum;
what near brings fades as the query gathers support of its own. How strong predictions are, and how much fame (all
actions on an entity) counts beside a query's own actions, is learnt (``prior.PriorStrength``).

The first factor is the chance that an entity is chosen. A look without a choice is in it already: every action
on a query counts in the ``n`` of all others. The second is the chance that it satisfies who chose or was given it, a
Beta posterior whose prior counts one success and no failure (attraction times satisfaction: Chapelle & Zhang, WWW
2009). ``against`` are skips, dislikes and clicks on which nobody stayed, by their rewards, of this query and of those
like it. Where a log says only what was wanted, that factor is 1.
The constants below were chosen on held-out users of one catalog and held-out days of another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import msgspec
import numpy as np

from ltrr_cli.core.clock import HOUR
from ltrr_cli.core.intent import meant_by_name
from ltrr_cli.core.types import FloatArray, IntArray, Outcome, Request
from ltrr_cli.retrieval.counted_batch import CountedBatch, expanded
from ltrr_cli.retrieval.counts.decayed_counts import COLUMNS, DecayedCounts
from ltrr_cli.retrieval.counts.late import VisitCounts, as_of_late
from ltrr_cli.retrieval.counts.sorted_table import DistinctCounts, TotalCounts, codes_of, mixed
from ltrr_cli.retrieval.counts.trend import Trend
from ltrr_cli.retrieval.memory.departed_choices import DepartedChoices
from ltrr_cli.retrieval.memory.known_queries import KnownQueries
from ltrr_cli.retrieval.memory.memory_look import EVIDENCE, SIGNALS, MemoryLook
from ltrr_cli.retrieval.memory.predicted import Predicted, predict, summed
from ltrr_cli.retrieval.memory.prior import PRIOR, PriorStrength
from ltrr_cli.retrieval.memory.query_words import QueryWords
from ltrr_cli.retrieval.memory.recollection import Recollection, leaning, near_share, placed, prior_alone, prior_shares
from ltrr_cli.retrieval.memory.similar_queries import SimilarQueries, digits_of
from ltrr_cli.retrieval.outcome_batch import OutcomeBatch
from ltrr_cli.retrieval.sparse.sparse import Sparse
from ltrr_cli.retrieval.strategy import Fits, Resources, Strategy
from ltrr_cli.storage.segments import TextLog
from ltrr_cli.text.normalise import query_key, query_tokens

NEIGHBOURS = 100
SHARPNESS = 12  # a neighbour's weight is its cosine to this power
LEAST_WEIGHT = 1e-3  # neighbours lighter than this are left out
WRITINGS = 200_000  # queries as typed whose numbers are at hand
FEWEST_ACTIONS = 100.0  # before them nothing is said of what predictions are worth
FORMAT = 2  # of what is learnt
GROWN = 1.25  # times the actions after which that is learnt anew
GROWN_BY_DAYS = 2.0  # the same where actions come by days: of many of them each is a large part


class _Header(msgspec.Struct, frozen=True):
    """``memory.json``; in format 1 queries and words stood in it, at first without what predictions are worth."""

    format: int = 1
    keys: list[str] = []
    words: list[str] = []
    word_count: list[float] = []
    strengths: list[float] = []
    powers: list[float] = []
    actions: float = 0.0
    settled: float = 0.0
    famed: float = 0.0


class Memory(Strategy):
    """Actual and predicted query-to-entity pairs."""

    name: ClassVar[str] = "memory"
    evidence_names: ClassVar[tuple[str, ...]] = EVIDENCE
    signal_names: ClassVar[tuple[str, ...]] = SIGNALS

    def __init__(self, resources: Resources, predicted: Predicted) -> None:
        self._entities = len(resources.catalog)
        self._row_of = resources.catalog.row_of
        self._popularity = np.log1p(np.nan_to_num(resources.catalog.popularity))
        self._predicted = predicted
        self._keys: dict[str, int] = {}  # folded query -> its number
        self._written: list[str] = []  # the keys by their numbers
        self._queries = TextLog()
        self._pairs = DecayedCounts()
        self._against = TotalCounts()  # (query, entity) -> rewards below 0, summed
        self._departed = DepartedChoices()
        self._near = SimilarQueries()
        self._words = QueryWords()
        self._trend = Trend(self._entities)
        self._visits = VisitCounts()
        self._people = DistinctCounts()  # hashes of (user, query, entity): who is new to a pair
        self._numbers: dict[str, tuple[int, tuple[int, ...]]] = {}  # query as typed -> its number, its words'
        self._worth = PriorStrength()
        self._settled = self._actions = 0.0
        self._fits: dict[str, Mapping[str, np.ndarray]] = {}  # made here, by the actions that they were made of
        self._ahead: dict[str, Mapping[str, np.ndarray]] = {}  # made elsewhere, and not due yet

    # ------------------------------------------------------------ both halves on disk

    @classmethod
    def build(cls, resources: Resources, folder: Path) -> None:
        """Predict queries for every entity of the catalog."""
        predict(resources.catalog.entities(), folder, resources.predicted)

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Open the predicted half, and the actual half where there is one."""
        memory = cls(resources, Predicted.open(folder))
        if learned is not None:
            memory._load(learned)
        return memory

    def save(self, folder: Path) -> None:
        """Write the actual half."""
        self._pairs.save(folder / "pairs")
        self._against.save(folder / "against")
        self._departed.save(folder)
        self._near.save(folder / "neighbours")
        self._words.save(folder / "words")
        self._trend.save(folder / "trend")
        self._people.save(folder / "people")
        self._visits.save(folder)
        self._queries.save(folder / "queries", self._written)
        worth, so_far = self._worth, (self._actions, self._settled, self._worth.famed)
        header = _Header(FORMAT, [], [], [], worth.strengths, worth.powers, *so_far)
        (folder / "memory.json").write_bytes(msgspec.json.encode(header))

    def _load(self, folder: Path) -> None:
        header = msgspec.json.decode((folder / "memory.json").read_bytes(), type=_Header)
        self._written, words = header.keys, folder / "words"
        if header.format > 1:
            (self._queries, self._written), self._words = TextLog.open(folder / "queries"), QueryWords.open(words)
        else:
            self._words = QueryWords.first_format(words, header.words, header.word_count)
        if not (folder / "seen.npy").exists():  # of 0.1.0, whose hashes were others
            self._against = TotalCounts.open(folder / "against")
            self._people = DistinctCounts.open(folder / "people")
        self._keys = {key: number for number, key in enumerate(self._written)}
        self._worth = PriorStrength(header.strengths, header.powers, header.famed)
        self._settled, self._actions = header.settled, header.actions
        self._pairs = DecayedCounts.open(folder / "pairs")
        self._visits = VisitCounts.open(folder)
        self._departed.load(folder)
        self._near = SimilarQueries.open(folder / "neighbours", self._written)
        self._trend = Trend.open(folder / "trend")

    def join(self, company: Mapping[str, Strategy]) -> None:
        """Know who knows the words of what has left the catalog."""
        sparse = company.get(Sparse.name)
        self._departed.join(sparse if isinstance(sparse, Sparse) else None)

    @property
    def pairs(self) -> int:
        """How many (query, entity) pairs were acted on."""
        return len(self._pairs)

    # ------------------------------------------------------------ learning

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Count rewarded actions, and apart from them what speaks against; without a query the trend alone counts.

        What predictions and fame are worth is learnt anew when actions are a quarter more, just then and not before, so
        that it is the same in whatever batches they come; ``live`` leaves that to those who fold.
        """
        batch = OutcomeBatch.of(outcomes, self._row_of)
        start, wanted = 0, batch.wanted()
        actions = np.add.accumulate(np.concatenate([[self._actions], batch.worth[wanted]]))  # one after another
        while not self.live:
            due = int(np.searchsorted(actions, max(FEWEST_ACTIONS, GROWN * self._settled)))
            if due == len(actions):
                break
            stop = int(wanted[due - 1]) + 1
            self._take(batch.part(start, stop))
            start, self._settled = stop, float(actions[due])
            self._actions = self._settled
            self._settle()
        self._take(batch.part(start, len(batch)))
        self._actions = float(actions[-1])

    def _take(self, batch: OutcomeBatch) -> None:
        """Take in outcomes between which nothing is learnt anew."""
        wanted = batch.wanted()
        self._trend.add(batch.rows[wanted], batch.times_ms[wanted], batch.worth[wanted])
        asked: list[int] = []  # places among the outcomes
        keys: list[int] = []
        word_of: list[int] = []  # places among ``asked``, one per word
        words: list[int] = []
        doubted: list[int] = []  # places among the outcomes
        doubts: list[int] = []  # their queries
        gone: list[tuple[int, int]] = []  # places among the outcomes, and their queries
        worth, departed = batch.worth.tolist(), self._departed.places(batch)
        told = batch.rows >= 0 if departed is None else (batch.rows >= 0) | (departed >= 0)
        for place in np.flatnonzero((batch.worth != 0) & told).tolist():
            query = batch[place].query
            if worth[place] < 0:  # words and trend learn from what is wanted alone
                number = self._query(query_key(query))
                if number >= 0:
                    doubted.append(place)
                    doubts.append(number)
                continue
            number, places = self._numbers.get(query) or self._numbered(query)
            if departed is not None and departed[place] >= 0:
                gone += [(place, number)] if number >= 0 else []
            elif number >= 0:
                word_of += [len(asked)] * len(places)
                words += places
                asked.append(place)
                keys.append(number)
        if asked:
            rows, weights = batch.rows[asked], batch.worth[asked]
            codes, who, moments = codes_of(keys, rows), batch.who(asked), batch.times_ms[asked]
            new = self._people.add(mixed(who, codes))
            self._pairs.add(codes, moments, weights, new.astype(np.int32))
            self._visits.add(keys, moments, weights, who)
            self._words.add(words, rows[word_of], weights[word_of])
        if departed is not None and gone:
            outcomes = [place for place, _ in gone]
            self._departed.add([number for _, number in gone], departed[outcomes], batch, outcomes)
        if doubted:
            self._against.add(codes_of(doubts, batch.rows[doubted]), (-batch.worth[doubted]).astype(np.float32))

    def learn_counts(self, batch: CountedBatch) -> None:
        """Count a day's actions; what predictions and fame are worth is learnt anew when the day is known."""
        wanted = batch.wanted
        self._trend.add(*batch.by_entity)
        known = [self._numbers.get(query) or self._numbered(query) for query in batch.queries]
        number = np.fromiter((of for of, _ in known), np.int64, len(known))[batch.query]
        asked = wanted[number[wanted] >= 0]
        if len(asked):
            codes, worth = codes_of(number[asked], batch.rows[asked]), batch.worth[asked]
            moments = batch.moments(len(codes))
            self._pairs.add(codes, moments, worth, batch.users[asked])
            self._visits.add_people(number[asked], moments, batch.users[asked])
            words, place = expanded([words for _, words in known], batch.query[asked])
            self._words.add(words, batch.rows[asked][place], worth[place])
        doubted = np.flatnonzero((batch.against > 0) & (number >= 0))
        if len(doubted):
            doubts = batch.against[doubted].astype(np.float32)
            self._against.add(codes_of(number[doubted], batch.rows[doubted]), doubts)
        self._actions += float(batch.worth[wanted].sum())
        if not self.live and self._actions >= max(FEWEST_ACTIONS, GROWN_BY_DAYS * self._settled):
            self._settled = self._actions
            self._settle()

    def fits(self, asked: bool) -> Fits:
        """Return what predictions and fame were worth whenever that was learnt anew."""
        fits, self._fits = self._fits, {}
        return fits

    def take_fits(self, fits: Fits) -> None:
        """Know what predictions and fame will be worth."""
        self._ahead.update({name: arrays for name, arrays in fits.items() if name.startswith(self.name)})

    def _query(self, key: str) -> int:
        """Return the number of a query, new where it is new; -1 where it has no words."""
        number = self._keys.get(key) if key else -1
        if number is None:
            number = self._keys[key] = len(self._keys)
            self._written.append(key)
            self._near.add(key)
        return number

    def _numbered(self, query: str) -> tuple[int, tuple[int, ...]]:
        """Return the numbers of a query and of its words, new where they are new; (-1, ()) for no words."""
        if len(self._numbers) >= WRITINGS:
            self._numbers.clear()
        words = query_tokens(query)
        if not words:
            return self._numbers.setdefault(query, (-1, ()))
        return self._numbers.setdefault(query, (self._query("".join(words)), self._words.numbers(words)))

    # ------------------------------------------------------------ recalling

    def look(self, request: Request) -> MemoryLook:
        """Look at what worked for this query and for those like it."""
        return MemoryLook(lambda: self.recall(request), self._trend, request)

    def _settle(self) -> None:
        """Learn how much predictions and fame are worth, from known queries of every size, unless others did."""
        name = f"{self.name} {self._settled!r}"
        known = self._ahead.pop(name, None)
        if known is not None:
            self._worth = PriorStrength.of(known)
            return
        queries = KnownQueries(
            self._written, self._pairs, self._predicted, self._neighbours, self._popularity, self._fame,
            lambda predicted, support: self._worth.strength(predicted * self._untried(), support),
        )  # fmt: skip
        self._worth.learn(self._actions, self._pairs.sums(len(self._written)), queries.first)
        self._fits[name] = self._worth.arrays()

    def _untried(self) -> float:
        """Return how many actions a predicted row is worth: one for every action that an average entity has had."""
        return self._entities / max(self._actions, 1.0)

    def _fame(self, rows: IntArray) -> FloatArray:
        """Return (n,) float32: 1 and all actions on each row, undecayed."""
        return 1.0 + self._trend.at(rows, 0, COLUMNS - 1)

    def recall(self, request: Request) -> Recollection:
        """Gather all evidence for a request."""
        if not self._keys:
            return self._predicted_alone(request)
        moment, key = request.context.time_ms, request.reading.key
        own_rows, own_pairs, own = self._own(key, moment)
        neighbours = self._neighbours(key)
        near_rows, near = self._near_counts(*neighbours, moment)
        if self._departed:
            near_rows, near = self._departed.joined(near_rows, near, self._keys.get(key), *neighbours, moment)
        meant = request.reading.words
        typed = (*request.reading.tokens, *meant)
        word_rows, bayes, word_share = self._words.posterior(typed, meant, self._trend, moment)
        predicted_rows, predicted = self._predicted.of({key, query_key(" ".join(request.reading.words))})
        rows = np.unique(np.concatenate([own_rows, near_rows, word_rows, predicted_rows]))
        own = placed(rows, own_rows, own)
        near = placed(rows, near_rows, near)
        bayes = placed(rows, word_rows, bayes)
        predicted = placed(rows, predicted_rows, predicted)
        spoken_for = np.maximum(placed(rows, word_rows, word_share) ** 2, (own[:, -1] + near[:, -1] + predicted > 0))
        last = self._pairs.last(own_pairs)
        last_h = np.full(len(rows), np.nan, np.float32)
        last_h[np.searchsorted(rows, own_rows)] = (moment - last) / HOUR
        share = near_share(float(own[:, -1].sum()))
        late, near_late = self._as_of_late(key, own, *neighbours, near, moment)
        count, against = late + near_late * share, self._doubts(rows, key, *neighbours, share)
        support = float(count.sum())
        named = meant_by_name(request.reading) if len(predicted_rows) else 0.0
        untried = len(predicted_rows) * self._untried()
        strength, power = self._worth.strength(untried, support, named), self._worth.power(support)
        prior = prior_shares(self._popularity[rows], predicted, bayes[:, -1], strength, spoken_for)
        leant = leaning(count, self._fame(rows) ** power) if power else count
        satisfied = (PRIOR + count) / (PRIOR + count + against)
        own_part = leant * late / np.maximum(count, 1e-9)
        parts = np.column_stack([own_part, leant - own_part, strength * prior]) / (support + strength)
        of_score: FloatArray = (parts * satisfied[:, None]).astype(np.float32)
        return Recollection(
            rows=rows,
            own=own,
            near=near,
            bayes=bayes,
            users=placed(rows, own_rows, self._pairs.users(own_pairs).astype(np.float32)),
            last_h=last_h,
            predicted=predicted,
            against=against,
            spoken_for=spoken_for,
            of_score=of_score,
            score=of_score.sum(axis=1),
            support=support,
            share=strength / (support + strength),
        )

    def _predicted_alone(self, request: Request) -> Recollection:
        """Gather what there is before anybody acted on a query: what is predicted for it."""
        keys = {request.reading.key, query_key(" ".join(request.reading.words))}
        rows, predicted = self._predicted.of(keys)
        nothing = np.zeros(len(rows), np.float32)
        named = meant_by_name(request.reading) if len(rows) else 0.0
        strength = self._worth.strength(len(rows) * self._untried(), 0.0, named)
        prior = prior_shares(self._popularity[rows], predicted, nothing, strength, np.ones(len(rows), np.float32))
        return prior_alone(rows, predicted, prior)

    def _own(self, key: str, moment: int) -> tuple[IntArray, IntArray, FloatArray]:
        number = self._keys.get(key)
        pairs, _ = self._pairs.pairs_of([] if number is None else [number])
        return self._pairs.rows(pairs), pairs, self._pairs.values(pairs, moment)

    def _as_of_late(
        self, key: str, own: FloatArray, numbers: IntArray, weights: FloatArray, near: FloatArray, moment: int
    ) -> tuple[FloatArray, FloatArray]:
        """Return (n,) of each: what is chosen of late for a query, and for those like it."""
        came = self._visits.of([self._keys.get(key, -1), *numbers.tolist()], moment)
        return as_of_late(own, came[0]), as_of_late(near, weights @ came[1:])

    def _neighbours(self, key: str) -> tuple[IntArray, FloatArray]:
        """Return (numbers, weights) of queries written like this one."""
        numbers, cosine = self._near.near(key, NEIGHBOURS + 1, LEAST_WEIGHT ** (1 / SHARPNESS))
        other = numbers != self._keys.get(key, -1)
        mine = digits_of(key)
        if mine:  # another number asks for another thing, however alike it is written
            other &= np.array([digits_of(self._written[number]) == mine for number in numbers.tolist()], np.bool_)
        return numbers[other][:NEIGHBOURS], cosine[other][:NEIGHBOURS] ** SHARPNESS

    def _near_counts(self, numbers: IntArray, weights: FloatArray, moment: int) -> tuple[IntArray, FloatArray]:
        pairs, of = self._pairs.pairs_of(numbers.tolist())
        return summed(self._pairs.rows(pairs), self._pairs.values(pairs, moment) * weights[of, None])

    def _doubts(self, rows: IntArray, key: str, numbers: IntArray, weights: FloatArray, share: float) -> FloatArray:
        """Return (n,) float32: what spoke against rows (ascending), for a query and, less a share, its neighbours."""
        keys, worth = [self._keys.get(key, -1), *numbers.tolist()], np.concatenate([[1.0], share * weights])
        pairs, of = self._against.pairs_of(keys)
        found, against = summed(self._against.rows(pairs), self._against.totals(pairs) * worth[of])
        there = np.isin(found, rows)  # what nothing speaks for is not brought anyway
        return placed(rows, found[there], against[there])
