"""``ltrr simulate --arrivals``: what it says, and what it goes without."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from ltrr_cli.cli.simulate import paint_arrivals
from ltrr_cli.evaluation.arrivals import ArrivalsReport, Explored


def test_both_curves_stand_side_by_side_with_what_exploring_brought_and_cost():
    systems = {
        "exploring": Explored(0.49, 0.3, (0.3,), ((0, 0.1, 0.0), (500, 0.3, 0.49))),
        "not exploring": Explored(0.5, 0.2, (0.2,), ((0, 0.1, 0.0), (500, 0.2, 0.5))),
    }
    out = StringIO()
    paint_arrivals(Console(file=out, width=120), ArrivalsReport(24, 500, 1, 50, systems, 0.1, 0.02, 1.5))
    said = out.getvalue()
    assert "not exploring, recall" in said
    assert [line.split() for line in said.splitlines() if line.strip().startswith("500")] == [
        ["500", "0.3000", "0.4900", "0.2000", "0.5000"]
    ]
    assert "24 entities arrived; questions for them find 0.1000 more of them, at 2.0% of the clicks" in said
