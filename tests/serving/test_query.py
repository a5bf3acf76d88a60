"""Questions over HTTP: what comes in, what goes out, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.backends.fake_search import FakeSearch, hits
from tests.serving.conftest import Served, ask, code_of


def test_an_answer_names_its_page_and_its_generations(client: TestClient):
    page = ask(client, k=3)
    assert len(page["query_id"]) == 48
    assert (page["catalog"], page["learned"], page["degraded"]) == (1, 1, False)
    assert [line["position"] for line in page["results"]] == [1, 2, 3]
    assert set(page["results"][0]) >= {"id", "title", "type", "score", "odds", "sources", "attributes"}
    assert page["results"][0]["attributes"]["mood"]


def test_the_page_is_journalled_under_its_id(client: TestClient):
    page = ask(client, user="u1")
    found = client.get(f"/v1/explain/{page['query_id']}").json()
    assert (found["query"], found["user"], found["origin"]) == ("love river", "u1", "live")
    assert [line["id"] for line in found["page"]] == [line["id"] for line in page["results"]]


def test_the_address_bar_answers_as_the_body_does(client: TestClient):
    posted = ask(client, k=5, filters=["mood=calm", "year>=2000"], seed=3)
    got = client.get("/v1/search?q=love+river&k=5&filter=mood%3Dcalm&filter=year%3E%3D2000&explore=false").json()
    assert {line["attributes"]["mood"][0] for line in got["results"]} == {"calm"}
    assert min(line["attributes"]["year"] for line in got["results"]) >= 2000
    assert len(posted["results"]) == len(got["results"])


def test_nothing_typed_is_a_recommendation(client: TestClient):
    assert len(ask(client, "")["results"]) == 10


def test_more_like_one_entity_leaves_it_out(client: TestClient):
    page = ask(client, "", like="song:003")
    assert "song:003" not in [line["id"] for line in page["results"]]


def test_a_seed_repeats_an_answer(client: TestClient):
    first, second = ask(client, seed=7), ask(client, seed=7)
    assert [line["id"] for line in first["results"]] == [line["id"] for line in second["results"]]
    assert first["query_id"] != second["query_id"]


def test_what_is_not_to_be_logged_has_no_id(client: TestClient):
    assert ask(client, log=False)["query_id"] is None


def test_explained_answers_say_how_they_came_to_be(client: TestClient):
    how = ask(client, explain=True)["how"]
    assert sum(how["plan"]["draws"].values()) > 0
    assert how["reading"]["words"] == ["love", "river"]
    assert how["candidates"] > 0


def test_without_anything_learnt_no_page_is_journalled(client: TestClient):
    page = ask(client, learned=False)
    assert page["query_id"] is None
    assert page["learned"] == 0
    assert page["results"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"txet": "love"}, "unknown field `txet`"),
        ({"text": 7}, r"$.text"),
        ({"k": 0}, r"$.k"),
        ({"k": 101}, r"$.k"),
        ({"filters": ["year"]}, "$.filters[0]"),
        ({"filters": ["colour=red"]}, "no field 'colour'"),
        ({"policy": "nobody"}, "nobody"),
        ({"at": "yesterday"}, "ISO-8601"),
        ({"seed": -1}, r"$.seed"),
        ([], "Expected `object`"),
    ],
)
def test_a_question_that_cannot_be_meant_says_why(client: TestClient, body: object, told: str):
    refused = client.post("/v1/query", json=body)
    assert code_of(refused) in ((400, "data"), (400, "usage"))
    assert told in refused.json()["detail"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"text": "\\ud800"}', b"[" * 30_000, b'{"k": 1e999}'])
def test_what_is_no_json_is_refused(client: TestClient, body: bytes):
    refused = client.post("/v1/query", content=body, headers={"content-type": "application/json"})
    assert code_of(refused) == (400, "data")


def test_what_does_not_exist_is_not_found(client: TestClient):
    assert code_of(client.post("/v1/query", json={"like": "song:999"})) == (404, "not_found")
    assert code_of(client.get("/v1/explain/" + "0" * 48)) == (404, "not_found")
    assert code_of(client.get("/v1/entities/nobody")) == (404, "not_found")
    assert code_of(client.get("/v2/query")) == (404, "not_found")
    assert code_of(client.get("/v1/query")) == (405, "method")
    assert client.get("/v1/query").headers["allow"] == "POST"


def test_other_media_types_are_refused(client: TestClient):
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        refused = client.post("/v1/query", content=b'{"text": "love"}', headers={"content-type": kind})
        assert code_of(refused) == (415, "media_type")


def test_unknown_parameters_are_refused(client: TestClient):
    assert code_of(client.get("/v1/search?query=love")) == (400, "usage")
    assert code_of(client.get("/v1/search?q=love&k=many")) == (400, "usage")


def test_queries_have_a_rate_where_one_is_set(served: Served):
    client = served(settings="queries_per_second = 0.2")
    ask(client)
    ask(client)
    refused = client.post("/v1/query", json={"text": "love"})
    assert code_of(refused) == (429, "too_many")
    assert 1 <= int(refused.headers["retry-after"]) <= 5


def test_an_entity_is_shown_whole(client: TestClient):
    song = client.get("/v1/entities/song:003").json()
    assert (song["id"], song["type"]) == ("song:003", "album")
    assert song["created"] == "2023-11-11T22:13:20.000Z"


def test_an_answer_names_rules_and_what_retrievers_elsewhere_did(served: Served, home: Path):
    fake = FakeSearch()
    fake.answer = hits(("elsewhere", 8.0))
    rule = '[[rule]]\nname = "promo"\nowner = "anna"\nquery = "love river"\npin = ["song:003"]\n'
    (home / "rules.toml").write_text(rule)
    client = served(
        settings=f"""
[retrieval.remote.cluster]
kind = "opensearch"
address = "{fake.address}"
index = "songs"
timeout_ms = 2000
"""
    )
    page = ask(client, k=3)
    assert (page["results"][0]["id"], page["results"][0]["pinned_by"]) == ("song:003", "promo")
    assert (page["results"][1]["pinned_by"], page["rules"], page["missing"]) == ("", ["promo"], [])
    assert [(one["id"], one["strategy"], one["fields"]["title"]) for one in page["unknown"]] == [
        ("elsewhere", "cluster", "Title of elsewhere")
    ]
    fake.status = 500
    page = ask(client, k=3)
    assert (page["missing"], page["unknown"], page["degraded"]) == (["cluster"], [], False)
    fake.close()
