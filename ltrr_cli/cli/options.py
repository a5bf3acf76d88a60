"""Values as people type them: pairs, shares, moments. What is wrong is a UsageError before anything is opened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

from ltrr_cli.core.clock import parse_span, parse_time
from ltrr_cli.core.errors import DataError, UsageError

Engine = Annotated[
    str | None,
    typer.Option("--engine", metavar="WHERE", help="local, processes[=N], ray or ray://HOST:PORT."),
]


def pairs(texts: Iterable[str], option: str, example: str) -> dict[str, str]:
    """Read ``name=value`` pairs.

    >>> pairs(["title=name"], "--map", "title=name")
    {'title': 'name'}
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise UsageError(f"{option} {text[:80]!r} is no pair", hint=f"write it as {option} {example}")
        found[name.strip()] = value.strip()
    return found


def listed(text: str | None) -> tuple[str, ...]:
    """Read a list with commas; those inside parentheses belong to what they are in.

    >>> listed("hazard, fixed(lexical=40,memory=60)")
    ('hazard', 'fixed(lexical=40,memory=60)')
    """
    found, depth = [""], 0
    for character in text or "":
        depth += (character == "(") - (character == ")")
        if character == "," and depth <= 0:
            found.append("")
        else:
            found[-1] += character
    return tuple(item.strip() for item in found if item.strip())


def share(text: str | None, option: str) -> float | None:
    """Read a share of 0 to 1, or of 0 % to 100 %.

    >>> share("0.1%", "--max-bad"), share("0.001", "--max-bad"), share(None, "--max-bad")
    (0.001, 0.001, None)
    """
    if text is None:
        return None
    number, percent = text.strip().removesuffix("%"), text.strip().endswith("%")
    try:
        value = float(number) / (100.0 if percent else 1.0)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise UsageError(f"{option} {text[:40]!r} is no share", hint=f"write it as {option} 0.1% or {option} 0.001")
    return value


def moment(text: str | None, option: str) -> int | None:
    """Read a moment as milliseconds.

    >>> moment("2011-10-01", "--at") == moment("1317427200000", "--at") == 1317427200000
    True
    """
    if text is None:
        return None
    try:
        return parse_time(text)
    except DataError as error:
        hint = f"write it as {option} 2024-05-31T18:00:00Z or as milliseconds since 1970"
        raise UsageError(f"{option}: {error}", hint=hint) from None


def span(text: str, option: str) -> str:
    """Check a span such as ``1h``; returned as typed.

    >>> span("90s", "--learn-every")
    '90s'
    """
    try:
        parsed = parse_span(text)
    except DataError as error:
        raise UsageError(f"{option}: {error}", hint=error.hint) from None
    if parsed <= 0:
        raise UsageError(f"{option}: {text!r} is no time at all", hint="write it as 90s, 30m, 1h or 7d")
    return text


def filters(texts: Sequence[str]) -> tuple[str, ...]:
    """Check conditions such as ``year>=2000``; returned as typed."""
    if texts:
        from ltrr_cli.catalog.filters import parse_filter

        for text in texts:
            parse_filter(text)
    return tuple(texts)


def readable(text: str | None, name: str) -> None:
    """Refuse bytes that are no text in the terminal's encoding (Python carries them as lone surrogates)."""
    if text is not None and any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError(f"{name} is no valid text", hint="type it in the terminal's encoding, usually UTF-8")


def at_least_zero(number: int, option: str) -> int:
    """Refuse negative numbers and those no counter holds."""
    if not 0 <= number < 2**31:
        raise UsageError(f"{option} is {number}", hint=f"{option} lies between 0 and {2**31 - 1}")
    return number
