"""The retrieval strategies by name; the order is that of the union and of fusion's weights."""

from __future__ import annotations

from ltrr_cli.core.errors import DataError
from ltrr_cli.core.plugins import PluginRegistry
from ltrr_cli.retrieval.strategy import Strategy

STRATEGIES = PluginRegistry(
    "strategy",
    "ltrr.strategies",
    {
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
    },
    "ltrr_cli.retrieval.strategy:Strategy",
)
names = STRATEGIES.names


def strategy(name: str) -> type[Strategy]:
    """Load one strategy's class; raises DataError for an unknown name or one that does not load."""
    found = STRATEGIES.load(name)
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise DataError(f"strategy {name!r} is not a subclass of {STRATEGIES.base}")
    return found
