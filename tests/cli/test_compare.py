"""``ltrr compare``: two runs, or two policies of a workspace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Typed


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    (tmp_path / "a.trec").write_text("".join(f"q{n} Q0 hit 1 1 x\nq{n} Q0 miss 2 .5 x\n" for n in range(50)))
    (tmp_path / "b.trec").write_text("".join(f"q{n} Q0 miss 1 1 x\nq{n} Q0 hit 2 .5 x\n" for n in range(50)))
    (tmp_path / "qrels.tsv").write_text("".join(f"q{n} 0 hit 3\n" for n in range(50)))
    return tmp_path / "a.trec", tmp_path / "b.trec", tmp_path / "qrels.tsv"


def test_two_runs_need_no_workspace_and_a_seed_repeats_the_coins(ltrr: Typed, files: tuple[Path, Path, Path]):
    first, second, qrels = files
    told, again = (ltrr("compare", first, second, "--qrels", qrels, "--sessions", 4, "--json") for _ in range(2))
    found = json.loads(told.out)
    assert found["searches"] == 200
    assert found["preference"] > 0.5
    assert found | {"seconds": 0} == json.loads(again.out) | {"seconds": 0}
    other = json.loads(ltrr("compare", first, second, "--qrels", qrels, "--sessions", 4, "--seed", 1, "--json").out)
    assert other["wins"] != found["wins"]


@pytest.mark.parametrize(
    "words", [("--sessions", "0", "--qrels", "q"), ("--queries", "q"), ("--from", "2024-01-01", "--qrels", "q")]
)
def test_what_makes_no_sense_is_refused_before_anything_is_read(ltrr: Typed, words: tuple[str, ...]):
    assert ltrr("compare", "a", "b", *words).code == 2
