"""From the journal to off-policy estimates: what a policy would have shown in every logged search, and how likely.

The judged policy walks through time with the journal: it answers each live search knowing only what happened before,
so that no click can speak for a page that was built from it. What it would have shown is a distribution over pages
(its menu); what the log showed is known from the odds that were written when it was served.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ltrr_cli.allocation.models.strategy_history import PAST
from ltrr_cli.allocation.policy import Policy
from ltrr_cli.allocation.policy_registry import open_policy
from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.progress import Progress, quiet
from ltrr_cli.core.seeds import seed_of
from ltrr_cli.core.types import DoubleArray, Impression, Outcome, Shown
from ltrr_cli.engine.ruled_page import without_pins
from ltrr_cli.engine.search import Answer, answer, context_of
from ltrr_cli.evaluation.offpolicy import Exposures
from ltrr_cli.evaluation.reward_model import ridge_by_fold
from ltrr_cli.learning.credit import served_examples
from ltrr_cli.learning.timeline import LearnStep, SearchStep, happened, outcomes, timeline
from ltrr_cli.ranking.trained import open_model

if TYPE_CHECKING:
    from ltrr_cli.engine.snapshot import Snapshot
    from ltrr_cli.engine.state import State
    from ltrr_cli.ranking.model import Model

ORDER = "order"  # column of the reward model: the place that the judged ranker gives a candidate


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be judged: an allocation policy and the ranker behind it (None: fusion)."""

    name: str
    policy: Policy
    ranker: Model | None


def parse_target(state: State, snapshot: Snapshot, text: str) -> Target:
    """Read ``POLICY`` or ``POLICY/RANKER``; a ranker is ``serving``, ``fusion`` or a folder; raises UsageError.

    The policy begins with the catalog's warm start and learns on the way.
    """
    name, _, ranked = text.partition("/")
    folder = state.generations.open().catalog / "policy"
    policy = open_policy(state.settings.allocation, folder, name, (*snapshot.features(), *PAST))
    if ranked in ("", "serving"):
        return Target(text, policy, snapshot.ranker)
    if ranked == "fusion":
        return Target(text, policy, None)
    if not Path(ranked).is_dir():
        raise UsageError(f"no ranker {ranked[:80]!r}", hint="serving, fusion, or the folder of a model")
    return Target(text, policy, open_model(Path(ranked)))


@dataclass(slots=True)
class _Lines:
    """Lists that become arrays: shown lines, and everything a target would show."""

    search: list[int] = field(default_factory=list)
    weight: list[float] = field(default_factory=list)
    examined: list[float] = field(default_factory=list)
    ranks: list[Mapping[str, int]] = field(default_factory=list)
    reward: list[float] = field(default_factory=list)
    other_search: list[int] = field(default_factory=list)
    other_mass: list[float] = field(default_factory=list)
    other_ranks: list[Mapping[str, int]] = field(default_factory=list)
    mass: list[float] = field(default_factory=list)
    page_weight: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Logged:
    """Live searches of the journal as arrays, per target.

    exposures   -- target -> what the item-exposure estimators need
    page_weight -- target -> (s,) odds of the whole page over its logged odds; NaN where those are unknown
    page_odds   -- (s,) logged odds of the page; NaN where unknown
    reward      -- (s,) what each page earned
    cluster     -- (s,) its session
    left_out    -- reason -> searches
    """

    exposures: dict[str, Exposures]
    page_weight: dict[str, DoubleArray]
    page_odds: DoubleArray
    reward: DoubleArray
    cluster: np.ndarray
    left_out: dict[str, int]


def collect(
    state: State,
    names: Sequence[str],
    *,
    since_ms: int | None = None,
    progress: Progress = quiet,
) -> Logged:
    """Walk through the journal and weigh every live search for every target; raises UsageError for unknown names."""
    snapshot = state.open_snapshot(state.current(), learned=False)
    serving = state.snapshot()
    targets = [parse_target(state, serving, name) for name in names]
    rewards = earned(outcomes(state.journal, state.settings))
    collector = _Collector(state, snapshot, targets, rewards, since_ms, progress)
    for step in timeline(happened(state.journal, state.settings), snapshot.learn_counts):
        if isinstance(step, SearchStep):
            collector.on_search(step.impression)
        else:
            collector.learn(step)
    return collector.logged()


def earned(past: Iterable[Outcome]) -> dict[tuple[str, str], float]:
    """Return (impression, entity) -> its strongest reward: one line of a page earns once."""
    found: dict[tuple[str, str], float] = {}
    for outcome in past:
        if outcome.impression_id is not None and outcome.position is not None:
            key, worth = (outcome.impression_id, outcome.entity_id), outcome.reward * outcome.weight
            found[key] = max(found.get(key, 0.0), worth, key=abs)
    return found


class _Collector:
    def __init__(
        self,
        state: State,
        snapshot: Snapshot,
        targets: Sequence[Target],
        rewards: Mapping[tuple[str, str], float],
        since_ms: int | None,
        progress: Progress,
    ) -> None:
        self._state, self._snapshot, self._targets, self._rewards = state, snapshot, targets, rewards
        self._since_ms, self._progress = since_ms, progress
        self._exponent = state.settings.evaluation.examination
        self._lines = {target.name: _Lines() for target in targets}
        self._sessions: dict[str, int] = {}
        self._cluster: list[int] = []
        self._odds: list[float] = []
        self._reward: list[float] = []
        self._seen = 0
        self.left_out: dict[str, int] = {}

    def on_search(self, search: Impression) -> None:
        """Weigh one logged page for every target."""
        self._seen += 1
        search = without_pins(search)
        reason = self._unusable(search)
        if reason is not None:
            self.left_out[reason] = self.left_out.get(reason, 0) + 1
            return
        shown = search.shown or ()
        number = len(self._cluster)
        session = search.session or search.user or search.impression_id
        self._cluster.append(self._sessions.setdefault(session, len(self._sessions)))
        self._odds.append(float("nan") if search.page_odds is None else search.page_odds)
        self._reward.append(sum(self._rewards.get((search.impression_id, line.entity_id), 0.0) for line in shown))
        for target in self._targets:
            self._weigh(number, search, shown, target)
        self._progress("searches", self._seen, None)

    def learn(self, step: LearnStep) -> None:
        """Let the snapshot learn, and every judged policy as the serving one would have."""
        self._snapshot.learn(step.outcomes)
        examples = served_examples(self._snapshot, step)
        for target in self._targets:
            target.policy.learn(examples)
        self._snapshot.history.learn(examples, self._snapshot.features())

    def _unusable(self, search: Impression) -> str | None:
        if search.origin != "live":
            return f"{search.origin}: not live traffic"
        if search.plan is None or not search.shown:
            return "no page or no plan in the journal"
        if any(line.odds is None for line in search.shown):
            return "no odds in the journal"
        if any(rule.changes for rule in search.rules):
            return "boosted or widened by an editors' rule"
        if self._since_ms is not None and (search.time_ms or 0) < self._since_ms:
            return "before --from"
        try:
            self._snapshot.catalog.allowed(search.filters)
        except UsageError:
            return "filtered by what the catalog no longer has"
        return None

    def _weigh(self, number: int, search: Impression, shown: Sequence[Shown], target: Target) -> None:
        found = self._answer(search, len(shown), target)
        ids = [self._snapshot.catalog.ids[int(row)] for row in found.candidates.rows]
        theta = np.arange(1.0, len(shown) + 1.0) ** -self._exponent
        # entity -> (k,) odds of standing at each position, over draws and swaps
        stands = {ids[place]: np.array(chances) for place, chances in found.stands(len(shown)).items()}
        lines = self._lines[target.name]
        place_of = {entity: place for place, entity in enumerate(ids)}
        order = np.empty(len(ids), np.int64)
        order[np.lexsort((found.candidates.rows, -found.scores))] = np.arange(1, len(ids) + 1)
        for line in shown:
            lines.search.append(number)
            lines.examined.append(float(theta[line.position - 1]))
            lines.weight.append(_weight(line, stands.get(line.entity_id), theta))
            place = place_of.get(line.entity_id)
            lines.ranks.append(line.ranks if place is None else {**line.ranks, ORDER: int(order[place])})
            lines.reward.append(self._rewards.get((search.impression_id, line.entity_id), 0.0))
        for entity, chances in stands.items():
            lines.other_search.append(number)
            lines.other_mass.append(float(chances @ theta))
            place = place_of[entity]
            lines.other_ranks.append({**found.ranks_of(place), ORDER: int(order[place])})
        lines.mass.append(float(sum(chances @ theta for chances in stands.values())))
        same = [line.entity_id for line in sorted(shown, key=lambda line: line.position)]
        match = found.odds_of(np.array([place_of.get(entity, -1) for entity in same], np.int32))
        lines.page_weight.append(match / search.page_odds if search.page_odds else float("nan"))

    def _answer(self, search: Impression, k: int, target: Target) -> Answer:
        budget = sum(search.plan.draws.values()) if search.plan is not None else 0
        # as when it was served: strategies and policies may draw by it
        seed = seed_of("draw", search.impression_id) if search.seed is None else search.seed
        context = replace(context_of(search), filters=search.filters)
        return answer(
            self._snapshot, search.query, context, k=k, budget=budget, seed=seed, policy=target.policy,
            ranker=target.ranker, hidden=[entity for rule in search.rules for entity in (*rule.pinned, *rule.blocked)],
        )  # fmt: skip

    def logged(self) -> Logged:
        """Turn lists into arrays."""
        cluster = np.array(self._cluster, np.int64)
        return Logged(
            {name: _exposures(lines, cluster) for name, lines in self._lines.items()},
            {name: np.array(lines.page_weight) for name, lines in self._lines.items()},
            np.array(self._odds),
            np.array(self._reward),
            cluster,
            self.left_out,
        )


def _weight(line: Shown, stands: DoubleArray | None, theta: DoubleArray) -> float:
    """Return A_t / A_0 of one shown entity.

    Where the log knows only the odds of the position at which it stood, only the target's odds of that position count:
    an entity that could have stood elsewhere too would else be paid for more than once.
    """
    if stands is None:
        return 0.0
    if not line.places:
        return float(stands[line.position - 1]) / max(line.odds or 0.0, 1e-12)
    known = [(position, chance) for position, chance in line.places.items() if position <= len(theta)]
    return float(stands @ theta) / sum(chance * float(theta[position - 1]) for position, chance in known)


def _exposures(lines: _Lines, cluster: np.ndarray) -> Exposures:
    names = sorted({name for ranks in (*lines.ranks, *lines.other_ranks) for name in ranks})
    search, other = np.array(lines.search, np.int64), np.array(lines.other_search, np.int64)
    reward, examined = np.array(lines.reward, np.float64), np.array(lines.examined, np.float64)
    shown, would = _columns(lines.ranks, names), _columns(lines.other_ranks, names)
    predicted, promised = ridge_by_fold(shown, reward, examined, cluster[search], would, cluster[other])
    mass = np.array(lines.mass, np.float64)
    promised = np.array(lines.other_mass, np.float64) * promised
    direct = np.bincount(other, promised, minlength=len(mass)).astype(np.float64)
    return Exposures(search, reward, np.array(lines.weight, np.float64), examined, predicted, mass, direct, cluster)


def _columns(ranks: Sequence[Mapping[str, int]], names: Sequence[str]) -> DoubleArray:
    """Return (n, 1 + strategies): a constant, and 1 / sqrt(rank) in every strategy, 0 where it had not the entity."""
    column = {name: place for place, name in enumerate(names, 1)}
    found = np.zeros((len(ranks), 1 + len(names)))
    found[:, 0] = 1.0
    for place, of in enumerate(ranks):
        for name, rank in of.items():
            found[place, column[name]] = rank**-0.5
    return found
