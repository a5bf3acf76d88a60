"""What a question names: the policy and the ranker that answer it, and the entities that are to stay away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltrr_cli.allocation.models.strategy_history import PAST
from ltrr_cli.allocation.policy import Policy
from ltrr_cli.allocation.policy_registry import open_policy
from ltrr_cli.core.errors import NotFoundError, UsageError
from ltrr_cli.core.types import Context
from ltrr_cli.engine import model_store
from ltrr_cli.engine.schema import misfit
from ltrr_cli.engine.search import SERVING, RankerChoice
from ltrr_cli.feedback.rewards import Rewards

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State


def hidden(state: State, context: Context) -> frozenset[str]:
    """Return what the user already acted on, where it is to be hidden, and the entity that others are to be like.

    Raises NotFoundError where the catalog has no such entity.
    """
    same: frozenset[str] = frozenset()
    if context.like is not None:
        if state.snapshot().catalog.row_of(context.like) < 0:
            raise NotFoundError(f"no entity {context.like[:80]!r} to be like", hint="an id of the catalog is needed")
        same = frozenset((context.like,))
    if not context.hide_seen or context.user is None:
        return same
    rewards = Rewards(state.settings.feedback)
    acts = (event for event in state.journal.events_by(context.user) if rewards.says_something(event))
    return same | {event.entity_id for event in acts}


def named_policy(state: State, name: str | None) -> Policy | None:
    """Return the policy asked for, with what was learnt where it is the one that learns; None: the serving one."""
    if name is None:
        return None
    snapshot = state.snapshot()

    def work() -> Policy:
        learned = state.generations.folder("learned", state.current().learned) / "policy"
        return open_policy(state.settings.allocation, learned, name, (*snapshot.features(), *PAST))

    return snapshot.opened.once(name, work)


def named_ranker(state: State, name: str | None) -> RankerChoice:
    """Return the ranker asked for; None names the serving one. Raises NotFoundError, UsageError, DamagedError."""
    if name is None or name == SERVING:
        return SERVING
    ranker = model_store.opened(state, name)
    reason = None if ranker is None else misfit(state.snapshot().schema(), ranker)
    if reason is not None:
        raise UsageError(f"{name} cannot order this page: {reason}", hint="ltrr train-ranker")
    return ranker
