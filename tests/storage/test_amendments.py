from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltrr_cli.core.types import Impression, Shown
from ltrr_cli.storage.amendments import RecordVerdict, contradict, judge, merged, pack, unpack


def page(time_ms: int | None, query: str = "cable", hits: str | None = None, user: str | None = "u") -> Impression:
    shown = None if hits is None else tuple(Shown(of, at) for at, of in enumerate(hits, 1))
    return Impression("q1", time_ms, query, "imported", user, shown=shown)


def part(entity_id: str, position: int = 0, time_ms: int | None = 9) -> Impression:
    return Impression("q1", time_ms, "", "imported", shown=(Shown(entity_id, position),), part=True)


def told(*records: Impression) -> str:
    return " ".join(f"{line.position}{line.entity_id}" for line in merged(records).shown or ())


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([page(1), page(2, hits="abc")], "1a 2b 3c"),  # facets first
        ([page(1, hits="abc"), page(2), page(3, hits="")], "1a 2b 3c"),  # facets later
        ([page(1, "", hits=""), page(2, hits="ab")], "1a 2b"),
        ([page(1, hits="abc"), page(2, hits="def")], "1a 2b 3c 4d 5e 6f"),  # the next page
        ([page(1, hits="abc"), page(2, hits="bd"), page(3, hits="ae")], "1a 2b 3c 4d 5e"),  # filtered
        ([page(1, hits="abc"), page(2, hits="cba")], "1a 2b 3c"),  # sorted anew
        ([page(1), part("b", 2), part("a", 1), part("d", 7)], "1a 2b 7d"),
        ([part("b", 2), part("a", 1)], "1a 2b"),  # nobody logged the query
        ([page(1, hits="ab"), part("x", 1), part("b", 2)], "1a 2b"),  # hits know better than what came into view
        ([page(1), part("a", 1, 5), part("b", 1, 6), part("a", 3, 7)], "1a 2b"),  # drawn again
        ([page(1), part("b", time_ms=6), part("a", time_ms=5)], "1a 2b"),  # without positions: as they came
        ([page(None), page(None, hits="ab")], "1a 2b"),
    ],
)
def test_records_of_one_id_are_one_page_in_any_order(records, expected):
    for order in list(permutations(records))[:24]:
        assert told(*order) == expected
        assert merged(order) == merged(records)


def test_what_one_record_leaves_out_another_tells():
    found = merged([page(3, "", user=None), page(5, "cable", "ab"), page(4, "cab")])
    assert (found.time_ms, found.query, found.user, found.part) == (3, "cable", "u", False)
    assert merged([page(3, "cable"), part("a", 1)]).query == "cable"


def test_a_page_without_hits_is_empty_only_where_somebody_says_so():
    assert merged([page(1), page(2)]).shown is None
    assert merged([page(1), page(2, hits="")]).shown == ()


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (page(1), page(2), False),
        (page(1), page(2, hits="a"), False),
        (page(1, "cab"), page(2, "cable", "a"), False),
        (page(1, hits="a"), page(2, hits="b"), False),
        (page(1, hits="a"), page(1, hits="b"), True),
        (page(1, hits="ab"), page(1, hits="ba"), True),
        (page(1, "hammer", "a"), page(2, "cable", "b"), True),
        (page(1, " Cable ", "a"), page(2, "cable", "b"), False),
        (page(1, hits="a"), page(2, hits="b", user="v"), True),
        (page(1), page(1, "hammer"), True),
        (page(1), page(1, user="v"), True),
        (page(1, hits="a"), part("z", 1), False),
    ],
)
def test_two_pages_that_cannot_both_be_meant_contradict_each_other(first, second, expected):
    assert contradict(first, second) is contradict(second, first) is expected


records = st.builds(
    lambda time, query, hits, user, place: part(hits or "z", place, time) if place else page(time, query, hits, user),
    st.none() | st.integers(0, 3),
    st.sampled_from(["", "cable"]),
    st.none() | st.sampled_from(["", "a", "ab", "bc", "d"]),
    st.sampled_from([None, "u"]),
    st.integers(0, 3),
)


@given(st.lists(records, min_size=1, max_size=6), st.randoms())
@settings(deadline=None)
def test_the_order_of_records_does_not_matter_and_what_is_packed_is_kept(some, dice):
    shuffled = some[:]
    dice.shuffle(shuffled)
    assert merged(shuffled) == merged(some)
    for record in some:
        assert unpack("q1", pack(record)) == record
    lines = merged(some).shown or ()
    assert [line.position for line in lines] == sorted({line.position for line in lines})
    assert len({line.entity_id for line in lines}) == len(lines)


@pytest.mark.parametrize(
    ("known", "record", "verdict"),
    [
        ([], page(1), RecordVerdict.NEW),
        ([page(1)], page(1), RecordVerdict.KNOWN),
        ([page(1)], page(2, hits="a"), RecordVerdict.NEW),
        ([page(2, hits="a")], part("a", 1), RecordVerdict.KNOWN),  # it says nothing that the hits do not
        ([page(2)], part("a", 1), RecordVerdict.NEW),
        ([page(1, hits="a")], page(1, hits="b"), RecordVerdict.CONTRADICTS),
    ],
)
def test_a_record_is_judged_beside_those_that_are_known(known, record, verdict):
    assert judge(record, pack(record), {pack(one): one for one in known}) is verdict
