import pytest

from ltrr_cli.core.intent import states_values
from ltrr_cli.core.types import Interpretation, Reading, Slot


def test_a_query_states_values_by_the_odds_that_they_are_all_of_it():
    jazz, album = Slot("genre", "Jazz", 0.8, 0, 1), Slot("type", "album", 0.9, 1, 2)
    name = Slot("title", "Jazz", 0.2, 0, 1)
    found = (Interpretation((jazz, album), 0.6), Interpretation((name, album), 0.2), Interpretation((jazz,), 0.1))
    asked = Reading(("jazz", "albums"), interpretations=found, intent={"spearfishing": 0.1, "mixed": 0.2})
    assert states_values(asked) == pytest.approx(0.6 / 0.8)
    assert states_values(Reading()) == 0.0
