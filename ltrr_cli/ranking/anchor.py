"""How much does the untrained score count beside a ranker, in this workspace?

Clicks choose, on searches newer than those of the training: the heaviest anchor within a standard error of the best one
(Breiman et al., Classification and Regression Trees, 1984). But a log can vouch only for what it contains. A catalog
that was written after the clicks, or from them, tells a ranker what will be clicked, and clicks cannot show that: it
finds what nobody had chosen before as surely as what many had. So where a lighter anchor gains on such entities nearly
what it gains on the others, the usual one is kept, and a ranker that clearly does so beside this one, too, does not
serve (``foretold``). A team's judgments (``ranking.guard``), where there are some, decide in place of these rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from ltrr_cli.core.types import BoolArray, DoubleArray, FloatArray, IntArray
from ltrr_cli.ranking.base_score import ANCHOR, corrected
from ltrr_cli.ranking.comparison import paired_interval, per_search
from ltrr_cli.ranking.model import Examples, Schema
from ltrr_cli.ranking.name_odds import heard, name_odds

ANCHORS: Final = (0.0, 0.25, 0.5, 1.0, ANCHOR)
VOUCHED = 0.5  # share of the gain on entities that were chosen before, up to which others may gain
MARGIN = 0.01  # nDCG@10 that may be lost for being silent on names, at the lower end of the interval; or be foretold
LIGHTEST = 0.25  # weight of the untrained score that a silent ranker leaves the word to
CLEARLY = 1.645  # standard errors of the 90 % interval
FEWEST = 10  # searches for entities of one kind, without which nothing is known of these

Judged = tuple[Examples, FloatArray]  # judged queries, and a ranker's scores of their candidates


def chosen_anchor(scores: FloatArray, newer: Examples, chosen: IntArray, guard: Judged | None = None) -> float:
    """Return the weight of the untrained score that suits a ranker.

    scores -- (n,) the ranker's, of searches that it was not trained on
    chosen -- numbers of the entities that somebody had chosen by then, as in ``newer.items``
    guard  -- judgments, on which nothing may become clearly worse than without the ranker
    """
    quality = {anchor: _quality(newer, corrected(scores, newer.baseline, anchor)) for anchor in ANCHORS}
    if guard is not None:
        kept = kept_by(*guard)
        quality = {anchor: each for anchor, each in quality.items() if anchor in kept}
    if not quality:
        return ANCHOR
    best = max(quality.values(), key=lambda each: float(each.mean()))
    near = max(anchor for anchor, each in quality.items() if _within_error(best - each))
    if guard is None and near < ANCHOR and not _vouched(quality[near] - quality[ANCHOR], _known(newer, chosen)):
        return ANCHOR
    return near


def kept_by(judged: Examples, scores: FloatArray) -> frozenset[float]:
    """Return the anchors with which judged queries are not clearly worse off than without the ranker."""
    without = _quality(judged, judged.baseline)
    gains = {anchor: _quality(judged, corrected(scores, judged.baseline, anchor)) - without for anchor in ANCHORS}
    return frozenset(anchor for anchor, gain in gains.items() if paired_interval(gain)[1] >= 0.0)


def silence_suffices(
    scores: FloatArray, schema: Schema, newer: Examples, anchor: float, silent_anchor: float
) -> bool:
    """Say whether searches are not clearly worse off, as with ``kept_by``, where a ranker is silent on names.

    In doubt it is silent, for a mean of clicks hardly shows what a ranker does to new and rare names; but not where
    few searches leave it open whether much is lost (a test of non-inferiority with the margin ``MARGIN``).

    scores -- (n,) the ranker's, of searches that it was not trained on
    silent_anchor -- weight of the untrained score beside it where it is silent, above 0
    """
    if not (name_odds(schema, newer.features) > 0).any():
        return False
    silent = scores * heard(schema, newer.features)
    loud = _quality(newer, corrected(scores, newer.baseline, anchor))
    without = _quality(newer, corrected(silent, newer.baseline, silent_anchor))
    low, high = paired_interval(without - loud)
    return low >= -MARGIN and high >= 0.0


def entities_chosen(some: Examples, lines: BoolArray | bool = True) -> IntArray:
    """Return (m,) the numbers of the entities that somebody chose, ascending; lines -- (n,) those that count."""
    return np.unique(some.items[(some.labels > 0) & lines]) if len(some.items) else some.items


def foretold(scores: FloatArray, newer: Examples, chosen: IntArray) -> bool:
    """Say whether a ranker clearly gains, on what nobody had chosen before, more than clicks can have taught it.

    That is more than the share ``VOUCHED`` of what it gains on what somebody had chosen, by ``MARGIN`` at the lower
    end of the interval. Then what it learnt is how the catalog came to be: who reads texts that were written from a log
    knows what the log will say next, and nothing of what people who are not in it want.

    scores -- (n,) of searches that it was not trained on, beside the untrained score
    chosen -- numbers of the entities that somebody had chosen by then
    """
    known = _known(newer, chosen)
    if known is None or min(np.count_nonzero(known), np.count_nonzero(~known)) < FEWEST:
        return False
    gain = _quality(newer, scores) - _quality(newer, newer.baseline)
    new, old = gain[~known], VOUCHED * gain[known]
    error = (float(new.var()) / len(new) + float(old.var()) / len(old)) ** 0.5
    return bool(new.mean() - max(float(old.mean()), 0.0) - CLEARLY * error > MARGIN)


def _within_error(loss: DoubleArray) -> bool:
    return bool(loss.mean() <= loss.std() / len(loss) ** 0.5)


def _quality(examples: Examples, scores: FloatArray) -> DoubleArray:
    measures: Mapping[str, DoubleArray] = per_search(examples, scores)
    return measures["nDCG@10"]


def _known(newer: Examples, chosen: IntArray) -> BoolArray | None:
    """Return (searches,) bool: where somebody chose what had been chosen before; None where entities are not known."""
    if not len(newer.items):
        return None
    start = np.flatnonzero(np.diff(newer.groups, prepend=newer.groups[:1] - 1))
    found: BoolArray = np.logical_or.reduceat((newer.labels > 0) & np.isin(newer.items, chosen), start)
    return found


def _vouched(gain: DoubleArray, known: BoolArray | None) -> bool:
    """Say whether it is on what was chosen before that a lighter anchor gains."""
    if known is None or np.count_nonzero(known) < FEWEST:
        return False
    if np.count_nonzero(~known) < FEWEST:
        return True
    return bool(gain[~known].mean() <= VOUCHED * gain[known].mean())
