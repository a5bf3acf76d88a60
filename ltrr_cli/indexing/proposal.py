"""Which of a file's columns is which of our fields, and what is odd about it: the proposal of ``ltrr init``.

A column is proposed by its name, as other systems call our fields, where its values agree; an id also by its values.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from ltrr_cli.catalog.faults import USUAL
from ltrr_cli.catalog.read import FIELDS
from ltrr_cli.core.errors import DataError
from ltrr_cli.feedback.format_registry import detect
from ltrr_cli.feedback.log_source import renamed
from ltrr_cli.indexing.column_facts import ColumnFacts, FileSample

FEW = 0.5  # share of rows in which a field is expected, and of the values of an id that differ
NEARLY = 0.7  # share of numbers in a column above which the other values look like mistakes
MOST_SAID = 12  # odd things of one file

CATALOG_NAMES: Mapping[str, tuple[str, ...]] = {
    "id": (*USUAL["id"], "article_id", "item", "product", "track_id", "artist_id", "movie_id", "ean", "upc"),
    "title": USUAL["title"],
    "text": (*USUAL["text"], "long_description", "longDescription", "short_description", "details", "plot"),
    "type": ("kind", "product_type", "item_type", "doctype", "entity_type", "class"),
    "popularity": ("sales", "views", "plays", "listeners", "orders", "downloads", "num_ratings", "rating_count",
                   "review_count", "sold", "popularity_score", "purchases", "playcount"),
    "created_at": ("created", "date_created", "release_date", "released", "published_at", "published", "date_added",
                   "added_at", "publication_date", "pub_date", "launch_date", "date", "timestamp"),
}  # fmt: skip
LOG_NAMES: Mapping[str, tuple[str, ...]] = {
    "timestamp": ("ts", "time", "event_time", "event_timestamp", "datetime", "occurred_at", "created_at", "date",
                  "click_time", "at", "when", "server_time"),
    "entity_id": ("item_id", "product_id", "sku", "doc_id", "document_id", "asin", "article_id", "object_id", "item",
                  "product", "track_id", "song_id", "artist_id", "movie_id", "content_id", "entity"),
    "query": ("search_term", "search_query", "query_text", "user_query", "q", "keywords", "keyword", "search", "term",
              "phrase", "search_phrase", "words"),
    "event": ("event_type", "event_name", "action", "action_type", "interaction", "interaction_type", "type", "verb"),
    "user_id": ("user", "uid", "customer_id", "customer", "visitor_id", "client_id", "account_id", "profile_id",
                "member_id", "who"),
    "session_id": ("session", "sid", "visit_id", "visit"),
    "position": ("rank", "slot", "pos", "place", "click_rank"),
    "value": ("rating", "dwell", "dwell_seconds", "seconds"),
    "clicked": ("clicks", "clicked_ids", "clicked_items", "clicked_products"),
    "results": ("shown", "result_ids", "shown_ids", "impressions"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceProposal:
    """What one file is taken for.

    role       -- "catalog" or "log"
    form       -- of the file, and of a log also its format
    mapping    -- our field -> column, where it has another name
    columns    -- column -> kind, where it is more than a text or a number
    recognised -- sentences; odd -- sentences about what somebody should look at
    """

    source: str
    role: str
    form: str
    rows: int  # that were looked at
    mapping: Mapping[str, str]
    columns: Mapping[str, str] = field(default_factory=dict)
    recognised: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    event_types: Mapping[str, int] = field(default_factory=dict)  # of a log: name -> records


def propose(sample: FileSample) -> SourceProposal:
    """Say what a file is and how its columns are called; raises DataError for one without a row."""
    if not sample.records:
        reason = f": line {sample.bad[0][0]}: {sample.bad[0][1]}" if sample.bad else ""
        raise DataError(f"{sample.source}: no row that can be read{reason}")
    known = _known_format(sample, {})
    if known:
        return _log(sample, {}, known)
    names = _names(sample, LOG_NAMES)
    # a log has times and says who or what was asked; the same entity stands in it often
    acts = "entity_id" in names or "clicked" in names
    if "timestamp" in names and acts and ({"query", "event", "user_id", "session_id"} & names.keys()):
        entity = sample.columns.get(names.get("entity_id", ""))
        if entity is None or entity.distinct < entity.filled or len(sample.records) == 1:
            if "event" not in names:
                names["event"] = '"search"' if "clicked" in names else '"click"'
            mapping = {ours: theirs for ours, theirs in names.items() if ours != theirs}
            return _log(sample, mapping, _known_format(sample, mapping) or "native")
    return _catalog(sample)


def _known_format(sample: FileSample, mapping: Mapping[str, str]) -> str:
    """Return the log format that the first rows are in, "" for none."""
    lines = (msgspec.json.encode(renamed(record, mapping), enc_hook=str) for record in sample.records[:50])
    try:
        return detect(lines)
    except DataError:
        return ""


def _names(sample: FileSample, usual: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return our field -> column, for all fields that a column is named like."""
    by_name = {_bare(name): name for name in reversed(tuple(sample.columns)) if sample.columns[name].filled}
    taken: dict[str, str] = {}
    for ours, others in usual.items():
        for name in (ours, *others):
            found = by_name.get(_bare(name))
            if found is not None and found not in taken.values() and _agrees(ours, sample.columns[found]):
                taken[ours] = found
                break
    return taken


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _agrees(ours: str, facts: ColumnFacts) -> bool:
    """Say whether the values of a column can be those of a field."""
    if ours in ("timestamp", "created_at"):
        return facts.times >= 0.95 * facts.filled
    if ours in ("popularity", "position", "value"):
        return facts.numbers >= 0.95 * facts.filled
    if ours == "id":
        return facts.distinct >= FEW * facts.filled
    return True


# ---------------------------------------------------------------- catalogs


def _catalog(sample: FileSample) -> SourceProposal:
    names = _names(sample, CATALOG_NAMES)
    said, odd = [], list(_odd_rows(sample))
    if "id" not in names:
        guessed = next((facts.name for facts in sample.columns.values() if _is_id(facts, sample)), None)
        if guessed is None:
            odd.append("no column names the entities: every value stands more than once (--map id=COLUMN)")
        else:
            names["id"] = guessed
            said.append(f"id: {guessed!r}, because its values are short and all different")
    if "title" not in names:
        odd.append("no column is called like a title; results would be shown without one (--map title=COLUMN)")
    for ours, theirs in names.items():
        facts = sample.columns[theirs]
        many = f"{facts.filled:,} values, {facts.distinct:,} different"
        said.append(f"{ours}: {theirs!r}, {many}, such as {facts.example}")
        odd += _odd_field(ours, facts, sample)
    columns = {}
    for name, facts in sample.columns.items():
        kind = facts.guess.kind if sample.kind in ("csv", "sqlite") else "text"
        if name not in names.values() and kind in _KIND_WORDS:
            columns[name] = kind
            said.append(f"{name}: {_KIND_WORDS[kind]}, such as {facts.example}")
        odd += _odd_column(name, facts, sample)
    mapping = {ours: theirs for ours, theirs in names.items() if ours != theirs and f"attributes.{ours}" != theirs}
    return SourceProposal(
        sample.source, "catalog", sample.kind, len(sample.records), mapping, columns, tuple(said), _cut(odd)
    )


_KIND_WORDS = {
    "money": "money, an amount and a currency",
    "json": "JSON",
    "list|": "lists, cut at |",
    "list;": "lists, cut at ;",
}


def _is_id(facts: ColumnFacts, sample: FileSample) -> bool:
    whole = facts.filled == facts.distinct == len(sample.records)
    return whole and facts.longest <= 64 and not facts.spaces and not facts.lists


def _odd_rows(sample: FileSample) -> Iterator[str]:
    if sample.bad:
        number, reason = sample.bad[0]
        yield f"{len(sample.bad):,} rows cannot be read; the first is line {number}: {reason}"


def _odd_field(ours: str, facts: ColumnFacts, sample: FileSample) -> Iterator[str]:
    rows = len(sample.records)
    if ours == "id":
        if facts.distinct < facts.filled:
            yield f"id: {facts.filled - facts.distinct:,} rows repeat an id of another row; the last one counts"
        if facts.filled < rows:
            yield f"id: {rows - facts.filled:,} rows have none and would be set aside"
    elif ours in ("title", "popularity", "created_at") and facts.filled < FEW * rows:
        yield f"{ours}: only {facts.filled:,} of {rows:,} rows have one"
    if ours == "created_at" and facts.times < facts.filled:
        yield f"created_at: {facts.filled - facts.times:,} values are no time"


def _odd_column(name: str, facts: ColumnFacts, sample: FileSample) -> Iterator[str]:
    if not facts.filled:
        yield f"{name}: empty everywhere"
    elif facts.filled > 1 and facts.distinct == 1 and name not in FIELDS:
        yield f"{name}: the same value in every row ({facts.example})"
    elif facts.filled > facts.numbers >= NEARLY * facts.filled and sample.kind == "csv":
        yield f"{name}: {facts.filled - facts.numbers:,} of {facts.filled:,} values are no numbers, so all stay texts"
    elif sample.kind == "sqlite" and facts.guess.cells and facts.numbers == facts.filled:
        yield f'{name}: numbers kept as texts; [catalog.columns] {name} = "number" reads them'


# ---------------------------------------------------------------- logs


def _log(sample: FileSample, mapping: Mapping[str, str], known: str) -> SourceProposal:
    said, odd = [], list(_odd_rows(sample))
    for ours, theirs in mapping.items():
        facts = sample.columns.get(theirs)
        said.append(
            f"{ours}: {theirs} for every record"
            if facts is None
            else f"{ours}: {theirs!r}, {facts.filled:,} values, such as {facts.example}"
        )
    rows = len(sample.records)
    for ours in ("timestamp", "user_id"):
        facts = sample.columns.get(mapping.get(ours, ours))
        if known == "native" and (facts is None or facts.filled < rows):
            missing = rows if facts is None else rows - facts.filled
            odd.append(f"{ours}: {missing:,} of {rows:,} records have none")
    types: Counter[str] = Counter()
    for record in sample.records:
        kind = renamed(record, mapping).get("event", record.get("action_name"))
        if isinstance(kind, str) and kind not in ("search", "impression", "user"):
            types[kind] += 1
        elif kind == "search":
            types["click"] += 1  # what a search's clicks are taken for
    form = f"{sample.kind}, {known}"
    return SourceProposal(
        sample.source, "log", form, rows, mapping, {}, tuple(said), _cut(odd), dict(types.most_common())
    )


def _cut(odd: list[str]) -> tuple[str, ...]:
    more = [f"{len(odd) - MOST_SAID} more of the kind"] if len(odd) > MOST_SAID else []
    return (*odd[:MOST_SAID], *more)
