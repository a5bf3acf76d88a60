"""Charts as SVG text: no script, no font, no colour that means anything alone.

Every line has a dash pattern, a mark and its name at its end (below it where there is no room); bars and shares carry
their numbers; ``title`` and ``desc`` say in words what the picture shows. The first eight colours are told apart by
colour-blind eyes (Okabe and Ito), all fourteen together with their marks; they stand in attributes, so that a page
whose policy forbids inline styles shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Protocol

import numpy as np

from ltrr_cli.charts.sections import Chart, moment_of
from ltrr_cli.storage.disk import write_atomic

HEIGHT = 300
LEFT, TOP, BOTTOM = 64, 16, 56
LINE = 18  # of a legend
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#5f5f5f", "#882255", "#000000",
           "#b59f00", "#117733", "#a83c8f", "#332288", "#cc3311")  # fmt: skip
DASHES = ("", "7 4", "2 3", "10 3 2 3", "5 5", "1 4", "12 4", "4 2")


@dataclass(frozen=True, slots=True)
class Size:
    """How wide a picture is drawn; pixels are those of a letter 13 high.

    right -- kept free beside the plot, for the names of lines; 0 puts them below it
    """

    name: str
    width: int
    right: int

    def height(self, chart: Chart) -> int:
        """Return how high a chart is."""
        if chart.form == "bars":
            return 40 + (26 if self.right else 44) * max(len(chart.ticks), 1)
        return HEIGHT + (0 if self.right else LINE * len(chart.series))


BROAD, NARROW = Size("", 760, 190), Size("n", 358, 0)


def draw(chart: Chart, number: int, size: Size = BROAD) -> str:
    """Return one ``<svg>``; ``number`` makes its ids unique in the page."""
    body = {"lines": _lines, "shares": _shares, "bars": _bars}[chart.form](chart, size)
    named = f"{number}{size.name}"
    head = (
        f'<svg role="img" viewBox="0 0 {size.width} {size.height(chart)}" aria-labelledby="t{named} d{named}">'
        f'<title id="t{named}">{escape(chart.title)}</title><desc id="d{named}">{escape(chart.says)}</desc>'
    )
    return head + "".join(body) + "</svg>"


def nice(low: float, high: float, most: int = 5) -> list[float]:
    """Return round numbers that cover a range.

    >>> nice(0.0, 0.83)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    >>> nice(-3.0, 12.0)
    [-5.0, 0.0, 5.0, 10.0, 15.0]
    """
    if not high > low:
        low, high = min(low, 0.0), max(high, low + 1.0)
    rough = (high - low) / most
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(float(power * size) for size in (1, 2, 2.5, 5, 10) if power * size >= rough * 0.999)
    first, last = np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)
    return [round(float(step * place), 10) for place in np.arange(first, last + 1)]


def short(value: float) -> str:
    """Write a number on an axis.

    >>> short(0.25), short(12000.0), short(3.0)
    ('0.25', '12,000', '3')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"


class _Frame:
    """The plotting area: numbers to pixels, axes and labels."""

    def __init__(self, chart: Chart, low: float, high: float, size: Size) -> None:
        xs = [point[0] for line in chart.series for point in line.points]
        self.ticks = nice(low, high)
        self.low, self.high = self.ticks[0], self.ticks[-1]
        self.first, self.last = (0.0, 1.0) if chart.equal else (min(xs), max(xs))
        self.chart, self.size = chart, size
        self.right = size.width - (size.right or 14)

    def x(self, value: float) -> float:
        span = max(self.last - self.first, 1e-9)
        return LEFT + (value - self.first) / span * (self.right - LEFT)

    def y(self, value: float) -> float:
        return TOP + (self.high - value) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)

    def axes(self) -> Iterable[str]:
        right, bottom = self.right, HEIGHT - BOTTOM
        for tick in self.ticks:
            y = self.y(tick)
            yield f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{short(tick)}</text>'
        for value, label in self._below():
            at = min(self.x(value), self.size.width - 3.8 * len(label))
            yield f'<text x="{at:.1f}" y="{bottom + 18}" text-anchor="middle">{escape(label)}</text>'
        middle = (LEFT + right) / 2
        yield f'<text x="{middle:.0f}" y="{HEIGHT - 10}" text-anchor="middle">{escape(self.chart.x)}</text>'
        yield f'<text transform="translate(14 {(TOP + bottom) / 2:.0f}) rotate(-90)" text-anchor="middle">' + (
            f"{escape(self.chart.y)}</text>"
        )

    def _below(self) -> list[tuple[float, str]]:
        named, most = self.chart.ticks, 5 if self.size.right else 3
        if self.chart.dated:
            width = 10 if self.last - self.first >= most else 16
            places = np.linspace(self.first, self.last, most if self.last > self.first else 1)
            if width == 10:  # whole days where there are many
                places = np.unique(np.clip(np.round(places), self.first, self.last))
            else:
                places = places[:: 1 + (most > 3)]
            return [(place, moment_of(place)[:width]) for place in places.tolist()]
        if not named:
            whole = nice(self.first, self.last, most)
            return [(tick, short(tick)) for tick in whole if self.first <= tick <= self.last]
        most = most if len(named[0]) <= 10 else most - 1
        every = max(1, -(-len(named) // most))
        return [(float(place), named[place]) for place in range(0, len(named), every)]


def _lines(chart: Chart, size: Size) -> Iterable[str]:
    values = [point[1] for line in chart.series for point in line.points if point[1] == point[1]]
    low, high = min(values, default=0.0), max(values, default=1.0)
    frame = _Frame(chart, 0.0 if chart.equal else min(low, 0.0), 1.0 if chart.equal else max(high, 0.0), size)
    yield from frame.axes()
    if chart.equal:
        yield f'<line class="even" x1="{frame.x(0):.1f}" y1="{frame.y(0):.1f}" ' + (
            f'x2="{frame.x(1):.1f}" y2="{frame.y(1):.1f}"/>'
        )
    ends = []
    for number, line in enumerate(chart.series):
        style = f'fill="none" stroke-width="2" stroke="{COLOURS[number % len(COLOURS)]}"'
        points = [point for point in line.points if point[1] == point[1]]
        drawn = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in points)
        yield f'<polyline {style} stroke-dasharray="{DASHES[number % len(DASHES)]}" points="{drawn}"/>'
        for x, y in points[:: -(-len(points) // 24) or 1]:  # marks of a crowd would hide the line
            yield _mark(number, frame.x(x), frame.y(y))
        if points:
            ends.append((frame.y(points[-1][1]), number, line.name))
    yield from _names(ends, size)


def _names(ends: Sequence[tuple[float, int, str]], size: Size) -> Iterable[str]:
    """Write the name of each line at its end, moved apart where they would meet, or all of them below."""
    taken = -1e9
    for place, (y, number, name) in enumerate(sorted(ends)):
        if size.right:
            left, most = size.width - size.right + 14, 25
            taken = at = min(max(y, taken + 16), HEIGHT - 10.0 - 16 * (len(ends) - 1 - place))
        else:
            left, at, most = 12, HEIGHT + LINE * place + 4.0, 44
        yield _mark(number, left, at)
        yield f'<text x="{left + 10}" y="{at + 4:.1f}">{escape(_cut(name, most))}</text>'


def _mark(number: int, x: float, y: float) -> str:
    style, shape = f'fill="{COLOURS[number % len(COLOURS)]}"', number % 6
    if shape == 0:
        return f'<circle {style} class="mark" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
    paths = {
        1: f"M{x - 3.5:.1f} {y - 3.5:.1f}h7v7h-7z",
        2: f"M{x:.1f} {y - 4.5:.1f}l4.5 8h-9z",
        3: f"M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5-5z",
        4: f"M{x:.1f} {y + 4.5:.1f}l4.5-8h-9z",
        5: f"M{x - 5:.1f} {y - 1.5:.1f}h3.5v-3.5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5z",
    }
    return f'<path {style} class="mark" d="{paths[shape]}"/>'


def _shares(chart: Chart, size: Size) -> Iterable[str]:
    """Stack the series of every x to a column, in the order given, the first at the bottom."""
    frame = _Frame(chart, 0.0, 1.0, size)
    xs = sorted({point[0] for line in chart.series for point in line.points})
    frame.first, frame.last = min(0.0, *xs) - 0.5, max(len(chart.ticks) - 1.0, *xs) + 0.5
    yield from frame.axes()
    wide = (frame.right - LEFT) / (frame.last - frame.first) * 0.86
    ends = []
    for x in xs:
        below = 0.0
        for number, line in enumerate(chart.series):
            value = dict(line.points).get(x, 0.0)
            top, height = frame.y(below + value), frame.y(below) - frame.y(below + value)
            style = f'fill="{COLOURS[number % len(COLOURS)]}"'
            left = frame.x(x) - wide / 2
            yield f'<rect {style} x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{height:.1f}"/>'
            if height >= 14 and wide >= 24:
                yield f'<text class="on" x="{frame.x(x):.1f}" y="{top + height / 2 + 4:.1f}">{value * 100:.0f}</text>'
            if x == xs[-1]:
                ends.append((top + height / 2, number, line.name))
            below += value
    yield from _names(ends, size)


def _bars(chart: Chart, size: Size) -> Iterable[str]:
    """Lie the bars of one series under one another, their names before and their numbers behind them."""
    values = dict(chart.series[0].points)
    left, right, high, below = (230, size.width - 90, 26, 0) if size.right else (4, size.width - 76, 44, 18)
    most = max((abs(value) for value in values.values()), default=0.0) or 1.0
    for place, name in enumerate(chart.ticks):
        value, y = values.get(float(place), 0.0), 14 + high * place + below
        length = max(value, 0.0) / most * (right - left)
        at = f'x="{left - 8}" y="{y + 14}" text-anchor="end"' if size.right else f'x="{left}" y="{y - 5}"'
        yield f"<text {at}>{escape(_cut(name, 32 if size.right else 44))}</text>"
        yield f'<rect fill="{COLOURS[0]}" x="{left}" y="{y}" width="{length:.1f}" height="18"/>'
        yield f'<text x="{left + length + 6:.1f}" y="{y + 14}">{_figure(value)}</text>'
    yield f'<text x="{left}" y="{32 + high * len(chart.ticks)}">{escape(chart.y)}</text>'


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:.4f}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 2] + ".."


class Drawn(Protocol):
    """What has curves to show."""

    def picture(self) -> str:
        """Return them as SVG."""
        ...


def write_picture(path: str | Path, report: Drawn) -> None:
    """Write the curves of a report as an SVG file."""
    svg = report.picture().replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    write_atomic(Path(path), svg.encode())
