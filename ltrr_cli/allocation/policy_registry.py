"""Policies by name: ``hazard``, ``thompson(floor=0.05)``, ``fixed(lexical=40,memory=60)``; names print and parse back.

Asking for one loads no other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ltrr_cli.allocation.policy import Policy
from ltrr_cli.core.config import AllocationSettings
from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.core.plugins import PluginRegistry

POLICIES = PluginRegistry(
    "policy",
    "ltrr.policies",
    {
        "hazard": "ltrr_cli.allocation.policies.hazard:Hazard",
        "thompson": "ltrr_cli.allocation.policies.thompson:Thompson",
        "linucb": "ltrr_cli.allocation.policies.linucb:LinUCB",
        "squarecb": "ltrr_cli.allocation.policies.squarecb:SquareCB",
        "epsilon": "ltrr_cli.allocation.policies.epsilon:Epsilon",
        "uniform": "ltrr_cli.allocation.policies.uniform:Uniform",
        "fixed": "ltrr_cli.allocation.policies.fixed:Fixed",
        "random": "ltrr_cli.allocation.policies.random:RandomPolicy",
    },
    "ltrr_cli.allocation.policy:Policy",
)
LEARNERS = ("hazard", "linucb")  # one of each kind of what is kept
_NAME = re.compile(r"\s*([a-z_]+)\s*(?:\(\s*(.*?)\s*\))?\s*")


@dataclass(frozen=True, slots=True)
class Spec:
    """A parsed policy name with its options."""

    name: str
    options: dict[str, float]


def parse(text: str) -> Spec:
    """Read a policy's name and options; raises UsageError.

    >>> parse("fixed(lexical=40, memory=60)")
    Spec(name='fixed', options={'lexical': 40.0, 'memory': 60.0})
    """
    match = _NAME.fullmatch(text)
    if match is None or match[1] not in POLICIES.names():
        hint = f"one of {', '.join(POLICIES.names())}; fixed(lexical=40,memory=60)"
        raise UsageError(f"no policy {text[:60]!r}", hint=hint)
    options: dict[str, float] = {}
    for part in filter(None, (match[2] or "").split(",")):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        try:
            number = float(value if equals else "")
        except ValueError:
            number = math.nan
        if not key or not math.isfinite(number):
            raise UsageError(f"{text[:60]!r}: {part.strip()!r} is not name=number")
        if key in options:
            raise UsageError(f"{text[:60]!r}: {key!r} is given twice")
        options[key] = number
    known = _class(match[1]).options
    if known is not None and (unknown := set(options) - set(known)):
        told = "; ".join(f"{option}: {meaning}" for option, meaning in known.items()) or "it has none"
        raise UsageError(f"{match[1]} has no option {min(unknown)!r}", hint=told)
    return Spec(match[1], options)


def new_policy(settings: AllocationSettings, text: str | None = None, features: Sequence[str] | None = None) -> Policy:
    """Make a policy that has learnt nothing.

    text     -- its name with options; None: as the settings say
    features -- names of the columns of ``BanditContext.inputs()``; None: unnamed
    """
    spec = parse(text or settings.policy)
    return _class(spec.name)(settings, features, **spec.options)


def open_policy(
    settings: AllocationSettings, folder: Path, text: str | None = None, features: Sequence[str] | None = None
) -> Policy:
    """Open a policy with what was learnt under ``folder``, or a new one where it has learnt nothing there.

    Raises DamagedError. Arguments as for :func:`new_policy`.
    """
    spec = parse(text or settings.policy)
    kind = _class(spec.name)
    if not (folder / f"{kind.stem}.json").exists():
        return new_policy(settings, text, features)
    return kind.open(folder, settings, features, **spec.options)


def _class(name: str) -> type[Policy]:
    found = POLICIES.load(name)
    if not (isinstance(found, type) and all(hasattr(found, part) for part in ("menu", "learn", "save", "stem"))):
        raise DataError(f"policy {name!r} does not follow {POLICIES.base}")
    return found
