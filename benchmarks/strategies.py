"""Ways to find, one by one: does each have a measured reason to exist?

python benchmarks/strategies.py DATA [--json FILE] [--quick]
"""

from __future__ import annotations

from pathlib import Path

from _common import Bars, run
from _personal import personal


def main(data: Path, bars: Bars, quick: bool) -> None:
    if (data / "hetrec").is_dir():
        personal(data / "hetrec", bars, quick)
    else:
        bars.skipped("personal nDCG@10", "hetrec absent")


if __name__ == "__main__":
    run(main, __doc__ or "")
