"""A moment is understood in every form that exports write it in, and the form is told."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ltrr_cli.core.clock import iso, parse_time, read_time
from ltrr_cli.core.errors import DataError


@pytest.mark.parametrize(
    ("written", "expected", "form"),
    [
        (1479164400, "2016-11-14T23:00:00.000Z", "seconds"),
        (74649600, "1972-05-14T00:00:00.000Z", "seconds"),
        (-347155200, "1959-01-01T00:00:00.000Z", "seconds"),
        (1714557700.25, "2024-05-01T10:01:40.250Z", "seconds"),
        ("1714557700", "2024-05-01T10:01:40.000Z", "seconds"),
        ("1714557700.5", "2024-05-01T10:01:40.500Z", "seconds"),
        (1714557700123, "2024-05-01T10:01:40.123Z", ""),
        ("1714557700123", "2024-05-01T10:01:40.123Z", ""),
        (1714557700123456, "2024-05-01T10:01:40.123Z", "microseconds"),
        ("1714557700123456", "2024-05-01T10:01:40.123Z", "microseconds"),
        (1714557700123456789, "2024-05-01T10:01:40.123Z", "nanoseconds"),
        (20240501, "2024-05-01T00:00:00.000Z", "days"),
        ("20240501", "2024-05-01T00:00:00.000Z", "days"),
        ("2024", "2024-01-01T00:00:00.000Z", "years"),
        ("2024-05", "2024-05-01T00:00:00.000Z", "other dates"),
        ("2024/5/1", "2024-05-01T00:00:00.000Z", "other dates"),
        ("2024-5-1 07:30", "2024-05-01T07:30:00.000Z", "other dates"),
        ("2024-05-01 10:00:00 UTC", "2024-05-01T10:00:00.000Z", ""),
        ("2024-05-01T10:00:00.123456789Z", "2024-05-01T10:00:00.123Z", ""),
        ("May 1, 2024", "2024-05-01T00:00:00.000Z", "other dates"),
        ("1 May 2024", "2024-05-01T00:00:00.000Z", "other dates"),
        ("Wed, 01 May 2024 10:00:00 GMT", "2024-05-01T10:00:00.000Z", "other dates"),
        ("Wed May 01 10:00:00 +0200 2024", "2024-05-01T08:00:00.000Z", "other dates"),
        (0, "1970-01-01T00:00:00.000Z", ""),
        (60_000, "1970-01-01T00:01:00.000Z", ""),
    ],
)
def test_a_moment_is_read_by_its_form_and_by_its_size(written, expected, form):
    moment, found = read_time(written)
    assert (iso(moment), found) == (expected, form)
    assert parse_time(written) == moment


@pytest.mark.parametrize("written", [1959, 1959.0, "1959"])
def test_a_bare_year_is_a_year_where_years_are_expected(written):
    assert (iso(parse_time(written, years=True))[:10], read_time(written, years=True)[1]) == ("1959-01-01", "years")


def test_elsewhere_a_small_number_is_no_year():
    assert parse_time(1959) == 1959
    assert parse_time(20241345) == 20241345000  # no day of any month: seconds


@pytest.mark.parametrize(
    "written",
    ["", "yesterday", "noon", "01/05/2012", "2024-13-01", "2024/13/1", "Mon 5", "x" * 500, True, None, [], {},
     10**21, -(10**400), float("nan"), float("inf"), "9" * 21],
)  # fmt: skip
def test_what_is_no_moment_is_refused(written):
    with pytest.raises(DataError):
        parse_time(written)


@given(st.integers(300_000_000, 4_000_000_000), st.sampled_from([1, 1_000, 1_000_000, 1_000_000_000]))
def test_every_unit_of_a_moment_since_1970_is_told_by_its_size(seconds, factor):
    assume(seconds * factor >= 10**11 or (factor == 1 and seconds > 30_000_000))  # what is smaller may be a day
    moment, form = read_time(seconds * factor)
    assert moment == seconds * 1_000
    assert form == {1: "seconds", 1_000: ""}.get(factor, form)


@given(st.text(max_size=30) | st.floats() | st.integers())
@example(-6.213559680000001e16)
@example(-62_135_596_801)
def test_any_value_is_read_or_refused(value):
    with contextlib.suppress(DataError):
        assert isinstance(iso(parse_time(value, years=True)), str)
