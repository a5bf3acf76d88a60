"""Many Bayesian regressions over one feature vector: matched by name, aged by time, kept on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import msgspec
import numpy as np

from ltrr_cli.allocation.models.laplace import forget
from ltrr_cli.allocation.models.stored import MEND, read_header, read_tables, write_header
from ltrr_cli.core.clock import DAY
from ltrr_cli.core.errors import DamagedError
from ltrr_cli.core.types import DoubleArray, IntArray

PRIOR_VARIANCE = 1.0  # of every coefficient
HEAVIEST = 30.0  # weight of an example at most: inverse propensities are heavy-tailed
FEWEST = 300.0  # examples that are never forgotten for age alone: a slow catalog keeps what it learnt
FINENESS = 64  # forgetting is applied in steps of a half-life's 64th part, since it inverts every covariance
_FORMAT = 1


class _Header(msgspec.Struct, frozen=True, rename={"examples": "lessons"}):
    format: int
    names: tuple[str, ...]
    features: tuple[str, ...] | None
    examples: float
    aged_ms: int | None


class Regressions:
    """Means (n, b, d) and covariances (n, b, d, d): n named things, b blocks each, d features.

    names    -- of everything ever met; a question about others is answered from the prior
    features -- names of the columns; None: unnamed, and then the width alone must fit
    examples  -- how many the state is worth after forgetting, each counting 1 at most
    """

    stem: ClassVar[str]  # of its files

    def __init__(self, features: Sequence[str] | None = None) -> None:
        self.names: tuple[str, ...] = ()
        self.features = None if features is None else tuple(features)
        self.examples = 0.0
        self._aged_ms: int | None = None
        width = len(self.features or ())
        self._mean, self._covariance = np.empty((0, 1, width)), np.empty((0, 1, width, width))

    @staticmethod
    def prior_mean(blocks: int, width: int) -> DoubleArray:
        """Return (blocks, width): the mean of something never met."""
        raise NotImplementedError

    @property
    def width(self) -> int:
        """Return d, the number of features."""
        return int(self._mean.shape[2])

    # ------------------------------------------------------------ asking

    def means(self, names: tuple[str, ...], blocks: int, width: int) -> DoubleArray:
        """Return (n, blocks, width); changes nothing."""
        if self._knows(names, blocks, width):
            return self._mean[self._places(names), :blocks]
        mean = np.tile(self.prior_mean(blocks, width), (len(names), 1, 1))
        self._met(mean, self._mean, names)
        return mean

    def rows(self, names: tuple[str, ...], blocks: int, width: int) -> tuple[DoubleArray, DoubleArray]:
        """Return means (n, blocks, width) and covariances; what was never met is at the prior. Changes nothing."""
        if self._knows(names, blocks, width):
            places = self._places(names)
            return self._mean[places, :blocks], self._covariance[places, :blocks]
        mean, covariance = self._prior(len(names), blocks, width)
        self._met(mean, self._mean, names)
        self._met(covariance, self._covariance, names)
        return mean, covariance

    def _met(self, asked: DoubleArray, learnt: DoubleArray, names: tuple[str, ...]) -> None:
        """Overwrite what is asked for, (n, blocks, width ...), by what was learnt of it."""
        shared = min(asked.shape[1], learnt.shape[1])
        if asked.shape[2:] == learnt.shape[2:]:
            for place, name in enumerate(names):
                if name in self.names:
                    asked[place, :shared] = learnt[self.names.index(name), :shared]

    # ------------------------------------------------------------ learning

    def fits(self, width: int) -> bool:
        """Say whether so many features are this model's; an unnamed model takes the width it first learns from."""
        if self.width == 0 and self.features is None:
            self._mean, self._covariance = np.empty((0, 1, width)), np.empty((0, 1, width, width))
        return width == self.width

    def admit(self, names: tuple[str, ...], blocks: int) -> slice | IntArray:
        """Make room for names and blocks, at the prior; return where the names are."""
        new = tuple(name for name in names if name not in self.names)
        have, wide = len(self.names), self._mean.shape[1]
        if new or blocks > wide:
            mean, covariance = self._prior(have + len(new), max(blocks, wide), self.width)
            mean[:have, :wide], covariance[:have, :wide] = self._mean, self._covariance
            self._mean, self._covariance = mean, covariance
            self.names += new
        return self._places(names)

    def start_like(self, likes: Mapping[str, str]) -> None:
        """Let things that were never met start as others are now.

        likes -- name -> whom it is like; who is like nobody that was met starts as the mean of all
        """
        met = self.names
        new = {name: like for name, like in likes.items() if name not in met}
        if not met or not new:
            return
        self.admit(tuple(new), 1)
        count = len(met)
        for name, like in new.items():
            place, first = self.names.index(name), met.index(like) if like in met else 0
            as_who = slice(first, first + 1 if like in met else count)
            self._mean[place] = self._mean[as_who].mean(axis=0)
            self._covariance[place] = self._covariance[as_who].mean(axis=0)

    def age(self, time_ms: int, half_life_days: float) -> None:
        """Forget by time, but never below ``FEWEST`` examples; time that runs backwards, or is 0, is no time."""
        if time_ms <= 0:
            return
        if self._aged_ms is None:
            self._aged_ms = time_ms
        half_life = half_life_days * DAY
        elapsed = time_ms - self._aged_ms
        if elapsed * FINENESS < half_life:  # too short to matter: wait until it adds up
            return
        self._aged_ms = time_ms
        keep = 2.0 ** (-elapsed / half_life)
        if self.examples > 0.0:
            keep = max(keep, min(1.0, FEWEST / self.examples))
        if keep < 1.0:
            self.examples *= keep
            prior = self.prior_mean(self._mean.shape[1], self.width)
            self._mean, self._covariance = forget(self._mean, self._covariance, prior, PRIOR_VARIANCE, keep)

    # ------------------------------------------------------------ shape

    def _places(self, names: tuple[str, ...]) -> slice | IntArray:
        """Return where known names are; a slice where that spares a copy."""
        if names == self.names:
            return slice(None)
        return np.array([self.names.index(name) for name in names], np.int32)

    def _knows(self, names: tuple[str, ...], blocks: int, width: int) -> bool:
        fits = width == self.width and blocks <= self._mean.shape[1]
        return fits and (names == self.names or set(names) <= set(self.names))

    def _prior(self, count: int, blocks: int, width: int) -> tuple[DoubleArray, DoubleArray]:
        mean = np.tile(self.prior_mean(blocks, width), (count, 1, 1))
        return mean, np.tile(PRIOR_VARIANCE * np.eye(width), (count, blocks, 1, 1))

    def renamed(self, features: Sequence[str]) -> Self:
        """Return the same over other features: shared names keep what is known, others start at the prior."""
        fresh = type(self)(features)
        if self.features is None:
            return fresh
        fresh.names, fresh.examples, fresh._aged_ms = self.names, self.examples, self._aged_ms
        new = np.array([place for place, name in enumerate(features) if name in self.features], np.int64)
        old = np.array([self.features.index(name) for name in features if name in self.features], np.int64)
        fresh._mean, fresh._covariance = self._prior(len(self.names), self._mean.shape[1], len(features))
        fresh._mean[:, :, new] = self._mean[:, :, old]
        fresh._covariance[:, :, new[:, None], new[None]] = self._covariance[:, :, old[:, None], old[None]]
        return fresh

    # ------------------------------------------------------------ disk

    def save(self, folder: Path) -> None:
        """Write a JSON header and an .npz."""
        header = _Header(_FORMAT, self.names, self.features, self.examples, self._aged_ms)
        write_header(folder / f"{self.stem}.json", header)
        np.savez(folder / f"{self.stem}.npz", mean=self._mean, covariance=self._covariance)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what ``save`` wrote; raises DamagedError where the parts do not fit together."""
        header = read_header(folder / f"{cls.stem}.json", _Header)
        arrays = read_tables(folder / f"{cls.stem}.npz", mean=3, covariance=4)
        mean, covariance = arrays["mean"], arrays["covariance"]
        width = mean.shape[2]
        fits = header.format == _FORMAT and mean.shape[0] == len(header.names)
        fits = fits and covariance.shape == (*mean.shape, width)
        if not fits or (header.features is not None and len(header.features) != width):
            raise DamagedError(f"{folder}: the parts of {cls.stem} do not fit together", hint=MEND)
        model = cls(header.features)
        model.names, model.examples, model._aged_ms = header.names, header.examples, header.aged_ms
        model._mean, model._covariance = mean, covariance
        return model
