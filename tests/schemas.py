"""docs/SCHEMAS.md, made from the record types: which files and JSON documents there are, key by key.

After a change of a record, ``python -m tests.schemas`` writes the page anew; ``tests/test_schemas.py`` compares.
What a key means comes from the record's docstring (``name -- meaning``) or from the comment behind its field.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
import sqlite3
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

import ltrr_cli
from ltrr_cli.backends.encoder_card import Card
from ltrr_cli.cli.demo import Tour
from ltrr_cli.cli.ranker_gain import RankerGain
from ltrr_cli.core.report import Report
from ltrr_cli.engine.model_store import Served
from ltrr_cli.engine.snapshot import CatalogHeader, LearnedHeader
from ltrr_cli.ranking.trained import Header
from ltrr_cli.storage.generations import Current
from ltrr_cli.storage.journal_schema import create
from ltrr_cli.storage.lock import Holder
from ltrr_cli.storage.manifest import Manifest
from ltrr_cli.workspace.encoders import Encoders
from ltrr_cli.workspace.workspace import Workspace

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "SCHEMAS.md"
SERVED = "ltrr_cli.serving."  # what the server answers is described by its own /openapi.json

# command -> who answers it, by what its annotation returns
COMMANDS: dict[str, Any] = {
    "init": Workspace.init,
    "index": Workspace.index,
    "query": Workspace.query,
    "query --batch": Workspace.query_batch,
    "ingest-feedback": Workspace.ingest,
    "validate": Workspace.validate,
    "train-ranker": Workspace.train,
    "status": Workspace.status,
    "explain": Workspace.explain,
    "evaluate": Workspace.evaluate,
    "ope": Workspace.ope,
    "compare": Workspace.compare,
    "replay": Workspace.replay,
    "simulate": Workspace.simulate,
    "simulate --arrivals": Workspace.simulate_arrivals,
    "report": Workspace.report,
    "export": Workspace.export,
    "verify": Workspace.verify,
    "rebuild": Workspace.rebuild,
    "rollback": Workspace.rollback,
    "forget": Workspace.forget,
    "gc": Workspace.gc,
    "plugins": "PluginList",
    "help": "HelpText",
    "doctor": Workspace.doctor,
    "memory show": Workspace.remembered,
    "rules check": Workspace.check_rules,
    "rules list": Workspace.rules,
    "rules test": Workspace.query,
    "models list, promote, rollback": Workspace.models,
    "models show": Workspace.model,
    "encoder list": Encoders.listing,
    "encoder pull, import": "EncoderFacts",
}

STORED: dict[str, type] = {
    "`CURRENT.json`, the one mutable file": Current,
    "`MANIFEST.json`, in every sealed generation": Manifest,
    "`catalog/NNNN/generation.json`": CatalogHeader,
    "`learned/NNNN/fold.json`": LearnedHeader,
    "`learned/NNNN/ranker/served.json`": Served,
    "`model.json` of a trained ranker, beside `model.npz`": Header,
    "`encoder.json` of an encoder folder": Card,
    "`lock`, while somebody publishes": Holder,
}

# input lines: key, type, needed, meaning; ``tests/test_schemas.py`` reads the examples with the real readers
CATALOG = (
    ("id", "text or whole number", "yes", "names the entity; a later line with the same id replaces it"),
    ("title", "text", "no", "the name that people search for; without it an entity is found by its other words"),
    ("type", "text", "no", "what kind of thing it is"),
    ("text", "text or list", "no", "a description; the parts of a list are joined"),
    ("attributes", "object", "no", "name: text, number or list of texts; unknown keys of the line are added to it"),
    ("popularity", "number >= 0", "no", "any unit; larger is more popular"),
    ("created_at", "time", "no", "when it came"),
)
CATALOG_EXAMPLE = (
    '{"id": "a1", "title": "Kind of Blue", "type": "album", "text": "Modal jazz.", '
    '"attributes": {"genre": ["jazz"], "year": 1959}, "popularity": 812, "created_at": "1959-08-17"}'
)
_WHO = (
    ("user_id", "text or whole number", "no", "the user"),
    ("session_id", "text or whole number", "no", "the session"),
)
_TIME = ("timestamp", "time", "yes", "not needed with `--undated`")
EVENTS: dict[str, tuple[tuple[tuple[str, str, str, str], ...], str]] = {
    "search": (
        (
            ("event", "text", "yes", '"search": one search from a log, with what was clicked'),
            _TIME,
            ("query", "text", "yes", "what was typed; may be empty"),
            ("results", "list of ids, null", "no", "what was shown, best first; null: not known"),
            ("clicked", "list of ids", "no", "what was chosen"),
            ("click_times", "list of times", "no", "beside `clicked`, equally long"),
            ("impression_id", "text or whole number", "no", "derived from the other fields where it is missing"),
            ("context", "object of texts", "no", "what else is known of the search"),
            *_WHO,
        ),
        '{"event": "search", "timestamp": "2024-05-31T18:00:00Z", "query": "jazz", "results": ["a1", "a2"], '
        '"clicked": ["a1"], "click_times": ["2024-05-31T18:00:09Z"], "impression_id": "s1-1", '
        '"context": {"device": "phone"}, "user_id": "u17", "session_id": "s1"}',
    ),
    "action": (
        (
            ("event", "text", "yes", "any other word: click, play, like, add, purchase, skip, dislike, remove ..."),
            ("event_id", "text or whole number", "no", "derived from the other fields where it is missing"),
            _TIME,
            ("entity_id", "text or whole number", "yes", "what was acted on"),
            ("impression_id", "text or whole number", "no", "the page it happened on"),
            ("query", "text", "no", "the query it belongs to, where no page is named"),
            ("position", "whole number >= 1", "no", "where it stood on the page"),
            ("value", "number", "no", "for instance seconds of reading"),
            *_WHO,
        ),
        '{"event": "click", "event_id": "e1", "timestamp": "2024-05-31T18:00:09Z", "entity_id": "a1", '
        '"impression_id": "s1-1", "query": "jazz", "position": 1, "value": 40, "user_id": "u17", "session_id": "s1"}',
    ),
    "impression": (
        (
            ("event", "text", "yes", '"impression": a page that was shown'),
            _TIME,
            ("impression_id", "text or whole number", "yes", "names the page"),
            ("query", "text", "yes", "what was typed; may be empty"),
            ("results", "list", "no", "ids, or objects `{id, position?, score?, odds?, inclusion?}`"),
            ("origin", "text", "no", "`live`, `trial` or `imported`; default: live where all results have odds"),
            ("context", "object of texts", "no", "what else is known of the search"),
            *_WHO,
        ),
        '{"event": "impression", "timestamp": "2024-05-31T18:00:00Z", "impression_id": "p1", "query": "jazz", '
        '"results": [{"id": "a1", "position": 1, "odds": 0.5}], "origin": "live", "context": {"device": "phone"}, '
        '"user_id": "u17", "session_id": "s1"}',
    ),
    "user": (
        (
            ("event", "text", "yes", '"user": what is known of a user apart from their actions'),
            ("user_id", "text or whole number", "yes", "the user"),
            ("attributes", "object", "no", "name: text, number or list of texts"),
            ("timestamp", "time", "no", "of several records the newest holds"),
        ),
        '{"event": "user", "user_id": "u17", "attributes": {"genre": ["jazz", "soul"]}, '
        '"timestamp": "2024-05-31T18:00:00Z"}',
    ),
}

INTRODUCTION = """# Files and JSON documents

Written by `python -m tests.schemas` from the record types of the code, and compared by a test. So edit the records, not
this page.

A *time* is ISO-8601 text or whole milliseconds since 1970 (UTC where no zone is given). *List of* and *object of* name
what is inside. `null` stands for "not known". Keys that are not listed here are left alone in feedback, and become
attributes in a catalog.
"""


def page() -> str:
    """Return the whole document."""
    parts = [INTRODUCTION, "## What you give\n", *given(), "## What commands answer with `--json`\n", *answered()]
    parts += ["## What is on the disk\n", *stored(), "## Records\n", *records()]
    return "\n".join(parts).rstrip() + "\n"


# ---------------------------------------------------------------- sections


def given() -> list[str]:
    """Describe input files."""
    parts = ["### A line of a catalog\n", table(CATALOG), f"\n```json\n{CATALOG_EXAMPLE}\n```\n"]
    for name, (rows, example) in EVENTS.items():
        parts += [f"### A line of a feedback log: {name}\n", table(rows), f"\n```json\n{example}\n```\n"]
    parts += [
        "### Other files\n",
        "| file | form |\n|---|---|",
        '| queries (`--queries`, `--batch`) | JSON lines `{"query_id", "text", "user_id"?, "session_id"?, "like"?, '
        '"timestamp"?, "kind"?}` |',
        "| judgments (`--qrels`) | TREC qrels `query_id 0 id grade`, or CSV `grade,keywords,docid` |",
        "| runs (`--run`) | TREC runs `query_id Q0 id rank score tag` |",
        '| expected queries (`--predicted`) | JSON lines `{"id", "query", "score"}` |',
        "| editors' rules | `rules.toml` in the workspace, see [GUIDE.md](GUIDE.md) |",
        "| settings | `ltrr.toml`, see [SETTINGS.md](SETTINGS.md) |\n",
    ]
    return parts


def answered() -> list[str]:
    """List commands and the records that they answer with."""
    tour = Tour("", (), {}, {}, 0, 0, (), RankerGain(0.0, 0.0, 0.0, kept=False), 0.0)
    told = ", ".join(f"`{key}`" for key in tour.as_json())
    lines = ["| command | record |\n|---|---|", f"| `ltrr demo` | an object with the keys {told} |"]
    lines += [f"| `ltrr {command}` | {link(answer(source))} |" for command, source in COMMANDS.items()]
    return ["\n".join(lines) + "\n"]


def stored() -> list[str]:
    """Describe what is on the disk."""
    parts = [f"| file | record |\n|---|---|\n{_rows((name, link(kind)) for name, kind in STORED.items())}\n"]
    parts += [
        "`quarantine/catalog.jsonl` and `quarantine/feedback.jsonl` hold unusable lines, one object a line:",
        "`source`, `line` (from 1), `offset` (bytes from 0), `reason`, `bytes` (its length), `data` (its text).\n",
        "`journal.db` is an SQLite database with these tables:\n",
        "| table | columns |\n|---|---|",
    ]
    connection = sqlite3.connect(":memory:")
    create(connection)
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    for name in names:
        if not name.startswith("sqlite_"):
            known = connection.execute(f"PRAGMA table_info({name})")
            columns = [f"{column} {kind}".strip() for _, column, kind, *_ in known]
            parts.append(f"| `{name}` | {', '.join(columns)} |")
    connection.close()
    return [*parts, ""]


def records() -> list[str]:
    """Describe every record that a document holds, in the order of their names."""
    wanted = [answer(source) for source in COMMANDS.values()] + list(STORED.values())
    found: dict[str, type] = {}
    while wanted:
        kind = wanted.pop()
        if kind.__name__ not in found:
            found[kind.__name__] = kind
            wanted += [inner for hint in hints(kind).values() for inner in inside(hint)]
    return [described(found[name]) for name in sorted(found)]


def described(kind: type) -> str:
    """Return one record: what it is, and its keys."""
    told = inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].replace("``", "`").replace("\n", " ")
    meaning = meanings(kind)
    rows = [
        (f"`{name}`", spelt(hint), meaning.get(name, ""))
        for name, hint in hints(kind).items()
        if not name.startswith("_")
    ]
    return f"### {kind.__name__}\n\n{told}\n\n| key | type | meaning |\n|---|---|---|\n{_rows(rows)}\n"


# ---------------------------------------------------------------- types


def classes() -> dict[str, type]:
    """Return every class of the package by name."""
    found: dict[str, type] = {}
    root = Path(ltrr_cli.__file__).parent
    for path in sorted(root.rglob("*.py")):
        name = ".".join(path.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__")
        if name == "ltrr_cli.__main__":
            continue
        module = importlib.import_module(name)
        found |= {
            key: value for key, value in vars(module).items() if inspect.isclass(value) and not key.startswith("_")
        }
    return found


_CLASSES: dict[str, type] = {}


def _names() -> dict[str, type]:
    if not _CLASSES:
        _CLASSES.update(classes())
    return _CLASSES


def answer(source: Any) -> type:
    """Return the record that a method answers with, or the class itself."""
    if inspect.isclass(source):
        return source
    name = source if isinstance(source, str) else str(source.__annotations__["return"])
    first = re.findall(r"\w+", name.removeprefix("tuple["))[0]
    return _names()[first]


def hints(kind: type) -> dict[str, Any]:
    """Return the fields of a record with their types."""
    found = typing.get_type_hints(kind, localns=_names())
    if dataclasses.is_dataclass(kind):
        return {field.name: found[field.name] for field in dataclasses.fields(kind)}
    return {field.encode_name: found[field.name] for field in msgspec.structs.fields(kind)}


def is_record(hint: Any) -> bool:
    """Say whether a type is one of our records."""
    return inspect.isclass(hint) and (dataclasses.is_dataclass(hint) or issubclass(hint, msgspec.Struct))


def inside(hint: Any) -> list[type]:
    """Return the records that a type mentions."""
    if is_record(hint):
        return [hint]
    return [kind for inner in typing.get_args(hint) for kind in inside(inner)]


_SPELT = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    type(None): "null",
    Any: "any value",
}


def spelt(hint: Any) -> str:
    """Write a type in words, with links to records."""
    if hint in _SPELT:
        return _SPELT[hint]
    if is_record(hint):
        return link(hint)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(sorted((spelt(each) for each in inner), key=lambda word: word == "null"))
    if origin is tuple and len(inner) == 2 and inner[1] is Ellipsis:
        return f"list of {spelt(inner[0])}"
    if origin is tuple:
        return "list: " + ", ".join(spelt(each) for each in inner)
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return "object" if inner[1] is Any else f"object of {spelt(inner[1])}"
    if inspect.isclass(origin) and issubclass(origin, Sequence):
        return f"list of {spelt(inner[0])}"
    return "list of numbers" if "ndarray" in str(hint) else str(getattr(hint, "__name__", hint))


def link(kind: type) -> str:
    """Return a link to a record's section."""
    return f"[{kind.__name__}](#{kind.__name__.lower()})"


def meanings(kind: type) -> dict[str, str]:
    """Return field -> what the docstring or the comment behind the field says of it."""
    found: dict[str, str] = {}
    document, last = inspect.cleandoc(kind.__doc__ or ""), ()
    for line in document.splitlines():
        if row := re.match(r"((?:\w+, )*\w+)\s+-- (.*)", line):
            last = tuple(row[1].split(", "))
            found |= dict.fromkeys(last, row[2])
        elif last and line.startswith("  "):
            found |= {name: f"{found[name]} {line.strip()}" for name in last}
        else:
            last = ()
    for line in inspect.getsource(kind).splitlines():
        if row := re.match(r"    (\w+):[^#]*  # (.*)", line):
            found.setdefault(row[1], row[2])
    return {name: text.replace("``", "`").replace("|", "\\|") for name, text in found.items()}


# ---------------------------------------------------------------- Markdown


def table(rows: Sequence[tuple[str, str, str, str]]) -> str:
    """Return a table of keys."""
    return "| key | type | needed | meaning |\n|---|---|---|---|\n" + _rows((f"`{key}`", *rest) for key, *rest in rows)


def _rows(rows: Any) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def unlisted() -> set[str]:
    """Return reports that no command's document holds: the page must have them all."""
    text = page()
    return {
        name
        for name, kind in _names().items()
        if issubclass(kind, Report)
        and kind is not Report
        and f"### {name}\n" not in text
        and not kind.__module__.startswith(SERVED)
    }


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
