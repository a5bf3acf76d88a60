"""A bar where somebody looks, lines where they ask for them, silence elsewhere."""

from __future__ import annotations

import io
import sys

import pytest

from ltrr_cli.cli.progress_bar import Bar


class Terminal(io.StringIO):
    """A stream that says it is looked at."""

    def isatty(self) -> bool:
        return True


def worked(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, *, quiet: bool = False, verbose: bool = False) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with Bar(quiet=quiet, verbose=verbose, color=False) as bar:
        bar("read", 10, None)
        bar("read", 20, None)
        bar("[encode]", 1, 2)
        bar("[encode]", 2, 2)
    return stream.getvalue()


def test_a_terminal_sees_every_stage_by_name(monkeypatch: pytest.MonkeyPatch):
    drawn = worked(monkeypatch, Terminal())
    assert "[encode]" in drawn
    assert "2/2" in drawn


def test_a_terminal_sees_the_rate_and_the_time_that_is_left(monkeypatch: pytest.MonkeyPatch):
    now = iter(range(0, 1_000, 5))
    monkeypatch.setattr("ltrr_cli.cli.progress_bar.perf_counter", lambda: float(next(now)))
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with Bar(quiet=False, verbose=False, color=False) as bar:
        bar("read", 100, 1_000)
        bar("read", 500, 1_000)
    assert "500/1000" in stream.getvalue()
    assert "50/s" in stream.getvalue()  # 500 in ten seconds
    assert "00:0" in stream.getvalue()


def test_nobody_else_sees_anything(monkeypatch: pytest.MonkeyPatch):
    assert worked(monkeypatch, io.StringIO()) == ""
    assert worked(monkeypatch, Terminal(), quiet=True, verbose=True) == ""


def test_in_a_file_long_work_says_how_far_it_is_ever_more_seldom(monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr("ltrr_cli.cli.progress_bar.perf_counter", lambda: now[0])
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with Bar(quiet=False, verbose=False, color=False) as bar:
        for second in range(0, 200):
            now[0] = float(second)
            bar("read", 1_000 * second, 400_000)
        now[0] = 400.0
        bar("fit", 0, None)
        now[0] = 900.0
        bar("fit", 0, None)
    assert stream.getvalue().splitlines() == [
        "after 10 s: read 10,000 of 400,000 (2 %), 1,000/s",
        "after 30 s: read 30,000 of 400,000 (8 %), 1,000/s",
        "after 70 s: read 70,000 of 400,000 (18 %), 1,000/s",
        "after 150 s: read 150,000 of 400,000 (38 %), 1,000/s",
        "after 400 s: fit",
        "after 900 s: fit",
    ]


def test_verbose_leaves_a_line_per_stage(monkeypatch: pytest.MonkeyPatch):
    lines = worked(monkeypatch, io.StringIO(), verbose=True).splitlines()
    assert [line.split(":")[0] for line in lines] == ["read", "[encode]"]


def test_a_failure_takes_the_bar_down(monkeypatch: pytest.MonkeyPatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)

    def fail() -> None:
        with Bar(quiet=False, verbose=False, color=False) as bar:
            bar("read", 1, 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert stream.getvalue().endswith("\x1b[2K")  # the line is cleared, the cursor is back
