"""Locks that die with their holder: one publisher at a time, and readers who keep what they read from being removed."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ltrr_cli.core.clock import iso, now_ms
from ltrr_cli.core.errors import LockedError


class Holder(msgspec.Struct, frozen=True):
    """The process that is publishing."""

    pid: int
    host: str
    purpose: str
    since: str


@contextmanager
def publication(home: Path, purpose: str) -> Iterator[None]:
    """Hold the lock of a workspace; raises LockedError naming the holder, at once.

    The kernel frees it when its holder dies, however it dies; what the file says is only read while it is held.
    """
    path = home / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(
                f"{home} is being published by {_holder(path)}", hint="wait for it to end, then run this again"
            ) from None
        holder = Holder(os.getpid(), socket.gethostname(), purpose, iso(now_ms()))
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, msgspec.json.encode(holder), 0)
        yield
    finally:
        os.close(descriptor)


def _holder(path: Path) -> str:
    try:
        holder = msgspec.json.decode(path.read_bytes(), type=Holder)
    except (msgspec.MsgspecError, OSError):  # it is writing its name at this very moment
        return "another process"
    return f"`ltrr {holder.purpose}`, process {holder.pid} on {holder.host}, since {holder.since}"


class Hold:
    """A shared lock on a file for as long as this object lives."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __del__(self) -> None:
        """Let go."""
        os.close(self._descriptor)


def hold(path: Path) -> Hold | None:
    """Take a shared lock on a file; None where there is no such file or somebody is removing it."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return Hold(descriptor)


def is_held(path: Path) -> bool:
    """Say whether somebody holds a file; one that is not there is held by nobody."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
