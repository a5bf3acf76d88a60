"""Editors' rules, ``rules.toml``: what stands on top, what stays away, what counts more, which words mean the same.

Each ``[[rule]]`` says when it holds: by ``query`` (as the memory knows queries: case, spaces and accents aside), by
``contains`` (all these words), by ``value`` ("genre=jazz": the value stands in the query or is filtered by), or, with
none of them, for every query; from and until which day; and what it does: ``pin``, ``block``, ``boost``, ``synonyms``.
Rules are found by what is in the query, so ten thousand of them cost as little as ten.
"""

from __future__ import annotations

import math
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

import msgspec

from ltrr_cli.catalog.filters import parse_filter
from ltrr_cli.core.clock import DAY
from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.core.types import Filter
from ltrr_cli.text.normalise import query_key, query_tokens

RULES = "rules.toml"
STRONGEST = 1_000.0  # factor of a boost
_HINT = "docs/GUIDE.md explains rules.toml"


class Rule(msgspec.Struct, frozen=True, dict=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """One rule; ``from`` and ``until`` are days in UTC, both included."""

    name: str
    owner: str = ""
    query: str = ""
    contains: str = ""
    value: str = ""  # "field=value"
    since: date | None = None
    until: date | None = None
    pin: tuple[str, ...] = ()  # ids, from position ``at`` on
    at: int = 1  # from 1
    block: tuple[str, ...] = ()  # ids
    boost: dict[str, float] = {}  # "id" or "field=value" -> factor by which the odds grow
    synonyms: tuple[str, ...] = ()  # words that are searched for beside those of the query
    note: str = ""

    @property
    def when(self) -> str:
        """Say in words when it holds."""
        told = [f"{name} {value!r}" for name in ("query", "contains", "value") if (value := getattr(self, name))]
        return " and ".join(told) or "everywhere"

    @property
    def does(self) -> str:
        """Say in words what it does."""
        given = (("pin", self.pin), ("block", self.block), ("boost", self.boost), ("synonyms", self.synonyms))
        return ", ".join(f"{name} {len(what)}" for name, what in given if what)

    def holds_at(self, moment: int) -> bool:
        """Say whether it holds at a moment (milliseconds)."""
        begun = self.since is None or _start(self.since) <= moment
        return begun and (self.until is None or moment < _start(self.until) + DAY)

    @cached_property
    def factors(self) -> tuple[tuple[Filter | str, float], ...]:
        """Return (condition or id, log of its factor) of every boost."""
        return tuple(
            (parse_filter(what) if any(sign in what for sign in "=<>") else what, math.log(factor))
            for what, factor in self.boost.items()
        )


def _start(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules, found by what is in a query.

    by_key   -- memory key of a query -> places of rules
    by_word  -- first word of what a query has to contain -> (all its words, place)
    anywhere -- places of rules for every query
    """

    rules: tuple[Rule, ...] = ()
    by_key: Mapping[str, list[int]] = field(default_factory=dict)
    by_word: Mapping[str, list[tuple[frozenset[str], int]]] = field(default_factory=dict)
    by_filter: Mapping[tuple[str, str], list[int]] = field(default_factory=dict)
    anywhere: tuple[int, ...] = ()

    @staticmethod
    def of(rules: Sequence[Rule]) -> RuleSet:
        """Index rules."""
        by_key: dict[str, list[int]] = {}
        by_word: dict[str, list[tuple[frozenset[str], int]]] = {}
        by_filter: dict[tuple[str, str], list[int]] = {}
        anywhere = []
        for place, rule in enumerate(rules):
            words = list(query_tokens(rule.contains))
            if rule.value:
                name, _, value = rule.value.partition("=")
                by_filter.setdefault((name.strip(), query_key(value)), []).append(place)
                words += query_tokens(value)
            if rule.query:
                by_key.setdefault(query_key(rule.query), []).append(place)
            elif words:
                # the longest word is usually the rarest
                by_word.setdefault(max(words, key=len), []).append((frozenset(words), place))
            elif not rule.value:
                anywhere.append(place)
        return RuleSet(tuple(rules), by_key, by_word, by_filter, tuple(anywhere))

    def matching(self, query: str, filters: Sequence[Filter], moment: int) -> tuple[Rule, ...]:
        """Return the rules that hold for a query at a moment, in the order of the file."""
        if not self.rules:
            return ()
        words = frozenset(query_tokens(query))
        places = {*self.anywhere, *self.by_key.get(query_key(query), ())}
        for word in words if self.by_word else ():
            places.update(place for needed, place in self.by_word.get(word, ()) if needed <= words)
        for condition in filters if self.by_filter else ():
            if condition.op == "=":
                for place in self.by_filter.get((condition.field, query_key(condition.value)), ()):
                    if frozenset(query_tokens(self.rules[place].contains)) <= words:
                        places.add(place)
        return tuple(rule for place in sorted(places) if (rule := self.rules[place]).holds_at(moment))


def read_rules(path: Path) -> RuleSet:
    """Read a file of rules, empty where there is none; raises DataError naming the rule that is wrong."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return RuleSet()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: {error}", hint=_HINT) from None
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path}: {error}", hint=_HINT) from None
    unknown = sorted(found.keys() - {"rule"})
    if unknown or not isinstance(found.get("rule", []), list):
        raise DataError(f"{path}: {unknown[0] if unknown else 'rule'!r} is no list of rules", hint="write [[rule]]")
    rules: list[Rule] = []
    for number, given in enumerate(found.get("rule", []), 1):
        name = given.get("name") if isinstance(given, dict) else None
        try:
            rules.append(msgspec.convert(given, Rule))
        except msgspec.ValidationError as error:
            raise DataError(f"{path}: rule {name or number}: {error}", hint=_HINT) from None
        wrong = next(_wrong(rules[-1]), None)
        if wrong is not None:
            raise DataError(f"{path}: rule {name or number}: {wrong}", hint=_HINT)
    names = [rule.name for rule in rules]
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise DataError(f"{path}: two rules are named {twice!r}", hint="the report tells rules apart by their names")
    return RuleSet.of(rules)


def _wrong(rule: Rule) -> Iterator[str]:
    if not rule.name:
        yield "it has no name"
    if not (rule.pin or rule.block or rule.boost or rule.synonyms):
        yield "it does nothing: pin, block, boost and synonyms are empty"
    if rule.at < 1:
        yield f"at is {rule.at}; positions count from 1"
    if len(set(rule.pin)) < len(rule.pin):
        yield "it pins an entity twice"
    if both := sorted(set(rule.pin) & set(rule.block)):
        yield f"it pins and blocks {both[0]!r}"
    yield from _wrong_when(rule)
    yield from _wrong_boost(rule)


def _wrong_when(rule: Rule) -> Iterator[str]:
    if rule.query and (rule.contains or rule.value):
        yield "query is the whole query: leave out contains and value"
    if rule.value and not all(part.strip() for part in rule.value.partition("=")[::2]):
        yield f'value is {rule.value!r}, not "field=value"'
    if rule.since is not None and rule.until is not None and rule.until < rule.since:
        yield "it ends before it begins"
    if rule.synonyms and not (rule.query or rule.contains or rule.value):
        yield "synonyms for every query mean nothing: say for which"


def _wrong_boost(rule: Rule) -> Iterator[str]:
    for what, factor in rule.boost.items():
        if not 1 / STRONGEST <= factor <= STRONGEST:
            yield f"boost of {what!r} is {factor}, not a factor between {1 / STRONGEST} and {STRONGEST:g}"
            return
    try:
        _ = rule.factors
    except UsageError as error:
        yield str(error)
