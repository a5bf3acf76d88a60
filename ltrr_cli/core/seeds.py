"""The only source of randomness: seeds derived from names, so that every draw can be repeated."""

from __future__ import annotations

import hashlib

import numpy as np


def seed_of(*parts: object) -> int:
    """Return a 63-bit seed that depends on every part and on nothing else (no process hash seed).

    >>> seed_of("query", 7) == seed_of("query", 7)
    True
    >>> seed_of("query", 7) == seed_of("query", 8)
    False
    """
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(*parts: object) -> np.random.Generator:
    """Return a NumPy generator seeded by :func:`seed_of`."""
    return np.random.default_rng(seed_of(*parts))
