"""What does the demo's ranker add, and is it worth a column?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

MEASURE = "nDCG@10"
WORTH_SHOWING = 0.01  # of the measure, below which a column of the ranker would show nothing


@dataclass(frozen=True, slots=True)
class RankerGain:
    """What a ranker adds to pages: the mean of the measure, and the interval within which chance leaves it.

    kept -- it serves: it won on searches that it had not seen
    """

    gain: float
    low: float
    high: float
    kept: bool

    @property
    def shows(self) -> bool:
        """Say whether a column of it is worth looking at."""
        return self.kept and abs(self.gain) >= WORTH_SHOWING

    def sentence(self, most: tuple[str, float] | None = None) -> str:
        """Say plainly what it adds; ``most`` -- the kind of query that gains most from it, and how much.

        >>> RankerGain(0.0, 0.0, 0.0, kept=False).sentence()
        'No ranker serves: none was better than memory and fusion on searches that it had not seen.'
        """
        if not self.kept:
            return "No ranker serves: none was better than memory and fusion on searches that it had not seen."
        adds = f"{self.gain:+.3f} {MEASURE} to feedback over all queries ({self.low:+.3f} to {self.high:+.3f})"
        if self.shows:
            return f"The ranker adds {adds}."
        kind = f"; most to {most[0]}, {most[1]:+.3f}" if most is not None and most[1] >= WORTH_SHOWING else ""
        return (
            f"The ranker adds little here, {adds}{kind}, so it has no column: the memory knows already what "
            "people chose, and fusion finds names. It serves because it won on clicks that it had not seen."
        )


def ranker_gain(gains: Sequence[float], *, kept: bool) -> RankerGain:
    """Return the mean of what each query gains, and its bootstrap interval at 95 %."""
    import numpy as np

    from ltrr_cli.evaluation.significance import bootstrap

    low, high = bootstrap(np.array(gains)[:, None])
    return RankerGain(mean(gains), float(low[0]), float(high[0]), kept)
