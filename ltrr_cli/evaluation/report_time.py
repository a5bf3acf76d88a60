"""The past of a report along its time: stretches of equally many searches, times of equal length."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ltrr_cli.charts.sections import Chart, Series, moment_of
from ltrr_cli.core.clock import DAY
from ltrr_cli.evaluation.look_back import AnsweredSearch

STRETCHES = 12

Line = tuple[str, Callable[[AnsweredSearch], float]]  # a name, and what of a search is drawn


def stretches(moments: Sequence[AnsweredSearch]) -> list[list[AnsweredSearch]]:
    """Cut the past into at most twelve stretches of equally many searches."""
    edges = np.linspace(0, len(moments), min(STRETCHES, len(moments)) + 1).astype(int)
    return [list(moments[start:end]) for start, end in zip(edges[:-1], edges[1:], strict=True)]


def over_time(title: str, y: str, lines: Sequence[Line], moments: Sequence[AnsweredSearch]) -> Chart:
    """Draw the means of stretches, each at the time in the middle of it, or by number where times do not tell them."""
    parts = stretches(moments)
    xs = [part[len(part) // 2].time_ms / DAY for part in parts]
    told = dated(moments) and len(set(xs)) == len(xs)
    xs = xs if told else [float(place) for place in range(1, len(parts) + 1)]
    series = tuple(
        Series(name, tuple((x, float(np.mean([of(one) for one in part]))) for x, part in zip(xs, parts, strict=True)))
        for name, of in lines
    )
    axis = "time" if told else "stretch of searches"
    return Chart(title, trend(series), axis, y, series, dated=told)


def dated(moments: Sequence[AnsweredSearch]) -> bool:
    """Say whether all searches have a time."""
    return all(one.time_ms > 0 for one in moments)


def spans(moments: Sequence[AnsweredSearch]) -> tuple[dict[int, list[AnsweredSearch]], tuple[str, ...]]:
    """Cut the past into at most twelve equally long times; return number -> searches, and when each time begins."""
    if not dated(moments) or moments[0].time_ms == moments[-1].time_ms:
        parts = stretches(moments)
        return dict(enumerate(parts)), tuple(f"{place}" for place in range(1, len(parts) + 1))
    first, long = moments[0].time_ms, (moments[-1].time_ms - moments[0].time_ms + 1) / STRETCHES
    spans: dict[int, list[AnsweredSearch]] = {}
    for one in moments:
        spans.setdefault(int((one.time_ms - first) / long), []).append(one)
    width = 10 if long >= DAY else 16
    return spans, tuple(moment_of((first + place * long) / DAY)[:width] for place in range(STRETCHES))


def trend(series: Sequence[Series]) -> str:
    """Say where each line begins and ends."""
    told = (f"{line.name} from {line.points[0][1]:.3f} to {line.points[-1][1]:.3f}" for line in series)
    return "First to last stretch: " + ", ".join(told) + "."
