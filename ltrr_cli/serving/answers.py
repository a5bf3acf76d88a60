"""Pages of the engine as answers of the interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ltrr_cli.engine.query import Page, Source
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.serving.fallback import PlainPage
from ltrr_cli.serving.records import AnswerLine, HowAnswered, QueryAnswer, QueryBody, UbiBlock


@dataclass(frozen=True, slots=True)
class GenerationNumbers:
    """Which generations answer now."""

    catalog: int
    learned: int


def answer_of(
    page: Page, body: QueryBody, snapshot: Snapshot, of: GenerationNumbers, chosen: Mapping[str, int]
) -> QueryAnswer:
    """Return a page; ``chosen`` is entity id -> people who chose it for this very query."""
    lines = []
    for result in page.results:
        entity = snapshot.catalog.entity(snapshot.catalog.row_of(result.id))
        people = chosen.get(result.id, 0) if body.explain else None
        lines.append(
            AnswerLine(result.position, result.id, result.title, result.type, result.score, result.odds,
                       result.sources, dict(entity.attributes), people, result.pinned_by)
        )  # fmt: skip
    how = HowAnswered(page.reading, page.plan, page.ranker, page.candidates) if body.explain else None
    return QueryAnswer(
        query_id=page.impression_id, query=page.query, results=tuple(lines), took_ms=page.took_ms, degraded=False,
        catalog=of.catalog, learned=of.learned, warnings=page.warnings, how=how, ubi=ubi_of(body, page.impression_id),
        missing=page.degraded, unknown=page.unknown, rules=page.rules,
    )  # fmt: skip


def plain_lines(plain: PlainPage) -> tuple[AnswerLine, ...]:
    """Return the results of a page of full text alone."""
    catalog, lines = plain.snapshot.catalog, []
    for place, (row, score) in enumerate(zip(plain.hits.rows.tolist(), plain.hits.scores.tolist(), strict=True), 1):
        kind, entity = catalog.type_names[int(catalog.types[row])], catalog.entity(row)
        had = {"lexical": Source(place, score)} if score > 0 else {}
        lines.append(
            AnswerLine(place, catalog.ids[row], catalog.titles[row], kind, score, None, had, dict(entity.attributes))
        )
    return tuple(lines)


def ubi_of(body: QueryBody, query_id: str | None) -> UbiBlock | None:
    """Return the block of an answer: what was said, with the id under which the page is known."""
    if body.ubi is None:
        return None
    said = body.ubi
    return UbiBlock(query_id, said.user_query or body.text, said.client_id, said.object_id_field, said.query_attributes)
