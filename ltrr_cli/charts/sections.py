"""What a report says, before it is drawn: sections of words, charts and tables, all plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ltrr_cli.core.clock import DAY, iso
from ltrr_cli.core.report import Report

Cell = str | float | int | None


@dataclass(frozen=True, slots=True)
class Series(Report):
    """A named line of points (x, y); NaN leaves a gap."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Chart(Report):
    """A picture of numbers that stand in ``table`` too.

    form    -- "lines", "shares" (stacked to 1) or "bars" (one series, its labels in ``ticks``)
    says    -- one sentence for those who cannot see it
    ticks   -- labels of whole-numbered x
    equal   -- draw the diagonal on which both axes agree
    dated   -- x are days since 1970, fractions of them included
    """

    title: str
    says: str
    x: str
    y: str
    series: tuple[Series, ...]
    form: str = "lines"
    ticks: tuple[str, ...] = ()
    equal: bool = False
    dated: bool = False


@dataclass(frozen=True, slots=True)
class Table(Report):
    """Rows of numbers and words; the first column heads its row. It is folded unless it is ``unfolded``."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    unfolded: bool = False


@dataclass(frozen=True, slots=True)
class Section(Report):
    """One question and its answer."""

    name: str
    title: str
    words: tuple[str, ...]
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Dashboard(Report):
    """A whole report.

    made    -- the day on which it was made, "" where it does not matter
    summary -- the few sentences that it leads with
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    warnings: tuple[str, ...] = field(default=())
    made: str = ""
    summary: tuple[str, ...] = ()


def moment_of(days: float) -> str:
    """Write days since 1970 as a day and a time, to the minute.

    >>> moment_of(0.5)
    '1970-01-01 12:00'
    """
    return iso(round(days * DAY))[:16].replace("T", " ")


def table_of(
    caption: str, x: str, series: Sequence[Series], ticks: Sequence[str] = (), *, dated: bool = False
) -> Table:
    """Return the numbers behind a chart: one row an x, one column a series."""
    places = sorted({point[0] for line in series for point in line.points})
    by = [dict(line.points) for line in series]
    label = {float(place): tick for place, tick in enumerate(ticks)}
    if dated:
        label = {place: moment_of(place) for place in places}
    rows = tuple((label.get(place, place), *(line.get(place) for line in by)) for place in places)
    return Table(caption, (x, *(line.name for line in series)), rows)
