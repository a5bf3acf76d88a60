"""What has to be said of a catalog that was read: which values were taken as meant, and which were left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

# key -> (severity, sentence); a warning says that something is missing now
SAYINGS = {
    "unreadable": ("warning", "{field}: {values} left out, not readable (first: {example})"),
    "negative": ("warning", "{field}: {values} left out, below 0 (first: {example})"),
    "unusable": ("warning", "{field}: {values} left out, neither text nor number (first: {example})"),
    "deep": ("warning", "{field}: {values} left out, nested too deeply (first: {example})"),
    "wide": ("warning", "{field}: {values} left out, an object of more than 100 keys (first: {example})"),
    "many": ("warning", "{field}: {values} cut to the first 1,000 of a list (first: of {example})"),
    "untitled": ("warning", "title: none in {lines}"),
    "textual": (
        "warning",
        "title: none on any line; results are shown without one (--map title=KEY names another key)",
    ),
    "nan": ("note", "{lines} with NaN or Infinity, which is no JSON: read as null"),
    "nulls": ("note", "{field}: {values} without content left out of lists"),
    "flattened": ("note", "{field}: {values} flattened, into attributes such as {example}"),
    "titles": ("note", "{field}: {values} read as the first text of an object"),
    "texts": ("note", "{field}: {values} read as all the texts of an object"),
    "column": ("note", "{field}: read as {example} (catalog.columns can say otherwise)"),
    "numbers": ("note", "{field}: {values} written as text, read as numbers (first: {example})"),
    "seconds": ("note", "{field}: {values} read as {example}"),
    "years": ("note", "{field}: {values} read as {example}"),
    "dates": ("note", "{field}: {values} read as {example}"),
    "hits": ("note", "{lines} of search hits: the entity is their _source"),
    "prose": ("note", "{field}: prose in {values}; {example} also finds what is said there in other words"),
    "html": ("note", '{field}: HTML taken out of {values} (catalog.html = "keep" leaves it)'),
}
SHORT = 60  # characters of an example


@dataclass(frozen=True, slots=True)
class Remark:
    """What was noticed of one field.

    check    -- key of ``SAYINGS``; severity -- "warning" or "note"
    count    -- values, or lines, of which it holds
    sentence -- what is said of it
    """

    check: str
    field: str
    severity: str
    count: int
    sentence: str


@dataclass(slots=True)
class Remarks:
    """Counts what is noticed, by kind and field, with the first example."""

    _found: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)

    def tell(self, check: str, field: str = "", value: object = "", count: int = 1) -> None:
        """Note one value of a field, or several."""
        known = self._found.get((check, field))
        if known is None:
            self._found[check, field] = count, _example(check, field, value)
        else:
            self._found[check, field] = known[0] + count, known[1]

    def __iter__(self) -> Iterator[Remark]:
        for check, (severity, sentence) in SAYINGS.items():
            for (found, name), (count, example) in self._found.items():
                if found == check:
                    told = sentence.format(
                        field=name, values=_counted(count, "value"), lines=_counted(count, "line"), example=example
                    )
                    yield Remark(check, name, severity, count, told)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _example(check: str, field: str, value: object) -> str:
    if check == "flattened" and isinstance(value, Mapping):
        named = next((key for key, inner in value.items() if isinstance(inner, str)), next(iter(value), "name"))
        return f"{field}.{named}"
    if check in ("seconds", "years", "dates", "column", "prose"):
        return str(value)
    text = repr(value)
    return text if len(text) <= SHORT else text[: SHORT - 2] + ".."
