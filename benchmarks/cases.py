"""Small inputs that failed once: does each behave as its ``expected`` says?

python benchmarks/cases.py FOLDER [--only NAME] [--json FILE] [--quick]

A case is a folder with its input, ``cmd`` (run here inside a copy of the folder, with this checkout's ``ltrr``) and
``expected``, which is prose. What of it a machine can check stands in ``CHECKS`` by kind: what the output holds and
lacks, the exit codes, who comes first. A case that has no checks here is run, its output is printed beside ``expected``
for a reader, and only a traceback makes it fall short.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from _common import Bars, scratch

ROOT = Path(__file__).parents[1]
SECONDS = 600  # of one case
SLOW = frozenset(("known_user_cannot_find_what_they_used",))  # left out with --quick


@dataclass(frozen=True)
class Ran:
    """What a case printed (both streams, as a terminal shows them) and its exit code."""

    output: str
    code: int

    def pages(self) -> list[list[str]]:
        """Return the ids of every table of results, best first."""
        found: list[list[str]] = []
        place = -1
        for line in self.output.splitlines():
            head = re.match(r"^\s+title\s.*\bid\b", line)
            if head:
                place = head.end() - 2
                found.append([])
            elif place >= 0 and re.match(r"^\s*\d+\s", line):
                found[-1].append(line[place:].split()[0] if line[place:].split() else "")
            elif not line.startswith("  "):
                place = -1
        return found


@dataclass(frozen=True)
class Check:
    """One thing that a machine can say of an output."""

    what: str
    holds: Callable[[Ran], bool]


def holds(*patterns: str) -> list[Check]:
    """The output matches every pattern, anywhere."""
    return [Check(f"prints {p}", lambda ran, p=p: re.search(p, ran.output, re.M) is not None) for p in patterns]


def lacks(*patterns: str) -> list[Check]:
    """The output matches no pattern."""
    return [Check(f"does not print {p}", lambda ran, p=p: re.search(p, ran.output, re.M) is None) for p in patterns]


def exits(*codes: int) -> list[Check]:
    """``echo "exit $?"`` printed these codes, in order."""
    wanted = [str(code) for code in codes]
    return [Check(f"exits {', '.join(wanted)}", lambda ran: re.findall(r"\bexit (\d+)$", ran.output, re.M) == wanted)]


def first(*ids: str | None) -> list[Check]:
    """The pages lead with these ids, in order; None: whichever; "": no page leads with anything, or says so."""
    return [
        Check(
            f"page {number} leads with {wanted}",
            lambda ran, number=number, wanted=wanted: (
                (pages := ran.pages())[number : number + 1] != [] and pages[number][:1] == [wanted]
            ),
        )
        for number, wanted in enumerate(ids)
        if wanted is not None
    ]


def narrow(columns: int) -> list[Check]:
    """No line is wider, and no column is so narrow that words are stacked letter by letter."""

    def fits(ran: Ran) -> bool:
        lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in ran.output.splitlines()]
        stacked = sum(len(line.strip()) <= 3 and line.strip().isalpha() for line in lines)
        # a command to be copied stays whole: the terminal folds it
        kept = [line for line in lines[1:] if "; ltrr explain " not in line]
        return all(len(line) <= columns for line in kept) and stacked == 0

    return [Check(f"is readable in {columns} columns", fits)]


def column(row: str, name: str, most: float) -> list[Check]:
    """In a table a row's number under a heading is at most so much; a row that is not there has none."""

    def low(ran: Ran) -> bool:
        head = next((line for line in ran.output.splitlines() if re.search(rf"\b{name}\b", line)), "")
        found = next((line for line in ran.output.splitlines() if re.search(rf"\s{row}\s", line)), None)
        if found is None:
            return True
        numbers = found.split(row, 1)[1].split()
        return float(numbers[head.split().index(name) - head.split().index("id") - 1]) <= most

    return [Check(f"{name} of {row} is at most {most:g}", low)]


CHECKS: dict[str, list[Check]] = {
    "c_plus_plus": first("p18", "p19", "p20"),
    "compound_suffix": first(None, "de5", "de3"),
    "csv_or_json_array": holds(r"CSV", r"JSON array", r"hint: ") + lacks(r"byte 0", r"Traceback"),
    "epoch_seconds_in_catalog": holds(r"^\d\s+New talk", r"^\d\s+Old talk", r"seconds")
    + lacks(r"^\d\s+Year as int.*\n(?s:.)*^\d\s+New talk"),
    "explain_at_80_columns": narrow(80),
    "feedback_epoch_seconds_ingested": holds(r"seconds"),
    "group_without_subcommand": holds(r"^Usage: ltrr memory", r"^Usage: ltrr models", r"^Usage: ltrr encoder")
    + lacks(r"\\x0a")
    + exits(0, 0, 0),
    "html_is_indexed": lacks(r"h1\s.*lexical", r"h1\s.*structured"),
    "known_user_cannot_find_what_they_used": holds(r"'first, the user asks': 40"),
    "map_typo_publishes_blank_titles": holds(r"nmae") + lacks(r"catalog generation") + exits(3),
    "memory_show_unexplained": lacks(r"^[23]\s+Star Trek"),
    "metarank_impression_counts": holds(r"p24\s.*\s1\.0$") + column("p23", "acts", 0.0),
    "model_number_part": first("p10", None, "p10"),
    "negative_events_count_as_positive": column("p29", "acts", 0.99) + holds(r"remove_from_cart", r"report_spam"),
    "nested_values_refused": holds(r"3 entities", r"genres") + exits(0),
    "number_loses_to_popularity": holds(r"^1\s+5-pin DIN") + first("f13", "f48", "f68", "f75"),
    "promote_fusion_damaged": lacks(r"ranker not used", r"damaged") + holds(r"^ok: ") + exits(0),
    "readonly_workspace": holds(r"^1\s.*p23") + lacks(r"Lockfile") + exits(0),
    "ubi_page_lost_to_facet_query": holds(
        r"exit 0", r'"conflicts":0', r"^1\s+3-pin XLR", r"^2\s+5-pin DIN", r"^3\s+24-pin"
    ),
    "ubi_zero_based_positions": holds(r"\('p4', 2\)", r"count from 0"),
}
NEEDS = {"readonly_workspace": ("setpriv",), "explain_at_80_columns": ("script", "stty")}


def run_case(case: Path, place: Path) -> Ran:
    """Run a case inside a copy of its folder."""
    copy, tools = place / case.name, place / "bin"
    shutil.copytree(case, copy)
    tools.mkdir(exist_ok=True)
    for name, words in (("ltrr", ' -m ltrr_cli "$@"'), ("python", ' "$@"')):
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}"{words}\n')
        (tools / name).chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LTRR_")}
    environment |= {"PATH": f"{tools}:{environment['PATH']}", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        ["bash", "cmd"], cwd=copy, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS
    )
    return Ran(done.stdout.decode("utf-8", "replace").replace("\r\n", "\n"), done.returncode)


def judged(case: Path, ran: Ran, bars: Bars) -> None:
    """Compare and note; print what did not hold, or all of it where no check is known."""
    checks = [*CHECKS.get(case.name, ()), *lacks(r"^Traceback", r"this is a bug in ltrr")]
    failed = [check.what for check in checks if not check.holds(ran)]
    print(f"\n## {case.name}: {len(checks) - len(failed)} of {len(checks)} checks hold")
    if failed or case.name not in CHECKS:
        print("expected:", (case / "expected").read_text("utf-8").strip())
        print("printed:", ran.output.rstrip(), sep="\n")
    for what in failed:
        print(f"- not so: {what}")
    if failed or case.name in CHECKS:
        bars.at_least(case.name, (len(checks) - len(failed)) / len(checks), 1.0)
    else:
        bars.skipped(case.name, "no checks are known: read it")


def cases(folder: Path, names: Sequence[str], bars: Bars, quick: bool) -> None:
    """Run every case of a folder."""
    for case in sorted(path for path in folder.iterdir() if (path / "cmd").is_file()):
        missing = [tool for tool in NEEDS.get(case.name, ()) if shutil.which(tool) is None]
        if names and case.name not in names:
            continue
        if missing or (quick and case.name in SLOW):
            bars.skipped(case.name, f"no {missing[0]} here" if missing else "left out with --quick")
            continue
        with scratch() as place:
            try:
                judged(case, run_case(case, Path(place)), bars)
            finally:
                subprocess.run(["chmod", "-R", "u+w", place], check=False)  # what a case made read-only goes away too


def main() -> None:
    """Parse, run, print the bars; exit 8 where one falls short."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path, help="folder of cases")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only this case (repeatable)")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true", help="ends within 5 minutes on 2 cores")
    arguments = parser.parse_args()
    bars = Bars()
    if not arguments.data.is_dir():
        bars.skipped("cases", f"no folder {arguments.data}")
    else:
        cases(arguments.data, arguments.only, bars, arguments.quick)
    print()
    for line in bars.lines:
        print("\t".join(str(line[key]) for key in ("verdict", "name", "value", "goal")))
    if arguments.json:
        arguments.json.write_text(json.dumps(bars.lines, indent=1))
    sys.exit(8 if any(line["verdict"] == "falls short" for line in bars.lines) else 0)


if __name__ == "__main__":
    main()
