"""Shadow mode: a policy and a ranker that do not serve say what they would have done, and are journalled with the page.

They use what was retrieved for the page, so they cost a plan and a ranking, not a search; nobody sees their pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltrr_cli.allocation.policy import Policy
from ltrr_cli.core.errors import DamagedError, NotFoundError
from ltrr_cli.core.types import Shadow
from ltrr_cli.engine import model_store
from ltrr_cli.engine.search import SERVING, Answer, RankerChoice, answer

if TYPE_CHECKING:
    from ltrr_cli.engine.snapshot import Snapshot
    from ltrr_cli.engine.state import State


def shadows(state: State, snapshot: Snapshot, found: Answer, k: int) -> tuple[Shadow, ...]:
    """Return what the shadows of the settings would have done for an answered search."""
    lines = []
    if snapshot.shadow is not None:
        other = _again(snapshot, found, k, policy=snapshot.shadow)
        lines.append(Shadow(str(snapshot.shadow), other.plan.draws, _page(snapshot, other)))
    name = state.settings.ranking.shadow
    if name:
        try:
            other = _again(snapshot, found, k, ranker=model_store.opened(state, name))
            lines.append(Shadow(name, other.plan.draws, _page(snapshot, other)))
        except (DamagedError, NotFoundError) as error:
            warning = f"ranking.shadow not used: {error}"
            if warning not in snapshot.warnings:
                snapshot.warnings.append(warning)
    return tuple(lines)


def _again(
    snapshot: Snapshot, found: Answer, k: int, *, policy: Policy | None = None, ranker: RankerChoice = SERVING
) -> Answer:
    """Answer once more, from the same hits and with the same dice."""
    request = found.request
    return answer(
        snapshot,
        request.query,
        request.context,
        k=k,
        budget=found.bandit_context.budget,
        seed=request.seed,
        explore=found.bandit_context.explore,
        policy=policy,
        ranker=ranker,
        retrieved=found,
    )


def _page(snapshot: Snapshot, found: Answer) -> tuple[str, ...]:
    return tuple(snapshot.catalog.ids[int(row)] for row in found.candidates.rows[found.page])
