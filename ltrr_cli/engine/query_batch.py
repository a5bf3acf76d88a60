"""A file of questions -> a TREC run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from ltrr_cli.core.errors import DataError
from ltrr_cli.core.progress import Progress
from ltrr_cli.core.report import Report
from ltrr_cli.core.types import Context
from ltrr_cli.engine.named import hidden, named_policy, named_ranker
from ltrr_cli.engine.query import QueryRequest
from ltrr_cli.engine.search import answer
from ltrr_cli.feedback.judgments import query_line, run_lines
from ltrr_cli.storage.disk import write_atomic
from ltrr_cli.text.lines import BadLine, read_lines

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State


TOGETHER = 50  # questions that retrievers elsewhere are asked at once


@dataclass(frozen=True, slots=True)
class BatchReport(Report):
    """A file of queries answered into a TREC run."""

    queries: int
    results: int  # lines of the run
    empty: int  # queries without any result
    run: str  # the file that was written
    seconds: float


def respond_batch(
    state: State,
    queries: str | Path,
    run: str | Path,
    k: int,
    budget: int | None,
    policy: str | None,
    ranker: str | None,
    hide_seen: bool,
    progress: Progress,
) -> BatchReport:
    """Answer every query of a file; write ``query_id Q0 id rank score tag`` lines."""
    start = perf_counter()
    blank = QueryRequest(
        k=k, budget=budget, policy=policy, seed=0, hide_seen=hide_seen, live=False, log=False, explore=False
    )
    most = blank.checked(state.settings.retrieval.budget)
    snapshot = state.snapshot()
    chosen, ranked = named_policy(state, policy), named_ranker(state, ranker)
    count = results = empty = 0
    lines: list[str] = []
    questions = _questions(queries, snapshot.clock_ms, hide_seen)
    while some := list(islice(questions, TOGETHER)):
        asked = [(text, context) for _, context, text in some]
        answers = state.remotes().ask_many(asked, most, snapshot.encoder)
        for (query_id, given, text), remote in zip(some, answers, strict=True):
            context = replace(given, remote=remote)
            found = answer(
                snapshot, text, context, k=k, budget=most, explore=False, policy=chosen, ranker=ranked,
                hidden=hidden(state, context),
            )  # fmt: skip
            shown = [snapshot.catalog.ids[int(found.candidates.rows[at])] for at in found.page]
            lines += run_lines(query_id, shown)
            count, results, empty = count + 1, results + len(shown), empty + (not shown)
            progress("queries", count, None)
    write_atomic(Path(run), "".join(lines).encode())
    return BatchReport(count, results, empty, str(run), round(perf_counter() - start, 3))


def _questions(queries: str | Path, clock_ms: int, hide_seen: bool) -> Iterator[tuple[str, Context, str]]:
    """Yield (id, context, text) of a file's lines; raises DataError for a bad one."""
    for line in read_lines(queries):
        place = f"{queries}, line {line.number}"
        if isinstance(line, BadLine):
            raise DataError(f"{place}: {line.reason}")
        yield query_line(line.data, place, clock_ms, hide_seen)
