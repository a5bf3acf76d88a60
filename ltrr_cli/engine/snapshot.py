"""The open snapshot: what one catalog generation and one learned generation hold, ready to answer and to learn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import numpy as np

from ltrr_cli.allocation.bandit_features import feature_names
from ltrr_cli.allocation.models.strategy_history import PAST, StrategyHistory
from ltrr_cli.allocation.models.user_preferences import UserPreferences, nobody
from ltrr_cli.allocation.policy import BanditExample, Policy, start_like
from ltrr_cli.allocation.policy_registry import open_policy
from ltrr_cli.backends.encoder import open_encoder
from ltrr_cli.catalog.columns import Columns
from ltrr_cli.core.config import Settings
from ltrr_cli.core.counted import CountedDay
from ltrr_cli.core.errors import DamagedError, DataError, UsageError
from ltrr_cli.core.inferred import Inferred
from ltrr_cli.core.intent import meant_by_name, states_values, surely
from ltrr_cli.core.memo import Memo
from ltrr_cli.core.types import Context, Encoder, FloatArray, Outcome, Profile, Reading, Request
from ltrr_cli.engine.constraints import allowed_by, asked_for, constrained
from ltrr_cli.engine.query_cache import QueryCache
from ltrr_cli.engine.rerank import Reranker
from ltrr_cli.engine.schema import misfit
from ltrr_cli.ranking.candidate_features import schema
from ltrr_cli.ranking.fusion import BY_RANK, BY_RANK_OF_CATALOG, CandidateScore, lead
from ltrr_cli.ranking.model import Model, Schema
from ltrr_cli.ranking.trained import holds_model, open_model
from ltrr_cli.retrieval import strategy_registry
from ltrr_cli.retrieval.counted_batch import CountLookups
from ltrr_cli.retrieval.entity_texts import facts_of
from ltrr_cli.retrieval.lexical import Lexical
from ltrr_cli.retrieval.outcome_batch import OutcomeBatch
from ltrr_cli.retrieval.related import Related
from ltrr_cli.retrieval.remote import Remote
from ltrr_cli.retrieval.strategy import Resources, Strategy
from ltrr_cli.storage.lock import Hold
from ltrr_cli.text.normalise import query_key
from ltrr_cli.text.operators import Operators
from ltrr_cli.understanding.inference.infer import open_inferred
from ltrr_cli.understanding.reader import Understanding


class CatalogHeader(msgspec.Struct, frozen=True):
    """What a catalog generation says of itself (``generation.json``)."""

    language: str
    encoder: str
    strategies: tuple[str, ...]
    fusion: dict[str, float]  # weight of each strategy, from known-item self-retrieval
    signals: tuple[str, ...]  # names of the bandit's features, beside time
    fusion_of_values: dict[str, float] = {}  # the same where a query states attribute values; empty: not known
    analysis: int = 1  # how its texts were taken apart; before 2 signs (c++) and decimals were not kept
    made_by: str = ""  # a digest of what decides how entities are built; "": not known
    changed: int = 0  # entities that came, changed or went since the last whole build


class LearnedHeader(msgspec.Struct, frozen=True):
    """What a learned generation says of itself (``fold.json``)."""

    catalog: int
    events: int
    outcomes: int
    last_event_ms: int | None
    position: str


ANALYSIS = 2  # see ``CatalogHeader.analysis``
CATALOG_ENCODER = "catalog"  # the encoder learnt here
LEXICAL, DENSE = "lexical", "dense"
LEAST = 1e-3  # of a strategy that finds no known item: it decides where no other brings anything


@dataclass(slots=True, weakref_slot=True)
class Snapshot:
    """Open state. ``learn`` changes it in memory only; ``learning.publish`` folds and publishes."""

    settings: Settings
    header: CatalogHeader
    catalog: Columns
    encoder: Encoder
    understanding: Understanding
    strategies: dict[str, Strategy]
    policy: Policy
    shadow: Policy | None = None
    history: StrategyHistory = field(default_factory=StrategyHistory)
    preferences: UserPreferences = field(default_factory=nobody)
    ranker: Model | None = None
    reranker: Reranker = field(default_factory=Reranker)
    clock_ms: int = 0
    inferred: Inferred = field(default_factory=Inferred.none)
    warnings: list[str] = field(default_factory=list)
    holds: tuple[Hold, ...] = ()
    opened: Memo = field(default_factory=Memo)  # policies that were asked for by name
    texts: QueryCache = field(default_factory=QueryCache)

    def features(self) -> tuple[str, ...]:
        """Return the names of what the bandit sees of every question, in the order of ``Situation.features``."""
        return feature_names(self.header.signals)

    def enabled(self) -> tuple[str, ...]:
        """Return the names of the strategies that may bring candidates, in the registry's order."""
        off = set(self.settings.retrieval.off)
        names = tuple(name for name in self.strategies if name not in off)
        if not names:
            raise UsageError("every strategy is switched off", hint="shorten retrieval.off in ltrr.toml")
        return names

    def schema(self) -> Schema:
        """Return the columns of every search: they depend on the strategies, never on the query."""
        names = self.enabled()
        signals = self.request("", Context(self.clock_ms), seed=0).reading.signals
        evidence = tuple((name, self.strategies[name].evidence_names) for name in names)
        return schema(names, evidence, tuple(sorted(signals)))

    def told(self) -> list[str]:
        """Return all that whoever asks should be warned of."""
        return [*self.warnings, *self.reranker.warnings]

    def fusion_weights(self, names: Sequence[str], reading: Reading) -> FloatArray:
        """Return (len(names),) float32, the weights of fusion for a query.

        What explores weighs nothing: it never leads a page by its own word. Without words known items say nothing, and
        who starts from a person or an entity that is given leads. Weights for stated values count by the odds that the
        query is one. Where something else than a name is asked for, ``lexical`` and ``dense`` lead (``fusion.lead``):
        known items are mostly names, and nobody paraphrases there.
        """
        if not reading.tokens:
            return self._weights(names, {name: float(one.second_wave) for name, one in self.strategies.items()})
        weights = self._weights(names, self.header.fusion)
        stated = states_values(reading) if self.header.fusion_of_values else 0.0
        if LEXICAL in names and DENSE in names:
            named = surely(meant_by_name(reading))
            two = names.index(LEXICAL), names.index(DENSE)
            leading = lead(weights, *two, pretrained=self._pretrained(names))
            weights = (named * weights + (1.0 - named) * leading).astype(np.float32)
        if stated:
            weights = (1.0 - stated) * weights + stated * self._weights(names, self.header.fusion_of_values)
        return weights

    def leading(self, names: Sequence[str], reading: Reading) -> FloatArray | None:
        """Return (len(names),) float32, the shares of an allocation before clicks tell more: who weighs most leads.

        None where known items say it all, or nothing is asked.
        """
        if not reading.tokens or not self._pretrained(names):
            return None
        weights = self.fusion_weights(names, reading)
        shares: FloatArray = weights / weights.sum()
        return shares

    def scored_as(self) -> dict[str, CandidateScore]:
        """Return strategy -> how it scores any candidate."""
        by_rank = BY_RANK if self._pretrained(tuple(self.strategies)) else BY_RANK_OF_CATALOG
        return {
            name: CandidateScore(f"{name}.{one.scores_all_as}", one.least_score, by_rank)
            for name, one in self.strategies.items()
            if one.scores_all_as is not None
        }

    def _pretrained(self, names: Sequence[str]) -> bool:
        return DENSE in names and self.header.encoder != CATALOG_ENCODER

    def _weights(self, names: Sequence[str], known: Mapping[str, float]) -> FloatArray:
        as_known = [self.strategies[name].weigh_like or name for name in names]
        weights = np.array([max(known.get(name, 0.0), LEAST) for name in as_known], np.float32)
        weights[[self.strategies[name].exploring for name in names]] = 0.0
        return weights

    def request(self, query: str, context: Context, seed: int, hidden: Iterable[str] = (), also: str = "") -> Request:
        """Read a query, its operators aside, and ``also`` further words; ``hidden`` ids are not allowed on the page."""
        asked = self._asked(query)
        text = f"{asked.text} {also}".strip() if also else asked.text
        read = self.texts.of(text, context.locale, self.understanding.read)
        reading = replace(read.reading, key=query_key(asked.text)) if also else read.reading  # the memory's: as typed
        allowed = allowed_by(context, hidden, self.catalog)
        if not (asked.phrases or asked.excluded):
            return Request(text, context, reading, seed, allowed, of_text=read.looks if allowed is None else None)
        request = Request(text, context, reading, seed, allowed)
        lexical = self.strategies.get(Lexical.name)
        reading = replace(reading, phrases=asked.phrases, excluded=asked.excluded)
        held = lexical if isinstance(lexical, Lexical) else None
        return constrained(replace(request, reading=reading), self.catalog, held)

    def _asked(self, query: str) -> Operators:
        return asked_for(query, self.understanding.names, plainly=self.header.analysis < ANALYSIS)

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Let every strategy take in outcomes, in time order."""
        texts = {query: self._asked(query).text for query in {one.query for one in outcomes}}
        outcomes = [one if texts[one.query] == one.query else replace(one, query=texts[one.query]) for one in outcomes]
        batch = OutcomeBatch.of(outcomes, self.catalog.row_of)
        for strategy in self.strategies.values():
            strategy.learn(batch)

    def learn_counts(self, day: CountedDay) -> None:
        """Let every strategy take in a day that was counted, in time order among outcomes."""
        lookups = self.opened.once("lookups of counts", CountLookups)
        batch = lookups.batch(day, self.catalog.row_of, lambda query: self._asked(query).text)
        for strategy in self.strategies.values():
            strategy.learn_counts(batch)

    def meet(self, people: Sequence[Profile]) -> None:
        """Let every strategy know what is said of people."""
        for strategy in self.strategies.values() if people else ():
            strategy.meet(people)

    def teach(self, examples: Sequence[BanditExample]) -> None:
        """Let the bandit take in examples, in time order."""
        self.policy.learn(examples)
        if self.shadow is not None:
            self.shadow.learn(examples)
        self.history.learn(examples, self.features())

    def start_remotes(self) -> None:
        """Let the bandit know of remote strategies, which were never measured, what it knows of those they are like."""
        likes = {name: one.weigh_like for name, one in self.strategies.items() if one.remote}
        for policy in (self.policy, self.shadow):
            start_like(policy, likes)
        self.history.start_like(likes)

    def go_live(self, live: bool) -> None:
        """Begin, or end, to learn while it answers: what is fitted on a schedule is then left as it is."""
        for strategy in self.strategies.values():
            strategy.go_live(live)

    def save_bandit(self, folder: Path) -> None:
        """Write all that the bandit knows."""
        if self.shadow is not None:
            self.shadow.save(folder)
        self.policy.save(folder)  # the last word, where both keep the same
        self.history.save(folder)


def header_of(catalog_folder: Path) -> CatalogHeader:
    """Return what a catalog generation says of itself."""
    return msgspec.json.decode((catalog_folder / "generation.json").read_bytes(), type=CatalogHeader)


def open_snapshot(
    settings: Settings,
    catalog_folder: Path,
    learned_folder: Path | None,
    damaged: Iterable[str] = (),
    *,
    serving: bool = True,
    texts: QueryCache | None = None,
) -> Snapshot:
    """Open a catalog generation and, where there is one, what was learnt on top.

    damaged -- names of learned parts ("memory", "policy", "ranker") that must not be read; they fall back.
    serving -- False: whoever only learns needs no ranker
    texts   -- what is known of texts that were asked of this catalog generation; None: nothing
    """
    header = header_of(catalog_folder)
    catalog = Columns.open(catalog_folder / "columns")
    encoder = open_encoder(catalog_folder / "encoder")
    inferred = open_inferred(catalog_folder / "inferred")
    understanding = Understanding.open(catalog_folder / "understanding", catalog.ids)
    resources = Resources(catalog, encoder, header.language, inferred, names=understanding.names)
    broken = set(damaged)
    bandit = _first(learned_folder, catalog_folder, "policy", broken)
    names, shadow = (*feature_names(header.signals), *PAST), settings.allocation.shadow
    snapshot = Snapshot(
        settings=settings,
        header=header,
        catalog=catalog,
        encoder=encoder,
        inferred=inferred,
        understanding=understanding,
        strategies={},
        policy=open_policy(settings.allocation, bandit, features=names),
        shadow=open_policy(settings.allocation, bandit, shadow, names) if shadow else None,
        history=StrategyHistory.open(bandit) if (bandit / "history.json").exists() else StrategyHistory(),
        clock_ms=catalog.newest_ms() or 0,
        texts=texts or QueryCache(),
    )
    for name in header.strategies:
        learned = None if learned_folder is None or name in broken else learned_folder / name
        snapshot.strategies[name] = strategy_registry.strategy(name).open(resources, catalog_folder / name, learned)
    for name, remote_settings in settings.retrieval.remote.items():
        if name in snapshot.strategies:
            raise DataError(f"retrieval.remote.{name}: a local strategy has this name", hint="choose another")
        snapshot.strategies[name] = Remote(catalog, remote_settings.weigh_like).named(name)
    snapshot.start_remotes()
    for strategy in snapshot.strategies.values():
        strategy.join(snapshot.strategies)
    related = snapshot.strategies.get(Related.name)
    if isinstance(related, Related):  # whose log of actions says what users usually choose
        snapshot.preferences = UserPreferences(related.graph.actions.newest, lambda row: facts_of(catalog.entity(row)))
    if learned_folder is not None:
        _open_learned(snapshot, learned_folder, broken if serving else {*broken, "ranker"})
    if serving:
        snapshot.reranker = Reranker.open(settings.ranking.cross)
    return snapshot


def _open_learned(snapshot: Snapshot, folder: Path, broken: set[str]) -> None:
    fold = msgspec.json.decode((folder / "fold.json").read_bytes(), type=LearnedHeader)
    snapshot.clock_ms = max(snapshot.clock_ms, fold.last_event_ms or 0)
    if "ranker" not in broken and holds_model(folder / "ranker"):
        try:
            ranker = open_model(folder / "ranker")
        except DamagedError as error:
            snapshot.warnings.append(f"ranker not used: {error}")
            return
        reason = misfit(snapshot.schema(), ranker)
        if reason is None:
            snapshot.ranker = ranker
        else:
            snapshot.warnings.append(f"ranker not used: {reason}; run `ltrr train-ranker`")


def _first(learned: Path | None, catalog: Path, part: str, broken: set[str]) -> Path:
    """Return the learned part's folder where it is there and sound, else the catalog's (the warm start)."""
    if learned is not None and part not in broken and (learned / part).is_dir():
        return learned / part
    return catalog / part
