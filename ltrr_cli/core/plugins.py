"""Parts that are found by name: built-in ones, and those that other packages add by entry points.

A package adds a part by an entry point of the group, for instance in its ``pyproject.toml``::

    [project.entry-points."ltrr.policies"]
    mine = "my_package.policy:MyPolicy"

Asking for one part loads no other.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any

from ltrr_cli.core.errors import DataError, LtrrError


@dataclass(frozen=True, slots=True)
class Plugin:
    """One part that is installed: ``place`` is ``module:attribute``, ``package`` the distribution and its version."""

    kind: str
    name: str
    place: str
    package: str


@dataclass(frozen=True, slots=True)
class PluginRegistry:
    """The names of one kind of part, and where each lives.

    kind     -- what a message calls one of them
    group    -- the entry-point group of other packages
    built_in -- name -> ``module:attribute``
    base     -- ``module:attribute`` of the class or protocol that a part follows, named in messages
    """

    kind: str
    group: str
    built_in: Mapping[str, str]
    base: str

    def names(self) -> tuple[str, ...]:
        """Return all names: the built-in ones in their order, then those of other packages by name."""
        return (*self.built_in, *self.others())

    def others(self) -> tuple[str, ...]:
        """Return the names that other packages registered; a built-in name cannot be taken."""
        return tuple(sorted(set(self._others()) - set(self.built_in)))

    def load(self, name: str, unknown: type[LtrrError] = DataError) -> Any:
        """Import one part; raises ``unknown`` for a name that nobody registered, DataError where it does not load."""
        if name in self.built_in:
            return _attribute(self.built_in[name])
        entry = self._others().get(name)
        if entry is None:
            raise unknown(f"no {self.kind} named {name[:60]!r}", hint=f"known: {', '.join(self.names())}")
        try:
            return entry.load()
        except Exception as error:  # noqa: BLE001 -- whatever another package raises while it is imported
            raise DataError(f"{self.kind} {name!r} does not load: {type(error).__name__}: {error}") from None

    def installed(self) -> tuple[Plugin, ...]:
        """Return all parts, without importing any."""
        own = [Plugin(self.kind, name, place, "ltrr-cli") for name, place in self.built_in.items()]
        others = [
            Plugin(self.kind, name, entry.value, _package(entry)) for name, entry in sorted(self._others().items())
        ]
        return (*own, *(plugin for plugin in others if plugin.name not in self.built_in))

    def _others(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in registered(self.group, tuple(sys.path))}


@lru_cache(maxsize=16)
def registered(group: str, _path: tuple[str, ...]) -> EntryPoints:
    """Return what is registered where modules are looked for now: to look takes milliseconds, and many ask."""
    return entry_points(group=group)


def _attribute(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)


def _package(entry: EntryPoint) -> str:
    return "" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"
