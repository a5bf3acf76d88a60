"""What editors' rules do to one page, with odds kept exact.

Pinned and blocked entities are kept away from the strategies: the page is drawn without them, for as many positions as
the pins leave, and the pins then move its lines down. So a pinned line stands where it stands with odds 1, no strategy
is credited with it, and the odds of other lines are those of the page without pins, at the positions left to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ltrr_cli.catalog.columns import Columns
from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.types import AppliedRule, Filter, FloatArray, Impression, IntArray, Shown
from ltrr_cli.engine.rules import Rule, RuleSet


@dataclass(frozen=True, slots=True)
class RuledPage:
    """What the rules that hold for one query do.

    pins    -- position -> (id, name of the rule)
    away    -- ids that no strategy may bring: pinned ones and blocked ones
    boosted -- (entities,) float32 log-odds that boosts add, or None
    words   -- synonyms, searched for beside the query
    applied -- what the journal keeps
    """

    pins: dict[int, tuple[str, str]]
    away: frozenset[str]
    boosted: FloatArray | None
    words: str
    applied: tuple[AppliedRule, ...]

    def boost(self, rows: IntArray) -> FloatArray | None:
        """Return what boosts add to candidates, or None."""
        return None if self.boosted is None else self.boosted[rows]

    def merged(self, lines: Sequence[tuple[int, Shown]]) -> list[tuple[int, Shown]]:
        """Return (place of the candidate, line) with pinned lines among them, at place -1, and positions moved."""
        if not self.pins:
            return list(lines)
        rest, free = list(lines), self.left(len(lines) + len(self.pins))
        found = [(place, moved(line, free)) for place, line in rest]
        last = len(found) + len(self.pins)
        for position in sorted(self.pins):
            at = min(position, last)  # a page that is too short ends with its pins
            found.append((-1, Shown(self.pins[position][0], at, None, 1.0, 1.0, {}, {at: 1.0})))
        found.sort(key=lambda one: one[1].position)
        return [(place, replace(line, position=number)) if place < 0 else (place, line)
                for number, (place, line) in enumerate(found, 1)]  # fmt: skip

    def left(self, size: int) -> list[int]:
        """Return the positions that pins leave free, in order: the first is where position 1 of the rest stands."""
        return [position for position in range(1, size + len(self.pins) + 1) if position not in self.pins]


def moved(line: Shown, free: Sequence[int]) -> Shown:
    """Return a line of a page without pins at its position on the page with them."""
    places = {free[position - 1]: chance for position, chance in line.places.items() if position <= len(free)}
    return replace(line, position=free[line.position - 1], places=places)


NOTHING = RuledPage({}, frozenset(), None, "", ())


def rules_for(
    rules: RuleSet,
    catalog: Columns,
    query: str,
    filters: Sequence[Filter],
    moment: int,
    hidden: frozenset[str],
    size: int,
    *,
    pins: bool = True,
) -> RuledPage:
    """Return what the rules that hold do to a page of ``size`` lines; of two that pin a position the later moves down.

    hidden -- ids that the person who asks is not to see; pins -- False in an order that a person chose
    Only what the catalog has and what passes the filters of the query is pinned.
    """
    found = rules.matching(query, filters, moment)
    if not found:
        return NOTHING
    blocked = frozenset(entity for rule in found for entity in rule.block)
    allowed = catalog.allowed(tuple(filters))
    placed: dict[int, tuple[str, str]] = {}
    taken: set[str] = set()
    for rule in found if pins else ():
        at = rule.at
        for entity in rule.pin:
            row = catalog.row_of(entity)
            if row < 0 or entity in blocked or entity in hidden or entity in taken:
                continue
            if allowed is not None and not allowed[row]:
                continue
            while at in placed:
                at += 1
            if at > size:
                break
            placed[at] = (entity, rule.name)
            taken.add(entity)
    return RuledPage(placed, blocked | taken, _boosted(found, catalog), _words(found), _applied(found, placed))


def features_of(features: FloatArray, places: Sequence[int]) -> FloatArray:
    """Return (lines, f) the features of the lines of a page; of a pinned one, at place -1, nothing is known."""
    found = np.full((len(places), features.shape[1]), np.nan, np.float32)
    for number, place in enumerate(places):
        if place >= 0:
            found[number] = features[place]
    return found


def _words(rules: Sequence[Rule]) -> str:
    return " ".join(dict.fromkeys(word for rule in rules for word in rule.synonyms))


def _applied(rules: Sequence[Rule], pins: dict[int, tuple[str, str]]) -> tuple[AppliedRule, ...]:
    return tuple(
        AppliedRule(
            rule.name,
            tuple(entity for entity, name in pins.values() if name == rule.name),
            rule.block,
            changes=bool(rule.boost or rule.synonyms),
        )
        for rule in rules
    )


def _boosted(rules: Sequence[Rule], catalog: Columns) -> FloatArray | None:
    added: FloatArray | None = None
    for rule in rules:
        for what, factor in rule.factors:
            if added is None:
                added = np.zeros(len(catalog), np.float32)
            if isinstance(what, str):
                row = catalog.row_of(what)
                if row >= 0:
                    added[row] += factor
                continue
            try:
                passed = catalog.allowed((what,))
            except UsageError:
                continue  # a field that this catalog has not; `ltrr rules check` says so
            if passed is not None:
                added[passed] += factor
    return added


def pinned_ids(impression: Impression) -> frozenset[str]:
    """Return the ids that rules put on a page."""
    return frozenset(entity for rule in impression.rules for entity in rule.pinned)


def without_pins(impression: Impression) -> Impression:
    """Return a page as it was drawn, before pins moved its lines down; the same where there are none."""
    pinned = pinned_ids(impression)
    if not pinned or impression.shown is None:
        return impression
    at = sorted(line.position for line in impression.shown if line.entity_id in pinned)
    kept = tuple(
        replace(
            line,
            position=line.position - sum(position < line.position for position in at),
            places={place - sum(position < place for position in at): chance for place, chance in line.places.items()},
        )
        for line in impression.shown
        if line.entity_id not in pinned
    )
    features = impression.features
    if features is not None:
        keep = [line.entity_id not in pinned for line in impression.shown]
        features = features[np.array(keep, np.bool_)]
    return replace(impression, shown=kept, features=features)
