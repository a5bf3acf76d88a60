"""What was learnt from, in the formats of other tools; written whole or not at all.

====== =====================================================================================================
libsvm ``gain qid:N 1:value ... # "entity"``: what a ranker is trained on; a value that is missing is left out
csv    the same with names, weights and the untrained score; a value that is missing is empty
qrels  TREC judgments ``query 0 entity grade`` from what people chose; queries are named by a hash of their words
dsjson Vowpal Wabbit's logged decisions: who stands at a position of a page, out of whom, with which odds
====== =====================================================================================================

A decision is one position of a page whose odds were logged and which could have gone to another entity. Its actions are
the page's entities that could have stood there; the odds of those that are not on the page are not in ``p``, so it may
sum to less than 1. The cost is minus the rewards of the actions that the page brought its occupant, -1..1.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from math import log2
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import numpy as np

from ltrr_cli.core.clock import iso
from ltrr_cli.core.errors import NotFoundError, UsageError
from ltrr_cli.core.progress import Progress
from ltrr_cli.core.report import Report
from ltrr_cli.core.types import Impression, Shown
from ltrr_cli.feedback.judgments import read_judged
from ltrr_cli.learning.credit import as_served
from ltrr_cli.learning.past_searches import past_searches
from ltrr_cli.learning.timeline import outcomes
from ltrr_cli.learning.train import Labelled, judged_examples
from ltrr_cli.storage.disk import write_parts
from ltrr_cli.text.normalise import query_key

if TYPE_CHECKING:
    from ltrr_cli.engine.snapshot import Snapshot
    from ltrr_cli.engine.state import State

FORMATS = ("libsvm", "csv", "qrels", "dsjson")
CERTAIN = 1.0 - 1e-9  # odds from which on a position was nobody else's
AT_ONCE = 1_000  # lines

Judgments = tuple[str | Path, str | Path]


@dataclass(frozen=True, slots=True)
class ExportReport(Report):
    """What was written for other tools.

    lines    -- of the format, its header aside
    searches -- that they speak of: groups of training lines, judged queries; 0 for decisions
    columns  -- of training lines
    file     -- None where it went to a stream
    """

    format: str
    lines: int
    searches: int
    columns: int
    file: str | None = None


def export(
    state: State,
    format: str,  # noqa: A002 -- the word users know from the command line
    out: str | Path | BinaryIO,
    judgments: Judgments | None,
    queries: str | Path | None,
    progress: Progress,
) -> ExportReport:
    """Write one format; see ``Workspace.export``."""
    if format not in FORMATS:
        raise UsageError(f"nothing is exported as {format[:40]!r}", hint=f"one of {', '.join(FORMATS)}")
    if judgments is not None and format not in ("libsvm", "csv"):
        raise UsageError(f"judgments label lines of libsvm and csv, not {format}", hint="leave --judgments out")
    if queries is not None and format != "qrels":
        raise UsageError(f"queries go with qrels, not with {format}", hint="leave --queries out")
    for path in (out, queries):
        if isinstance(path, str | Path) and not Path(path).parent.is_dir():
            raise NotFoundError(f"{path}: no such folder", hint=f"mkdir -p {Path(path).parent}")
    state.current()
    columns = searches = 0
    if format in ("libsvm", "csv"):
        labelled = _labelled(state, judgments, progress)
        columns, searches = len(labelled.schema.names), len(labelled.queries)
        lines = (_libsvm if format == "libsvm" else _csv)(labelled)
    elif format == "qrels":
        judged = _judged(state)
        searches = len(judged)
        lines = _qrels(judged)
        if queries is not None:
            write_parts(Path(queries), _Counted(_queries(judged)))
    else:
        lines = _decisions(state, progress)
    counted = _Counted(lines)
    if isinstance(out, str | Path):
        write_parts(Path(out), counted)
    else:
        for part in counted:
            out.write(part)
    return ExportReport(format, counted.lines, searches, columns, str(out) if isinstance(out, str | Path) else None)


class _Counted:
    """Lines as larger pieces of bytes, and how many there were (headers aside)."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = 0
        self._lines = iter(lines)

    def __iter__(self) -> Iterator[bytes]:
        while some := list(islice(self._lines, AT_ONCE)):
            self.lines += sum(not line.startswith(("# ", "qid,")) for line in some)
            yield "".join(some).encode("utf-8", "surrogatepass")


# ------------------------------------------------------------ what a ranker is trained on


def _labelled(state: State, judgments: Judgments | None, progress: Progress) -> Labelled:
    serving = state.snapshot()
    if judgments is None:
        return past_searches(state, serving, progress)
    return judged_examples(serving, read_judged(*judgments, clock_ms=serving.clock_ms), progress)


def _libsvm(given: Labelled) -> Iterator[str]:
    """Yield a header that names the columns, then a line a candidate."""
    for number, name in enumerate(given.schema.names, 1):
        yield f"# {number} {name}\n"
    examples = given.examples
    for line, (label, group) in enumerate(zip(examples.labels.tolist(), examples.groups.tolist(), strict=True)):
        values = examples.features[line]
        there = np.flatnonzero(np.isfinite(values)).tolist()
        told = "".join(f" {column + 1}:{_short(values[column])}" for column in there)
        yield f"{_short(label)} qid:{group + 1}{told} # {_quoted(given.entities[line])}\n"


def _csv(given: Labelled) -> Iterator[str]:
    """Yield a header, then a line a candidate."""
    examples = given.examples
    yield _row(["qid", "query", "entity_id", "label", "weight", "baseline", *given.schema.names])
    for line, group in enumerate(examples.groups.tolist()):
        told = (examples.labels[line], examples.weights[line], examples.baseline[line], *examples.features[line])
        values = [_short(value) if np.isfinite(value) else "" for value in told]
        yield _row([str(group + 1), given.queries[group], given.entities[line], *values])


def _row(cells: list[str]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


def _short(value: float | np.floating[Any]) -> str:
    """Write a float32 so that it reads back as the same float32: 0.1 rather than 0.10000000149011612.

    >>> _short(np.float32(0.1)), _short(3.0)
    ('0.1', '3')
    """
    return str(np.float32(value)).removesuffix(".0")


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()  # an id may hold anything, a line end too


# ------------------------------------------------------------ what people chose, as judgments


@dataclass(slots=True)
class _Judged:
    """A query as it was last typed, and what was done about it in sum: entity -> reward x weight."""

    text: str = ""
    worth: dict[str, float] = field(default_factory=lambda: defaultdict(float))


def _judged(state: State) -> dict[str, _Judged]:
    """Return what people chose, by query id."""
    found: dict[str, _Judged] = defaultdict(_Judged)
    for outcome in outcomes(state.journal, state.settings):
        key = query_key(outcome.query)
        if key and outcome.entity_id.split() == [outcome.entity_id]:  # TREC separates by spaces
            judged = found[query_id(key)]
            judged.text = outcome.query
            judged.worth[outcome.entity_id] += outcome.reward * outcome.weight
    return dict(sorted(found.items()))


def _qrels(judged: Mapping[str, _Judged]) -> Iterator[str]:
    for query, of in judged.items():
        for entity, worth in sorted(of.worth.items()):
            yield f"{query} 0 {entity} {_grade(worth)}\n"


def _queries(judged: Mapping[str, _Judged]) -> Iterator[str]:
    for query, of in judged.items():
        yield msgspec.json.encode({"query_id": query, "text": of.text}).decode() + "\n"


def query_id(key: str) -> str:
    """Return the name of a query in judgments, from its folded words: the same in every export."""
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _grade(worth: float) -> int:
    """Return 0, 1, 2, ... on a scale that doubles: a net reward of 1 is grade 1, 3 grade 2, 7 grade 3.

    >>> [_grade(worth) for worth in (-1.0, 0.0, 0.3, 1.0, 3.0, 7.0)]
    [0, 0, 1, 1, 2, 3]
    """
    return 0 if worth <= 1e-9 else max(1, round(log2(1.0 + worth)))


# ------------------------------------------------------------ what the bandit decided


def _decisions(state: State, progress: Progress) -> Iterator[str]:
    """Yield a line for every position that was drawn."""
    rewards: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for outcome in outcomes(state.journal, state.settings):
        if outcome.impression_id is not None and not outcome.imported:
            rewards[outcome.impression_id][outcome.entity_id] += outcome.reward * outcome.weight
    snapshot, total = state.snapshot(), state.journal.counts().impressions
    for done, page in enumerate(state.journal.impressions(), 1):
        if page.origin == "live":
            for line in page.shown or ():
                if line.odds is not None and 0.0 < line.odds < CERTAIN and line.places:
                    yield _decision(snapshot, page, line, rewards.get(page.impression_id, {}))
        progress("impressions", done, total)


def _decision(snapshot: Snapshot, page: Impression, chosen: Shown, rewards: Mapping[str, float]) -> str:
    """Return one decision; actions are numbered as they stand in ``_multi``, the one that was taken stands first."""
    position = chosen.position
    odds = [(line, line.places.get(position, 0.0)) for line in page.shown or () if line is not chosen]
    actions = [(chosen, chosen.odds or 0.0), *((line, chance) for line, chance in odds if chance > 0.0)]
    bandit_context = as_served(snapshot, page)
    seen: dict[str, float] = (
        {}
        if bandit_context is None
        else dict(zip(snapshot.features(), bandit_context[0].features.tolist(), strict=True))
    )
    cost = -max(-1.0, min(1.0, rewards.get(chosen.entity_id, 0.0)))
    numbers = list(range(1, len(actions) + 1))
    decision = {
        "_label_cost": cost + 0.0,  # never -0.0
        "_label_probability": chosen.odds,
        "_label_Action": 1,
        "_labelIndex": 0,
        "Version": "1",
        "EventId": f"{page.impression_id}:{position}",
        "Timestamp": None if page.time_ms is None else iso(page.time_ms),
        "a": numbers,
        "c": {
            "query": {"text": page.query},
            "situation": {"position": position, **seen},
            "_multi": [_action(line) for line, _ in actions],
        },
        "p": [chance for _, chance in actions],
    }  # fmt: skip
    return msgspec.json.encode(decision).decode() + "\n"


def _action(line: Shown) -> dict[str, Any]:
    ranks = {f"{name}_rank": 1.0 / rank for name, rank in line.ranks.items()}
    return {"entity": {"id": line.entity_id}, "worth": ranks}
