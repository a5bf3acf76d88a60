"""What a catalog expects to be asked: titles, values, and two kinds in a row."""

from __future__ import annotations

from pathlib import Path

import pytest

from ltrr_cli.core.types import Entity
from ltrr_cli.retrieval import predicted as predictions
from ltrr_cli.retrieval.predicted import KIND, PAIR_WORDS, Predicted, predict

COUNTRIES = ("france", "usa", "trinidad and tobago")
SHELF = tuple(
    Entity(
        f"{number:02}",
        "Nuages" if number else "Blue Train",
        "album",
        attributes={"genre": ("jazz", "swing") if number % 2 else ("jazz",), "country": COUNTRIES[number % 3]},
        popularity=float(number),
    )
    for number in range(3 * KIND)
)


@pytest.fixture
def predicted(tmp_path: Path) -> Predicted:
    predict(SHELF, tmp_path)
    return Predicted.open(tmp_path)


@pytest.mark.parametrize("words", [("france", "jazz"), ("jazz", "france")])
def test_two_kinds_in_a_row_mean_what_is_of_both(predicted: Predicted, words: tuple[str, ...]):
    rows, weights = predicted.of_pair(words)
    assert rows.tolist() == list(range(0, 3 * KIND, 3))
    assert weights[-1] > weights[0] > 0
    assert weights.sum() == pytest.approx(1.0)


def test_kinds_of_several_words_pair_too(predicted: Predicted):
    words = ("trinidad", "and", "tobago", "swing")
    assert predicted.of_pair(words)[0].tolist() == [row for row in range(2, 3 * KIND, 3) if row % 2]


def test_what_one_or_two_are_both_of_may_be_chance(predicted: Predicted, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(predictions, "SEVERAL", KIND + 1)
    assert len(predicted.of_pair(("france", "jazz"))[0]) == 0


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("jazz",),
        ("jazz", "please"),
        ("france", "usa"),
        ("blue", "train", "jazz"),
        ("jazz", *["france"] * PAIR_WORDS),
    ],
)
def test_names_and_what_nothing_is_both_of_do_not_pair(predicted: Predicted, words: tuple[str, ...]):
    rows, weights = predicted.of_pair(words)
    assert len(rows) == len(weights) == 0
