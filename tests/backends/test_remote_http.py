"""Retrievers over HTTP against recorded answers: what is sent, what is read, what is no answer."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ltrr_cli.backends.remote_http import HttpRetriever
from ltrr_cli.core.config import RemoteSettings
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.remote import RemoteQuestion
from tests.backends.fake_search import FakeSearch, hits

ASKED = RemoteQuestion('warm "folk"', 2, (0.5, -1.0), (("genre", "=", "jazz"), ("year", ">=", "1960")))


@pytest.fixture
def fake() -> Iterator[FakeSearch]:
    found = FakeSearch()
    yield found
    found.close()


def retriever(fake: FakeSearch, kind: str = "opensearch", path: str = "", **more: object) -> HttpRetriever:
    return HttpRetriever("mine", RemoteSettings(kind, fake.address + path, **more))


@pytest.mark.parametrize("kind", ["opensearch", "elasticsearch"])
def test_a_cluster_is_asked_by_search_and_its_hits_are_read(fake: FakeSearch, kind: str):
    fake.answer = hits(("b", 1.0), ("a", 3.5), ("c", 0.5))
    found = retriever(fake, kind, index="songs").search(ASKED, 2.0)
    assert [(line.id, line.score, line.fields["title"]) for line in found] == [
        ("a", 3.5, "Title of a"), ("b", 1.0, "Title of b")
    ]  # fmt: skip
    (method, path, _, body) = fake.asked[0]
    assert (method, path, body["size"]) == ("POST", "/songs/_search", 2)
    assert body["query"]["bool"] == {
        "must": [{"multi_match": {"query": 'warm "folk"'}}],
        "filter": [{"term": {"genre": "jazz"}}, {"range": {"year": {"gte": "1960"}}}],
    }


def test_a_template_says_what_is_sent_and_paths_where_hits_stand(fake: FakeSearch):
    fake.answer = {"results": [{"key": 7, "sim": 0.9, "doc": {"name": "x"}}, {"key": "b", "sim": 0.95}]}
    one = retriever(
        fake, "http", "/ask?n={{k}}&q={{query}}", request='{"v": {{ vector }}, "f": {{filters}}}',
        ids="results[].key", scores="results[].sim", fields="results[].doc",
    )  # fmt: skip
    assert one.needs_vector
    assert [(line.id, line.score, dict(line.fields)) for line in one.search(ASKED, 2.0)] == [
        ("b", 0.95, {}), ("7", 0.9, {"name": "x"})
    ]  # fmt: skip
    (_, path, _, body) = fake.asked[0]
    assert path == "/ask?n=2&q=warm%20%22folk%22"
    assert body["v"] == [0.5, -1.0]


def test_without_a_request_it_is_got_and_without_scores_the_order_counts(fake: FakeSearch):
    fake.answer = ["b", "a", "b"]
    found = retriever(fake, "http", "/q/{{query}}", ids="[]").search(ASKED, 2.0)
    assert [line.id for line in found] == ["b", "a"]
    assert fake.asked[0][0] == "GET"


def test_a_secret_comes_from_its_file_and_connections_are_kept(fake: FakeSearch, tmp_path: Path):
    (tmp_path / "secret").write_text("Bearer s3cret\n")
    one = retriever(fake, secret_file=str(tmp_path / "secret"), header="X-Key")
    for _ in range(3):
        one.search(ASKED, 2.0)
    assert {headers["X-Key"] for _, _, headers, _ in fake.asked} == {"Bearer s3cret"}


def test_no_answer_in_time_is_no_answer(fake: FakeSearch):
    fake.delay = 1.0
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        retriever(fake).search(ASKED, 0.1)
    assert time.monotonic() - start < 0.8


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        ({}, 503, "status 503"),
        (b"<html>", 200, "no JSON"),
        (b"[" * 100_000, 200, "no JSON"),
        (hits(("a", "high")), 200, "no score"),
        (b'{"hits": {"hits": [{"_id": "a", "_score": Infinity}]}}', 200, "no score"),
        ({"hits": {"hits": [{"_score": 1.0}]}}, 200, "no id"),
        ({"hits": {"hits": [{"_id": "a", "_score": None}]}}, 200, "no score"),
    ],
)
def test_what_is_no_answer_says_why(fake: FakeSearch, answer: object, status: int, said: str):
    fake.answer, fake.status = answer, status
    with pytest.raises(DataError, match=said):
        retriever(fake).search(ASKED, 2.0)


def test_a_server_that_is_gone_is_no_answer(fake: FakeSearch):
    one = retriever(fake)
    one.search(ASKED, 2.0)
    fake.close()
    with pytest.raises((OSError, http.client.HTTPException)):
        HttpRetriever("mine", RemoteSettings("opensearch", fake.address)).search(ASKED, 0.5)
    fake.__init__()  # so that the fixture has something to close


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (RemoteSettings("http", "ftp://host", ids="[]"), "no address"),
        (RemoteSettings("http", "http://host"), "ids is empty"),
        (RemoteSettings("opensearch", "http://host", request="{{querry}}"), "querry"),
        (RemoteSettings("opensearch", "http://host", secret_file="/none"), "secret_file"),
    ],
)
def test_wrong_settings_are_named(settings: RemoteSettings, said: str):
    with pytest.raises(DataError, match=said):
        HttpRetriever("mine", settings)


@pytest.mark.parametrize("kind", ["opensearch", "elasticsearch"])
def test_many_questions_are_one_request_of_msearch(fake: FakeSearch, kind: str):
    failed = {"error": {"type": "search_phase_execution_exception"}, "status": 503}
    fake.answer = {"took": 5, "responses": [{**hits(("a", 2.0)), "status": 200}, failed, {**hits(), "status": 200}]}
    asked = [RemoteQuestion(text, 3) for text in ("one", "two", "three")]
    one = retriever(fake, kind, index="songs", request='{"size": {{k}},\n "query": {"match": {"title": {{query}}}}}')
    assert [lines and [line.id for line in lines] for lines in one.search_many(asked, 2.0)] == [["a"], None, []]
    ((method, path, headers, body),) = fake.asked
    assert (method, path, headers["Content-Type"]) == ("POST", "/songs/_msearch", "application/x-ndjson")
    assert body[::2] == [{}, {}, {}]
    assert [line["query"]["match"]["title"] for line in body[1::2]] == ["one", "two", "three"]


def test_other_kinds_are_asked_one_question_after_another(fake: FakeSearch):
    fake.answer = {"results": [{"id": "a"}]}
    one = retriever(fake, "http", "/ask?q={{query}}", ids="results[].id")
    found = one.search_many([RemoteQuestion("x", 3), RemoteQuestion("y", 3)], 2.0)
    assert [[line.id for line in lines or ()] for lines in found] == [["a"], ["a"]]
    assert [path for _, path, _, _ in fake.asked] == ["/ask?q=x", "/ask?q=y"]


def test_answers_that_do_not_fit_the_questions_are_none(fake: FakeSearch):
    fake.answer = {"responses": []}
    with pytest.raises(DataError, match="no answers to 1 questions"):
        retriever(fake, index="songs").search_many([ASKED], 2.0)


def test_qdrant_is_asked_for_points_near_the_vector(fake: FakeSearch):
    point = {"id": 7, "version": 1, "score": 0.75, "payload": {"id": "song-7", "title": "Blue"}}
    fake.answer = {"result": {"points": [point]}, "status": "ok", "time": 0.001}
    one = retriever(fake, "qdrant", index="songs")
    assert one.needs_vector
    (line,) = one.search(ASKED, 2.0)
    assert (line.id, line.score, line.fields["title"]) == ("song-7", 0.75, "Blue")
    ((method, path, _, body),) = fake.asked
    assert (method, path) == ("POST", "/collections/songs/points/query")
    assert body == {
        "query": [0.5, -1.0], "limit": 2, "with_payload": True,
        "filter": {"must": [{"key": "genre", "match": {"value": "jazz"}}, {"key": "year", "range": {"gte": 1960.0}}]},
    }  # fmt: skip


def test_qdrants_own_ids_and_a_template_of_ones_own(fake: FakeSearch):
    fake.answer = {"result": {"points": [{"id": 7, "score": 0.5}]}}
    one = retriever(
        fake, "qdrant", index="songs", ids="result.points[].id",
        request='{"query": {{vector}}, "using": "titles", "limit": {{k}}, "filter": {"must": {{filters}}}}',
    )  # fmt: skip
    assert [line.id for line in one.search(ASKED, 2.0)] == ["7"]
    assert fake.asked[0][3]["using"] == "titles"
    assert fake.asked[0][3]["filter"]["must"][0] == {"key": "genre", "match": {"value": "jazz"}}
