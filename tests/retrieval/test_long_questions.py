"""What of a question is searched for: all words, function words less than others; and the text as it was typed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.core.types import FloatArray
from ltrr_cli.retrieval.dense import Dense
from ltrr_cli.retrieval.lexical import Lexical
from ltrr_cli.retrieval.strategy import Resources
from tests.conftest import ask


@pytest.fixture(scope="module")
def lexical(resources: Resources, tmp_path_factory: pytest.TempPathFactory) -> Lexical:
    folder = tmp_path_factory.mktemp("lexical")
    Lexical.build(resources, folder)
    return Lexical.open(resources, folder, None)


def test_words_behind_the_part_that_is_interpreted_are_searched_for(lexical: Lexical):
    request = ask(" ".join(["unheard"] * 32))
    assert not len(lexical.look(request).hits(10).rows)
    longer = replace(request, reading=replace(request.reading, rest=("river",)))
    assert lexical.look(longer).hits(10).rows.tolist() == lexical.look(ask("river")).hits(10).rows.tolist()


def test_function_words_count_half_beside_others_and_fully_alone(lexical: Lexical):
    alone, river = lexical.look(ask("about")).hits(200), lexical.look(ask("river")).hits(200)
    both = lexical.look(ask("about river")).evidence(river.rows[:1])[0, 0]
    of_about = alone.scores[alone.rows == river.rows[0]].sum()
    assert len(alone.rows)
    assert both == pytest.approx(river.scores[0] + 0.5 * of_about, rel=1e-4)


class Spy:
    """An encoder that keeps what it is given."""

    name, dimension = "spy", 4

    def __init__(self) -> None:
        self.seen: list[str] = []

    def encode(self, texts: list[str]) -> FloatArray:
        self.seen += texts
        return np.ones((len(texts), self.dimension), np.float32) / 2


@pytest.fixture
def spied(resources: Resources, tmp_path: Path) -> tuple[Dense, Spy]:
    spy = Spy()
    lent = replace(resources, encoder=spy)
    Dense.build(lent, tmp_path)
    spy.seen.clear()
    return Dense.open(lent, tmp_path, None), spy


def test_an_encoder_reads_the_text_as_typed(spied: tuple[Dense, Spy]):
    dense, spy = spied
    dense.look(ask("What is love, and where?")).hits(5)
    assert spy.seen == ["What is love, and where?"]


def test_an_encoder_reads_the_corrected_words_where_one_was_corrected(spied: tuple[Dense, Spy]):
    dense, spy = spied
    request = ask("lvoe song")
    dense.look(replace(request, reading=replace(request.reading, words=("love", "song"), rest=("more",)))).hits(5)
    assert spy.seen == ["love song more"]


def test_nothing_is_encoded_where_nothing_was_asked(spied: tuple[Dense, Spy]):
    dense, spy = spied
    assert len([look.hits(5) for look in dense.look_many([ask(""), ask("love")])]) == 2
    assert spy.seen == ["love"]
