"""A file of questions -> a TREC run."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from ltrr_cli.allocation.policy import Policy
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.progress import Progress
from ltrr_cli.core.report import Report
from ltrr_cli.core.types import Context
from ltrr_cli.engine.executor import Kernel
from ltrr_cli.engine.named import hidden, named_policy, named_ranker
from ltrr_cli.engine.opened_elsewhere import SnapshotFolders, folders_of, open_answering
from ltrr_cli.engine.query import QueryRequest
from ltrr_cli.engine.search import RankerChoice, answer
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.feedback.judgments import query_line, run_lines
from ltrr_cli.storage.disk import write_atomic
from ltrr_cli.text.lines import BadLine, read_lines

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State


TOGETHER = 50  # questions that retrievers elsewhere are asked at once, and that a worker answers

Question = tuple[str, Context, frozenset[str]]  # text, context with what retrievers elsewhere said, hidden ids


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
    engine: str | None = None,
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
    ids: deque[str] = deque()

    def parts() -> Iterator[list[Question]]:
        questions = _questions(queries, snapshot.clock_ms, hide_seen)
        while some := list(islice(questions, TOGETHER)):
            ids.extend(query_id for query_id, _, _ in some)
            remote = state.remotes().ask_many([(text, context) for _, context, text in some], most, snapshot.encoder)
            given = [replace(context, remote=told) for (_, context, _), told in zip(some, remote, strict=True)]
            texts = [text for _, _, text in some]
            yield [(text, context, hidden(state, context)) for text, context in zip(texts, given, strict=True)]

    with open_answering(state, engine) as executor:
        terms = BatchTerms(folders_of(state, executor), chosen, ranked, k, most)
        answered = executor.map(ANSWER, terms, parts(), lambda: (snapshot, terms))
        for shown in chain.from_iterable(answered):
            lines += run_lines(ids.popleft(), shown)
            count, results, empty = count + 1, results + len(shown), empty + (not shown)
            progress("queries", count, None)
    write_atomic(Path(run), "".join(lines).encode())
    return BatchReport(count, results, empty, str(run), round(perf_counter() - start, 3))


@dataclass(frozen=True, slots=True)
class BatchTerms:
    """What all questions of a file are answered by; policy and ranker as in ``search.answer``."""

    folders: SnapshotFolders
    policy: Policy | None
    ranker: RankerChoice
    k: int
    budget: int


def _open(terms: BatchTerms) -> tuple[Snapshot, BatchTerms]:
    return terms.folders.open(), terms


def _answer(held: tuple[Snapshot, BatchTerms], questions: list[Question]) -> list[list[str]]:
    """Return the ids of each question's page."""
    snapshot, terms = held
    return [_page(snapshot, terms, *question) for question in questions]


def _page(snapshot: Snapshot, terms: BatchTerms, text: str, context: Context, hidden: frozenset[str]) -> list[str]:
    found = answer(
        snapshot, text, context, k=terms.k, budget=terms.budget, explore=False, policy=terms.policy,
        ranker=terms.ranker, hidden=hidden,
    )  # fmt: skip
    return [snapshot.catalog.ids[int(found.candidates.rows[at])] for at in found.page]


ANSWER: Kernel[BatchTerms, tuple[Snapshot, BatchTerms], list[Question], list[list[str]]] = Kernel(
    "answer queries", _open, _answer
)


def _questions(queries: str | Path, clock_ms: int, hide_seen: bool) -> Iterator[tuple[str, Context, str]]:
    """Yield (id, context, text) of a file's lines; raises DataError for a bad one."""
    for line in read_lines(queries):
        place = f"{queries}, line {line.number}"
        if isinstance(line, BadLine):
            raise DataError(f"{place}: {line.reason}")
        yield query_line(line.data, place, clock_ms, hide_seen)
