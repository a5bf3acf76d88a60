"""What tests of engines share: a digest of a catalog generation, and workers that work in no order."""

from __future__ import annotations

import hashlib
import pickle
import random
import re
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

SEGMENT = re.compile(r"[0-9a-f]{32}")  # Tantivy names its segments by chance, also in its own notes


def contents(folder: Path) -> dict[str, str]:
    """Return file -> SHA-256 of a generation's parts; its manifest, which holds hashes of all files, aside."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "MANIFEST.json"):
        name, data = path.relative_to(folder).as_posix(), path.read_bytes()
        if "/fulltext/" in name:
            name = SEGMENT.sub("SEGMENT", name)
            if name.endswith(".json"):
                data = re.sub(rb"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", b"SEGMENT", data)
                data = b"".join(sorted(re.split(rb"[\[\],]", data)))  # a set, in no order
        found[name] = hashlib.sha256(data).hexdigest()
    return found


class Disorder:
    """A pool whose workers are this process: what waits is run in an order by chance, on copies, as a pool would."""

    def __init__(self, workers: int) -> None:
        self.workers, self._waiting, self._chance = workers, [], random.Random(workers)

    def submit(self, function: Callable[..., Any], *given: Any) -> Future[Any]:
        future = _Lazy(self)
        self._waiting.append((future, pickle.dumps((function, given))))
        return future

    def run(self) -> None:
        self._chance.shuffle(self._waiting)
        while self._waiting:
            future, call = self._waiting.pop()
            function, given = pickle.loads(call)
            future.set_result(pickle.loads(pickle.dumps(function(*given))))

    def drop(self) -> None:
        self._waiting.clear()

    def close(self) -> None:
        self.drop()


class _Lazy(Future):
    def __init__(self, pool: Disorder) -> None:
        super().__init__()
        self._pool = pool

    def result(self, timeout: float | None = None) -> Any:
        self._pool.run()
        return super().result(timeout)
