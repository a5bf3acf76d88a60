from __future__ import annotations

import os
from pathlib import Path

import pytest

from ltrr_cli.core.config import FeedbackSettings
from ltrr_cli.feedback.attribution import Attribution
from ltrr_cli.feedback.format_registry import detect, reader
from ltrr_cli.feedback.guards import Guard
from ltrr_cli.text.lines import read_lines

DATA = Path(os.environ.get("LTRR_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.mark.parametrize(
    ("name", "undated"),
    [
        ("bestbuy_xbox/events_dev.jsonl.gz", False),
        ("hetrec/listens_fit.jsonl.gz", True),
    ],
)
def test_a_real_log_is_read_to_the_last_line_and_attributed(name, undated):
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"real data is not here: {path}")
    assert detect(line.data for line in read_lines(path)) == "native"
    read, pages, events, clicked = reader("native", undated), {}, {}, 0
    for line in read_lines(path):
        parsed = read(line.data)
        pages |= {page.impression_id: page for page in parsed.impressions}
        events |= {event.event_id: event for event in parsed.events}
        clicked += len(parsed.events)
    assert len(events) > 0.99 * clicked  # ids are derived: only a line that says the same again is the same event
    attribution, guard = Attribution(FeedbackSettings()), Guard(FeedbackSettings())
    for event in sorted(events.values(), key=lambda event: (event.time_ms or 0, event.event_id)):
        page = pages.get(event.impression_id or "")
        outcome = attribution.outcome(event, page, guard.weight(event, page))
        assert outcome is not None
        assert outcome.query == ("" if page is None else page.query)
    assert attribution.tally.orphans == 0
    assert attribution.tally.outcomes == len(events)
