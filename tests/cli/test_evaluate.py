"""``ltrr evaluate``: gates, files, and what is typed wrongly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Typed

QRELS = "q1 0 a 1\nq2 0 b 1\n"
RUN = "q1 Q0 a 1 1.0 x\nq2 Q0 c 1 1.0 x\nq2 Q0 b 2 0.5 x\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "qrels.tsv").write_text(QRELS)
    (tmp_path / "mine.trec").write_text(RUN)
    return tmp_path / "qrels.tsv", tmp_path / "mine.trec"


def test_a_gate_that_is_not_met_exits_8_after_the_answer(ltrr: Typed, files: tuple[Path, Path]):
    qrels, run = files
    told = ltrr("evaluate", "--qrels", qrels, "--run", run, "--measures", "RR", "--fail-under", "RR=.8", "--json")
    assert told.code == 8
    assert json.loads(told.out)["measures"] == {"mine": {"RR": 0.75}}
    assert told.err == "ltrr: RR of mine is 0.7500, below 0.8\n"
    assert ltrr("evaluate", "--qrels", qrels, "--run", run, "--fail-under", "RR=.75").code == 0


def test_runs_and_judgments_are_written(ltrr: Typed, files: tuple[Path, Path], tmp_path: Path):
    qrels, run = files
    words = ("evaluate", "--qrels", qrels, "--run", f"a(b)={run}", "--write-runs", tmp_path / "out")
    assert ltrr(*words, "--write-qrels", tmp_path / "again.tsv", "--per-query", tmp_path / "table.tsv").code == 0
    assert (tmp_path / "again.tsv").read_text() == QRELS
    assert [line.split()[2] for line in (tmp_path / "out" / "a-b.trec").read_text().splitlines()] == ["a", "c", "b"]
    assert (tmp_path / "table.tsv").read_text().startswith("query_id\ttext\tsystem\tnDCG@10")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--fail-under", "nDCG@10"), 2, "no gate"),
        (("--measures", "nDGC"), 2, "unknown measure 'nDGC'"),
        (("--run", "nowhere.trec"), 3, "nowhere.trec"),
        (("--run", "a=x", "--run", "a=y"), 2, "two runs are named 'a'"),
    ],
)
def test_what_is_typed_wrongly_is_one_line(
    ltrr: Typed, files: tuple[Path, Path], words: tuple[str, ...], code: int, said: str
):
    told = ltrr("evaluate", "--qrels", files[0], "--run", files[1], *words)
    assert told.code == code
    assert said in told.err
    assert told.out == ""
