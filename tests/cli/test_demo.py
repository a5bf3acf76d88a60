"""The demo on a sample of the tests' own: it goes round the snapshot and reports what it did."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from ltrr_cli.cli.demo import Judged, telling
from ltrr_cli.cli.ranker_gain import RankerGain
from tests.cli.conftest import Typed
from tests.conftest import DAY_0, SONGS

WANTED = {"love": "song:003", "rain": "song:010", "calm river": "song:006"}


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sample in which everybody who asks wants something that no strategy would put first."""
    folder = tmp_path / "sample"
    folder.mkdir()
    entities = [{"id": song.id, "title": song.title, "type": song.type, "text": song.text} for song in SONGS]
    searches = [
        {
            "event": "search", "timestamp": DAY_0 + number * 60_000, "user_id": f"u{number}", "query": query,
            "session_id": f"s{number}", "results": None, "clicked": [WANTED[query]],
        }
        for number, query in enumerate(list(WANTED) * 8)
    ]  # fmt: skip
    for name, records in (("catalog", entities), ("feedback", searches)):
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    queries = [{"query_id": f"q{n}", "text": query, "kind": query.split()[0]} for n, query in enumerate(WANTED)]
    (folder / "queries.jsonl").write_text("".join(json.dumps(query) + "\n" for query in queries))
    (folder / "qrels.tsv").write_text("".join(f"q{n} 0 {entity} 1\n" for n, entity in enumerate(WANTED.values())))
    monkeypatch.setattr("ltrr_cli.catalog.sample.sample_path", lambda name: folder / name)
    return folder


@pytest.mark.turns(4)
def test_people_s_choices_come_first_after_the_loop(ltrr: Typed, sample: Path):
    told = ltrr("demo", "--engine", "local", "--json")
    assert told.code == 0, told.err
    tour = json.loads(told.out)
    assert tour["queries"] == {"love": 1, "rain": 1, "calm": 1, "all": 3}
    assert tour["measures"]["all"]["catalog alone"] < tour["measures"]["all"]["with feedback"] == 1.0
    assert tour["worse"] == 0
    for shift in tour["shifts"]:
        assert shift["after"][0] == WANTED[shift["query"]]
        assert shift["memory_counts"][WANTED[shift["query"]]] == 8
    assert not Path(tour["home"]).exists()


@pytest.mark.turns(4)
def test_where_the_ranker_adds_nothing_that_is_said_and_it_has_no_column(ltrr: Typed, sample: Path):
    told = ltrr("demo", "--engine", "local")
    assert told.code == 0, told.err
    assert "No ranker serves: none was better" in told.out
    assert "with ranker" not in told.out
    assert "catalog alone  with feedback" in told.out
    gain = json.loads(ltrr("demo", "--engine", "local", "--json").out)["ranker"]
    assert gain == {"gain": 0.0, "low": 0.0, "high": 0.0}


def test_what_a_ranker_adds_is_said_with_its_interval():
    little = RankerGain(0.004, -0.002, 0.009, kept=True)
    assert not little.shows
    sentence = little.sentence(("genre", 0.05))
    assert "adds little here, +0.004 nDCG@10" in sentence
    assert "(-0.002 to +0.009); most to genre, +0.050, so it has no column" in sentence
    assert "most to" not in little.sentence(("genre", 0.001))
    much = RankerGain(0.02, 0.01, 0.03, kept=True)
    assert much.shows
    assert much.sentence() == "The ranker adds +0.020 nDCG@10 to feedback over all queries (+0.010 to +0.030)."
    assert RankerGain(-0.02, -0.03, -0.01, kept=True).shows, "a loss is shown too"


@pytest.mark.turns(4)
def test_a_given_folder_is_kept_and_never_overwritten(ltrr: Typed, sample: Path, tmp_path: Path):
    told = ltrr("demo", "--engine", "local", "--home", tmp_path / "kept")
    assert told.code == 0, told.err
    steps = [line[:3] for line in told.out.splitlines()[:3]]
    assert steps == [" 1 ", " 2 ", " 3 "]
    assert "24 events accepted" in told.out
    assert "chosen" in told.out
    assert f"--home {tmp_path / 'kept'}" in told.err
    assert ltrr("status", "--home", tmp_path / "kept").code == 0
    assert ltrr("demo", "--engine", "local", "--home", tmp_path / "kept").code == 2


@pytest.mark.turns(4)
def test_somebody_s_own_workspace_is_left_alone(
    ltrr: Typed, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LTRR_HOME", str(tmp_path / "mine"))
    assert ltrr("demo", "--engine", "local", "-q").code == 0
    assert not (tmp_path / "mine").exists()


def test_the_kinds_that_gained_most_are_told_by_their_best_query():
    judged = {"a": Judged("a", "x"), "b": Judged("b", "x"), "c": Judged("c", "y"), "d": Judged("d", "z")}
    judged["e"] = Judged("e", "w")
    assert telling({"a": 0.1, "b": 0.9, "c": 0.6, "d": 0.3, "e": -0.5}, judged) == ["c", "b", "d"]
