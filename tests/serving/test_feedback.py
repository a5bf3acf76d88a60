"""Feedback over HTTP: what is believed, counted once, refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import ltrr_cli
from ltrr_cli.core.clock import DAY, now_ms
from ltrr_cli.serving import feedback
from ltrr_cli.serving.signing import Signer
from tests.serving.conftest import Served, ask, click, code_of


def report(accepted: int = 0, duplicates: int = 0, skipped: int = 0, *rejected: dict) -> dict:
    return {"accepted": accepted, "duplicates": duplicates, "rejected": list(rejected), "skipped": skipped}


def feed(client: TestClient, body: object, path: str = "/v1/feedback"):
    return client.post(path, json=body)


def test_an_event_is_journalled_with_its_page(served: Served, home: Path):
    client = served()
    page = ask(client, user="u1")
    assert feed(client, click(page, 2)).json() == report(accepted=1)
    events = client.get(f"/v1/explain/{page['query_id']}").json()["events"]
    assert [(event["event"], event["entity_id"]) for event in events] == [("click", page["results"][2]["id"])]
    assert ltrr_cli.open(home).status().events == 1


def test_the_same_act_twice_counts_once(client: TestClient):
    page = ask(client)
    assert feed(client, click(page)).json() == report(accepted=1)
    assert feed(client, click(page)).json() == report(duplicates=1)
    assert feed(client, click(page, event_id="mine-1")).json() == report(accepted=1)
    assert feed(client, click(page, event_id="mine-1")).json() == report(duplicates=1)


def test_arrays_and_lines_tell_what_became_of_each_event(client: TestClient):
    page = ask(client)
    events = [click(page), click(page, 1), {"event": "click"}, click(page, 1), {}, click(page, entity_id="a")]
    told = feed(client, events).json()
    assert (told["accepted"], told["duplicates"]) == (2, 1)
    assert [(one["index"], one["code"]) for one in told["rejected"]] == [(2, "data"), (4, "data"), (5, "not_shown")]
    lines = "\n".join([json.dumps(click(page, 3)), "{broken", ""])
    answer = client.post("/v1/feedback", content=lines, headers={"content-type": "application/x-ndjson"})
    assert answer.json()["accepted"] == 1
    assert answer.json()["rejected"][0]["detail"].startswith("not JSON")


def test_an_array_of_anything_else_is_refused_whole(client: TestClient):
    assert code_of(feed(client, [click(ask(client)), "no event"])) == (400, "data")
    assert code_of(feed(client, "no event")) == (400, "data")


def test_a_forged_id_is_refused(client: TestClient):
    page = ask(client)
    forged = page["query_id"][:-1] + ("0" if page["query_id"][-1] != "0" else "1")
    refused = feed(client, click(page, query_id=forged))
    assert code_of(refused) == (401, "forged")
    assert "www-authenticate" in refused.headers
    assert feed(client, [click(page, query_id=forged)]).json()["rejected"][0]["code"] == "forged"


def test_an_id_of_another_workspace_is_refused(client: TestClient, tmp_path: Path):
    page = ask(client)
    assert code_of(feed(client, click(page, query_id=Signer.open(tmp_path).new_id()))) == (401, "forged")


def test_an_id_whose_page_was_forgotten_is_not_found(served: Served, home: Path):
    assert code_of(feed(served(), click({"query_id": Signer.open(home).new_id(), "results": [{"id": "a"}]}))) == (
        404, "not_found",
    )  # fmt: skip


def test_what_the_page_did_not_show_is_refused(client: TestClient):
    page = ask(client, k=3)
    assert code_of(feed(client, click(page, entity_id="song:nobody"))) == (409, "not_shown")


def test_somebody_else_s_page_is_refused(client: TestClient):
    page = ask(client, user="ann")
    assert code_of(feed(client, click(page, user_id="bob"))) == (409, "foreign")
    assert feed(client, click(page, user_id="ann")).json() == report(accepted=1)


def test_an_event_id_of_other_content_is_a_conflict(client: TestClient):
    page, other = ask(client), ask(client)
    feed(client, click(page, event_id="taken-1"))
    assert code_of(feed(client, click(page, 1, event_id="taken-1"))) == (409, "conflict")
    assert code_of(feed(client, click(other, event_id="taken-1"))) == (409, "conflict")


def test_an_act_repeated_under_ever_new_ids_is_refused(client: TestClient):
    page = ask(client)
    told = feed(client, [click(page, event_id=f"again-{number}") for number in range(50)]).json()
    assert told["accepted"] == feedback.MOST_ALIKE
    assert {one["code"] for one in told["rejected"]} == {"replayed"}


def test_an_old_page_is_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    page = ask(client)
    monkeypatch.setattr(feedback, "now_ms", lambda: now_ms() + (feedback.MOST_DAYS + 1) * DAY)
    assert code_of(feed(client, click(page))) == (409, "expired")


@pytest.mark.parametrize("timestamp", ["9999-12-31T00:00:00Z", 0, "1999-01-01"])
def test_a_moment_that_cannot_be_is_now(client: TestClient, timestamp: object):
    page = ask(client)
    feed(client, click(page, timestamp=timestamp))
    at = client.get(f"/v1/explain/{page['query_id']}").json()["events"][0]["time"]
    assert at[:10] == ltrr_cli.core.clock.iso(now_ms())[:10]


@pytest.mark.parametrize(
    "event",
    [
        {}, {"event": "click"}, {"event": "", "entity_id": "a"}, {"event": "user", "user_id": "u", "attributes": {}},
        {"event": "search", "query": "love", "clicked": ["song:001"]}, {"event": "click", "entity_id": "song:001"},
        {"event": "click", "entity_id": ["a"], "query_id": "x"}, {"event": "click", "entity_id": "a", "value": "much"},
    ],
)  # fmt: skip
def test_what_is_no_event_on_a_page_is_refused(client: TestClient, event: dict):
    assert code_of(feed(client, event)) == (400, "data")


def test_too_many_events_are_refused(served: Served):
    client = served(settings="events_per_second = 2.0")
    page = ask(client)
    feed(client, [click(page, event_id=str(number)) for number in range(20)])
    refused = feed(client, click(page, event_id="one more"))
    assert code_of(refused) == (429, "too_many")
    assert int(refused.headers["retry-after"]) == 1
    assert code_of(feed(client, [click(page)] * 21)) == (413, "too_large")
    assert ask(client)["results"], "asking has a rate of its own"


def test_a_click_changes_the_next_answer(served: Served):
    client = served()
    before = ask(client, "nobody wrote this", explore=False)
    wanted = before["results"][3]["id"]
    for number in range(3):
        page = ask(client, "nobody wrote this", explore=False, user=f"u{number}")
        place = [line["id"] for line in page["results"]].index(wanted)
        feed(client, click(page, place))
    after = ask(client, "nobody wrote this", explore=False, explain=True)
    now = next(line for line in after["results"] if line["id"] == wanted)
    assert now["position"] < 4
    assert now["chosen_by"] == 3


def test_ubi_events_come_as_the_collector_sends_them(client: TestClient):
    said = {"query_id": "site-query-1", "client_id": "c-1", "object_id_field": "sku", "query_attributes": {"page": 1}}
    page = ask(client, ubi=said)
    assert page["ubi"] == {**said, "user_query": "love river"}
    event = {
        "application": "shop", "action_name": "click", "query_id": "site-query-1", "client_id": "c-1",
        "session_id": "s", "user_id": "",
        "timestamp": "2026-01-01T00:00:00.000Z", "message_type": "INFO", "message": "",
        "event_attributes": {"object": {"object_id": page["results"][1]["id"], "object_id_field": "sku"},
                             "position": {"ordinal": 2}},
    }  # fmt: skip
    assert feed(client, [event], "/ubi_events").json() == report(accepted=1)
    assert feed(client, [event | {"client_id": "c-2"}], "/ubi_events").json()["rejected"][0]["code"] == "forged"
    assert feed(client, [{"action_name": "page_exit", "client_id": "c-1"}], "/ubi_events").json() == report(skipped=1)


def test_a_site_that_has_no_id_of_its_own_is_given_one(client: TestClient):
    page = ask(client, "", ubi={"user_query": "love"})
    assert page["query"] == "love"
    assert page["ubi"]["query_id"] == page["query_id"]


def test_ubi_queries_are_acknowledged_and_prove_nothing(client: TestClient):
    query = {"application": "shop", "query_id": "q-12345678", "client_id": "c", "user_query": "love",
             "query_attributes": {}, "object_id_field": "sku", "timestamp": "2026-01-01T00:00:00.000Z"}  # fmt: skip
    assert feed(client, [query], "/ubi_queries").json() == report(skipped=1)
    event = {"action_name": "click", "query_id": "q-12345678", "client_id": "c", "timestamp": "2026-01-01",
             "event_attributes": {"object": {"object_id": "song:001"}}}  # fmt: skip
    assert feed(client, [event], "/ubi_events").json()["rejected"][0]["code"] == "forged"
