"""What a catalog expects to be asked: titles, values, and two of them in a row."""

from __future__ import annotations

from pathlib import Path

import pytest

from ltrr_cli.core.types import Entity
from ltrr_cli.retrieval.predicted import PAIR_WORDS, Predicted, predict

SHELF = (
    Entity("0", "Blue Train", "album", attributes={"genre": ("jazz",), "country": "usa"}, popularity=9.0),
    Entity("1", "Nuages", "album", attributes={"genre": ("jazz", "swing"), "country": "france"}, popularity=3.0),
    Entity("2", "Djangologie", "album", attributes={"genre": ("jazz",), "country": "france"}, popularity=30.0),
    Entity("3", "Moon Safari", "album", attributes={"genre": ("trip hop",), "country": "france"}, popularity=90.0),
)


@pytest.fixture
def predicted(tmp_path: Path) -> Predicted:
    predict(SHELF, tmp_path)
    return Predicted.open(tmp_path)


@pytest.mark.parametrize("words", [("france", "jazz"), ("jazz", "france")])
def test_two_values_in_a_row_mean_what_bears_both(predicted: Predicted, words: tuple[str, ...]):
    rows, weights = predicted.of_pair(words)
    assert rows.tolist() == [1, 2]
    assert weights[1] > weights[0] > 0
    assert weights.sum() == pytest.approx(1.0)


def test_values_of_several_words_and_titles_pair_too(predicted: Predicted):
    assert predicted.of_pair(("france", "trip", "hop"))[0].tolist() == [3]
    assert predicted.of_pair(("blue", "train", "jazz"))[0].tolist() == [0]


@pytest.mark.parametrize(
    "words", [(), ("jazz",), ("usa", "swing"), ("jazz", "please"), ("jazz", *["france"] * PAIR_WORDS)]
)
def test_what_nothing_bears_both_of_is_not_predicted(predicted: Predicted, words: tuple[str, ...]):
    rows, weights = predicted.of_pair(words)
    assert len(rows) == len(weights) == 0
