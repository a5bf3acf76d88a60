"""The dashboard: what is so now, and the look back of the learner."""

from __future__ import annotations

import base64
from pathlib import Path

from ltrr_cli.charts.sections import Dashboard, Section
from ltrr_cli.serving.dashboard import keep_look_back, look_back_of
from ltrr_cli.serving.tokens import Tokens
from tests.serving.conftest import Served, ask, click, code_of


def test_it_says_what_changed_how_long_and_what_waits(served: Served):
    client = served()
    page = ask(client, "rowing songs", user="u")
    client.post("/v1/feedback", json=click(page))
    text = client.get("/dashboard").text
    for told in ("What changed since yesterday?", "How long do answers take?", "How far behind is learning?",
                 "rowing songs", "1 searches in the last 24 hours, 100% of them acted on", "/v1/query",
                 "1 events wait to be published", "No look back has been made yet"):  # fmt: skip
        assert told in text, told


def test_half_typed_queries_are_no_searches(served: Served):
    client = served()
    ask(client, "lov", live=False)
    assert "0 searches in the last 24 hours" in client.get("/dashboard").text


def test_the_look_back_stands_below(served: Served, home: Path):
    keep_look_back(home, Dashboard("t", (("a", "b"),), (Section("s", "Is it getting <better>?", ("Yes.",)),)))
    text = served().get("/dashboard").text
    assert "Is it getting &lt;better&gt;?" in text
    assert "No look back" not in text


def test_a_damaged_look_back_is_none(home: Path):
    (home / "dashboard.json").write_text("{")
    assert look_back_of(home) is None


def test_nothing_on_it_is_forbidden_by_its_own_policy(served: Served):
    client = served()
    ask(client)
    text = client.get("/dashboard").text
    assert "<svg" in text
    assert "style=" not in text
    assert "<style" not in text
    assert client.get("/static/report.css").headers["content-type"].startswith("text/css")


def test_it_is_for_operators_and_a_browser_may_ask_for_the_token(served: Served, tmp_path: Path):
    (tmp_path / "tokens").write_text("ask ask-0123456789abcdef\noperate ops-0123456789abcdef\n")
    client = served(tokens=Tokens.read(tmp_path / "tokens"))
    refused = client.get("/dashboard")
    assert code_of(refused) == (401, "unauthorized")
    assert refused.headers["www-authenticate"].startswith("Basic")
    for name, status in (("ask", 401), ("ops", 200)):
        given = base64.b64encode(f"me:{name}-0123456789abcdef".encode()).decode()
        assert client.get("/dashboard", headers={"authorization": f"Basic {given}"}).status_code == status
    assert client.get("/dashboard", headers={"authorization": "Basic %%%"}).status_code == 401
