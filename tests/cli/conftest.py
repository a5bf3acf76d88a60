"""A workspace that answers at once and remembers what it was asked: the command line tested by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import ltrr_cli
from ltrr_cli.cli.main import run
from ltrr_cli.core.config import Settings
from ltrr_cli.core.types import Correction, Plan, Reading, Slot
from ltrr_cli.engine.query import Page, Result, Source
from ltrr_cli.engine.query_batch import BatchReport
from ltrr_cli.indexing.index import IndexReport
from ltrr_cli.learning.publish import TrainReport
from ltrr_cli.learning.records import IngestReport
from ltrr_cli.workspace.explain import ExplainedLine, Explanation, InferredValue
from ltrr_cli.workspace.memory_report import MemoryLine
from ltrr_cli.workspace.status import Status
from ltrr_cli.workspace.verify import VerifyReport

READING = Reading(
    tokens=("tayler", "love"),
    words=("taylor", "love"),
    key="taylerlove",
    corrections=(Correction("tayler", ("taylor",), 0.9),),
    slots=(Slot("title", "Love Story", 0.4, 1, 2), Slot("genre", "love songs", 0.6, 1, 2)),
    intent={"spearfishing": 0.2, "topic": 0.8, "mixed": 0.0},
)
PLAN = Plan("hazard", {"lexical": 120, "memory": 80, "explore": 0}, 0.25)
PAGE = Page(
    impression_id="0123abcd",
    query="tayler love",
    reading=READING,
    plan=PLAN,
    results=(
        Result(1, "a:1", "Love Story", "track", 0.9, 1.0, {"lexical": Source(2, 3.5), "memory": Source(1, 0.7)}),
        Result(2, "a:2", "Plain \x1b[31mRed\u202e", "", 0.5, 0.25, {"lexical": Source(1, 4.0)}),
    ),
    took_ms={"retrieve.memory": 0.5, "retrieve.lexical": 0.71, "retrieve": 1.25, "total": 2.5},
    candidates=134,
)


REMEMBERED = MemoryLine("a:1", "Love Story", 0.75, {"own": 0.75}, 4.0, 1.5, 0.5, 0.0, 0.0, 3, None)
MEASURES = {"serving": {"nDCG@10": 0.5}, "lambdamart": {"nDCG@10": 0.625}}


@dataclass
class FakeWorkspace:
    """Answers every verb with a fixed record; ``fails`` is raised instead."""

    home: Path
    settings: Settings = field(default_factory=Settings)
    asked: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    fails: BaseException | None = None

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        if verb not in self.answers:
            raise AttributeError(verb)

        def answer(*words: Any, **options: Any) -> Any:
            self.asked.append((verb, words, options))
            if self.fails is not None:
                raise self.fails
            return self.answers[verb]

        return answer


def answers() -> dict[str, Any]:
    return {
        "index": IndexReport(3, 1_200, 2, {"total": 1.5}, 4, 0, "home/quarantine/catalog.jsonl"),
        "query": PAGE,
        "query_batch": BatchReport(2, 150, 1, "out.trec", 0.1),
        "ingest": IngestReport(1_000, 5, 1, 0, 2, 3, 990, 7, quarantine_file="home/quarantine/feedback.jsonl"),
        "train": TrainReport("ranker-8", "lambdamart", MEASURES, True, "", 400, 2.0),
        "status": Status(3, None, 1_200, 10, 0, 0, "hazard", "catalog", "fusion", "ab12", "home", ("lexical",)),
        "explain": Explanation(
            "0123abcd", "2024-05-31T18:00:00.000Z", "love", "u1", None, "trial", PLAN,
            (
                ExplainedLine(
                    1, "a:1", "Love Story", 0.9, None, 0.5, {"memory": 1}, ("click",),
                    (InferredValue("genre", "soul", 0.62),),
                ),
            ),
            (), {"memory": 1}, READING, (REMEMBERED,), 0.154,
        ),
        "verify": VerifyReport(True, (), 43),
    }  # fmt: skip


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch) -> FakeWorkspace:
    fake = FakeWorkspace(Path("home"), answers=answers())

    def opened(home: str | Path = ".ltrr") -> FakeWorkspace:
        fake.home = Path(home)
        return fake

    monkeypatch.setattr(ltrr_cli, "open", opened)
    monkeypatch.delenv("LTRR_HOME", raising=False)
    return fake


@dataclass(frozen=True)
class Told:
    """What a command line printed, and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def ltrr(capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    def typed(*words: str | Path) -> Told:
        code = run([str(word) for word in words])
        told = capsys.readouterr()
        return Told(code, told.out, told.err)

    return typed


Typed = Callable[..., Told]
Lines = Sequence[str]
