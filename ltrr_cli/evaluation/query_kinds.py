"""Sorts of queries: a mean hides that names are found and topics are not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ltrr_cli.core.types import Reading
from ltrr_cli.text.normalise import query_key

HEAD, TORSO = 1 / 3, 2 / 3  # share of all searches that the most frequent queries make up


class QueryFrequency:
    """How often queries were asked before, as the memory keys them.

    A query is of the *head* where the more frequent ones make up less than a third of all searches, of the *torso* up
    to two thirds, else of the *tail*, as is one that nobody asked yet.

    >>> traffic = QueryFrequency({"love": 6, "Love!": 1, "rock": 2, "jazz": 1})
    >>> [traffic.place(query) for query in ("love", "rock", "jazz", "polka")]
    ['head', 'tail', 'tail', 'tail']
    >>> traffic.seen("LOVE"), traffic.seen("polka")
    (True, False)
    """

    def __init__(self, asked: Mapping[str, int]) -> None:
        counts: dict[str, int] = {}
        for query, count in asked.items():
            key = query_key(query)
            counts[key] = counts.get(key, 0) + count
        total, before = sum(counts.values()), 0
        self._place: dict[str, str] = {}
        for key, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            share = before / total
            self._place[key] = "head" if share < HEAD else "torso" if share < TORSO else "tail"
            before += count

    def place(self, query: str) -> str:
        """Return "head", "torso" or "tail"."""
        return self._place.get(query_key(query), "tail")

    def seen(self, query: str) -> bool:
        """Say whether anybody asked this before."""
        return query_key(query) in self._place


def intent_of(reading: Reading) -> str:
    """Return the likeliest intent: "spearfishing", "topic" or "mixed"."""
    return max(sorted(reading.intent), key=lambda name: reading.intent[name])


def groups(labels: Iterable[Mapping[str, str]]) -> dict[str, dict[str, list[int]]]:
    """Turn one {split: group} a query into split -> group -> places of its queries, groups by name.

    >>> groups([{"intent": "topic"}, {"intent": "mixed"}, {"intent": "topic"}])
    {'intent': {'mixed': [1], 'topic': [0, 2]}}
    """
    found: dict[str, dict[str, list[int]]] = {}
    for place, of in enumerate(labels):
        for split, group in of.items():
            found.setdefault(split, {}).setdefault(group, []).append(place)
    return {split: dict(sorted(of.items())) for split, of in found.items()}
