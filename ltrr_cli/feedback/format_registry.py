"""The log formats by name, and telling which one a file is in.

One format is one file and one line here, or an entry point of another package; it is loaded when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.core.plugins import PluginRegistry
from ltrr_cli.feedback.parse import parse_object
from ltrr_cli.feedback.records import Format, Parsed, time_form
from ltrr_cli.text.lines import BadLine, Line
from ltrr_cli.text.recognise import recognised

FORMATS = PluginRegistry(
    "log format",
    "ltrr.log_formats",
    {
        "native": "ltrr_cli.feedback.native:Native",
        "ubi": "ltrr_cli.feedback.ubi:Ubi",
        "metarank": "ltrr_cli.feedback.metarank:Metarank",
        "counts": "ltrr_cli.feedback.counts:Counts",
    },
    "ltrr_cli.feedback.records:Format",
)
LOOKED_AT = 50  # lines that ``detect`` reads at most


def format_class(name: str) -> type[Format]:
    """Return a format's class; raises UsageError for a name that is not registered."""
    found = FORMATS.load(name, unknown=UsageError)
    if not (isinstance(found, type) and all(hasattr(found, part) for part in ("read", "recognises"))):
        raise DataError(f"log format {name!r} does not follow {FORMATS.base}")
    return found


def reader(name: str, undated: bool = False) -> Callable[[bytes], Parsed]:
    """Return the function that reads one line of a format; it raises DataError with a reason for every bad line.

    >>> reader("native")(b'{"event":"click","timestamp":0,"entity_id":"a","event_id":"e"}').events[0].event_id
    'e'
    """
    read = format_class(name)(undated).read

    def read_line(line: bytes) -> Parsed:
        record = parse_object(line)
        form = time_form(record)
        parsed = read(record)
        return parsed if form is None else parsed._replace(time=form)

    return read_line


def format_of(first: Sequence[Line | BadLine], format: str, source: str) -> str:  # noqa: A002
    """Return the format that is meant by "auto", from a log's first lines; raises DataError where they do not tell.

    A file that is known as something else than JSON lines is named so, whatever format is asked for.
    """
    known = recognised([line.data for line in first], source)
    if known is not None:
        raise known
    if format != "auto" or not first:
        return "native" if format == "auto" else format
    readable = [line.data for line in first if isinstance(line, Line)]
    try:
        return detect(readable)
    except DataError as error:
        if not any(_is_object(data) for data in readable):
            return "native"  # nothing but bad lines: let each say why
        raise DataError(f"{source}: {error}", hint=error.hint) from None


def _is_object(data: bytes) -> bool:
    try:
        return bool(parse_object(data))
    except DataError:
        return False


def detect(lines: Iterable[bytes]) -> str:
    """Return the name of the format that most of the first lines can only be in; on equal terms the first registered.

    Raises DataError where no line is recognised.

    >>> detect([b'{"action_name":"click","query_id":"q"}'])
    'ubi'
    """
    votes = dict.fromkeys(FORMATS.names(), 0)
    classes = {name: format_class(name) for name in FORMATS.names()}
    for _, line in zip(range(LOOKED_AT), lines, strict=False):
        try:
            record = parse_object(line)
        except DataError:
            continue
        for name, found in classes.items():
            votes[name] += found.recognises(record)
    best = max(votes, key=lambda name: votes[name])  # the first of the best
    if not votes[best]:
        raise DataError(
            "cannot tell the log's format from its first lines",
            hint=f"--format {'|'.join(FORMATS.names())}; a catalog is checked with `ltrr validate --catalog`",
        )
    return best
