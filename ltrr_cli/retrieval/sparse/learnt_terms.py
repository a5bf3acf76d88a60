"""The terms of all entities of a catalog, numbered; an update keeps those of entities that did not change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ltrr_cli.core.types import IntArray
from ltrr_cli.retrieval.sparse.postings import Postings
from ltrr_cli.retrieval.sparse.terms import terms_of
from ltrr_cli.retrieval.strategy import Resources
from ltrr_cli.storage.lookup import Lookup
from ltrr_cli.storage.packed_arrays import Array, open_arrays
from ltrr_cli.text.analyse import Analyzer

FILE = "terms.bin"


def learnt_terms(resources: Resources, name: str) -> dict[str, Array]:
    """Return the arrays of terms, weights and names; a term's number is its place among all as they came.

    name -- of the strategy's folder
    """
    before, analyzer = resources.before, Analyzer(resources.language)
    held = open_arrays(before.folder / name / FILE) if before is not None else None
    known = None if held is None else Lookup.of("names", held)
    postings = None if held is None else Postings.of(held)
    size = 0 if postings is None else postings.size
    numbers: dict[str, int] = {}  # of terms that were not known
    terms: list[list[int]] = []
    weights: list[list[float]] = []
    for row in range(len(resources.catalog)):
        if before is not None and postings is not None and (there := int(before.rows[row])) >= 0:
            mine, weight = postings.of_row(there)
        else:
            found = terms_of(resources.catalog.entity(row), analyzer, resources.inferred.of(row))
            places = [-1] * len(found) if known is None else known.find(list(found)).tolist()
            mine = [
                place if place >= 0 else numbers.setdefault(term, size + len(numbers))
                for term, place in zip(found, places, strict=True)
            ]
            weight = list(found.values())
        terms.append(mine)
        weights.append(weight)
    fresh = list(numbers)
    names = Lookup.arrays("names", fresh) if held is None else Lookup.longer("names", held, fresh, first=size)
    now = _as_they_come(terms, size + len(fresh))
    arrays = Postings.arrays([now[mine].tolist() for mine in terms], weights, int(now.max(initial=-1)) + 1)
    arrays["background"] = Postings.of(arrays).background()
    places = now[names["names.places"]]
    borne = places >= 0
    return arrays | {"names.keys": names["names.keys"][borne], "names.places": places[borne]}


def _as_they_come(terms: Sequence[Sequence[int]], size: int) -> IntArray:
    """Return (size,) int32: the place of each number in the order in which numbers first stand there, -1: nowhere."""
    flat = np.fromiter((number for mine in terms for number in mine), np.int32)
    first = np.full(size, len(flat), np.int64)
    first[flat[::-1]] = np.arange(len(flat))[::-1]
    order = np.argsort(first, kind="stable")[: np.count_nonzero(first < len(flat))]
    now = np.full(size, -1, np.int32)
    now[order] = np.arange(len(order))
    return now
