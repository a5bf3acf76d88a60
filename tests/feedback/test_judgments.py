"""Judged sets in and out, in the formats that others write."""

from __future__ import annotations

from pathlib import Path

import pytest

from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.feedback.judgments import read_judged, read_judgments_csv, read_run, write_qrels, write_run

QUERIES = '{"query_id": "q1", "text": "Xbox  One"}\n{"query_id": "q2", "text": "tv, 24\\""}\n'


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    path = tmp_path / "queries.jsonl"
    path.write_text(QUERIES)
    return path


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_a_csv_of_judgments_belongs_to_the_queries_of_its_words(asked: Path, tmp_path: Path):
    path = written(tmp_path, "j.csv", 'docid,grade,keywords\na,3,xbox one\nb,0.0,XBOX ONE\nc,1,"tv, 24"""\nd,2,other\n')
    judged = read_judged(asked, path)
    assert judged.grades["q1"] == {"a": 3, "b": 0}
    assert judged.grades["q2"] == {"c": 1}
    assert [len(judged.queries), len(judged.unanswered), judged.unjudged] == [2, 1, 0]


def test_a_csv_alone_asks_its_own_words(tmp_path: Path):
    path = written(tmp_path, "j.csv", "grade,keywords,docid\n3,xbox 360,a\n1,xbox360,b\n")
    judged = read_judged(None, path)
    assert [(query.query_id, query.text) for query in judged.queries] == [("q0001", "xbox 360"), ("q0002", "xbox360")]
    assert judged.grades == {"q0001": {"a": 3}, "q0002": {"b": 1}}


@pytest.mark.parametrize("name", ["out.csv", "out.tsv"])
def test_judgments_written_are_judgments_read(asked: Path, tmp_path: Path, name: str):
    judged = read_judged(asked, written(tmp_path, "in.tsv", "q1 0 a 3\nq1 0 b,c 0\nq2 0 d 1\n"))
    write_qrels(tmp_path / name, judged)
    assert read_judged(asked, tmp_path / name).grades == judged.grades


def test_a_csv_needs_the_words(tmp_path: Path):
    judged = read_judged(None, written(tmp_path, "in.tsv", "q1 0 a 3\n"))
    with pytest.raises(UsageError):
        write_qrels(tmp_path / "out.csv", judged)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("grade,docid\n1,a\n", "no column 'keywords'"),
        ("grade,keywords,docid\n1.5,x,a\n", "line 2"),
        ("grade,keywords,docid\nnan,x,a\n", "line 2"),
        ("grade,keywords,docid\n1,x\n", "line 2"),
        ('grade,keywords,docid\n1,"x,a\n', "unexpected end"),
        ("", "no column"),
    ],
)
def test_a_bad_csv_is_named(tmp_path: Path, text: str, said: str):
    with pytest.raises(DataError, match=said):
        read_judgments_csv(written(tmp_path, "bad.csv", text))


def test_judgments_of_other_queries_are_refused(asked: Path, tmp_path: Path):
    with pytest.raises(DataError, match="none of the queries"):
        read_judged(asked, written(tmp_path, "in.tsv", "x 0 a 1\n"))
    with pytest.raises(DataError, match="none of the queries"):
        read_judged(asked, written(tmp_path, "in.csv", "grade,keywords,docid\n1,other,a\n"))
    with pytest.raises(DataError, match="no judgment"):
        read_judged(asked, written(tmp_path, "empty.tsv", "\n"))


def test_a_query_id_comes_once(tmp_path: Path):
    twice = written(tmp_path, "twice.jsonl", QUERIES + QUERIES)
    with pytest.raises(DataError, match="line 3"):
        read_judged(twice, written(tmp_path, "in.tsv", "q1 0 a 1\n"))


def test_a_run_written_is_a_run_read_in_the_same_order(tmp_path: Path):
    pages = {"q1": ["c", "a", "b"], "q2": ["z"]}
    write_run(tmp_path / "out.trec", pages)
    again = read_run(tmp_path / "out.trec")
    assert {query: sorted(page, key=page.get, reverse=True) for query, page in again.items()} == pages
    with pytest.raises(DataError, match="line 1"):
        read_run(written(tmp_path, "bad.trec", "q1 Q0 a 1 best ltrr\n"))
