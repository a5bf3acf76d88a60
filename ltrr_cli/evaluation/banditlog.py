"""Plain logged-bandit data: one action a line, what it earned, and the odds with which it was taken.

JSON lines or CSV. Known names of the columns, first found wins; others are given by a mapping:

* action      ``action``, ``item_id``, ``entity_id``
* reward      ``reward``, ``click``
* propensity  ``propensity``, ``pscore``, ``odds``: in (0, 1]
* position    ``position`` (optional): rewards are predicted per action and position
* session     ``session_id``, ``user_id`` (optional): what the bootstrap draws; without it every line is its own
* slate       ``slate_id``, ``impression_id`` (optional): lines that were one page
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.core.types import DoubleArray
from ltrr_cli.evaluation.offpolicy import Exposures, Places
from ltrr_cli.evaluation.reward_model import means_by_fold
from ltrr_cli.text.lines import BadLine, read_lines

COLUMNS: dict[str, tuple[str, ...]] = {
    "action": ("action", "item_id", "entity_id"),
    "reward": ("reward", "click"),
    "propensity": ("propensity", "pscore", "odds"),
    "position": ("position",),
    "session": ("session_id", "user_id"),
    "slate": ("slate_id", "impression_id"),
}
NEEDED = ("action", "reward", "propensity")
_TARGET = re.compile(r"\s*(random|item|column)\s*(?:\(\s*(.+?)\s*\))?\s*")


@dataclass(frozen=True, slots=True)
class BanditLog:
    """A log as arrays, one line an element.

    action, position, session, slate -- (n,) 0.. numbers of distinct values; ``actions`` are the values of the first
    reward, propensity               -- (n,) float64
    columns                          -- the columns asked for by name, such as a target's odds: (n,) float64
    has_slates                       -- whether lines are parts of pages
    """

    action: Places
    position: Places
    session: Places
    slate: Places
    reward: DoubleArray
    propensity: DoubleArray
    actions: tuple[str, ...]
    columns: Mapping[str, DoubleArray]
    has_slates: bool


def read_bandit_log(
    sources: Sequence[str | Path], mapping: Mapping[str, str] | None = None, columns: Sequence[str] = ()
) -> BanditLog:
    """Read logs; raises DataError naming file and line.

    mapping -- role ("action", "reward", ...) -> column
    columns -- further columns of odds to keep
    """
    given = dict(mapping or {})
    if unknown := set(given) - set(COLUMNS):
        raise UsageError(f"no role {min(unknown)!r} in a log", hint=f"one of {', '.join(COLUMNS)}")
    values: dict[str, list[Any]] = {role: [] for role in COLUMNS}
    extra: dict[str, list[float]] = {name: [] for name in columns}
    for source in sources:
        names: dict[str, str | None] = {}
        for where, record in _records(source):
            if not names:
                names = {role: _found(record, role, given, where) for role in COLUMNS}
            for role, name in names.items():
                values[role].append(None if name is None else _value(record, role, name, where))
            for name, kept in extra.items():
                kept.append(_odds(record.get(name), name, where, least=0.0))
    if not values["action"]:
        raise DataError("no line in this log", hint="JSON lines or CSV with an action, a reward and its propensity")
    actions, action = np.unique(np.array(values["action"], np.str_), return_inverse=True)
    return BanditLog(
        action=action.astype(np.int64),
        position=_numbered(values["position"], apart=False),
        session=_numbered(values["session"]),
        slate=_numbered(values["slate"]),
        reward=np.array(values["reward"]),
        propensity=np.array(values["propensity"]),
        actions=tuple(actions.tolist()),
        columns={name: np.array(kept) for name, kept in extra.items()},
        has_slates=values["slate"][0] is not None,
    )


@dataclass(frozen=True, slots=True)
class PlainTarget:
    """A policy over the log's actions.

    odds   -- (n,) of the logged action
    choice -- (actions,) odds of every action where they do not depend on the line, else None
    """

    name: str
    odds: DoubleArray
    choice: DoubleArray | None


def columns_of(targets: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that ``column(NAME)`` targets need; raises UsageError for what is no target.

    >>> columns_of(["random", "column(new_odds)"])
    ('new_odds',)
    """
    return tuple(name for kind, name in map(_parsed, targets) if kind == "column")


def plain_target(text: str, log: BanditLog, actions: int | None = None) -> PlainTarget:
    """Read ``random``, ``item(ID)`` or ``column(NAME)``.

    actions -- how many actions there are, where the log does not show all of them
    """
    kind, name = _parsed(text)
    if kind == "column":
        return PlainTarget(text, log.columns[name], None)
    if kind == "item":
        if name not in log.actions:
            raise UsageError(f"{text}: the log never took {name!r}", hint="what was never tried cannot be judged")
        choice = np.array([float(action == name) for action in log.actions])
    else:
        count = len(log.actions) if actions is None else actions
        if count < len(log.actions):
            raise UsageError(f"{count} actions, but the log took {len(log.actions)}", hint="leave --actions away")
        choice = np.full(len(log.actions), 1.0 / count)
    return PlainTarget(text, choice[log.action], choice)


def exposures(log: BanditLog, target: PlainTarget) -> Exposures:
    """Weigh a log for a target: every line is a page of one entity that is always examined."""
    lines = np.arange(len(log.reward))
    every = np.ones(len(lines))
    predicted, direct = np.zeros(len(lines)), np.zeros(len(lines))
    if target.choice is not None:
        count = len(log.actions)
        table, fold = means_by_fold(log.position * count + log.action, log.reward, log.session)
        by = np.zeros((len(table), (int(log.position.max()) + 1) * count))
        by[:, : table.shape[1]] = table
        predicted = by[fold, log.position * count + log.action]
        direct = (by.reshape(len(by), -1, count) @ target.choice)[fold, log.position]
    return Exposures(lines, log.reward, target.odds / log.propensity, every, predicted, every, direct, log.session)


def slates(log: BanditLog, target: PlainTarget) -> tuple[DoubleArray, list[DoubleArray], Places]:
    """Return the log by pages: (s,) rewards, the weights of each page's positions, and (s,) sessions.

    Raises UsageError for a log without pages.
    """
    if not log.has_slates:
        raise UsageError("this log has no pages", hint="slate and pi need a column slate_id or impression_id")
    order = np.argsort(log.slate, kind="stable")
    starts = np.flatnonzero(np.diff(log.slate[order], prepend=-1))
    weight = np.split((target.odds / log.propensity)[order], starts[1:])
    _, session = np.unique(log.session[order][starts], return_inverse=True)
    return np.bincount(log.slate, log.reward).astype(np.float64), weight, session.astype(np.int64)


def _parsed(text: str) -> tuple[str, str]:
    match = _TARGET.fullmatch(text)
    if match is None or (match[1] == "random") != (match[2] is None):
        hint = "random, item(ID), or column(NAME) of its odds"
        raise UsageError(f"no policy {text[:60]!r} for a plain log", hint=hint)
    return match[1], match[2] or ""


def _records(source: str | Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (where, line as a mapping) of JSON lines, or of CSV with a header."""
    header: list[str] | None = None
    for line in read_lines(source):
        where = f"{source}, line {line.number}"
        if isinstance(line, BadLine):
            raise DataError(f"{where}: {line.reason}")
        if line.data.lstrip().startswith(b"{"):
            try:
                yield where, msgspec.json.decode(line.data, type=dict[str, Any])
            except msgspec.MsgspecError as error:
                raise DataError(f"{where}: {error}") from None
            continue
        try:
            row = next(csv.reader(io.StringIO(line.data.decode("utf-8")), strict=True))
        except (csv.Error, UnicodeDecodeError, StopIteration) as error:
            raise DataError(f"{where}: {error}") from None
        if header is None:
            header = [name.strip() for name in row]
        elif len(row) != len(header):
            raise DataError(f"{where}: {len(row)} of {len(header)} columns")
        else:
            yield where, dict(zip(header, row, strict=True))


def _found(record: Mapping[str, Any], role: str, given: Mapping[str, str], where: str) -> str | None:
    names = (given[role],) if role in given else COLUMNS[role]
    name = next((name for name in names if name in record), None)
    if name is None and (role in NEEDED or role in given):
        raise DataError(f"{where}: no {role} ({', '.join(names)})", hint=f"name its column with --map {role}=NAME")
    return name


def _value(record: Mapping[str, Any], role: str, name: str, where: str) -> str | float:
    if name not in record:
        raise DataError(f"{where}: no {name}")
    value = record[name]
    if role == "propensity":
        return _odds(value, name, where)
    if role == "reward":
        return _number(value, name, where)
    if isinstance(value, dict | list) or value is None:
        raise DataError(f"{where}: {name} is no text and no number")
    return str(value)


def _number(value: object, name: str, where: str) -> float:
    try:
        number = float(value) if isinstance(value, str | int | float) else float("nan")
    except (ValueError, OverflowError):
        number = float("nan")
    if not np.isfinite(number):
        raise DataError(f"{where}: {name} is {str(value)[:40]!r}, not a number")
    return number


def _odds(value: object, name: str, where: str, least: float = 1e-300) -> float:
    number = _number(value, name, where)
    if not least <= number <= 1.0:
        raise DataError(f"{where}: {name} is {number:g}", hint="odds lie above 0 and at most at 1")
    return number


def _numbered(values: Sequence[object], *, apart: bool = True) -> Places:
    """Return numbers of distinct values in the order in which they come.

    apart -- what a column that is absent (None) means: every line is its own, or all are the same
    """
    if values[0] is None:
        return np.arange(len(values), dtype=np.int64) * apart
    known: dict[object, int] = {}
    return np.array([known.setdefault(value, len(known)) for value in values], np.int64)
