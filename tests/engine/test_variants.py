"""Names as people type them: two hundred variants of the sample's names, made by a seeded generator."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.core.seeds import generator
from ltrr_cli.text.normalise import fold
from ltrr_cli.workspace.workspace import Workspace

pytestmark = pytest.mark.turns(4, together=True)  # its tests share what is dear to make

KINDS = ("typo", "glued", "split", "plural", "order")
EACH = 40


def variant(name: str, kind: str, chance: np.random.Generator) -> str | None:
    """Return a name as somebody might type it, or None where the kind makes no sense of it."""
    words = name.lower().split()
    if kind == "typo":
        at = max(range(len(words)), key=lambda place: len(words[place]))
        return None if len(words[at]) < 5 else " ".join([*words[:at], misspelt(words[at], chance), *words[at + 1 :]])
    if kind == "glued":
        return "".join(words) if len(words) == 2 else None
    if kind == "split":
        at = max(range(len(words)), key=lambda place: len(words[place]))
        cut = len(words[at]) // 2
        return None if cut < 3 else " ".join([*words[:at], words[at][:cut], words[at][cut:], *words[at + 1 :]])
    if kind == "plural":
        return f"{name.lower()}s" if not words[-1].endswith("s") else name.lower()[:-1]
    return " ".join(reversed(words)) if len(words) in (2, 3) else None


def misspelt(word: str, chance: np.random.Generator) -> str:
    """Leave out, double, replace or swap a letter, not the first."""
    at, letter = int(chance.integers(1, len(word) - 1)), chr(97 + int(chance.integers(0, 26)))
    changed = (
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
        word[:at] + letter + word[at + 1 :],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    )
    return changed[int(chance.integers(0, len(changed)))]


@pytest.fixture(scope="module")
def asked(sample_home: Path) -> list[tuple[str, str, str, list[str]]]:
    """(kind, wanted id, query, first ten ids) of two hundred variants of titles that are nobody else's."""
    workspace = Workspace(sample_home)
    entities = list(workspace.state.snapshot().catalog.entities())
    shared = Counter(fold(entity.title) for entity in entities)
    own = [entity for entity in entities if shared[fold(entity.title)] == 1 and len(entity.title) >= 8]
    chance = generator("variants")
    found = []
    for kind in KINDS:
        made = 0
        while made < EACH:
            entity = own[int(chance.integers(0, len(own)))]
            query = variant(entity.title, kind, chance)
            if query is None or fold(query) == fold(entity.title):
                continue
            page = workspace.query(query, k=10, log=False, explore=False)
            found.append((kind, entity.id, query, [line.id for line in page.results]))
            made += 1
    return found


def test_what_was_meant_is_in_the_first_ten(asked: list[tuple[str, str, str, list[str]]]):
    missed = [(kind, wanted, query) for kind, wanted, query, page in asked if wanted not in page]
    assert len(asked) == 200
    assert len(missed) <= 0.05 * len(asked), missed


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_variant_is_hopeless(asked: list[tuple[str, str, str, list[str]]], kind: str):
    of = [wanted in page for named, wanted, _, page in asked if named == kind]
    assert np.mean(of) >= 0.85
