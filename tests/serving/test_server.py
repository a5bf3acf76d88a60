"""The real thing on loopback: processes, signals, slow clients. Bounded in number and time."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.serving.server import ROOT, running

Begin = Callable[..., tuple[subprocess.Popen[str], str]]


@pytest.fixture
def begin(home: Path) -> Iterator[Begin]:
    with ExitStack() as stack:
        yield lambda *options, settings="": stack.enter_context(running(home, *options, settings=settings))


def fetch(address: str, body: object = None, timeout: float = 10) -> dict:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return json.load(answer)


def workers() -> list[int]:
    """Return the worker processes of this test's server, whoever began others."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"ltrr_cli.serving.worker" in words:
            found.append(int(path.parent.name))
    return found


def children_of(parent: int) -> list[int]:
    return [pid for pid in workers() if f"PPid:\t{parent}\n" in Path(f"/proc/{pid}/status").read_text()]


def test_it_serves_learns_and_ends_well(begin: Begin):
    process, address = begin(settings="learn_every = 1.0")
    page = fetch(address + "v1/query", {"text": "love", "user": "u"})
    event = {"event": "click", "query_id": page["query_id"], "entity_id": page["results"][0]["id"]}
    assert fetch(address + "v1/feedback", event)["accepted"] == 1
    until = time.monotonic() + 60
    while fetch(address + "readyz")["learned"] < 2:  # the learner published, and the worker noticed
        assert time.monotonic() < until
        time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


@pytest.mark.turns(4)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="children are found in /proc")
def test_a_dead_worker_is_replaced_and_the_other_answers_meanwhile(begin: Begin):
    process, address = begin("--workers", "2")
    first = children_of(process.pid)
    assert len(first) == 2
    os.kill(first[0], signal.SIGKILL)
    until = time.monotonic() + 20
    while len(set(children_of(process.pid)) - {first[0]}) < 2:
        assert fetch(address + "healthz", timeout=5)["status"] == "ok"
        assert time.monotonic() < until
    page = fetch(address + "v1/query", {"text": "love"})
    assert page["results"]
    metrics = urllib.request.urlopen(address + "metrics", timeout=10).read().decode()
    assert "http_server_request_duration_seconds_count" in metrics


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="children are found in /proc")
def test_children_do_not_outlive_their_parent(begin: Begin):
    process, _ = begin()
    mine = children_of(process.pid)
    process.kill()
    process.wait()
    until = time.monotonic() + 15
    while set(mine) & set(workers()):
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.mark.turns(4)
def test_what_is_being_answered_is_answered_when_it_ends(begin: Begin):
    process, address = begin()
    host, port = re.match(r"http://(.+):(\d+)/", address).groups()
    body = json.dumps({"text": "love"}).encode()
    with socket.create_connection((host, int(port)), timeout=10) as half:
        half.sendall(b"POST /v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n" % len(body) + body[:5])  # fmt: skip
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        half.sendall(body[5:])
        assert half.recv(20).startswith(b"HTTP/1.1 200")
    assert process.wait(20) == 0


@pytest.mark.turns(4)
def test_a_client_that_sends_a_byte_now_and_then_is_let_go(begin: Begin):
    _, address = begin(settings="slow_seconds = 0.5")
    host, port = re.match(r"http://(.+):(\d+)/", address).groups()
    for head in (b"", b"POST /v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n"
                 b"Content-Type: application/json\r\n\r\n"):  # fmt: skip
        with socket.create_connection((host, int(port)), timeout=5) as slow:
            slow.sendall(head)
            begun = time.monotonic()
            with suppress(OSError):  # the connection is closed under its hands
                for _ in range(60):
                    slow.sendall(b"G")
                    time.sleep(0.1)
            assert time.monotonic() - begun < 4
    assert fetch(address + "healthz")["status"] == "ok"


@pytest.mark.turns(4)
def test_addresses_that_others_reach_take_a_token(home: Path):
    command = [sys.executable, "-m", "ltrr_cli", "serve", "--home", str(home), "--host", "0.0.0.0", "--port", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "that takes tokens" in done.stderr


@pytest.mark.turns(4)
def test_a_port_that_is_taken_is_named(home: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "ltrr_cli", "serve", "--home", str(home), "--port", port]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert f"port {port} cannot be bound" in done.stderr
