"""Shadow mode: a policy and a ranker that do not serve say what they would have done, and are journalled with the page.

They use what was retrieved for the page, so they cost a plan and a ranking, not a search; nobody sees their pages.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ltrr_cli.allocation.base import Policy
from ltrr_cli.core.errors import DamagedError, NotFoundError
from ltrr_cli.core.types import Shadow
from ltrr_cli.engine import models
from ltrr_cli.engine.search import Answer, answer
from ltrr_cli.ranking.models import open_model

if TYPE_CHECKING:
    from ltrr_cli.engine.loop import Loop
    from ltrr_cli.engine.workspace import Workspace
    from ltrr_cli.ranking.base import Model


def shadows(workspace: Workspace, loop: Loop, found: Answer, k: int) -> tuple[Shadow, ...]:
    """Return what the shadows of the settings would have done for an answered search."""
    lines = []
    if loop.shadow is not None:
        other = _again(loop, found, k, loop.shadow)
        lines.append(Shadow(str(loop.shadow), other.plan.draws, _page(loop, other)))
    name = workspace.settings.ranking.shadow
    if name:
        serving = loop.ranker
        try:
            loop.ranker = _model(workspace, name)
            other = _again(loop, found, k, None)
            lines.append(Shadow(name, other.plan.draws, _page(loop, other)))
        except (DamagedError, NotFoundError) as error:
            warning = f"ranking.shadow not used: {error}"
            if warning not in loop.warnings:
                loop.warnings.append(warning)
        finally:
            loop.ranker = serving
    return tuple(lines)


def _again(loop: Loop, found: Answer, k: int, policy: Policy | None) -> Answer:
    """Answer once more, from the same hits and with the same dice."""
    request = found.request
    return answer(
        loop,
        request.query,
        request.context,
        k=k,
        budget=found.situation.budget,
        seed=request.seed,
        explore=found.situation.explore,
        policy=policy,
        retrieved=found,
    )


def _page(loop: Loop, found: Answer) -> tuple[str, ...]:
    return tuple(loop.catalog.ids[int(row)] for row in found.candidates.rows[found.page])


def _model(workspace: Workspace, name: str) -> Model | None:
    """Open a kept model; None is fusion. Raises DamagedError, NotFoundError, UsageError."""
    number = models.number_of(workspace, name)
    return None if number == models.FUSION else _opened(workspace.generations.folder(models.KIND, number))


@lru_cache(maxsize=2)
def _opened(folder: Path) -> Model:
    """A model's folder is sealed: it is read once."""
    return open_model(folder)
