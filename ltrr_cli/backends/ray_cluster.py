"""A Ray cluster as workers (the door to Ray, an extra: it is imported when an engine names it, and never else).

By ``ray://HOST:PORT`` this process is a client of the cluster (Ray Client), not a node of it: what dies there cannot
take it along. ``ray`` alone is the cluster that ``RAY_ADDRESS`` names, else one that is started here for as long as the
work takes. Nodes need the same versions of Python, Ray and ltrr-cli, and have to see the workspace's folder.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from time import monotonic
from types import ModuleType
from typing import Any

from ltrr_cli.core.errors import LtrrError, NotFoundError, UsageError

CLIENT = "ray://"
RETRIES = 3  # of a task whose node or worker died, by Ray itself
_ENDING_S = 30.0  # that cancelled tasks are waited for
_GONE_S = 40.0  # without a head to connect to, until a cluster is given up: Ray's client waits 30 for it to come back
_LOOK_S, _LEAVING_S = 2.0, 5.0  # between two looks; that leaving a cluster may take which is gone


class RayCluster:
    """Workers of a cluster; one per processor that it says it has."""

    def __init__(self, address: str | None) -> None:
        self._name = address or "ray"
        self._lost = False  # nothing is asked of a cluster that is gone: each call would wait for it to come back
        self._ray = _connected(address)
        try:
            self.workers = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        except Exception as error:  # noqa: BLE001 -- of Ray, or of its transport
            raise self._gone(error) from None
        self._remote: dict[Callable[..., Any], Any] = {}
        self._running: dict[Future[Any], Any] = {}
        self._left = threading.Event()
        if address is not None and address.startswith(CLIENT):
            threading.Thread(target=self._watch, args=(address.removeprefix(CLIENT),), daemon=True).start()

    def submit(self, function: Callable[..., Any], *given: Any) -> Future[Any]:
        """Run a function of a module somewhere; raises LtrrError where the cluster is gone."""
        if self._lost:
            raise self._gone(ConnectionError("its head is gone"))
        future: Future[Any] = Future()  # our own: Ray's never ends where its head is gone
        try:
            if function not in self._remote:
                options = {"num_cpus": 1, "max_retries": RETRIES, "scheduling_strategy": "SPREAD"}
                self._remote[function] = self._ray.remote(**options)(function)
            reference = self._remote[function].remote(*given)
            self._running[future] = reference
            reference.future().add_done_callback(lambda done: self._pass_on(done, future))
        except Exception as error:  # noqa: BLE001 -- of Ray, or of its transport
            raise self._gone(error) from None
        except KeyboardInterrupt:
            if not self._lost:  # then a person wants to end it
                raise
            raise self._gone(ConnectionError("its head is gone")) from None
        return future

    def _pass_on(self, done: Future[Any], future: Future[Any]) -> None:
        if self._running.pop(future, None) is None:  # it was given up
            return
        error = done.exception()
        if error is None:
            future.set_result(done.result())
        else:
            future.set_exception(error)

    def _watch(self, head: str) -> None:
        """Give up what runs once nobody has answered at the head's address for a while."""
        host, _, port = head.rpartition(":")
        answered = monotonic()
        while not self._left.wait(_LOOK_S):
            with suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), timeout=_LOOK_S):
                answered = monotonic()
            if monotonic() - answered > _GONE_S:
                self._lost = True
                for future in list(self._running):
                    if self._running.pop(future, None) is not None:
                        future.set_exception(ConnectionError(f"nobody answers at {head}"))
                if not self._left.wait(_LEAVING_S):  # who hands out work still waits inside Ray
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                return

    def says(self) -> str:
        """Return the version, the nodes and the workers."""
        nodes = sum(bool(node.get("Alive")) for node in self._ray.nodes())
        return f"Ray {self._ray.__version__}, {nodes} nodes, {self.workers} workers"

    def drop(self) -> None:
        """Cancel what was handed out, and wait until nobody is at it any more."""
        references = list(self._running.values())
        self._running.clear()
        if self._lost:
            return
        try:
            for reference in references:
                self._ray.cancel(reference, force=True)
            if references:
                self._ray.wait(references, num_returns=len(references), timeout=_ENDING_S)
        except Exception:  # noqa: BLE001 -- a cluster that is gone is at nothing
            return

    def close(self) -> None:
        """Leave the cluster, and end one that was started here."""
        self.drop()
        self._left.set()

        def leave() -> None:
            with suppress(Exception):  # it is left anyway
                self._ray.shutdown()

        leaving = threading.Thread(target=leave, daemon=True)  # of a cluster that is gone it may never end
        leaving.start()
        leaving.join(_LEAVING_S if self._lost else None)

    def _gone(self, error: BaseException) -> LtrrError:
        self._lost = True
        told = " ".join(str(error).split())[:200] or type(error).__name__
        return LtrrError(f"the cluster {self._name} does not answer any more: {told}", hint="ray status; then again")


def _connected(address: str | None) -> ModuleType:
    """Import Ray and connect; raises UsageError without Ray, NotFoundError where no cluster answers."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody is told of what runs here
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # the coming default, else it warns
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import ray
    except ImportError:
        raise UsageError("Ray is not installed", hint="pip install 'ltrr-cli[ray]', or --engine processes") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logging.getLogger("ray").setLevel(logging.CRITICAL)  # what goes wrong is said once, by who calls
            ray.init(address, logging_level=logging.CRITICAL, log_to_driver=False, **_local(address))
    except Exception as error:
        told = " ".join(str(error).split())[:300]
        where = address or os.environ.get("RAY_ADDRESS") or "on this machine"
        raise NotFoundError(
            f"no Ray cluster {where}: {told}",
            hint="ray start --head --ray-client-server-port 10001; all nodes need the same versions of Python and Ray",
        ) from None
    for name in ("ray.util.client", "ray.util.client.logsclient", "ray.util.client.dataclient"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # they have levels of their own once Ray has begun
    module: ModuleType = ray
    return module


def _local(address: str | None) -> dict[str, Any]:
    """Return the options of a cluster that is started here: loopback alone, and nothing beside the workers."""
    if address is not None or os.environ.get("RAY_ADDRESS"):
        return {}
    return {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
