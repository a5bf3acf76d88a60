"""``ltrr init``: looks at a catalog and a log, proposes what is what, and writes it as a commented ``ltrr.toml``."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.report import Report
from ltrr_cli.feedback.event_types import event_type
from ltrr_cli.indexing.column_facts import FileSample, sample_file
from ltrr_cli.indexing.proposal import SourceProposal, propose
from ltrr_cli.storage.disk import write_atomic

SETTINGS = "ltrr.toml"


@dataclass(frozen=True, slots=True)
class InitReport(Report):
    """What files were taken for, and the settings that say so.

    settings -- the text of ``ltrr.toml``; ``written`` is where it stands now, None after a dry run
    odd      -- what is odd about the files beside one another
    commands -- what to type next
    """

    sources: tuple[SourceProposal, ...]
    settings: str
    written: str | None
    odd: tuple[str, ...]
    commands: tuple[str, ...]


def init(home: Path, sources: Sequence[str], *, force: bool, dry_run: bool, named: bool) -> InitReport:
    """Look at files and write the settings that they need; see ``Workspace.init``.

    named -- the workspace is not the usual one: the next commands name it
    """
    if not sources:
        raise UsageError("no file to look at", hint="ltrr init --from CATALOG [LOG]...")
    path = home / SETTINGS
    if path.exists() and not force and not dry_run:
        raise UsageError(f"{path} exists", hint="--force replaces it; --dry-run only shows what would be written")
    samples = [sample_file(source) for source in sources]
    found = tuple(propose(sample) for sample in samples)
    odd = (*_in_conflict(found), *_unknown_entities(samples, found))
    text = "\n".join(_settings(found)) + "\n"
    if not dry_run:
        home.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text.encode())
    commands = _commands(home if named else None, samples, found)
    return InitReport(found, text, None if dry_run else str(path), odd, commands)


def merged(found: Sequence[SourceProposal], role: str, what: str) -> dict[str, str]:
    """Return the mapping (or the columns) of all files of one role; of two that disagree the first counts."""
    together: dict[str, str] = {}
    for one in found:
        if one.role == role:
            mapping: Mapping[str, str] = getattr(one, what)
            together = {**mapping, **together}
    return together


def _in_conflict(found: Sequence[SourceProposal]) -> Iterator[str]:
    for role in ("catalog", "log"):
        together = merged(found, role, "mapping")
        for one in found:
            for ours, theirs in one.mapping.items():
                if one.role == role and together[ours] != theirs:
                    yield (
                        f"{one.source}: {ours} is {theirs!r} here and {together[ours]!r} in another file; settings "
                        f"hold one name: give this file by itself, with --map {ours}={theirs}"
                    )


def _unknown_entities(samples: Sequence[FileSample], found: Sequence[SourceProposal]) -> Iterator[str]:
    known: set[str] = set()
    for sample, one in zip(samples, found, strict=True):
        facts = sample.columns.get(one.mapping.get("id", "id"))
        if one.role == "catalog" and facts is not None:
            known |= facts.seen
    if not known or any(one.role == "catalog" and not sample.whole for sample, one in zip(samples, found, strict=True)):
        return
    for sample, one in zip(samples, found, strict=True):
        facts = sample.columns.get(one.mapping.get("entity_id", "entity_id"))
        if one.role == "log" and facts is not None:
            unknown = facts.seen - known
            if unknown:
                yield (
                    f"{one.source}: {len(unknown):,} of {facts.distinct:,} entities are not in the catalog, "
                    f"such as {min(unknown)}"
                )


def _settings(found: Sequence[SourceProposal]) -> Iterator[str]:
    yield "# Written by `ltrr init`. Every line may be changed; docs/SETTINGS.md explains all settings."
    for one in found:
        yield f"# {one.source}: a {one.role} ({one.form}), {one.rows:,} rows were looked at"
    for role, table in (("catalog", "catalog"), ("log", "feedback")):
        mapping = merged(found, role, "mapping")
        if mapping:
            yield f"\n[{table}.map]  # our field = the name in the files, or '\"a text in quotes\"' for every record"
            for ours, theirs in mapping.items():
                yield f"{ours} = {_quoted(theirs)}"
        if role == "catalog" and (columns := merged(found, role, "columns")):
            yield "\n[catalog.columns]  # what a column is: text, number, boolean, money, json, list|, list; or list,"
            for name, kind in columns.items():
                yield f"{_quoted(name)} = {_quoted(kind)}"
    types: dict[str, int] = {}
    for one in found:
        for name, count in one.event_types.items():
            types[name] = types.get(name, 0) + count
    if types:
        yield "\n[feedback.rewards]  # what one action is worth, -1 to 1; take the # away to say otherwise"
        for name, count in types.items():
            meant = event_type(name)
            worth = 0.0 if meant is None else meant.reward
            told = f"{count:,} records" if worth else f"{count:,} records that teach nothing unless this says more"
            yield f"# {_quoted(name)} = {worth}  # {told}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON text is a TOML text


def _commands(home: Path | None, samples: Sequence[FileSample], found: Sequence[SourceProposal]) -> tuple[str, ...]:
    tail = "" if home is None else f" --home {shlex.quote(str(home))}"
    catalogs = " ".join(shlex.quote(one.source) for one in found if one.role == "catalog")
    logs = " ".join(shlex.quote(one.source) for one in found if one.role == "log")
    commands = [f"ltrr index {catalogs or 'CATALOG'}{tail}"]
    if logs:
        commands.append(f"ltrr ingest-feedback {logs}{tail}")
    else:
        commands.insert(0, f"ltrr validate --catalog {catalogs}{tail}")
    return (*commands, f"ltrr query {shlex.quote(_question(samples, found))}{tail}")


def _question(samples: Sequence[FileSample], found: Sequence[SourceProposal]) -> str:
    """Return a query that is worth asking first: one of the log, else a title."""
    for role, ours in (("log", "query"), ("catalog", "title")):
        for sample, one in zip(samples, found, strict=True):
            facts = sample.columns.get(one.mapping.get(ours, ours))
            if one.role == role and facts is not None and facts.example:
                return facts.example
    return "QUERY"
