"""Deadlines, renewal, and learning while others ask."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import ltrr_cli
from ltrr_cli.engine import live_snapshot
from ltrr_cli.serving import backend
from ltrr_cli.serving.learner import publish_new
from tests.serving.conftest import Served, ask, click, code_of


def test_a_late_answer_is_a_plain_page_in_its_place(served: Served, monkeypatch: pytest.MonkeyPatch):
    respond = backend.respond

    def slowly(*args: object, **more: object) -> object:
        time.sleep(0.4)
        return respond(*args, **more)

    client = served(settings="deadline_ms = 50.0")
    monkeypatch.setattr(backend, "respond", slowly)
    page = ask(client, "love river", user="u", k=5)
    assert page["degraded"]
    assert page["warnings"]
    assert len(page["results"]) == 5
    assert all("love" in line["title"] or "river" in line["title"] for line in page["results"])
    assert client.post("/v1/feedback", json=click(page)).json()["accepted"] == 1
    time.sleep(0.5)
    assert "ltrr_degraded_pages_total 1.0" in client.get("/metrics").text
    assert ask(client, "", k=3)["results"][0]["sources"] == {}, "nothing typed: what is popular"


def test_learning_does_not_wait_for_a_late_answer_given_before(served: Served, monkeypatch: pytest.MonkeyPatch):
    respond, held, first = backend.respond, threading.Event(), [True]

    def slowly(*args: object, **more: object) -> object:
        if first and first.pop():
            held.wait(60.0)
        return respond(*args, **more)

    client = served(settings="deadline_ms = 2000.0")
    monkeypatch.setattr(backend, "respond", slowly)
    monkeypatch.setattr(live_snapshot, "PATIENCE", 60.0)  # whoever still holds what answered then is waited for
    pages = [ask(client, "nobody wrote 0", user="u0")]
    held.set()
    pages.append(ask(client, "nobody wrote 1", user="u1"))
    assert [page["degraded"] for page in pages] == [True, False]
    for number in range(2, 6):
        client.post("/v1/feedback", json=click(pages[-1], 3))
        pages.append(ask(client, f"nobody wrote {number}", user=f"u{number}"))
    assert not any(page["degraded"] for page in pages[2:])


def test_the_page_that_nobody_saw_is_not_journalled(served: Served, home: Path, monkeypatch: pytest.MonkeyPatch):
    respond = backend.respond

    def slowly(*args: object, **more: object) -> object:
        time.sleep(0.2)
        return respond(*args, **more)

    client = served(settings="deadline_ms = 20.0")
    monkeypatch.setattr(backend, "respond", slowly)
    ask(client, "love", log=True)
    time.sleep(0.5)
    assert ltrr_cli.open(home).status().impressions == 1


def test_too_many_that_wait_are_refused(served: Served, monkeypatch: pytest.MonkeyPatch):
    client = served()
    monkeypatch.setattr(backend, "MOST_WAITING", 0)
    refused = client.post("/v1/query", json={"text": "love"})
    assert code_of(refused) == (503, "overloaded")
    assert refused.headers["retry-after"] == "1"


def wait_for_generation(client: TestClient, learned: int) -> None:
    until = time.monotonic() + 20
    while client.get("/readyz").json()["learned"] != learned:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_what_is_published_answers_without_a_restart(served: Served, home: Path):
    client = served(follow=True)
    page = ask(client, "nobody wrote this", user="u1")
    client.post("/v1/feedback", json=click(page, 3))
    assert "ltrr_unlearned_events 1.0" in client.get("/metrics").text
    state = ltrr_cli.open(home).state
    assert publish_new(state) == 2
    wait_for_generation(client, 2)
    assert "ltrr_unlearned_events 0.0" in client.get("/metrics").text
    after = ask(client, "nobody wrote this", explain=True)
    assert next(line["chosen_by"] for line in after["results"] if line["id"] == page["results"][3]["id"]) == 1
    assert publish_new(state) is None, "nothing new"


def test_acts_since_a_publication_survive_it(served: Served, home: Path):
    client = served(follow=True)
    first = ask(client, "nobody wrote this", user="u1")
    client.post("/v1/feedback", json=click(first))
    state = ltrr_cli.open(home).state
    with state.publishing("test"):
        time.sleep(0.01)
    publish_new(state)
    second = ask(client, "nobody wrote this", user="u2")
    client.post("/v1/feedback", json=click(second, 1))
    wait_for_generation(client, 2)
    chosen = {line["id"]: line["chosen_by"] for line in ask(client, "nobody wrote this", explain=True)["results"]}
    assert chosen[first["results"][0]["id"]] == 1
    assert chosen[second["results"][1]["id"]] == 1


def test_what_one_worker_takes_in_the_next_question_to_any_of_them_knows(served: Served):
    workers = [served(settings="deadline_ms = 60000.0"), served()]
    for number in range(6):
        text = f"nobody wrote {number}"
        asked, fed = workers[number % 2], workers[number // 2 % 2]
        page = ask(asked, text, user=f"u{number}", explore=False)
        fed.post("/v1/feedback", json=click(page, 3))
        for worker in workers:
            after = [line["id"] for line in ask(worker, text, explore=False)["results"]]
            assert after.index(page["results"][3]["id"]) < 3, (number, "not learnt before it answered")


def test_a_damaged_generation_leaves_the_one_that_answers(served: Served, home: Path):
    client = served(follow=True)
    (home / "CURRENT.json").write_text("{}")
    time.sleep(1.2)
    assert client.get("/readyz").json()["learned"] == 1
    assert ask(client)["results"]
