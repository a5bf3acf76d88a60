"""The server under load, on loopback: requests per second, waiting, learning meanwhile, a killed worker.

python benchmarks/serve.py DATA [--json FILE] [--quick]

A shop's catalog (retrotech; with --quick the sample's) is served by two workers to eight connections that ask distinct
real queries, while feedback comes in at 50 a second and is published. LTRR_BENCH_HOME names a workspace with that
catalog that is indexed already; it is copied. Everything ends by itself: so many seconds, so many requests.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from _common import Bars, ltrr, run, scratch

from ltrr_cli.catalog.sample import sample_path

CONNECTIONS = 8
FEEDBACK_RATE = 50.0  # events a second
SECONDS, QUICK_SECONDS = 60.0, 15.0
GENERATIONS = 20
CLICKS = 100


@dataclass
class Seen:
    """What clients met; ``pages`` are the newest ones, to act on."""

    took: list[float] = field(default_factory=list)
    failed: int = 0
    degraded: int = 0
    pages: list[dict[str, Any]] = field(default_factory=list)


class Connection:
    """One HTTP connection that is kept, with no more of HTTP than is needed."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address, self._socket, self._rest = address, None, b""

    def post(self, path: str, body: object) -> tuple[int, Any]:
        """Send a record."""
        return self.send("POST", path, json.dumps(body).encode())

    def send(self, method: str, path: str, data: bytes = b"") -> tuple[int, Any]:
        """Return (status, decoded body); raises OSError where the connection ends."""
        if self._socket is None:
            self._socket, self._rest = socket.create_connection(self._address, timeout=10), b""
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        try:
            self._socket.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
            while (end := self._rest.find(b"\r\n\r\n")) < 0:
                self._more()
            said, self._rest = self._rest[:end], self._rest[end + 4 :]
            length = int(re.search(rb"(?i)content-length: (\d+)", said)[1])
            while len(self._rest) < length:
                self._more()
        except OSError:
            self.close()
            raise
        body, self._rest = self._rest[:length], self._rest[length:]
        return int(said[9:12]), json.loads(body)

    def _more(self) -> None:
        part = self._socket.recv(65_536)
        if not part:
            raise ConnectionResetError("the server closed the connection")
        self._rest += part

    def close(self) -> None:
        """End the connection; the next request begins another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def main(data: Path, bars: Bars, quick: bool) -> None:
    queries = list(real_queries(data))
    if not queries or not (quick or (data / "retrotech").is_dir()):
        bars.skipped("requests per second", "retrotech or bestbuy_xbox absent")
        return
    with scratch() as place:
        home = Path(place) / "home"
        catalog = sample_path("catalog.jsonl.gz") if quick else data / "retrotech" / "catalog.jsonl.gz"
        if known := os.environ.get("LTRR_BENCH_HOME"):
            shutil.copytree(known, home)
        else:
            print(ltrr("index", catalog, "--home", home))
        seconds = QUICK_SECONDS if quick else SECONDS
        settings = f"[serve]\nlearn_every = {seconds / GENERATIONS}\nevents_per_second = 0.0\n"
        (home / "ltrr.toml").write_text(settings)
        with serving(home, 2) as (process, address):
            steady(address, queries, seconds, bars, quick)
            killed(process, address, queries, bars)
        with serving(home, 1) as (_, address):
            click_to_change(address, bars)


def real_queries(data: Path) -> Iterator[str]:
    """Yield distinct queries that people typed into shops of electronics."""
    seen: set[str] = set()
    for path in (data / "bestbuy_xbox" / "events_fit.jsonl.gz", data / "bestbuy_xbox" / "events_dev.jsonl.gz"):
        if path.is_file():
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                for line in lines:
                    query = json.loads(line)["query"]
                    if query not in seen:
                        seen.add(query)
                        yield query


@contextmanager
def serving(home: Path, workers: int) -> Iterator[tuple[subprocess.Popen[str], tuple[str, int]]]:
    command = [sys.executable, "-m", "ltrr_cli", "serve", "--home", str(home), "--port", "0", "--workers", str(workers)]
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | one_thread)
    try:
        for line in process.stderr:
            if match := re.search(r"http://([\d.]+):(\d+)/", line):
                threading.Thread(target=process.stderr.read, daemon=True).start()
                yield process, (match[1], int(match[2]))
                break
        else:
            raise SystemExit("the server did not begin")
    finally:
        process.terminate()
        process.wait(30)


def asking(address: tuple[str, int], queries: list[str], until: float, numbers: count[int], seen: Seen) -> None:
    connection = Connection(address)
    while time.monotonic() < until:
        number = next(numbers)
        start = time.monotonic()
        try:
            status, page = connection.post(
                "/v1/query", {"text": queries[number % len(queries)], "user": f"u{number % 500}"}
            )
        except OSError:
            seen.failed += 1
            continue
        seen.took.append(time.monotonic() - start)
        seen.failed += status != 200
        if status == 200:
            seen.degraded += page["degraded"]
            if page["results"]:
                seen.pages.append(page)
    connection.close()


def feeding(address: tuple[str, int], until: float, seen: list[Seen], told: Seen) -> None:
    """Click at a steady rate on what was shown lately."""
    connection, chance, turn = Connection(address), np.random.default_rng(0), time.monotonic()
    while (now := time.monotonic()) < until:
        if now < turn:
            time.sleep(turn - now)
        turn += 1 / FEEDBACK_RATE
        shown = [page for one in seen for page in one.pages[-20:]]
        if not shown:
            continue
        page = shown[int(chance.integers(len(shown)))]
        line = page["results"][min(int(chance.geometric(0.4)) - 1, len(page["results"]) - 1)]
        event = {"event": "click", "query_id": page["query_id"], "entity_id": line["id"]}
        try:
            told.failed += connection.post("/v1/feedback", event)[0] != 200
            told.took.append(time.monotonic() - now)
        except OSError:
            told.failed += 1
    connection.close()


def load(address: tuple[str, int], queries: list[str], seconds: float, *, feed: bool = True) -> tuple[list[Seen], Seen]:
    until, numbers = time.monotonic() + seconds, count()
    seen, told = [Seen() for _ in range(CONNECTIONS)], Seen()
    threads = [threading.Thread(target=asking, args=(address, queries, until, numbers, one)) for one in seen]
    if feed:
        threads.append(threading.Thread(target=feeding, args=(address, until, seen, told)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen, told


def steady(address: tuple[str, int], queries: list[str], seconds: float, bars: Bars, quick: bool) -> None:
    learned = Connection(address).send("GET", "/readyz")[1]["learned"]
    load(address, queries[::-1], 2.0, feed=False)  # warm
    seen, told = load(address, queries, seconds)
    took = np.array([one for each in seen for one in each.took]) * 1e3
    failed = sum(each.failed for each in seen) + told.failed
    degraded = sum(each.degraded for each in seen)
    published = Connection(address).send("GET", "/readyz")[1]["learned"] - learned
    print(f"{len(took)} pages in {seconds:.0f} s, {degraded} of them degraded; {len(told.took)} events; "
          f"p50 {np.percentile(took, 50):.1f} ms, p99 {np.percentile(took, 99):.1f} ms")  # fmt: skip
    bars.at_least("requests per second", len(took) / seconds, 150)
    bars.at_most("99th percentile, ms", float(np.percentile(took, 99)), 60)
    bars.at_most("failed requests", failed, 0)
    bars.at_most("share of degraded pages", degraded / max(len(took), 1), 0.01)
    bars.at_least("events a second", len(told.took) / seconds, 45)
    bars.at_least("generations published meanwhile", published, 3 if quick else GENERATIONS)


def children(parent: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words, status = (path / "cmdline").read_bytes(), (path / "status").read_text()
        except OSError:
            continue
        if b"ltrr_cli.serving.worker" in words and f"PPid:\t{parent}\n" in status:
            found.append(int(path.name))
    return found


def killed(process: subprocess.Popen[str], address: tuple[str, int], queries: list[str], bars: Bars) -> None:
    """Kill a worker under load: how many requests fail, and until when is the other alone?"""
    if not Path("/proc/self/status").exists():
        bars.skipped("a killed worker", "children are found in /proc")
        return
    back: list[float] = []

    def kill() -> None:
        time.sleep(2.0)
        victim = children(process.pid)[0]
        before = cpu_of(process.pid)
        os.kill(victim, signal.SIGKILL)
        start = time.monotonic()
        while time.monotonic() < start + 20 and not back:
            # it is back when it spends time on answers: a socket that it listens on says nothing
            now = cpu_of(process.pid)
            fresh = [pid for pid, spent in now.items() if pid not in before and spent > 0.0 and answers(pid)]
            if fresh:
                back.append(time.monotonic() - start)
            time.sleep(0.05)

    killer = threading.Thread(target=kill)
    killer.start()
    seen, _ = load(address, queries, 12.0, feed=False)
    killer.join()
    asked, failed = sum(len(each.took) for each in seen), sum(each.failed for each in seen)
    print(f"a worker was killed: {failed} of {asked} requests failed")
    bars.at_most("share failed when a worker is killed", failed / max(asked, 1), 0.01)
    bars.at_most("seconds until it is replaced", back[0] if back else 99.0, 5.0)


def cpu_of(parent: int) -> dict[int, float]:
    found = {}
    for pid in children(parent):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found[pid] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def answers(pid: int) -> bool:
    """Say whether a worker has connections of its own."""
    sockets = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").glob("*") if path.is_symlink()]
    return sum(name.startswith("socket:") for name in sockets) >= 3  # listening, and at least one client beside


def click_to_change(address: tuple[str, int], bars: Bars) -> None:
    """From the click to the answer that knows of it, for queries that nobody has asked before.

    Somebody else asks then. The load before clicked at random, and nobody clicked anything twice; so a workspace that
    learnt from it shows to people last what they have had.
    """
    connection, took, unknown = Connection(address), [], 0
    for number in range(CLICKS):
        asked = {"text": f"never asked {number}", "explore": False, "user": f"c{number}", "explain": True}
        page = connection.post("/v1/query", asked)[1]
        wanted = page["results"][3]["id"]
        start = time.monotonic()
        connection.post("/v1/feedback", {"event": "click", "query_id": page["query_id"], "entity_id": wanted})
        after = connection.post("/v1/query", asked | {"user": f"after{number}"})[1]
        took.append(time.monotonic() - start)
        unknown += not any(line["id"] == wanted and line["chosen_by"] for line in after["results"])
    bars.at_most("from click to changed answer, 99th percentile, ms", float(np.percentile(took, 99)) * 1e3, 100)
    bars.at_most("clicks that the next answer does not know of", unknown, 0)


if __name__ == "__main__":
    run(main, __doc__ or "")
