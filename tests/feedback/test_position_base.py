from __future__ import annotations

import pytest

from ltrr_cli.core.types import Event, Impression, Shown
from ltrr_cli.feedback.position_base import counts_from_zero, from_one, holds_zero
from ltrr_cli.feedback.records import NO_POSITION, Parsed

PAGE = Impression("i", 0, "q", "imported", shown=(Shown("a", 1), Shown("b", 2), Shown("c", 3)))


def click(entity_id: str, position: int | None, page: str | None = "i") -> Event:
    return Event("e", "click", 0, entity_id, page, position=position)


def part(position: int) -> Parsed:
    return Parsed(impressions=(Impression("i", 0, "", "imported", shown=(Shown("a", position),), part=True),))


@pytest.mark.parametrize(
    ("clicks", "known", "expected"),
    [
        ([("a", 0)], False, True),  # nothing speaks against it
        ([("b", 1), ("c", 2), ("a", 0)], True, True),
        ([("b", 2), ("c", 3), ("a", 0)], True, False),  # 0 stands for "not known"
        ([("b", 1), ("c", 3), ("a", 0)], True, True),  # as many say one as the other
        ([("b", 0), ("c", 0)], True, False),  # neither is first
        ([("z", 0), ("z", 4)], True, True),
        ([("a", None), ("a", 0)], True, True),
    ],
)
def test_known_pages_say_whether_a_zero_is_a_position(clicks, known, expected):
    events = [click(*one) for one in clicks]
    assert counts_from_zero(events, lambda _: PAGE if known else None) is expected


def test_a_zero_is_found_in_actions_and_in_parts_of_pages():
    assert holds_zero([Parsed(events=(click("a", 3), click("a", 0)))])
    assert holds_zero([part(0)])
    assert not holds_zero([Parsed(events=(click("a", 1), click("a", None))), part(NO_POSITION), part(2)])


def test_positions_are_raised_or_zeros_left_out():
    batch = [Parsed(events=(click("a", 0), click("b", 4), click("c", None))), part(0), part(3), part(NO_POSITION)]

    def positions(shift: bool) -> list[int | None]:
        found = from_one(batch, shift=shift)
        return [event.position for event in found[0].events] + [
            one.impressions[0].shown[0].position for one in found[1:]
        ]

    assert positions(shift=True) == [1, 5, None, 1, 4, 0]
    assert positions(shift=False) == [None, 4, None, 0, 3, 0]


def test_a_search_that_tells_its_own_page_is_left_as_it_is():
    search = Parsed((PAGE,), (click("a", 1),))
    assert from_one([search], shift=True) == [search]


def test_an_id_does_not_change_with_the_position():
    (parsed,) = from_one([Parsed(events=(click("a", 0),))], shift=True)
    assert parsed.events[0].event_id == "e"
