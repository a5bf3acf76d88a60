"""One worker process: the application behind uvicorn, on a socket that the parent has bound.

``python -m ltrr_cli.serving.worker OPTIONS`` is how the parent (``supervisor``) begins one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path

import msgspec
import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from ltrr_cli.serving.app import Admission, create_app
from ltrr_cli.serving.backend import Backend
from ltrr_cli.serving.tokens import Tokens
from ltrr_cli.storage.heap import collect_rarely

KEEP_ALIVE_SECONDS = 30
GRACE_SECONDS = 10  # for what is being answered when the server stops
LARGEST_HEAD = 16 * 1024  # bytes of a request's headers


class WorkerOptions(msgspec.Struct, frozen=True):
    """What the parent tells a worker.

    listening, started, lifeline -- descriptors: the bound socket, a pipe to say "ready" on, one that ends with the
                                    parent
    """

    home: str
    host: str
    listening: int
    started: int
    lifeline: int
    token_file: str | None = None
    origins: tuple[str, ...] = ()
    local: bool = True
    verbose: bool = False


class PacedProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """Closes connections whose request headers do not come whole in time."""

    slow_seconds = 10.0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._begin()

    def data_received(self, data: bytes) -> None:
        """Go on waiting until headers are whole; the body has a limit of its own."""
        before = self.cycle
        if self._timer is None and (before is None or before.response_complete):
            self._begin()
        super().data_received(data)
        if self.cycle is not before:
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._end()
        super().connection_lost(exc)

    def _begin(self) -> None:
        self._timer = self.loop.call_later(self.slow_seconds, self._late)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        self.transport.close()


class _Server(uvicorn.Server):
    """Says when it answers."""

    def __init__(self, config: uvicorn.Config, started: int) -> None:
        super().__init__(config)
        self._started_pipe = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin, and tell the parent."""
        await super().startup(sockets)
        if self.started:
            os.write(self._started_pipe, b"1")


def run(options: WorkerOptions) -> None:
    """Answer until a signal, or the parent's end, stops it."""
    begin_logging(verbose=options.verbose)
    watch_lifeline(options.lifeline)
    tokens = Tokens.none() if options.token_file is None else Tokens.read(Path(options.token_file))
    backend = Backend(Path(options.home))
    PacedProtocol.slow_seconds = backend.state.settings.serve.slow_seconds
    config = uvicorn.Config(
        create_app(backend, Admission(tokens, options.origins, options.local)),
        http=PacedProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=LARGEST_HEAD,
    )
    _Server(config, options.started).run(sockets=[socket.socket(fileno=options.listening)])


def begin_logging(*, verbose: bool) -> None:
    """Send what is logged to standard error; requests only where ``verbose``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("ltrr.serve")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO if verbose else logging.WARNING)
    logging.getLogger("uvicorn").addHandler(handler)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)


def watch_lifeline(descriptor: int) -> None:
    """End this process as a signal would once the parent's end of a pipe is closed, however the parent died."""

    def wait() -> None:
        os.read(descriptor, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    collect_rarely()
    run(msgspec.json.decode(sys.argv[1], type=WorkerOptions))
