"""A look at everything that makes ltrr work here, and at the workers of an engine."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version as distribution_version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from ltrr_cli.backends.vector_graph import library as neighbours
from ltrr_cli.core.errors import DamagedError, LockedError, LtrrError, NotFoundError
from ltrr_cli.core.report import Report
from ltrr_cli.engine.executor import Executor, Kernel, open_executor
from ltrr_cli.engine.query import QueryRequest, respond

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State

NATIVE = ("numpy", "tantivy", "onnxruntime", "tokenizers", "sklearn", "rapidfuzz", "Stemmer", "zstandard")
ROOM = 2  # times the size of the current generations that should be free: a new one is built beside them


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that ``ltrr doctor`` checked."""

    name: str
    ok: bool
    says: str  # what was found
    hint: str  # the command that repairs it


@dataclass(frozen=True, slots=True)
class DoctorReport(Report):
    """All that ``ltrr doctor`` checked."""

    checks: tuple[Checked, ...]

    @property
    def ok(self) -> bool:
        """Say whether nothing is wrong."""
        return all(check.ok for check in self.checks)


def doctor(state: State, engine: str | None = None) -> DoctorReport:
    """Look at everything that makes ltrr work here, and say what mends what does not; see ``Workspace.doctor``."""
    checks = (*_checks(state), *(_checks_of_engine(state, engine) if engine is not None else ()))
    return DoctorReport(checks)


def _checks(state: State) -> Iterator[Checked]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Checked("python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")
    for name in NATIVE:
        yield _try(f"library {name}", partial(_library, name))
    yield _try("library for neighbours", lambda: f"{neighbours()} {distribution_version(neighbours())}")
    yield _try("settings", lambda: f"read; policy {state.settings.allocation.policy}")
    yield _try("workspace", lambda: _writable(state.home))
    if not state.home.is_dir():
        return
    yield _try("lock", lambda: _free(state))
    yield _try("generations", lambda: _sound(state))
    yield _try("journal", lambda: _journal(state))
    yield _try("answers", lambda: _answers(state))
    yield _space(state)


def _try(name: str, look: Callable[[], str]) -> Checked:
    try:
        return Checked(name, True, look(), "")
    except LtrrError as error:
        return Checked(name, False, str(error), error.hint or "")
    except Exception as error:  # noqa: BLE001 -- whatever is wrong is what a doctor is asked for
        return Checked(name, False, f"{type(error).__name__}: {error}", "install ltrr-cli anew")


def _library(name: str) -> str:
    return str(getattr(importlib.import_module(name), "__version__", "loads"))


def _writable(home: Path) -> str:
    if not home.is_dir():
        raise NotFoundError(f"no workspace at {home}", hint=f"ltrr index CATALOG --home {home}")
    if not os.access(home, os.W_OK | os.X_OK):
        return f"{home}, read-only: it answers, logs no search and learns nothing"
    return str(home)


def _free(state: State) -> str:
    if not state.writable():
        return "read-only: nothing is published from here"
    try:
        with state.publishing("doctor"):
            return "nobody publishes"
    except LockedError as error:
        return str(error)  # no fault: somebody is at work


def _sound(state: State) -> str:
    found = state.generations.verify()
    for damage in found.damages:
        raise DamagedError(f"{damage.path}: {damage.reason}", hint=damage.mend)
    current = state.current()
    return f"catalog {current.catalog}, learned {current.learned}: {found.files} files as sealed"


def _journal(state: State) -> str:
    for wrong in state.journal.check():
        raise DamagedError(wrong, hint="restore journal.db from a backup")
    counts, rows = state.journal.counts(), state.journal.counted_rows()
    beside = f", {rows:,} rows of counts" if rows else ""
    return f"{counts.impressions:,} impressions, {counts.events:,} events{beside}"


def _answers(state: State) -> str:
    start = perf_counter()
    page = respond(state, QueryRequest("", k=3, log=False, explore=False))
    for warning in page.warnings:
        raise DamagedError(warning, hint="ltrr rebuild")
    return f"{len(page.results)} results in {(perf_counter() - start) * 1e3:.0f} ms"


def _space(state: State) -> Checked:
    size = sum(path.stat().st_size for path in state.home.rglob("*") if path.is_file())
    free = shutil.disk_usage(state.home).free
    says = f"{free / 2**20:,.0f} MB free; the workspace takes {size / 2**20:,.0f} MB"
    return Checked("disk space", free > ROOM * size, says, "ltrr gc, or make room")


# ------------------------------------------------------------ an engine


def _seen(home: str, part: int) -> bool:
    """Say in a worker whether it sees the workspace as this machine does."""
    return (Path(home) / "CURRENT.json").is_file()


def _as_it_is(home: str) -> str:
    return home


SEEN: Kernel[str, str, int, bool] = Kernel("seeing the workspace", _as_it_is, _seen)


def _checks_of_engine(state: State, engine: str) -> Iterator[Checked]:
    found: list[Executor] = []

    def opened() -> str:
        found.append(open_executor(engine))
        return f"{engine}: {found[0].says()}"

    yield _try("engine", opened)
    for executor in found:
        with executor:
            yield _try("engine sees the workspace", partial(_all_see, state, executor))


def _all_see(state: State, executor: Executor) -> str:
    if not state.home.is_dir():
        raise NotFoundError("there is no workspace yet", hint="ltrr index CATALOG")
    seen = list(executor.map(SEEN, str(state.home.resolve()), range(executor.workers)))
    if not all(seen):
        raise NotFoundError(
            f"{len(seen) - sum(seen)} of {len(seen)} workers do not see {state.home.resolve()}",
            hint="put the workspace on storage that all nodes mount at one place",
        )
    return f"{len(seen)} workers do"
