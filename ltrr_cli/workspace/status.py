"""The workspace in a dozen facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ltrr_cli.allocation.models.hazard_table import Belief
from ltrr_cli.core.report import Report
from ltrr_cli.feedback.rewards import Rewards
from ltrr_cli.learning.live import learned_header
from ltrr_cli.workspace.bandit_report import StrategyWorth, looked_at, marginal_worth

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State


@dataclass(frozen=True, slots=True)
class Status(Report):
    """What is indexed, learnt and serving.

    worth    -- marginal worth of each strategy over the newest searches that were acted on; empty unless asked for
    beliefs  -- kind of query -> what the bandit expects of each strategy; empty unless asked for
    features -- names of what the bandit looks at, as kept with what it learnt; empty unless asked for
    """

    catalog_generation: int | None  # None before anything was indexed
    learned_generation: int | None
    entities: int
    impressions: int
    events: int
    memory_pairs: int  # (query, entity) pairs with actions
    policy: str
    encoder: str
    ranker: str
    journal_digest: str  # SHA-256 over all events
    home: str = ""
    catalog_digest: str = ""  # SHA-256 over all entities, the same in whatever form they were given
    strategies: tuple[str, ...] = ()
    rewards: Mapping[str, float] = field(default_factory=dict)  # event type -> reward
    damaged: tuple[str, ...] = ()  # learned parts that fell back
    users: int = 0  # with a profile
    shadows: tuple[str, ...] = ()  # policies and rankers in shadow mode
    worth: tuple[StrategyWorth, ...] = ()
    beliefs: Mapping[str, tuple[Belief, ...]] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    counted: int = 0  # rows of daily counts
    unlearnt: int = 0  # events that the published generation has not learnt yet

    def facts(self) -> tuple[tuple[str, str], ...]:
        """Return (name, value) of what a report begins with."""
        behind = f" ({self.unlearnt:,} not published yet)" if self.unlearnt else ""
        return (
            ("workspace", self.home),
            ("catalog", f"generation {self.catalog_generation}, {self.entities:,} entities"),
            (
                "journal",
                f"{self.impressions:,} searches, {self.events:,} actions{behind}, {self.users:,} user profiles"
                + (f", {self.counted:,} rows of daily counts" if self.counted else ""),
            ),
            ("memory", f"{self.memory_pairs:,} query-entity pairs"),
            ("policy", self.policy),
            ("ranker", self.ranker),
        )


def status(state: State, *, bandit: bool = False) -> Status:
    """See ``Workspace.status``."""
    current = state.current()
    snapshot = state.snapshot()
    counts = state.journal.counts()
    memory = snapshot.strategies.get("memory")
    learnt = learned_header(state, current.learned)
    worth, believed = marginal_worth(state) if bandit else ((), {})
    beside = ("" if snapshot.shadow is None else str(snapshot.shadow), state.settings.ranking.shadow)
    return Status(
        catalog_generation=current.catalog,
        learned_generation=current.learned,
        entities=len(snapshot.catalog),
        impressions=counts.impressions,
        events=counts.events,
        memory_pairs=int(getattr(memory, "pairs", 0)),
        policy=str(snapshot.policy),
        encoder=snapshot.header.encoder,
        ranker="fusion" if snapshot.ranker is None else snapshot.ranker.algorithm,
        journal_digest=state.journal.digest(),
        home=str(state.home),
        catalog_digest=state.catalog_digest(),
        strategies=snapshot.enabled(),
        rewards=_rewards(state),
        damaged=tuple(snapshot.told()),
        users=counts.users,
        shadows=tuple(name for name in beside if name),
        worth=worth,
        beliefs=believed,
        features=looked_at(snapshot) if bandit else (),
        counted=state.journal.counted_rows(),
        unlearnt=max(counts.events - (learnt.events if learnt else 0), 0),
    )


def _rewards(state: State) -> dict[str, float]:
    """Return what events are worth: of the types that the journal has, the most frequent first, and of those set."""
    rewards = Rewards(state.settings.feedback)
    known = (*(kind.name for kind in state.journal.kinds()), *state.journal.count_kinds())
    kinds = (*known, *state.settings.feedback.rewards)
    return {kind: rewards.worth_of(kind).reward for kind in kinds}
