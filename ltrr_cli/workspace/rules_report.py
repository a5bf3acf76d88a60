"""What editors' rules say, what is wrong with them, and what each cost or gained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ltrr_cli.catalog.filters import parse_filter
from ltrr_cli.core.clock import iso, now_ms
from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.report import Report
from ltrr_cli.core.types import Context, Filter
from ltrr_cli.engine.rules import RULES, Rule
from ltrr_cli.engine.search import answer
from ltrr_cli.engine.state import State
from ltrr_cli.feedback.rewards import Rewards
from ltrr_cli.text.normalise import query_key

ASKED = 200  # rules whose query is answered without them, to see what learning alone would do
DEEP = 20  # positions that are looked at for it


@dataclass(frozen=True, slots=True)
class RuleReport:
    """One rule, and what became of its pages.

    in_force -- today; ``pages`` -- live pages on which it held
    chosen   -- rewarded actions on the lines that it pinned
    earned, without -- mean reward of its pages, and of live pages of the same queries without it; None: there are none
    learned  -- position of the entity it pins first without any rule now, 0: not among the first 20, None: not asked
    needless -- learning alone puts what it pins at least as high
    """

    name: str
    owner: str
    when: str
    does: str
    since: str | None
    until: str | None
    in_force: bool
    pages: int
    chosen: int
    earned: float | None
    without: float | None
    learned: int | None
    needless: bool


@dataclass(frozen=True, slots=True)
class RulesReport(Report):
    """All rules of a workspace."""

    file: str
    rules: tuple[RuleReport, ...]


@dataclass(frozen=True, slots=True)
class RulesCheck(Report):
    """What is odd about rules that can be read; ``odd`` maps the name of a rule to what is said of it."""

    file: str
    rules: int
    in_force: int
    odd: tuple[tuple[str, str], ...]


def list_rules(state: State) -> RulesReport:
    """Return every rule with what it cost or gained; raises DataError for a file that is wrong."""
    rules, now = state.rules().rules, now_ms()
    pages, earned, chosen = _past(state)
    by_rule: dict[str, list[str]] = {}
    by_query: dict[str, list[str]] = {}
    for one, (key, names) in pages.items():
        by_query.setdefault(key, []).append(one)
        for name in names:
            by_rule.setdefault(name, []).append(one)
    found = []
    for number, rule in enumerate(rules):
        held = by_rule.get(rule.name, [])
        asked = dict.fromkeys(pages[one][0] for one in held)
        other = [one for key in asked for one in by_query[key] if rule.name not in pages[one][1]]
        learned = _learned(state, rule) if rule.pin and number < ASKED else None
        found.append(
            RuleReport(
                rule.name,
                rule.owner,
                rule.when,
                rule.does,
                None if rule.since is None else rule.since.isoformat(),
                None if rule.until is None else rule.until.isoformat(),
                rule.holds_at(now),
                len(held),
                chosen.get(rule.name, 0),
                _mean(held, earned),
                _mean(other, earned),
                None if learned is None else learned.get(rule.pin[0], 0),
                learned is not None and all(0 < learned.get(one, 0) <= at for at, one in enumerate(rule.pin, rule.at)),
            )
        )
    return RulesReport(str(state.home / RULES), tuple(found))


def _past(state: State) -> tuple[dict[str, tuple[str, tuple[str, ...]]], dict[str, float], dict[str, int]]:
    """Return live page -> (key of its query, rules that held), page -> reward, rule -> actions on what it pinned."""
    if not state.rules().rules:
        return {}, {}, {}
    pages = {
        one.impression_id: (query_key(one.query), tuple(rule.name for rule in one.rules))
        for one in state.journal.impressions()
        if one.origin == "live" and one.shown
    }
    rewards = Rewards(state.settings.feedback)
    earned: dict[str, float] = {}
    chosen: dict[str, int] = {}
    for event, page in state.journal.stream():
        worth = rewards.of(event)
        if page is None or page.impression_id not in pages or not worth:
            continue
        earned[page.impression_id] = earned.get(page.impression_id, 0.0) + worth
        for rule in page.rules:
            chosen[rule.name] = chosen.get(rule.name, 0) + (worth > 0 and event.entity_id in rule.pinned)
    return pages, earned, chosen


def _mean(pages: list[str], earned: Mapping[str, float]) -> float | None:
    return round(sum(earned.get(one, 0.0) for one in pages) / len(pages), 4) if pages else None


def _learned(state: State, rule: Rule) -> dict[str, int] | None:
    """Return id -> position without any rule, for a query that the rule is for; None where it is for every query."""
    query = rule.query or " ".join(part for part in (rule.contains, rule.value.partition("=")[2]) if part)
    if not query:
        return None
    snapshot = state.snapshot()
    context, budget = Context(snapshot.clock_ms), state.settings.retrieval.budget
    found = answer(snapshot, query, context, k=DEEP, budget=budget, explore=False)
    ids = [snapshot.catalog.ids[int(row)] for row in found.candidates.rows[found.page]]
    return {entity: position for position, entity in enumerate(ids, 1)}


def check_rules(state: State) -> RulesCheck:
    """Look for rules that do nothing here; raises DataError for a file that is wrong."""
    rules, now = state.rules().rules, now_ms()
    catalog = state.snapshot().catalog
    odd: list[tuple[str, str]] = []
    for rule in rules:
        odd += [(rule.name, told) for told in _odd(rule, now)]
        for what, ids in (("pins", rule.pin), ("blocks", rule.block)):
            missing = [one for one in ids if catalog.row_of(one) < 0]
            if missing:
                odd.append((rule.name, f"{what} {missing[0]!r}, which the catalog has not"))
        for told, _ in rule.factors:
            if isinstance(told, Filter):
                try:
                    catalog.allowed((told,))
                except UsageError as error:
                    odd.append((rule.name, f"boosts by what the catalog has not: {error}"))
            elif catalog.row_of(told) < 0:
                odd.append((rule.name, f"boosts {told!r}, which the catalog has not"))
    return RulesCheck(str(state.home / RULES), len(rules), sum(rule.holds_at(now) for rule in rules), tuple(odd))


def _odd(rule: Rule, now: int) -> Iterator[str]:
    if not rule.owner:
        yield "nobody owns it"
    if rule.until is not None and not rule.holds_at(now) and rule.until.isoformat() < iso(now)[:10]:
        yield f"it ended on {rule.until}"
    if rule.value and parse_filter(rule.value).op != "=":
        yield f"value {rule.value!r} is no field=value"
