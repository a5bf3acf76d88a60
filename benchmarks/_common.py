"""What benchmarks share: arguments, one line per bar, the exit code."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter


@dataclass
class Bars:
    """Collects the figures and prints them as ``holds | falls short | skipped <TAB> name <TAB> value <TAB> goal``."""

    lines: list[dict[str, object]] = field(default_factory=list)

    def at_least(self, name: str, value: float, goal: float) -> None:
        """A figure that must reach its goal."""
        self.lines.append(
            {
                "verdict": "holds" if value >= goal else "falls short",
                "name": name,
                "value": round(value, 4),
                "goal": f">= {goal}",
            }
        )  # noqa: E501

    def at_most(self, name: str, value: float, goal: float) -> None:
        """A figure that must not pass its goal."""
        self.lines.append(
            {
                "verdict": "holds" if value <= goal else "falls short",
                "name": name,
                "value": round(value, 4),
                "goal": f"<= {goal}",
            }
        )  # noqa: E501

    def skipped(self, name: str, why: str) -> None:
        """A figure that this machine or this folder cannot give."""
        self.lines.append({"verdict": "skipped", "name": name, "value": why, "goal": ""})


def run(main: Callable[..., None], description: str, parts: Sequence[str] = ()) -> None:
    """Parse ``DATA [--json FILE] [--quick]``, run, print the bars; exit 8 when one falls short.

    main  -- takes data, bars and ``quick``; and the parts to run, where there are ``parts``
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("data", type=Path, help="folder of real data")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="ends within 5 minutes on 2 cores")
    if parts:
        parser.add_argument("--part", choices=parts, action="append", help="run this one alone (may be given again)")
    arguments = parser.parse_args()
    bars = Bars()
    print(f"# {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    some = (arguments.part or parts,) if parts else ()
    main(arguments.data, bars, arguments.quick, *some)
    for line in bars.lines:
        print("\t".join(str(line[key]) for key in ("verdict", "name", "value", "goal")))
    if arguments.json:
        arguments.json.write_text(json.dumps(bars.lines, indent=1))
    sys.exit(8 if any(line["verdict"] == "falls short" for line in bars.lines) else 0)


def fastest(call: Callable[[], object], times: int, clock: Callable[[], float] = perf_counter) -> float:
    """Return the least milliseconds of a call: what the machine can do when nobody disturbs."""
    took = []
    for _ in range(times):
        start = clock()
        call()
        took.append(clock() - start)
    return min(took) * 1e3


def ltrr(*words: str | Path, **environment: str) -> dict[str, object]:
    """Run one command with ``--json`` and return its document; settings come as ``LTRR_...`` variables."""
    command = [sys.executable, "-m", "ltrr_cli", *map(str, words), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)
    if done.returncode:
        raise SystemExit(f"ltrr {' '.join(map(str, words))}: exit {done.returncode}\n{done.stderr}")
    document: dict[str, object] = json.loads(done.stdout)
    return document


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder that goes away."""
    return tempfile.TemporaryDirectory(prefix="ltrr-bench-")
