"""Which entities have left the catalog that people had chosen, and by which terms they are remembered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ltrr_cli.catalog.columns import Columns
from ltrr_cli.core.types import Entity
from ltrr_cli.retrieval.sparse.departed_terms import DepartedTerms
from ltrr_cli.retrieval.sparse.sparse import Sparse
from ltrr_cli.retrieval.sparse.terms import terms_of
from ltrr_cli.text.analyse import Analyzer

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State

MOST: Final = 20_000  # those acted on most often


def departed(state: State, now: Sequence[Entity]) -> dict[str, dict[str, float]]:
    """Return id -> term -> weight of what was acted on and stands in an earlier generation alone, by id.

    Those of the generation before and those that it remembers; the words of entities that nobody acted on are not kept.
    """
    current = state.generations.current_or_none()
    if current is None or not state.generations.is_sound("catalog", current.catalog):
        return {}
    folder = state.generations.folder("catalog", current.catalog)
    remembered = DepartedTerms.words(folder / Sparse.name)
    before, still = Columns.open(folder / "columns"), {entity.id for entity in now}
    gone = {entity: row for row, entity in enumerate(before.ids) if entity not in still}
    names = [*gone, *(entity for entity in remembered if entity not in still and entity not in gone)]
    acted = state.journal.acted_on(names) if names else {}
    most = sorted(acted, key=lambda entity: (-acted[entity], entity))[:MOST]
    analyzer = Analyzer(state.settings.catalog.language)
    return {
        entity: terms_of(before.entity(gone[entity]), analyzer) if entity in gone else remembered[entity]
        for entity in sorted(most)
    }
