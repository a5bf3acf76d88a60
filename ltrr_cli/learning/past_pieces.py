"""A past in pieces, as files that workers read: what was asked and what was learnt, in time order.

Whoever walks through a journal here writes what comes, piece by piece; workers walk after, without the journal, which
one machine alone opens. The files live as long as the walk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import msgspec
import numpy as np

from ltrr_cli.core.counted import CountedDay
from ltrr_cli.core.types import Impression, Outcome, Profile
from ltrr_cli.engine.executor import Executor
from ltrr_cli.retrieval.strategy import Fits
from ltrr_cli.storage import disk
from ltrr_cli.storage.packed_arrays import Array, open_arrays, write_arrays

Step = Impression | tuple[Outcome, ...] | CountedDay  # a search to be answered, or what is to be learnt

FITS, BETWEEN = ".fits", "\x1f"  # the file of what is fitted, and what stands between the names of a fit and an array
ARRAYS = {"query": "<i4", "entity": "<i4", "worth": "<f8", "against": "<f8", "users": "<i4", "shown": "<i8"}


class _Search(msgspec.Struct, array_like=True, tag=0):
    """What of an impression decides how it is answered."""

    impression_id: str
    time_ms: int | None
    query: str
    origin: str
    user: str | None
    session: str | None
    context: dict[str, str]
    remote: dict[str, tuple[tuple[str, float], ...]]


class _Outcomes(msgspec.Struct, array_like=True, tag=1):
    outcomes: tuple[Outcome, ...]


class _Day(msgspec.Struct, array_like=True, tag=2):
    time_ms: int
    queries: list[str]
    entities: list[str]
    rows: int
    arrays: list[bytes]  # in the order of ``ARRAYS``


_Stored = _Search | _Outcomes | _Day


class _Piece(msgspec.Struct, array_like=True):
    steps: list[_Stored]
    people: list[Profile] = []  # met before the steps
    fitted: bool = False  # whether there is a file of what strategies fit


@contextmanager
def folder_of_pieces(checkpoints: Path, executor: Executor) -> Iterator[Path]:
    """Give a folder for pieces that workers read; what a death leaves of it is swept with drafts of checkpoints."""
    folder = checkpoints / f"walk-{uuid4().hex}.tmp"
    disk.make_folder(folder)
    try:
        yield folder
    except BaseException:
        executor.drop()  # before what workers read is removed
        raise
    finally:
        disk.remove_folder(folder)


def write_piece(
    folder: Path, number: int, steps: Iterable[Step], people: Iterable[Profile] = (), fits: Fits | None = None
) -> None:
    """Write one piece; it is there whole or not at all.

    fits -- what strategies fit in the course of it
    """
    path = folder / f"{number:06d}"
    if fits:
        write_arrays(
            path.with_suffix(FITS), {f"{fit}{BETWEEN}{name}": a for fit, of in fits.items() for name, a in of.items()}
        )
    piece = _Piece([_stored(step) for step in steps], list(people), bool(fits))
    scratch = path.with_suffix(".part")
    scratch.write_bytes(msgspec.msgpack.encode(piece, enc_hook=_plain))
    scratch.rename(path)


def read_piece(folder: Path, number: int) -> tuple[list[Profile], Fits, list[Step]]:
    """Return (people met before it, what strategies fit in the course of it, its steps)."""
    path = folder / f"{number:06d}"
    piece = msgspec.msgpack.decode(path.read_bytes(), type=_Piece)
    fits: dict[str, dict[str, Array]] = {}
    for name, array in open_arrays(path.with_suffix(FITS)).items() if piece.fitted else ():
        fit, part = name.split(BETWEEN)
        fits.setdefault(fit, {})[part] = np.array(array)  # of the file nothing is held when the walk ends
    return piece.people, fits, [_step(stored) for stored in piece.steps]


def _plain(value: object) -> object:
    """Return a number of NumPy as one of Python."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} in a past")


def _stored(step: Step) -> _Stored:
    if isinstance(step, Impression):
        return _Search(
            step.impression_id, step.time_ms, step.query, step.origin, step.user, step.session, dict(step.context),
            dict(step.remote),
        )  # fmt: skip
    if isinstance(step, CountedDay):
        arrays = [getattr(step, name).astype(kind).tobytes() for name, kind in ARRAYS.items()]
        return _Day(step.time_ms, list(step.queries), list(step.entities), step.rows, arrays)
    return _Outcomes(step)


def _step(stored: _Stored) -> Step:
    if isinstance(stored, _Outcomes):
        return stored.outcomes
    if isinstance(stored, _Day):
        kinds = zip(ARRAYS.items(), stored.arrays, strict=True)
        arrays = {name: np.frombuffer(data, kind) for (name, kind), data in kinds}
        return CountedDay(stored.time_ms, stored.queries, entities=stored.entities, rows=stored.rows, **arrays)
    return Impression(
        stored.impression_id, stored.time_ms, stored.query, stored.origin, stored.user, stored.session, stored.context,
        remote=stored.remote,
    )  # fmt: skip
