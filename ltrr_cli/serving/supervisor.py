"""The parent process: it binds the address, begins workers and the learner, and replaces those that die."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from time import monotonic

import msgspec

from ltrr_cli.core.errors import LtrrError, UsageError
from ltrr_cli.serving.access import is_loopback
from ltrr_cli.serving.learner import LearnerOptions
from ltrr_cli.serving.metrics import begin_folder, worker_died
from ltrr_cli.serving.signing import Signer
from ltrr_cli.serving.tokens import Tokens
from ltrr_cli.serving.worker import GRACE_SECONDS, WorkerOptions

BACKLOG = 2048
PAUSE = 0.05  # seconds between two looks after the children
LIVED = 5.0  # seconds after which a child that dies is replaced at once
LONGEST_WAIT = 10.0  # seconds before a child that dies at once is begun again
MOST_FAILURES = 5  # in a row, of children that never answered


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What ``ltrr serve`` was asked for."""

    home: Path
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    token_file: Path | None = None
    origins: tuple[str, ...] = ()
    verbose: bool = False


@dataclass(slots=True)
class Child:
    """A place for a process that is always to run."""

    begin: Callable[[int], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes] | None = None
    since: float = 0.0
    failures: int = 0
    not_before: float = 0.0
    started: int = -1  # the pipe on which it says that it answers; -1: it has said so, or never does
    answered: bool = False

    def start(self) -> None:
        """Begin the process."""
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        self.process, self.since, self.answered = self.begin(writing), monotonic(), False
        os.close(writing)
        if self.started >= 0:
            os.close(self.started)
        self.started = reading

    def look(self) -> bool:
        """Begin it again where it has died and its time has come; returns whether it had died since the last look."""
        if self.process is None:
            if monotonic() >= self.not_before:
                self.start()
            return False
        if not self.answered:
            with suppress(BlockingIOError):
                self.answered = os.read(self.started, 1) == b"1"
        if self.process.poll() is None:
            return False
        lived = self.answered and monotonic() - self.since > LIVED
        self.failures = 0 if lived else self.failures + 1
        self.not_before = monotonic() + (0.0 if self.failures <= 1 else min(0.2 * 2**self.failures, LONGEST_WAIT))
        worker_died(self.process.pid)
        self.process = None
        return True


@dataclass(slots=True)
class Supervisor:
    """All processes of one server."""

    options: ServeOptions
    tell: Callable[[str], None]
    stop: Event = field(default_factory=Event)
    children: list[Child] = field(default_factory=list)

    def run(self) -> None:
        """Serve until ``stop`` is set; raises UsageError for an address that cannot be bound."""
        options = self.options
        tokens = Tokens.none() if options.token_file is None else Tokens.read(options.token_file)
        if tokens.open and not is_loopback(options.host):
            raise UsageError(
                f"{options.host} can be reached from other machines: that takes tokens",
                hint="--token-file FILE, one line a token: ask,feed TOKEN",
            )
        options.home.mkdir(parents=True, exist_ok=True)
        Signer.open(options.home)  # made once, before several workers want it
        with ExitStack() as stack:
            listening = stack.enter_context(bound(options.host, options.port))
            if options.workers > 1:
                begin_folder(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ltrr-metrics-"))))
            ours, theirs = os.pipe()  # nobody writes: its end tells children that this process is gone
            self.children = [Child(self._worker(listening, ours)) for _ in range(options.workers)]
            self.children.append(Child(self._learner(ours)))
            try:
                self._watch(listening)
            finally:
                self._end()
                os.close(theirs)
                os.close(ours)

    def _watch(self, listening: socket.socket) -> None:
        told = False
        workers = self.children[:-1]
        while not self.stop.wait(PAUSE):
            for child in self.children:
                if child.look() and told:
                    self.tell("a process of the server died and is begun again")
            if not told and all(child.answered for child in workers):
                self.tell(f"serving {self.options.home} on {address_of(listening)}  (Ctrl-C ends it)")
                told = True
            if not told and any(child.failures >= MOST_FAILURES for child in workers):
                raise LtrrError("the server does not start; the lines above say why")

    def _end(self) -> None:
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            process.terminate()
        until = monotonic() + GRACE_SECONDS + 2.0
        for process in running:
            try:
                process.wait(max(until - monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _worker(self, listening: socket.socket, lifeline: int) -> Callable[[int], subprocess.Popen[bytes]]:
        options = self.options

        def begin(started: int) -> subprocess.Popen[bytes]:
            told = WorkerOptions(
                str(options.home), options.host, listening.fileno(), started, lifeline,
                None if options.token_file is None else str(options.token_file), options.origins,
                is_loopback(options.host), options.verbose,
            )  # fmt: skip
            return _begin("worker", told, (listening.fileno(), started, lifeline))

        return begin

    def _learner(self, lifeline: int) -> Callable[[int], subprocess.Popen[bytes]]:
        told = LearnerOptions(str(self.options.home), lifeline, self.options.verbose)
        return lambda started: _begin("learner", told, (lifeline,))


def _begin(module: str, told: msgspec.Struct, descriptors: Sequence[int]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"ltrr_cli.serving.{module}", msgspec.json.encode(told).decode()]
    # a group of its own: Ctrl-C is this process's to pass on, so that what is being answered is answered
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=descriptors, process_group=0)


def bound(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises UsageError where the address is not to be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UsageError(f"no address {host}: {error}") from None
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        hint = "choose another --port; 0 is any" if error.errno == errno.EADDRINUSE else None
        raise UsageError(f"{host} port {port} cannot be bound: {error.strerror}", hint=hint) from None
    made.setblocking(False)
    return made


def address_of(listening: socket.socket) -> str:
    """Return the address of a bound socket as a browser takes it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def serve(options: ServeOptions, tell: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, which end it well."""
    supervisor = Supervisor(options, tell)
    before = {
        number: signal.signal(number, lambda *_: supervisor.stop.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        supervisor.run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
