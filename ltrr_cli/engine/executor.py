"""Where heavy work runs: in this process, in worker processes, or on a Ray cluster; the functions are the same.

Work is a *kernel*, two functions of a module: ``open`` makes what all parts share (an encoder, a snapshot) of a few
words (a folder, settings), once per worker, and ``run`` makes a result of that and of one part. ``Executor.map`` gives
the results in the order of the parts. The local engine is the plain loop ``run(held, part) for part in parts``; the
others hand out a bounded number of parts at a time. So a result never depends on the engine, as long as what a part is
does not.

A part whose worker died, or that failed, is run again, alone; when it fails every time, the error names it.
"""

from __future__ import annotations

import os
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, Protocol, Self, TypeVar
from uuid import uuid4

from ltrr_cli.core.errors import LtrrError, UsageError

Given = TypeVar("Given")
Held = TypeVar("Held")
Part = TypeVar("Part")
Result = TypeVar("Result")

LOCAL, PROCESSES, RAY = "local", "processes", "ray"
WAYS = "local, processes, processes=N, ray, ray://HOST:PORT"
AHEAD = 2  # parts per worker that are handed out before the first of them is back
AGAIN = 2  # times that a part is run again before it counts as poisoned
MOST_WORKERS = 1024
_HELD = 3  # kernels' shared state that a worker keeps open


@dataclass(frozen=True, slots=True)
class Kernel(Generic[Given, Held, Part, Result]):
    """One kind of work, as two functions of a module (they are found by name elsewhere).

    name -- what a message calls a part of it, such as "texts"
    """

    name: str
    open: Callable[[Given], Held]
    run: Callable[[Held, Part], Result]


class Pool(Protocol):
    """Workers: processes of this machine (``backends.process_pool``) or of a cluster (``backends.ray_cluster``)."""

    workers: int

    def submit(self, function: Callable[..., Any], *given: Any) -> Future[Any]:
        """Run a function of a module in a worker; where workers died before, new ones take their place."""
        ...

    def says(self) -> str:
        """Return what there is to work with, in a line."""
        ...

    def drop(self) -> None:
        """Drop what waits, and return when nothing runs any more."""
        ...

    def close(self) -> None:
        """Drop what waits, wait for what runs, and let the workers go."""
        ...


class Executor:
    """Maps kernels over parts, in this process; the base of those that have workers."""

    name = LOCAL
    workers = 1
    elsewhere = False  # whether parts are run by workers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def map(
        self,
        kernel: Kernel[Given, Held, Part, Result],
        given: Given,
        parts: Iterable[Part],
        held: Callable[[], Held] | None = None,
        ahead: int = AHEAD,
    ) -> Iterator[Result]:
        """Yield one result per part, in their order; work begins at once where there are workers.

        given -- what workers open the shared state with: small, and the same wherever a worker runs
        held  -- gives the shared state that is open in this process already; None: it is opened here too
        ahead -- parts per worker that are handed out at most and not yet yielded: more where making parts is work too
        """
        shared = kernel.open(given) if held is None else held()
        for part in parts:
            yield kernel.run(shared, part)

    def beside(self, function: Callable[[], Result]) -> Callable[[], Result]:
        """Let this process do something while workers are at work; return what waits for it and gives its result.

        Here, where nobody else works, it is done when its result is asked for.
        """
        return function

    def says(self) -> str:
        """Return what there is to work with, in a line."""
        return "this process"

    def drop(self) -> None:
        """Give up what was handed out, and wait for what runs; for who failed and will remove what workers write."""

    def close(self) -> None:
        """Let workers go."""


LOCAL_EXECUTOR = Executor()


class PoolExecutor(Executor):
    """Maps kernels over parts by the workers of a pool."""

    elsewhere = True

    def __init__(self, name: str, pool: Pool) -> None:
        self.name, self._pool, self.workers = name, pool, pool.workers
        self._aside: ThreadPoolExecutor | None = None

    def map(
        self,
        kernel: Kernel[Given, Held, Part, Result],
        given: Given,
        parts: Iterable[Part],
        held: Callable[[], Held] | None = None,
        ahead: int = AHEAD,
    ) -> Iterator[Result]:
        """See ``Executor.map``."""
        token, numbered = uuid4().hex, enumerate(parts)
        calls = ((number, part, self._submit(token, kernel, given, part)) for number, part in numbered)
        handed = deque(islice(calls, ahead * self.workers))

        def results() -> Iterator[Result]:
            while handed:
                number, part, future = handed.popleft()
                yield self._result(token, kernel, given, number, part, future)
                handed.extend(islice(calls, 1))

        return results()

    def _submit(self, token: str, kernel: Kernel[Any, Any, Any, Any], given: object, part: object) -> Future[Any]:
        return self._pool.submit(work, token, kernel, given, part)

    def _result(
        self,
        token: str,
        kernel: Kernel[Given, Held, Part, Result],
        given: Given,
        number: int,
        part: Part,
        future: Future[Any],
    ) -> Result:
        """Return what came of a part; where its worker died, or it failed, it is run again, waited for alone."""
        error: Exception
        for _ in range(AGAIN + 1):
            try:
                done = future.result()
            except Exception as failure:  # noqa: BLE001 -- of libraries, or of the pool
                error, future = failure, self._submit(token, kernel, given, part)
                continue
            if isinstance(done, _Refused):
                raise done.error
            result: Result = done
            return result
        raise poisoned(kernel.name, number, part, error) from error

    def beside(self, function: Callable[[], Result]) -> Callable[[], Result]:
        """Start it at once, in a thread."""
        if self._aside is None:
            self._aside = ThreadPoolExecutor(1)
        return self._aside.submit(function).result

    def says(self) -> str:
        """Return what the pool says."""
        return self._pool.says()

    def drop(self) -> None:
        """Drop what waits, and wait for what runs."""
        self._pool.drop()
        if self._aside is not None:
            self._aside.shutdown(wait=True, cancel_futures=True)
            self._aside = None

    def close(self) -> None:
        """Let the workers go."""
        self.drop()
        self._pool.close()


@dataclass(frozen=True, slots=True)
class _Refused:
    """What a worker returns in place of a result where it met an error that a user is told in one line."""

    error: LtrrError


_open: OrderedDict[str, object] = OrderedDict()  # in a worker: what kernels share, by the map that it belongs to


def work(token: str, kernel: Kernel[Any, Any, Any, Any], given: object, part: object) -> object:
    """Run one part in a worker."""
    try:
        if token not in _open:
            _open[token] = kernel.open(given)
            while len(_open) > _HELD:
                _open.popitem(last=False)
        return kernel.run(_open[token], part)
    except LtrrError as error:
        return _Refused(error)


def poisoned(kernel: str, number: int, part: object, error: BaseException) -> LtrrError:
    """Return the error of a part that fails every time."""
    told = " ".join(str(error).split())[:200] or type(error).__name__
    what = repr(part)
    what = what if len(what) <= 120 else f"{what[:117]}..."
    return LtrrError(
        f"{kernel}, part {number + 1} failed {AGAIN + 1} times: {type(error).__name__}: {told}; the part: {what}",
        hint="--engine local shows the whole error",
    )


def pieces(items: Sequence[Part], size: int) -> list[Sequence[Part]]:
    """Cut items into parts of one size, for kernels whose result for an item may depend on those beside it.

    Never cut by the number of workers: then results would depend on the engine.

    >>> pieces("abcde", 2)
    ['ab', 'cd', 'e']
    """
    return [items[start : start + size] for start in range(0, len(items), size)]


def open_executor(name: str, *, beside: bool = False) -> Executor:
    """Return the executor that a name says: "local", "processes", "processes=4", "ray", "ray://HOST:PORT".

    beside -- this process works as much as a worker does: of several processes it is one

    Raises UsageError for other names, and where Ray is named and not installed.
    """
    way, equals, count = check_engine(name).partition("=")
    if name == LOCAL:
        return Executor()
    if way == PROCESSES:
        from ltrr_cli.backends.process_pool import ProcessPool

        workers = _workers(count) if equals else os.cpu_count() or 1
        return PoolExecutor(name, ProcessPool(max(1, workers - beside)))
    from ltrr_cli.backends.ray_cluster import RayCluster

    return PoolExecutor(name, RayCluster(None if name == RAY else name))


def check_engine(name: str) -> str:
    """Return a name that ``open_executor`` knows; raises UsageError for others. Nothing is opened."""
    way, equals, count = name.partition("=")
    if way == PROCESSES and equals:
        _workers(count)
    elif name not in (LOCAL, PROCESSES, RAY) and not name.startswith(f"{RAY}://"):
        raise UsageError(f"no engine {name[:80]!r}", hint=f"one of {WAYS}")
    return name


def _workers(count: str) -> int:
    if not count.isascii() or not count.isdecimal() or not 1 <= int(count[:5]) <= MOST_WORKERS:
        raise UsageError(f"no engine 'processes={count[:40]}'", hint=f"processes=N, with N from 1 to {MOST_WORKERS}")
    return int(count)
