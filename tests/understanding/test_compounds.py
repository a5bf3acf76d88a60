from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.text.analyse import Analyzer
from ltrr_cli.text.normalise import tokens
from ltrr_cli.understanding.compounds import Compounds

WORDS = {
    "de": "damenschuhe wandhalterung stutzradern kinderfahrrad armbanduhr stehlampe leder lampe handtasche messer",
    "nl": "damesschoenen eettafel stoel tuinstoel kinderfiets",
    "sv": "arbetsbyxor kontorsstol vaggklocka barncykel",
    "da": "kontorstol bordlampe vaegur cykel",
    "fi": "juoksukengat tyopoyta kello rannekello",
    "en": "headphones blackberry football warehouse",
}


def compounds(folder: Path, language: str) -> Compounds:
    words = sorted(WORDS[language].split())
    Compounds.build(folder, words, np.ones(len(words), np.int32), Analyzer(language).stem_each)
    found = Compounds.open(folder, language)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("language", "query", "holds"),
    [
        ("de", "Schuhe", "damenschuh"), ("de", "Halterung", "wandhalter"), ("de", "Räder", "stutzrad"),
        ("de", "raeder", "stutzrad"), ("de", "Uhr", "armbanduhr"), ("de", "Tasche", "handtasch"),
        ("de", "Lampe", "stehlamp"), ("nl", "schoenen", "damesschoen"),
        ("nl", "tafel", "eettafel"), ("nl", "stoel", "tuinstoel"), ("sv", "byxor", "arbetsbyx"),
        ("sv", "stol", "kontorsstol"), ("da", "lampe", "bordlamp"), ("fi", "kengät", "juoksukeng"),
        ("fi", "pöytä", "tyopoy"), ("en", "phones", "headphon"), ("en", "berry", "blackberri"),
    ],
)  # fmt: skip
def test_a_word_is_answered_by_what_ends_in_it(tmp_path: Path, language: str, query: str, holds: str):
    words = tokens(query)
    known = [int(word in WORDS[language].split()) for word in words]
    parts = compounds(tmp_path, language).parts(words, known, Analyzer(language).stem)
    assert any(any(term.startswith(holds[:8]) for term in part.terms) for part in parts), parts
    assert all(0.0 < part.odds < 1.0 for part in parts)


@pytest.mark.parametrize(
    ("query", "terms"),
    [("Lederschuhe", {"led", "damenschuh"}), ("Lederlampe", {"led", "lamp"}), ("Arbeitslampe", {"lamp"})],
)
def test_a_word_that_nobody_has_is_taken_apart(tmp_path: Path, query: str, terms: set[str]):
    stem = Analyzer("de").stem
    (part,) = compounds(tmp_path, "de").parts(tokens(query), [0], stem)
    assert {term[:3] for term in terms} <= {term[:3] for term in part.terms}


@pytest.mark.parametrize(("language", "word", "known"), [("en", "ball", 3), ("en", "cat", 0), ("de", "x", 0)])
def test_other_words_have_no_parts(tmp_path: Path, language: str, word: str, known: int):
    assert compounds(tmp_path, language).parts([word], [known], Analyzer(language).stem) == ()


def test_an_older_generation_has_none(tmp_path: Path):
    assert Compounds.open(tmp_path, "de") is None
