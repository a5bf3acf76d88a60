"""What is freed goes back, where that can be asked for."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ltrr_cli.storage.heap import trim_heap


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing happens")
def test_freed_blocks_below_a_live_one_are_given_back():
    blocks = [bytearray(4_096) for _ in range(10_000)]
    last = bytearray(4_096)  # holds the end of the heap
    del blocks
    before = resident()
    trim_heap()
    assert resident() < before - 20_000_000
    assert len(last) == 4_096
