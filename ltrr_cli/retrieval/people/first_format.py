"""Reads the log of actions and what was fitted to it as they stood on disk before learning could go on.

A log then listed the actions of every actor; now each action names the one before it. Whoever learns folds such a
state anew; until then it answers as it did.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ltrr_cli.storage.packed_arrays import Array

Columns = dict[str, Array]


def old_actions(path: Path) -> tuple[Columns, Array, Array, list[str]]:
    """Return (columns of the log, hash and last action of every actor, names of kinds); ``path`` ends in ``.npz``."""
    with np.load(path, allow_pickle=False) as stored:
        columns = {name: stored[name] for name in ("actor", "row", "query", "weight", "time_ms")}
        told = "kinds" in stored.files  # kinds of events were not always told apart
        columns["kind"] = stored["kind"] if told else np.zeros(len(columns["row"]), np.int16)
        kinds = bytes(stored["kinds"]).decode().split("\n") if told and len(stored["kinds"]) else []
        hashes, lengths, places = stored["actors"], stored["lengths"], stored["places"]
    ends = np.cumsum(lengths)
    actor = np.repeat(np.arange(len(lengths)), lengths)
    before = np.concatenate([[-1], places[:-1]])
    before[(ends - lengths)[lengths > 0]] = -1
    alone = np.bincount(places, minlength=len(columns["row"]))[places] == 1
    first = columns["actor"][places] == actor  # a user, where there is a session beside it
    for name, of in (("before_user", alone | first), ("before_session", alone | ~first)):
        columns[name] = np.full(len(columns["row"]), -1, np.int32)
        columns[name][places[of]] = before[of]  # an actor that is alone may be either: only its own name leads there
    heads = np.full(len(lengths), -1, np.int32)
    heads[lengths > 0] = places[ends[lengths > 0] - 1]
    return columns, hashes.astype(np.int64), heads, kinds


def old_fit(path: Path) -> tuple[int, Columns]:
    """Return (settled actions, arrays of the factors and of the weights that there were by then)."""
    with np.load(path, allow_pickle=False) as stored:
        return int(stored["size"]), {name: stored[name] for name in stored.files if name != "size"}
