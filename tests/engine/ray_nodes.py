"""A Ray cluster of tests: several raylets on this machine, loopback alone, each killed with all that it started."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
# a token of this run's own: nobody else on this machine is let in, and no token of anybody else is used
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
START = "from ray.scripts.scripts import main; main()"  # what the command ``ray`` is


class Nodes:
    """The cluster as a test sees it; the first node is the head."""

    def __init__(self, scratch: Path) -> None:
        self._log = (scratch / "nodes.log").open("w")
        self._temp = scratch / "ray"
        self._nodes: list[subprocess.Popen[bytes]] = []
        self.address = ""

    def begin(self, count: int) -> None:
        head, client = _free_ports(2)
        common = ["--node-ip-address=127.0.0.1", "--num-cpus=1", "--object-store-memory=100000000",
                  "--disable-usage-stats", "--block"]  # fmt: skip
        self._start(
            "--head", f"--port={head}", f"--ray-client-server-port={client}", "--include-dashboard=false",
            "--min-worker-port=0", "--max-worker-port=0", *common,
        )  # fmt: skip
        _listens(head)
        self._started(1)
        for number in range(2, count + 1):
            self._start(f"--address=127.0.0.1:{head}", *common)
            self._started(number)
        _listens(client)
        self.address = f"ray://127.0.0.1:{client}"

    def _started(self, count: int) -> None:
        """Wait until so many nodes say that they run: a busy machine takes its time."""
        for _ in range(900):
            if Path(self._log.name).read_text().count("Ray runtime started") >= count:
                return
            time.sleep(0.1)
        raise AssertionError(Path(self._log.name).read_text()[-2000:])

    def kill(self, number: int) -> None:
        """Kill a node and all its processes at once."""
        pids = [self._nodes[number].pid]
        for pid in pids:
            pids += [int(child) for child in _children(pid)]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._nodes[number].wait()

    def end(self) -> None:
        for number in reversed(range(len(self._nodes))):
            self.kill(number)
        self._log.close()

    def _start(self, *words: str) -> None:
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0", "RAY_TMPDIR": "/tmp/ray-ltrr",
            **TOKEN,
        }  # fmt: skip
        self._nodes.append(
            subprocess.Popen(
                [sys.executable, "-c", START, "start", *words],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                env=environment,
                cwd=ROOT,
            )  # fmt: skip
        )


@contextmanager
def raylets(count: int, scratch: Path) -> Iterator[Nodes]:
    nodes = Nodes(scratch)
    try:
        nodes.begin(count)
        yield nodes
    finally:
        nodes.end()


def _children(pid: int) -> list[str]:
    found: list[str] = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            found += (task / "children").read_text().split()
        except OSError:
            continue
    return found


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def _listens(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"nothing listens at {port}")
