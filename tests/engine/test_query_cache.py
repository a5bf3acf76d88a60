"""Texts that are asked again: read once, looked for once by who knows the catalog alone, and never mixed up."""

from __future__ import annotations

from dataclasses import replace

from ltrr_cli.core.types import Context, Reading
from ltrr_cli.engine import query_cache
from ltrr_cli.engine.query_cache import QueryCache
from ltrr_cli.retrieval.strategy import look_of
from ltrr_cli.workspace.workspace import Workspace


def test_a_text_is_read_once_in_each_locale() -> None:
    texts, read = QueryCache(), []

    def reading(text: str, locale: str | None) -> Reading:
        read.append((text, locale))
        return Reading(tokens=(text,), words=(text,), key=text)

    first = texts.of("jazz", None, reading)
    assert texts.of("jazz", None, reading) is first
    assert texts.of("jazz", "de", reading) is not first
    assert read == [("jazz", None), ("jazz", "de")]


def test_only_so_many_texts_are_kept() -> None:
    texts = QueryCache()
    for number in range(query_cache.MOST + 1):
        texts.of(str(number), None, lambda text, _: Reading(tokens=(text,), words=(text,), key=text))
    asked: list[str] = []

    def again(text: str, _: str | None) -> Reading:
        asked.append(text)
        return Reading(tokens=(text,), words=(text,), key=text)

    texts.of(str(query_cache.MOST), None, again)
    texts.of("0", None, again)
    assert asked == ["0"]


def test_who_knows_the_catalog_alone_looks_once_for_all_who_ask_the_same(workspace: Workspace) -> None:
    snapshot = workspace.state.snapshot()
    one, other = (snapshot.request("love river", Context(moment, user), 7) for moment, user in ((1, None), (2, "u")))
    for name, strategy in snapshot.strategies.items():
        assert (look_of(strategy, one) is look_of(strategy, other)) == strategy.of_catalog, name


def test_what_a_filter_or_an_operator_leaves_out_is_not_found_for_others(workspace: Workspace) -> None:
    snapshot = workspace.state.snapshot()
    whole = snapshot.request("love river", Context(1), 7)
    found = look_of(snapshot.strategies["lexical"], whole).hits(20).rows.tolist()
    for request in (
        snapshot.request("love river", Context(1), 7, hidden=[snapshot.catalog.ids[found[0]]]),
        snapshot.request("love -river", Context(1), 7),
        snapshot.request("love", Context(1), 7, also="river"),
    ):
        assert request.of_text is None or request.query == "love river"
        look_of(snapshot.strategies["lexical"], request).hits(20)
    assert look_of(snapshot.strategies["lexical"], replace(whole, seed=8)).hits(20).rows.tolist() == found
