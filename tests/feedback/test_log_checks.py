from __future__ import annotations

import gzip
import json
import re

import pytest

from ltrr_cli.core.clock import DAY, HOUR, MINUTE, parse_time
from ltrr_cli.core.config import FeedbackSettings
from ltrr_cli.feedback import log_checks as module
from ltrr_cli.feedback.format_registry import reader
from ltrr_cli.feedback.log_checks import EXAMPLES, SEVERITIES, Finding, validate
from ltrr_cli.text.lines import read_lines

NOW = parse_time("2024-06-01")
THEN = NOW - 10 * DAY


def search(n: int = 0, **more: object) -> dict:
    record = {"event": "search", "timestamp": THEN + n * HOUR, "query": f"q{n}", "user_id": f"u{n}"}
    return record | {"results": ["a", "b", "c"], "clicked": ["b"]} | more


def click(n: int = 0, **more: object) -> dict:
    return {"event": "click", "event_id": f"e{n}", "timestamp": THEN, "entity_id": "a", "user_id": "u"} | more


PAGE = {"event": "impression", "impression_id": "i", "timestamp": THEN, "query": "q", "results": ["a", "b"]}


def run(folder, records: list, known=None, undated=False, **settings) -> dict[str, Finding]:
    path = folder / "log.jsonl"
    path.write_bytes(b"".join((r if isinstance(r, bytes) else json.dumps(r).encode()) + b"\n" for r in records))
    findings = validate(
        read_lines(path), reader("native", undated), FeedbackSettings(**settings), now_ms=NOW, known=known
    )
    return {finding.check: finding for finding in findings}


GOOD = [search(n, clicked=["abc"[n % 3]]) for n in range(30)]


def test_a_good_log_has_no_findings(tmp_path):
    assert run(tmp_path, GOOD, known={"a", "b", "c"}) == {}


@pytest.mark.parametrize(
    ("check", "records", "count", "example"),
    [
        ("lines", [b"{", b"[]", b"{"], 3, "line 31: not JSON"),
        ("conflicts", [click(), click(entity_id="b")], 1, "line 32: event e0"),
        ("conflicts", [PAGE, PAGE | {"results": ["b", "a"]}], 1, "impression i"),
        ("duplicates", [click(), click(), PAGE, PAGE], 1, "line 32: event e0"),
        ("duplicates", GOOD[:3], 3, "event"),
        ("amended", [PAGE, PAGE | {"timestamp": THEN + 5, "results": ["c"]}], 1, "line 32: impression i"),
        ("parts", [PAGE, {"event": "impression", "impression_id": "i", "timestamp": THEN, "entity_id": "a"}], 1, "i"),
        ("times", [click(timestamp=THEN // 1000)], 1, f"epoch seconds ({THEN // 1000} is 2024-05-22T00:00:00.000Z)"),
        ("times", [click(timestamp=THEN * 1000)], 1, "epoch microseconds"),
        ("times", [click(timestamp="2024/05/22")], 1, "other dates"),
        ("early", [click(timestamp="1979-12-31")], 1, "1979-12-31"),
        ("future", [click(timestamp=NOW + DAY + 1)], 1, "2024-06-02"),
        ("entities", [click(entity_id="z")], 1, "z"),
        ("positions", [PAGE, click(impression_id="i", position=2)], 1, "a acted on at 2, shown at 1"),
        ("skew", [PAGE, click(impression_id="i", timestamp=THEN - MINUTE)], 1, "1.0 minutes before"),
        ("late", [click(impression_id="i", timestamp=THEN + HOUR), PAGE], 1, "60.0 minutes after"),
        ("off_page", [click(impression_id="i", entity_id="c"), PAGE], 1, "c"),
        ("robots", [click(n) for n in range(1001)], 1, "u: 1001 actions on 2024-05-22"),
        ("types", [click(event="wobble")], 1, "wobble (1)"),
        ("uncounted", [click(event="view_item_list")], 1, "view_item_list (1): exposure"),
        ("orphans", [click(impression_id="nowhere")], 1, "nowhere"),
        ("anonymous", [click(user_id=None)], 1, "click"),
    ],
)
def test_every_check_finds_its_own(tmp_path, check, records, count, example):
    findings = run(tmp_path, GOOD + records, known={"a", "b", "c"})
    assert set(findings) == {check}
    assert findings[check].count == count
    assert findings[check].severity == SEVERITIES[check]
    assert example in findings[check].examples[0]


def test_all_clicks_at_one_place_are_found_from_twenty_on(tmp_path):
    assert run(tmp_path, [search(n) for n in range(module.FEW - 1)]) == {}
    finding = run(tmp_path, [search(n) for n in range(module.FEW)])["one_place"]
    assert (finding.count, finding.examples) == (module.FEW, ("position 2",))


def test_pages_without_any_action_are_found(tmp_path):
    assert run(tmp_path, [PAGE])["actions"].examples == ("1 pages",)


def test_records_without_a_time_are_bad_lines_unless_allowed(tmp_path):
    records = [*GOOD, click(timestamp=None)]
    assert set(run(tmp_path, records)) == {"lines"}
    assert run(tmp_path, records, undated=True)["undated"].count == 1


def test_a_damaged_source_and_a_skipped_line_are_found(tmp_path):
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(b'{"event":"item","item":"a"}\n')[:-3])
    findings = validate(read_lines(path), reader("metarank"), FeedbackSettings(), now_ms=NOW)
    assert [(finding.check, finding.severity) for finding in findings] == [("source", "error"), ("skipped", "note")]


def test_without_a_catalog_entities_are_not_judged(tmp_path):
    assert run(tmp_path, [*GOOD, click(entity_id="z")]) == {}


def test_examples_are_few_and_different(tmp_path):
    finding = run(tmp_path, GOOD + [click(n, event=f"kind{n % 8}") for n in range(40)])["types"]
    assert (finding.count, len(finding.examples), len(set(finding.examples))) == (40, EXAMPLES, EXAMPLES)


def test_the_order_of_the_log_does_not_matter(tmp_path):
    records = [PAGE, *GOOD, click(impression_id="i", timestamp=THEN + HOUR), click(1, event="wobble"), b"{"]
    forth, back = run(tmp_path, records), run(tmp_path, records[::-1])
    assert {name: finding.count for name, finding in forth.items()} == {name: f.count for name, f in back.items()}


def test_every_check_is_described():
    described = dict(re.findall(r"^``(\w+)``\s+(\w+)", module.__doc__ or "", re.M))
    assert described == SEVERITIES
