"""Policies by name: ``hazard``, ``uniform``, ``fixed(lexical=40,memory=60)``; names print and parse back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ltrr_cli.allocation.base import Policy
from ltrr_cli.allocation.fixed import Fixed, Uniform
from ltrr_cli.allocation.hazard import Hazard
from ltrr_cli.core.config import AllocationSettings
from ltrr_cli.core.errors import UsageError

NAMES = ("hazard", "uniform", "fixed")
_NAME = re.compile(r"\s*([a-z_]+)\s*(?:\(\s*(.*?)\s*\))?\s*")


@dataclass(frozen=True, slots=True)
class Spec:
    """A parsed name."""

    name: str
    options: dict[str, float]


def parse(text: str) -> Spec:
    """Read a policy's name and options; raises UsageError.

    >>> parse("fixed(lexical=40, memory=60)")
    Spec(name='fixed', options={'lexical': 40.0, 'memory': 60.0})
    """
    match = _NAME.fullmatch(text)
    if match is None or match[1] not in NAMES:
        raise UsageError(f"no policy {text[:60]!r}", hint="one of hazard, uniform, fixed(lexical=40,memory=60)")
    options = {}
    for part in filter(None, (match[2] or "").split(",")):
        key, equals, value = part.partition("=")
        try:
            options[key.strip()] = float(value if equals else "")
        except ValueError:
            raise UsageError(f"{text[:60]!r}: {part.strip()!r} is not name=number") from None
    allowed = {"hazard": {"exploration"}, "uniform": set()}.get(match[1])
    if allowed is not None and (unknown := set(options) - allowed):
        known = ", ".join(sorted(allowed)) or "none"
        raise UsageError(f"{match[1]} has no option {min(unknown)!r}", hint=f"its options: {known}")
    return Spec(match[1], options)


def new_policy(settings: AllocationSettings, text: str | None = None) -> Policy:
    """Make a policy that has learnt nothing."""
    spec = parse(text or settings.policy)
    if spec.name == "uniform":
        return Uniform()
    if spec.name == "fixed":
        return Fixed(spec.options)
    return Hazard(_with(settings, spec))


def open_policy(settings: AllocationSettings, folder: Path, text: str | None = None) -> Policy:
    """Open a policy with what was learnt under ``folder``; raises DamagedError."""
    spec = parse(text or settings.policy)
    if spec.name == "hazard" and (folder / "hazard.json").exists():
        return Hazard.open(folder, _with(settings, spec))
    return new_policy(settings, text)


def _with(settings: AllocationSettings, spec: Spec) -> AllocationSettings:
    exploration = spec.options.get("exploration", settings.exploration)
    if not 0.0 <= exploration < 1.0:
        raise UsageError(f"exploration is {exploration:g}", hint="it lies between 0 and 1")
    return msgspec.structs.replace(settings, exploration=exploration)
