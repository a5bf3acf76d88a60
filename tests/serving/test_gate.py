"""What every request passes and every answer carries."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from ltrr_cli.engine.query import QueryRequest
from ltrr_cli.serving.access import Origins
from ltrr_cli.serving.gate import Gate
from ltrr_cli.serving.tokens import Tokens
from tests.serving.conftest import Served, ask, code_of

TOKENS = "ask ask-0123456789abcdef\nfeed feed-0123456789abcdef\nall all-0123456789abcdef\n"


def bearer(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {name}-0123456789abcdef"}


@pytest.fixture
def guarded(served: Served, tmp_path: Path) -> TestClient:
    (tmp_path / "tokens").write_text(TOKENS)
    return served(tokens=Tokens.read(tmp_path / "tokens"))


def test_each_route_asks_for_its_scope(guarded: TestClient):
    body = {"json": {"text": "love"}}
    assert code_of(guarded.post("/v1/query", **body)) == (401, "unauthorized")
    assert code_of(guarded.post("/v1/query", **body, headers=bearer("feed"))) == (403, "forbidden")
    page = guarded.post("/v1/query", **body, headers=bearer("ask")).json()
    event = {"event": "click", "query_id": page["query_id"], "entity_id": page["results"][0]["id"]}
    assert code_of(guarded.post("/v1/feedback", json=event, headers=bearer("ask"))) == (403, "forbidden")
    assert guarded.post("/v1/feedback", json=event, headers=bearer("feed")).json()["accepted"] == 1
    assert code_of(guarded.get("/metrics", headers=bearer("ask"))) == (403, "forbidden")
    assert guarded.get("/metrics", headers=bearer("all")).status_code == 200
    for path in ("/v1/search?q=a", "/v1/suggest?q=a", "/v1/entities/song:001", "/v1/explain/x"):
        assert code_of(guarded.get(path)) == (401, "unauthorized")


def test_health_and_description_need_no_token(guarded: TestClient):
    assert guarded.get("/healthz").json()["status"] == "ok"
    assert guarded.get("/readyz").json() == {"status": "ready", "catalog": 1, "learned": 1, "degraded": []}
    assert guarded.get("/openapi.json").status_code == 200


def test_who_asked_is_told_to_operators_alone(guarded: TestClient):
    asked = guarded.post("/v1/query", json={"text": "love", "user": "ann", "session": "s"}, headers=bearer("ask"))
    path = f"/v1/explain/{asked.json()['query_id']}"
    assert guarded.get(path, headers=bearer("ask")).json()["user"] is None
    assert guarded.get(path, headers=bearer("all")).json()["user"] == "ann"


def test_other_origins_are_refused_and_named_ones_are_let_in(served: Served):
    client = served(origins=("https://shop.example",))
    refused = client.post("/v1/query", json={}, headers={"origin": "https://evil.example"})
    assert code_of(refused) == (403, "forbidden")
    assert "access-control-allow-origin" not in refused.headers
    assert code_of(client.get("/v1/search", headers={"origin": "null"})) == (403, "forbidden")
    let_in = client.post("/v1/query", json={}, headers={"origin": "https://shop.example"})
    assert let_in.headers["access-control-allow-origin"] == "https://shop.example"
    assert client.post("/v1/query", json={}, headers={"origin": "http://127.0.0.1:8080"}).status_code == 200


def test_a_preflight_is_answered_to_named_origins_only(served: Served):
    client = served(origins=("https://shop.example",))
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    granted = client.options("/v1/feedback", headers={"origin": "https://shop.example", **asked})
    assert granted.status_code == 204
    assert "POST" in granted.headers["access-control-allow-methods"]
    assert code_of(client.options("/v1/feedback", headers={"origin": "https://evil.example", **asked}))[0] == 403


def test_methods_that_a_route_has_not_are_named(client: TestClient):
    refused = client.options("/v1/query")
    assert code_of(refused) == (405, "method")
    assert refused.headers["allow"] == "POST"
    assert client.head("/healthz").status_code == 200


def test_a_foreign_name_that_leads_here_is_not_believed(client: TestClient):
    assert code_of(client.get("/healthz", headers={"host": "evil.example"})) == (403, "forbidden")
    for name in ("localhost:8080", "127.0.0.1", "[::1]:8080"):
        assert client.get("/healthz", headers={"host": name}).status_code == 200


def test_large_bodies_are_refused_whatever_they_say_of_themselves(client: TestClient):
    head = {"content-type": "application/json"}
    assert code_of(client.post("/v1/query", content=b"x" * 65_537, headers=head)) == (413, "too_large")
    parts = (b"x" * 1024 for _ in range(100))
    assert code_of(client.post("/v1/query", content=parts, headers=head)) == (413, "too_large")
    assert ask(client)["results"]


def test_a_slow_body_is_given_up():
    async def reading(scope, receive, send):
        while (await receive()).get("more_body"):
            pass

    async def slowly():
        await asyncio.sleep(0.03)
        return {"type": "http.request", "body": b"x", "more_body": True}

    sent = []

    async def send(message):
        sent.append(message)

    gate = Gate(reading, origins=Origins((), local=False), most_bytes=9_999, slow_seconds=0.1, count=lambda *_: None)
    scope = {"type": "http", "method": "POST", "headers": [], "path": "/v1/query"}
    asyncio.run(gate(scope, slowly, send))
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["code"] == "timeout"


def test_request_ids_and_traces_are_taken_over(client: TestClient):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = client.get("/healthz", headers={"x-request-id": "abc-1", "traceparent": trace})
    assert answer.headers["x-request-id"] == "abc-1"
    assert answer.headers["traceparent"].split("-")[1] == trace.split("-")[1]
    assert answer.headers["traceparent"].split("-")[2] != trace.split("-")[2]
    odd = client.get("/healthz", headers={"x-request-id": "<script>", "traceparent": "00-zz"})
    assert odd.headers["x-request-id"].isalnum()
    assert "traceparent" not in odd.headers


def test_answers_forbid_what_a_page_must_not_do(client: TestClient):
    headers = client.get("/healthz").headers
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers


def test_a_bug_is_a_problem_document_and_its_message_stays_here(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    client = served()

    def broken(_: object, asked: QueryRequest, **__: object) -> None:
        raise RuntimeError(asked.text)

    monkeypatch.setattr("ltrr_cli.serving.backend.respond", broken)
    with caplog.at_level(logging.INFO):
        refused = client.post("/v1/query", json={"text": "classified", "user": "ann"})
    assert code_of(refused) == (500, "unexpected")
    assert "RuntimeError" in caplog.text
    assert "classified" not in caplog.text + refused.text


def test_logs_and_metrics_name_no_query_and_no_person(client: TestClient, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, "ltrr.serve"):
        ask(client, "very private question", user="ann@example.org", explain=True)
        client.get("/v1/search?q=very+private+question&user=ann@example.org")
    told = caplog.text + client.get("/metrics").text
    assert '"route":"/v1/search"' in told
    assert "private" not in told
    assert "ann" not in told


def test_metrics_count_requests_candidates_and_feedback(served: Served):
    client = served()
    page = ask(client)
    client.post("/v1/feedback", json={"event": "click", "query_id": page["query_id"], "entity_id": "nobody"})
    text = client.get("/metrics").text
    counted = re.search(r'duration_seconds_count{(.*http_route="/v1/query")} 1.0', text)
    assert counted[1].startswith('http_request_method="POST",http_response_status_code="200"')
    assert 'ltrr_candidates_total{strategy="lexical"}' in text
    assert 'ltrr_feedback_total{outcome="not_shown"} 1.0' in text
    assert "ltrr_decision_seconds_count 1.0" in text
    assert "ltrr_learned_generation 1.0" in text
