from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltrr_cli.core.clock import HOUR, MINUTE
from ltrr_cli.core.config import FeedbackSettings
from ltrr_cli.core.types import Event, Impression, Outcome, Shown
from ltrr_cli.feedback.attribution import PAGES_OF_ACTOR, Attribution

SETTINGS = FeedbackSettings(windows={"purchase": 24 * 60.0}, rewards={"view": 0.0})
SHOWN = (Shown("a", 1, 2.0, 0.5, 0.8, {"lexical": 3}), Shown("b", 2), Shown("c", 3, odds=0.1))
PAGE = Impression("i", HOUR, "Blue", "live", "u", "s", shown=SHOWN)


def click(entity_id: str = "a", after: int | None = MINUTE, **more: object) -> Event:
    given = {"event_id": "e", "kind": "click", "time_ms": None if after is None else HOUR + after}
    return Event(**(given | {"entity_id": entity_id} | more))


def test_an_event_on_its_page_carries_the_odds_of_its_line():
    outcome = Attribution(SETTINGS).outcome(click(impression_id="i"), PAGE, 0.25)
    assert outcome == Outcome(
        event_id="e",
        time_ms=HOUR + MINUTE,
        query="Blue",
        entity_id="a",
        reward=1.0,
        kind="click",
        weight=0.25,
        user="u",
        session="s",
        impression_id="i",
        position=1,
        inclusion=0.8,
        exposure=0.5,
        examination=1.0,
        imported=False,
        ranks={"lexical": 3},
        page=("a", "b", "c"),
    )


def test_on_an_imported_page_all_odds_are_one():
    outcome = Attribution(SETTINGS).outcome(click(impression_id="i"), replace(PAGE, origin="imported"))
    assert outcome is not None
    assert (outcome.imported, outcome.inclusion, outcome.exposure, outcome.examination) == (True, 1.0, 1.0, 1.0)
    assert outcome.impression_id == "i"


def test_a_trial_is_learnt_from_like_any_page():
    outcome = Attribution(SETTINGS).outcome(click(impression_id="i"), replace(PAGE, origin="trial"))
    assert outcome is not None
    assert (outcome.imported, outcome.exposure, outcome.impression_id) == (False, 0.5, "i")


@pytest.mark.parametrize(
    ("kind", "after", "belongs"),
    [
        ("click", 0, True),
        ("click", 30 * MINUTE, True),
        ("click", 30 * MINUTE + 1, False),
        ("click", -30 * MINUTE, True),
        ("click", -30 * MINUTE - 1, False),
        ("purchase", 24 * HOUR, True),
        ("purchase", 24 * HOUR + 1, False),
        ("click", None, True),
    ],
)
def test_an_event_belongs_to_the_page_it_names_within_the_window_of_its_type(kind, after, belongs):
    attribution = Attribution(SETTINGS)
    outcome = attribution.outcome(click(after=after, kind=kind, impression_id="i"), PAGE)
    assert outcome is not None
    assert outcome.query == "Blue"
    assert outcome.user == "u"
    assert (outcome.impression_id, outcome.position) == (("i", 1) if belongs else (None, None))
    assert attribution.tally.late == (not belongs)
    if not belongs:
        assert (outcome.inclusion, outcome.exposure, outcome.imported, outcome.ranks) == (1.0, 1.0, False, {})


@pytest.mark.parametrize("kind", ["purchase", "Purchased", "PURCHASE"])
def test_a_window_holds_however_its_type_is_written(kind):
    assert Attribution(SETTINGS).outcome(click(after=2 * HOUR, kind=kind, impression_id="i"), PAGE).impression_id == "i"


def test_a_late_event_of_an_imported_page_stays_imported():
    outcome = Attribution(SETTINGS).outcome(click(after=HOUR, impression_id="i"), replace(PAGE, origin="imported"))
    assert outcome is not None
    assert outcome.imported


def test_without_times_no_window_applies():
    attribution = Attribution(SETTINGS, undated_ms=77)
    outcome = attribution.outcome(click(after=None, impression_id="i"), replace(PAGE, time_ms=None))
    assert outcome is not None
    assert (outcome.impression_id, outcome.time_ms) == ("i", 77)


def test_an_event_on_what_the_page_did_not_show_has_no_position():
    attribution = Attribution(SETTINGS)
    outcome = attribution.outcome(click("z", impression_id="i", position=2), PAGE)
    assert outcome is not None
    assert (outcome.impression_id, outcome.position, outcome.exposure) == ("i", None, 1.0)
    assert attribution.tally.off_page == 1


def test_where_the_page_is_unknown_the_event_says_the_position():
    outcome = Attribution(SETTINGS).outcome(click("z", impression_id="i", position=2), replace(PAGE, shown=None))
    assert outcome is not None
    assert outcome.position == 2


def test_the_page_knows_positions_better_than_the_event_unless_it_shows_an_entity_twice():
    attribution = Attribution(SETTINGS)
    assert attribution.outcome(click("b", impression_id="i", position=9), PAGE).position == 2
    twice = replace(PAGE, shown=(*SHOWN, Shown("a", 4)))
    assert attribution.outcome(click("a", impression_id="i", position=4), twice).position == 4
    assert attribution.outcome(click("a", impression_id="i"), twice).position == 1


def test_an_orphan_is_counted_and_keeps_its_own_query():
    attribution = Attribution(SETTINGS)
    with_query = attribution.outcome(click(impression_id="nowhere", query="red", user="u"))
    without = attribution.outcome(click(impression_id="nowhere"))
    assert (with_query.query, with_query.impression_id, with_query.user) == ("red", None, "u")
    assert (without.query, without.impression_id) == ("", None)
    assert attribution.tally.orphans == 2


@pytest.mark.parametrize(
    ("event", "found"),
    [
        (click("a", user="u"), True),
        (click("a", session="s"), True),
        (click("a", user="u", session="another"), True),
        (click("a", user="u", query="BLUE!"), True),
        (click("a", user="u", query="red"), False),
        (click("z", user="u"), False),
        (click("z", user="u", query="blue"), False),
        (click("a", user="v"), False),
        (click("a"), False),
        (click("a", after=30 * MINUTE, user="u"), True),
        (click("a", after=30 * MINUTE + 1, user="u"), False),
        (click("a", after=HOUR, kind="purchase", user="u"), True),
        (click("a", after=None, user="u"), False),
        (click("a", after=-1, user="u"), False),
    ],
)
def test_an_event_that_names_no_page_is_given_to_the_one_that_showed_it(event, found):
    attribution = Attribution(SETTINGS)
    attribution.see(PAGE)
    outcome = attribution.outcome(event)
    assert outcome is not None
    assert outcome.impression_id == ("i" if found else None)
    assert outcome.query == ("Blue" if found else event.query or "")
    assert attribution.tally.found == found
    assert outcome.imported is not found


def test_an_unknown_page_is_found_only_by_its_query():
    attribution = Attribution(SETTINGS)
    attribution.see(replace(PAGE, shown=None, origin="imported"))
    assert attribution.outcome(click("z", user="u")).impression_id is None
    assert attribution.outcome(click("z", user="u", query="blue")).impression_id == "i"


def test_the_latest_page_that_fits_is_taken():
    attribution = Attribution(SETTINGS)
    attribution.see(PAGE)
    attribution.see(replace(PAGE, impression_id="j", time_ms=HOUR + 5))
    attribution.see(replace(PAGE, impression_id="k", time_ms=HOUR + 6, shown=(Shown("b", 1),)))
    attribution.see(replace(PAGE, impression_id="l", time_ms=HOUR + 7, user="v", session="t"))
    assert attribution.outcome(click("a", user="u")).impression_id == "j"
    assert attribution.outcome(click("b", user="u")).impression_id == "k"
    assert attribution.outcome(click("a", user="u", session="t")).impression_id == "l"
    assert attribution.outcome(click("a", after=3, user="u")).impression_id == "i"


def test_pages_must_come_in_time_order():
    attribution = Attribution(SETTINGS)
    attribution.see(PAGE)
    with pytest.raises(ValueError, match="earlier"):
        attribution.see(replace(PAGE, time_ms=HOUR - 1))


def test_memory_is_bounded_by_the_window_and_by_the_person():
    attribution = Attribution(FeedbackSettings())
    for n in range(5_000):
        attribution.see(Impression(str(n), n * MINUTE, "q", "live", user=f"u{n}", session="one", shown=SHOWN))
    assert len(attribution._pages._of) == 31 + 1
    assert len(attribution._pages._expiry) == 2 * 31
    for n in range(5_000):
        attribution.see(Impression(str(n), 5_000 * MINUTE, "q", "live", user="robot", shown=SHOWN))
    assert len(attribution._pages._of["user", "robot"]) == PAGES_OF_ACTOR


def test_a_reward_of_zero_is_no_outcome():
    attribution = Attribution(SETTINGS)
    assert attribution.outcome(click(kind="view")) is None
    assert (attribution.tally.ignored, attribution.tally.outcomes) == (1, 0)


def test_an_unknown_type_has_the_default_reward_and_is_named():
    attribution = Attribution(FeedbackSettings(default_reward=0.25))
    assert attribution.outcome(click(kind="wobble")).reward == 0.25
    assert attribution.tally.unknown == {"wobble": 1}
    assert Attribution(FeedbackSettings()).outcome(click(kind="wobble")) is None


def test_a_rating_is_no_amount():
    assert Attribution(SETTINGS).outcome(click(kind="rating", value=5.0)).value is None
    assert Attribution(SETTINGS).outcome(click(kind="play", value=5.0)).value == 5.0


moments = st.none() | st.integers(0, 2 * HOUR)
somebody = st.sampled_from([None, "u", "v"])


@pytest.mark.turns(4)
@given(
    pages=st.lists(st.tuples(moments, somebody, somebody, st.booleans()), max_size=6),
    events=st.lists(st.tuples(moments, somebody, somebody, st.sampled_from([None, "q0", "q1"]), st.integers(0, 7))),
    seed=st.integers(0, 9),
)
@settings(max_examples=200, deadline=None)
def test_outcomes_do_not_depend_on_the_order_of_the_log(pages, events, seed):
    """Files come in any order; whoever sorts by (time, id), pages first, gets the same outcomes."""
    records = [
        Impression(f"i{n}", time_ms, f"q{n % 2}", "live", user, session, shown=SHOWN if known else None)
        for n, (time_ms, user, session, known) in enumerate(pages)
    ]
    actions = [
        Event(f"e{n}", "click", time_ms, "a", f"i{named}" if named < 7 else None, query, None, user, session)
        for n, (time_ms, user, session, query, named) in enumerate(events)
    ]

    def run() -> list[Outcome | None]:
        attribution = Attribution(FeedbackSettings())
        by_id = {page.impression_id: page for page in records}
        timeline = [(page.time_ms or 0, 0, page.impression_id, page) for page in records]
        timeline += [(action.time_ms or 0, 1, action.event_id, action) for action in actions]
        outcomes = []
        for *_, record in sorted(timeline, key=lambda entry: entry[:3]):
            if isinstance(record, Impression):
                attribution.see(record)
            else:
                outcomes.append(attribution.outcome(record, by_id.get(record.impression_id or "")))
        return outcomes

    first = run()
    random.Random(seed).shuffle(records)
    random.Random(seed).shuffle(actions)
    assert run() == first
    for outcome in first:
        assert outcome is not None
        assert -1 <= outcome.reward <= 1
