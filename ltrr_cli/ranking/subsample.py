"""Fewer lines to train on: whole searches evenly over time, and of their candidates the head and some of the rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ltrr_cli.core.seeds import generator
from ltrr_cli.ranking.model import Examples

HEAD, KEPT = 20, 0.08  # candidates of a search that training always sees, and the share of the rest
LINES = 20_000  # up to which nothing is left out


def sampled(examples: Examples) -> Examples:
    """Thin out candidates that nobody chose: all of the head by the serving score, some of the rest.

    The kept ones stand for those left out by their weight. Without it a model learns that what stands deep and was
    kept is what was chosen - and it must be judged on whole searches, for the same reason.
    """
    if len(examples.labels) <= LINES or not np.ptp(examples.baseline):
        return examples
    order = np.lexsort((-examples.baseline, examples.groups))
    start = np.searchsorted(examples.groups[order], examples.groups[order], side="left")
    depth = np.empty(len(order), np.int64)
    depth[order] = np.arange(len(order)) - start
    rest = (depth >= HEAD) & (examples.labels <= 0)
    lucky = generator("sampled candidates", len(order)).random(len(order)) < KEPT
    weights = np.where(rest, examples.weights / KEPT, examples.weights).astype(np.float32)
    return part(replace(examples, weights=weights), ~rest | lucky)


def thinned(examples: Examples, lines: int) -> Examples:
    """Return about ``lines`` lines at most: whole searches, evenly over time."""
    step = -(-len(examples.labels) // lines)
    return examples if step <= 1 else part(examples, searches(examples) % step == 0)


def searches(examples: Examples) -> NDArray[np.intp]:
    """Return (n,) the searches' numbers, from 0 without gaps."""
    number: NDArray[np.intp] = np.unique(examples.groups, return_inverse=True)[1].astype(np.intp)
    return number


def part(examples: Examples, keep: np.ndarray) -> Examples:
    """Return the lines where ``keep`` is true."""
    return Examples(
        examples.features[keep],
        examples.labels[keep],
        examples.groups[keep],
        examples.weights[keep],
        examples.baseline[keep],
        examples.items[keep] if len(examples.items) else examples.items,
    )
