"""``ltrr explain``: the funnel as a table."""

from __future__ import annotations

import json
from dataclasses import replace

from ltrr_cli.workspace.explain import FunnelStage
from tests.cli.conftest import FakeWorkspace, Typed

FUNNEL = (
    FunnelStage("catalog", 6_048, {}),
    FunnelStage("may bring", 200, {"lexical": 120, "memory": 80}),
    FunnelStage("on the page", 10, {"lexical": 7, "memory": 5}),
)


def test_the_funnel_is_one_sentence_a_stage_and_names_who_had_any(ltrr: Typed, workspace: FakeWorkspace):
    workspace.answers["explain"] = replace(workspace.answers["explain"], funnel=FUNNEL)
    lines = [line.strip() for line in ltrr("explain", "0123abcd").out.splitlines()]
    assert "catalog: 6,048" in lines
    assert "on the page: 10 (lexical 7, memory 5)" in lines
    assert json.loads(ltrr("explain", "0123abcd", "--json").out)["funnel"][1]["strategies"]["memory"] == 80
