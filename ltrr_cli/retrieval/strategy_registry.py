"""Names of strategies -> where they live; asking for one loads no other. Third parties add theirs by entry point."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points

from ltrr_cli.core.errors import DataError
from ltrr_cli.retrieval.strategy import Strategy

BUILT_IN = {
    "lexical": "ltrr_cli.retrieval.lexical:Lexical",
    "popular_lexical": "ltrr_cli.retrieval.popular_lexical:PopularLexical",
    "structured": "ltrr_cli.retrieval.structured:Structured",
    "fuzzy": "ltrr_cli.retrieval.fuzzy:Fuzzy",
    "dense": "ltrr_cli.retrieval.dense:Dense",
    "sparse": "ltrr_cli.retrieval.sparse.sparse:Sparse",
    "memory": "ltrr_cli.retrieval.memory.memory:Memory",
    "related": "ltrr_cli.retrieval.related:Related",
    "personal": "ltrr_cli.retrieval.people.personal:Personal",
    "popular": "ltrr_cli.retrieval.popular:Popular",
    "fresh": "ltrr_cli.retrieval.fresh:Fresh",
    "explore": "ltrr_cli.retrieval.explore:Explore",
}
GROUP = "ltrr.strategies"


def names() -> tuple[str, ...]:
    """Return all registered names: built-in ones in the registry's order, then third parties' by name."""
    others = sorted({entry.name for entry in entry_points(group=GROUP)} - set(BUILT_IN))
    return (*BUILT_IN, *others)


def strategy(name: str) -> type[Strategy]:
    """Load one strategy's class; raises DataError for an unknown name or one that does not load."""
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        found = getattr(import_module(module), attribute)
    else:
        entries = [entry for entry in entry_points(group=GROUP) if entry.name == name]
        if not entries:
            raise DataError(f"no strategy named {name!r}", hint=f"known: {', '.join(names())}")
        try:
            found = entries[0].load()
        except (ImportError, AttributeError) as error:
            raise DataError(f"strategy {name!r} does not load: {error}") from None
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise DataError(f"strategy {name!r} is not a subclass of ltrr_cli.retrieval.strategy.Strategy")
    return found
