"""The door to Tantivy: BM25 over terms that callers have already analysed.

User text never reaches Tantivy's query parser (it crashes on deep nesting and refuses a lone quote); queries are built as
objects. Scores do not depend on the limit: searches count all matches, which keeps Tantivy from pruning.
"""  # noqa: E501

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
import tantivy

from ltrr_cli.backends.files import REBUILD, disk_error, field, read_json, write_json
from ltrr_cli.core.errors import DamagedError, DataError, UsageError
from ltrr_cli.core.types import BoolArray, FloatArray, IntArray

FIELDS = ("all", "title", "marks")
FORMAT, OLDEST = 2, 1  # before 2 there were no marks
HEADER = "fulltext.json"

_LONGEST = 255  # characters of a term; Tantivy silently drops terms above 65,530 bytes
_LARGEST = 2**31 - 1  # a limit of 2**31 or 0 kills the process or panics
_HEAP_BYTES = 512_000_000  # what the writer may hold before it cuts a segment; it grows to it only when needed
_REMOVALS = 100  # attempts to remove a temporary folder
_ROW_SET = 20_000  # up to so many allowed rows are asked for by name: 16 ms for 2,000 rows and 40 ms for 20,000 of 1M

Clause = tuple[str, str, float]


def build(folder: Path, documents: Iterable[Sequence[Sequence[str]]], heap_bytes: int = _HEAP_BYTES) -> int:
    """Index documents given in row order as (title terms, all terms, marks), or these ``joined``; return their number.

    All terms include the title's; marks (see ``text.marks``) may be left out.

    One thread writes, so rows ascend inside a segment; a catalog that outgrows ``heap_bytes`` has several segments.
    Raises NoSpaceError, or DataError when the index cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "meta.json").exists():  # Tantivy would write over it and leave the old segments behind
        raise DataError(f"{folder}: already holds a full-text index; every build has a folder of its own")
    count = 0
    with _translated(folder, writing=True):
        index = tantivy.Index(_schema(), path=str(folder), reuse=False)
        _register(index)
        writer = index.writer(heap_size=heap_bytes, num_threads=1)
    # the caller's own errors, raised by the iteration, pass as they are
    for count, (title, everything, *marks) in enumerate(documents, 1):  # noqa: B007
        document = tantivy.Document()
        document.add_text("title", joined(title))
        document.add_text("all", joined(everything))
        for some in marks:
            if some:
                document.add_text("marks", joined(some))
        document.add_unsigned("row", count - 1)
        try:
            writer.add_document(document)
        except BaseException as error:
            _translate(error, folder, writing=True)
            raise
    with _translated(folder, writing=True):
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        written = index.searcher().num_docs
    if written != count:
        raise disk_error(OSError(f"{written} of {count} documents were written"), folder)
    (folder / ".tantivy-writer.lock").unlink(missing_ok=True)
    write_json(folder / HEADER, {"format": FORMAT, "documents": count})
    return count


@contextmanager
def _lockable(folder: Path) -> Iterator[Path]:
    """Give a folder in which Tantivy can open an index: it takes a lock, a file, and does so while it opens.

    Where the folder is read-only, a temporary one links to its files; what is opened stays mapped when that is gone.
    """
    if os.access(folder, os.W_OK | os.X_OK):
        yield folder
        return
    temporary = Path(tempfile.mkdtemp(prefix="ltrr-"))
    try:
        for path in folder.iterdir():
            if not path.name.startswith(".tantivy"):
                (temporary / path.name).symlink_to(path.absolute())
        yield temporary
    finally:
        _remove(temporary)


def _remove(folder: Path) -> None:
    """Remove a temporary folder, again where Tantivy's first reader put a lock into it while it was being emptied."""
    for _ in range(_REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return


class FullText:
    """An open full-text index; read-only."""

    def __init__(self, index: Any, folder: Path, fields: tuple[str, ...] = FIELDS) -> None:
        self._folder, self._fields = folder, fields
        self._schema = index.schema
        self._searcher = index.searcher()
        self._size = int(self._searcher.num_docs)
        self._one_segment = self._searcher.num_segments <= 1

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open what ``build`` wrote; raises DamagedError."""
        path = folder / HEADER
        header = read_json(path)
        written = field(header, "format", int, path)
        if not OLDEST <= written <= FORMAT:
            raise DamagedError(f"{path}: format {written}, this version reads {OLDEST} to {FORMAT}", hint=REBUILD)
        with _translated(folder), _lockable(folder) as place:
            index = tantivy.Index.open(str(place))
            _register(index)
            index.config_reader(reload_policy="manual")  # sealed: no thread needs to watch for commits
            opened = cls(index, folder, FIELDS if written >= FORMAT else FIELDS[:2])
        if len(opened) != field(header, "documents", int, path):
            raise DamagedError(
                f"{folder}: holds {len(opened)} documents, {header['documents']} were indexed", hint=REBUILD
            )
        return opened

    def __len__(self) -> int:
        return self._size

    def document_frequency(self, term: str, field: str = "all") -> int:
        """Return the number of documents that hold a term."""
        _known(field)
        if field not in self._fields:
            return 0
        with _translated(self._folder):
            return int(self._searcher.doc_freq(field, _cut(term)))

    def search(
        self,
        terms: Sequence[Clause],
        limit: int,
        allowed: BoolArray | None = None,
        minimum_match: int | None = None,
    ) -> tuple[IntArray, FloatArray]:
        """Return (rows, BM25 scores) of documents that hold any of the terms, best first, ties by row.

        terms         -- (field, term, boost > 0); a repeated term counts as often as it stands
        limit         -- below 1 finds nothing; a longer list begins with the shorter
        allowed       -- (documents,) bool; as many allowed rows are found as exist, up to the limit
        minimum_match -- so many *distinct* terms must be held, in whichever field
        """
        limit = min(limit, self._size, _LARGEST)
        if limit < 1 or not terms:
            return _nothing()
        with _translated(self._folder):
            query = self._query(terms, minimum_match)
            if allowed is None:
                return self._ranked(query, limit)
            kept = np.flatnonzero(allowed[: self._size])
            if len(kept) == 0:
                return _nothing()
            if len(kept) <= _ROW_SET:
                return self._ranked(self._within(query, kept.tolist()), min(limit, len(kept)))
            return self._filtered(query, limit, allowed, len(kept))

    def score_rows(self, terms: Sequence[Clause], rows: IntArray) -> FloatArray:
        """Return the (len(rows),) BM25 scores of given rows, NaN where a row holds none of the terms."""
        scores = np.full(len(rows), np.nan, np.float32)
        if len(rows) == 0 or not terms:
            return scores
        distinct = np.unique(rows)
        with _translated(self._folder):
            query = self._within(self._query(terms, None), distinct.tolist())
            found, values = self._fetch(query, len(distinct))[:2]
        order = np.argsort(found)
        places = np.searchsorted(found, rows, sorter=order)
        matched = places < len(found)
        matched[matched] = found[order[places[matched]]] == rows[matched]
        scores[matched] = values[order[places[matched]]]
        return scores

    def _query(self, terms: Sequence[Clause], minimum_match: int | None) -> Any:
        boosts: dict[str, dict[str, float]] = {}  # term -> field -> boost: a repeated term is one clause
        for name, term, boost in terms:
            _known(name)
            if not 0.0 < boost < float("inf"):
                raise UsageError(f"boost of {term[:60]!r} is {boost}; it must be positive and finite")
            if name in self._fields:
                of_term = boosts.setdefault(_cut(term), {})
                of_term[name] = of_term.get(name, 0.0) + boost
        clauses = [[self._clause(name, term, boost) for name, boost in found.items()] for term, found in boosts.items()]
        if minimum_match is None or minimum_match <= 1:
            return tantivy.Query.boolean_query([clause for group in clauses for clause in group])
        groups = [(tantivy.Occur.Should, tantivy.Query.boolean_query(group)) for group in clauses]
        return tantivy.Query.boolean_query(groups, minimum_number_should_match=minimum_match)

    def _clause(self, name: str, term: str, boost: float) -> tuple[Any, Any]:
        query = tantivy.Query.term_query(self._schema, name, term, index_option="freq")
        return tantivy.Occur.Should, tantivy.Query.boost_query(query, boost)

    def _within(self, query: Any, rows: list[int]) -> Any:
        """Restrict a query to rows without changing its scores."""
        of_rows = tantivy.Query.const_score_query(tantivy.Query.term_set_query(self._schema, "row", rows), 0.0)
        return tantivy.Query.boolean_query([(tantivy.Occur.Must, of_rows), (tantivy.Occur.Must, query)])

    def _fetch(self, query: Any, limit: int) -> tuple[IntArray, FloatArray, bool]:
        """Return (rows, scores, are these all?), best first, ties by row among those fetched."""
        found = self._searcher.search(query, limit=limit, count=True)
        hits = found.hits
        if not hits:
            return *_nothing(), True
        found_scores, places = zip(*hits, strict=True)
        rows = np.array(self._searcher.fast_field_values("row", list(places)), np.int32)
        scores = np.array(found_scores, np.float32)
        order = np.lexsort((rows, -scores))
        return rows[order], scores[order], len(hits) >= found.count

    def _ranked(self, query: Any, limit: int) -> tuple[IntArray, FloatArray]:
        rows, scores, complete = self._fetch(query, limit)
        # one segment breaks ties by row itself; several break them by segment, so the last tie is fetched whole
        reach = limit
        while not self._one_segment and not complete and scores[limit - 1] == scores[-1]:
            reach = min(4 * reach, self._size)
            rows, scores, complete = self._fetch(query, reach)
        return rows[:limit], scores[:limit]

    def _filtered(self, query: Any, limit: int, allowed: BoolArray, count: int) -> tuple[IntArray, FloatArray]:
        """Fetch ever more until enough allowed rows are found or all are fetched."""
        reach = min(self._size, limit * self._size // count + limit)
        while True:
            rows, scores = self._ranked(query, reach)
            keep = allowed[rows]
            if np.count_nonzero(keep) >= limit or len(rows) < reach or reach == self._size:
                return rows[keep][:limit], scores[keep][:limit]
            reach = min(4 * reach, self._size)


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    for name in FIELDS:
        builder.add_text_field(name, stored=False, tokenizer_name="terms", index_option="freq")
    builder.add_unsigned_field("row", stored=False, indexed=True, fast=True)
    return builder.build()


def _register(index: Any) -> None:
    """Register the tokenizer; an index does not keep it."""
    index.register_tokenizer("terms", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())


def _cut(term: str) -> str:
    """Make a term what the index can hold: no space inside, not overlong; the same when indexing and asking."""
    # lone surrogates cannot be written as UTF-8
    return "".join(term[:_LONGEST].split()).encode("utf-8", "replace").decode()


def joined(terms: Sequence[str]) -> str:
    """Return terms as the index takes them, what it cannot hold cut off; a text is taken to be that already."""
    return terms if isinstance(terms, str) else " ".join(filter(None, map(_cut, terms)))


def _known(name: str) -> None:
    if name not in FIELDS:
        raise UsageError(f"no field {name!r} in a full-text index; it has {', '.join(FIELDS)}")


def _nothing() -> tuple[IntArray, FloatArray]:
    return np.empty(0, np.int32), np.empty(0, np.float32)


@contextmanager
def _translated(folder: Path, *, writing: bool = False) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        _translate(error, folder, writing=writing)
        raise


def _translate(error: BaseException, folder: Path, *, writing: bool) -> None:
    """Raise ours for Tantivy's errors and panics (which are no Exception); return for any other."""
    if type(error).__name__ != "PanicException" and not isinstance(error, ValueError | OSError):
        return
    if writing:
        raise disk_error(error, folder) from error
    raise DamagedError(f"{folder}: the full-text index cannot be read: {error}", hint=REBUILD) from error
