"""Judged queries in and out: queries as JSON lines, judgments as TREC qrels or CSV, answers as TREC runs.

A CSV of judgments (``grade,keywords,docid``, as Quepid and others write it) names its queries by their words. They
belong to the query of the same text where queries are given; else every distinct text becomes one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ltrr_cli.core.clock import parse_time
from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.core.types import Context
from ltrr_cli.storage.disk import write_atomic
from ltrr_cli.text.lines import BadLine, read_lines
from ltrr_cli.text.normalise import fold

_WHO = ("user_id", "session_id", "like")
CSV_COLUMNS = ("grade", "keywords", "docid")


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """One query of a judged set; ``kind`` is the file's own word for its sort, "" where it has none."""

    query_id: str
    text: str
    context: Context
    kind: str = ""


@dataclass(frozen=True, slots=True)
class JudgedSet:
    """Queries and their judgments.

    grades     -- query id -> entity id -> grade
    unanswered -- judged query ids that the queries lack (they count as empty answers)
    unjudged   -- queries that nobody judged (they do not count)
    """

    queries: tuple[JudgedQuery, ...]
    grades: Mapping[str, Mapping[str, int]]
    unanswered: tuple[str, ...] = ()
    unjudged: int = 0


def read_judged(queries: str | Path | None, qrels: str | Path, clock_ms: int = 0) -> JudgedSet:
    """Read queries and judgments; a name ending in ``.csv`` is a CSV. Raises DataError naming the line.

    clock_ms -- the moment of queries without a timestamp
    """
    asked = () if queries is None else read_queries(queries, clock_ms)
    if str(qrels).lower().endswith(".csv"):
        by_text = read_judgments_csv(qrels)
        if queries is None:
            asked = tuple(
                JudgedQuery(f"q{number:04d}", text, Context(clock_ms)) for number, text in enumerate(by_text, 1)
            )
        grades = _by_query(asked, by_text, str(qrels))
    else:
        grades = read_qrels(qrels)
    if not grades:
        raise DataError(f"{qrels}: no judgment in it", hint="TREC `query_id 0 id grade`, or a CSV grade,keywords,docid")
    known = {query.query_id for query in asked}
    judged = tuple(query for query in asked if query.query_id in grades)
    if asked and not judged:
        raise DataError(f"{qrels}: judges none of the queries", hint="the two files must use the same query ids")
    unanswered = tuple(query for query in grades if query not in known) if asked else ()
    return JudgedSet(judged, grades, unanswered, len(asked) - len(judged))


def read_queries(path: str | Path, clock_ms: int = 0) -> tuple[JudgedQuery, ...]:
    """Read ``{"query_id", "text", "user_id"?, "timestamp"?, "kind"?}`` lines; raises DataError."""
    found: dict[str, JudgedQuery] = {}
    for line in read_lines(path):
        where = f"{path}, line {line.number}"
        if isinstance(line, BadLine):
            raise DataError(f"{where}: {line.reason}")
        query_id, context, text = query_line(line.data, where, clock_ms, False)
        if query_id in found:
            raise DataError(f"{where}: query_id {query_id[:80]!r} comes again", hint="every query has an id of its own")
        kind: Any = msgspec.json.decode(line.data, type=dict[str, Any]).get("kind")
        found[query_id] = JudgedQuery(query_id, text, context, kind if isinstance(kind, str) else "")
    return tuple(found.values())


def query_line(data: bytes, where: str, clock_ms: int, hide_seen: bool) -> tuple[str, Context, str]:
    """Read one ``{"query_id", "text", "user_id"?, "session_id"?, "like"?, "timestamp"?}``.

    Who asks, or what others are to be like, is enough to recommend: such a line needs no text.
    Raises DataError that begins with ``where``.
    """
    try:
        record: dict[str, Any] = msgspec.json.decode(data, type=dict[str, Any])
        user, session, like = (None if record.get(n) is None else str(record[n]) for n in _WHO)
        query_id, text = record["query_id"], record.get("text", "") if user or session or like else record["text"]
        if not isinstance(query_id, str) or not isinstance(text, str) or not query_id or query_id.split() != [query_id]:
            raise DataError("query_id must be text without spaces, text must be text")
        moment = clock_ms if record.get("timestamp") is None else parse_time(record["timestamp"])
    except (msgspec.MsgspecError, KeyError, DataError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        hint = 'one {"query_id", "text", "user_id"?, "session_id"?, "like"?, "timestamp"?} a line'
        raise DataError(f"{where}: {reason}", hint=hint) from None
    return query_id, Context(moment, user, session, hide_seen=hide_seen, like=like), text


def read_judgments_csv(path: str | Path) -> dict[str, dict[str, int]]:
    """Read ``grade,keywords,docid`` (a header names the columns, in any order): text -> entity id -> grade."""
    chunks = []
    for line in read_lines(path):
        if isinstance(line, BadLine):
            raise DataError(f"{path}, line {line.number}: {line.reason}")
        chunks.append(line.data)
    try:
        text = b"\n".join(chunks).decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8: {error}") from None
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
    found: dict[str, dict[str, int]] = {}
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        if missing := set(CSV_COLUMNS) - set(header):
            raise DataError(f"{path}: no column {min(missing)!r}", hint="the first line names grade,keywords,docid")
        grade, keywords, docid = (header.index(name) for name in CSV_COLUMNS)
        for row in filter(None, reader):
            if len(row) < len(header):
                raise DataError(f"{path}, line {reader.line_num}: {len(row)} of {len(header)} columns")
            found.setdefault(row[keywords].strip(), {})[row[docid].strip()] = _grade(row[grade], path, reader.line_num)
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}") from None
    return found


def _grade(text: str, path: str | Path, number: int) -> int:
    try:
        value = float(text)
    except ValueError:
        value = 0.5
    if not value.is_integer():
        raise DataError(f"{path}, line {number}: grade {text[:40]!r} is no whole number")
    return int(value)


def _by_query(
    asked: Sequence[JudgedQuery], by_text: Mapping[str, Mapping[str, int]], path: str
) -> dict[str, dict[str, int]]:
    """Give judgments of a text to every query that reads the same (case, accents and runs of spaces aside)."""
    ids: dict[str, list[str]] = {}
    for query in asked:
        ids.setdefault(_words(query.text), []).append(query.query_id)
    found: dict[str, dict[str, int]] = {}
    for text, grades in by_text.items():
        # a text that no query has is still a judged query: it counts, as one that was not answered
        for query_id in ids.get(_words(text), ["unasked:" + "_".join(text.split())]):
            found.setdefault(query_id, {}).update(grades)
    if not set(found) & {query.query_id for query in asked}:
        raise DataError(f"{path}: judges none of the queries", hint="the keywords must be the texts of the queries")
    return found


def _words(text: str) -> str:
    return " ".join(fold(text).split())


def write_qrels(path: str | Path, judged: JudgedSet) -> None:
    """Write judgments: CSV where the name ends in ``.csv`` (it needs the queries' texts), else TREC."""
    if str(path).lower().endswith(".csv"):
        if not judged.queries:
            raise UsageError("a CSV of judgments names queries by their words", hint="give --queries too")
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        for query in judged.queries:
            writer.writerows((grade, query.text, entity) for entity, grade in judged.grades[query.query_id].items())
        write_atomic(Path(path), out.getvalue().encode())
        return
    lines = (
        f"{query} 0 {entity} {grade}\n" for query, grades in judged.grades.items() for entity, grade in grades.items()
    )
    write_atomic(Path(path), "".join(lines).encode())


def read_qrels(path: str | Path) -> dict[str, dict[str, int]]:
    """Read TREC judgments: ``query_id 0 id grade`` a line; raises DataError naming the line."""
    found: dict[str, dict[str, int]] = {}
    for line in read_lines(path):
        where = f"{path}, line {line.number}"
        if isinstance(line, BadLine):
            raise DataError(f"{where}: {line.reason}")
        if not line.data.strip():
            continue
        try:
            query, _, entity, grade = line.data.decode("utf-8").split()
            found.setdefault(query, {})[entity] = int(grade)
        except ValueError:
            raise DataError(f"{where}: not `query_id 0 id grade`") from None
    return found


def read_run(path: str | Path) -> dict[str, dict[str, float]]:
    """Read a TREC run (``query_id Q0 id rank score tag``): query id -> entity id -> score; raises DataError.

    The score decides, as trec_eval and ir-measures have it, not the rank.
    """
    found: dict[str, dict[str, float]] = {}
    for line in read_lines(path):
        where = f"{path}, line {line.number}"
        if isinstance(line, BadLine):
            raise DataError(f"{where}: {line.reason}")
        if not line.data.strip():
            continue
        try:
            query, _, entity, _, score, _ = line.data.decode("utf-8").split()
            found.setdefault(query, {})[entity] = float(score)
        except ValueError:
            raise DataError(f"{where}: not `query_id Q0 id rank score tag`") from None
    return found


def run_lines(query_id: str, page: Iterable[str], tag: str = "ltrr") -> list[str]:
    r"""Return the lines of one page in a TREC run; scores are 1 / rank, so that no reader breaks ties its own way.

    >>> run_lines("q1", ["a", "b"])
    ['q1 Q0 a 1 1.00000000 ltrr\n', 'q1 Q0 b 2 0.50000000 ltrr\n']
    """
    return [f"{query_id} Q0 {entity} {rank} {1 / rank:.8f} {tag}\n" for rank, entity in enumerate(page, 1)]


def write_run(path: str | Path, run: Mapping[str, Iterable[str]], tag: str = "ltrr") -> None:
    """Write pages (ids, best first) as a TREC run."""
    lines = [line for query, page in run.items() for line in run_lines(query, page, tag)]
    write_atomic(Path(path), "".join(lines).encode())
