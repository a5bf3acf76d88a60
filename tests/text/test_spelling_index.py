"""Words one or two slips away, found by common deletions."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ltrr_cli.text.similarity import edits
from ltrr_cli.text.spelling_index import LONGEST, SpellingIndex, allowed_edits

words = st.text("abcdé東", min_size=1, max_size=12)


@given(known=st.lists(words, unique=True, max_size=30), typed=words)
def test_no_word_within_the_allowed_edits_is_missed(known: list[str], typed: str):
    index = SpellingIndex.of(SpellingIndex.arrays(known, [True] * len(known)))
    found = set(index.candidates(typed).tolist())
    most = allowed_edits(typed)
    if most and known:
        near = edits(typed, known, most) <= most
        # three characters on either side: a shorter one is as near to half the vocabulary; two slips need four
        long_enough = [len(word) >= (4 if distance == 2 else 3) for word, distance in _distances(typed, known)]
        assert set(np.flatnonzero(near & np.array(long_enough)).tolist()) <= found


def _distances(typed: str, known: list[str]) -> list[tuple[str, int]]:
    return list(zip(known, edits(typed, known, 2).tolist(), strict=True))


def test_words_that_are_not_offered_are_not_found():
    index = SpellingIndex.of(SpellingIndex.arrays(["guitar", "guitars"], [False, True]))
    assert index.candidates("guitra").tolist() == [1]


def test_short_and_endless_words_are_left_alone():
    index = SpellingIndex.of(SpellingIndex.arrays(["ab", "abc", "a" * 40], [True] * 3))
    assert index.candidates("ab").size == 0
    assert index.candidates("a" * (LONGEST + 1)).size == 0


def test_an_empty_index_finds_nothing():
    assert SpellingIndex.of(SpellingIndex.arrays([], [])).candidates("guitar").size == 0
