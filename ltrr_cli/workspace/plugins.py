"""Which parts are installed: those of ltrr, and those that other packages add by entry points."""

from __future__ import annotations

from dataclasses import dataclass

from ltrr_cli.allocation.policy_registry import POLICIES
from ltrr_cli.backends.encoder_registry import ENCODERS
from ltrr_cli.catalog.reader_registry import READERS
from ltrr_cli.core.plugins import Plugin, PluginRegistry
from ltrr_cli.core.report import Report
from ltrr_cli.feedback.format_registry import FORMATS
from ltrr_cli.ranking.ranker_registry import RANKERS
from ltrr_cli.retrieval.strategy_registry import STRATEGIES

REGISTRIES: tuple[PluginRegistry, ...] = (STRATEGIES, POLICIES, RANKERS, FORMATS, READERS, ENCODERS)


@dataclass(frozen=True, slots=True)
class PluginList(Report):
    """All parts by kind; groups -- kind -> the entry-point group under which a package adds one."""

    plugins: tuple[Plugin, ...]
    groups: dict[str, str]


def installed() -> PluginList:
    """List what is installed, without importing any of it."""
    plugins = tuple(plugin for registry in REGISTRIES for plugin in registry.installed())
    return PluginList(plugins, {registry.kind: registry.group for registry in REGISTRIES})
