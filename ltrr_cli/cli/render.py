"""How answers look on a terminal: calm tables, and no character that the terminal would obey."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ltrr_cli.allocation.models.hazard_table import Belief
    from ltrr_cli.core.types import Plan, Reading

SHORTEST_CUT = 12  # characters that are left of a cell at least
WIDE = 200  # columns where nobody looks: a table in a file is not cut to a screen

# C0 and C1 controls, marks that turn the writing direction, line separators, lone surrogates
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def safe(text: str, *, keep: str = "", escape: Callable[[int], str] | None = None) -> str:
    r"""Write out every character that a terminal would obey instead of show.

    keep   -- characters left as they are
    escape -- code point -> text; by default ``\x1b`` or ``\u202e``

    >>> print(safe("red \x1b[31m alert"))
    red \x1b[31m alert
    """
    write = escape or _escape
    return _OBEYED.sub(lambda match: match[0] if match[0] in keep else write(ord(match[0])), text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def counted(number: int, what: str, many: str | None = None) -> str:
    """Write a number and its noun.

    >>> counted(1, "event"), counted(1_200, "entity", "entities")
    ('1 event', '1,200 entities')
    """
    return f"{number:,} {what if number == 1 else many or what + 's'}"


def shortened(text: str, most: int = 40) -> str:
    """Cut a text to ``most`` characters.

    >>> shortened("Systematic generation of Hamiltonian circuits", 20)
    'Systematic generat..'
    """
    return text if len(text) <= most else text[: most - 2] + ".."


def console(stream: TextIO, color: bool) -> Console:
    """Return a console that shows text as it is: no markup, no emoji codes, no guessed highlighting."""
    from ltrr_cli.cli.screen import open_screen

    return open_screen(stream, color=color, width=None if stream.isatty() else WIDE)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[str] = ()) -> Table:
    """Return a table without lines; the columns named in ``numbers`` stand flush right.

    A column named "" has no head; cells are made safe here.
    """
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_header=any(columns))
    for name in columns:
        made.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(safe(str(cell))) for cell in row))
    return made


Cells = list[list[object]]


def without(name: str, columns: list[str], rows: Cells) -> tuple[list[str], Cells]:
    """Leave a column out.

    >>> without("id", ["title", "id"], [["Blue", "a:1"]])
    (['title'], [['Blue']])
    """
    place = columns.index(name)
    return [*columns[:place], *columns[place + 1 :]], [[*row[:place], *row[place + 1 :]] for row in rows]


def fitted(columns: Sequence[str], rows: Sequence[Sequence[object]], cut: Sequence[str], width: int) -> Cells:
    """Return rows whose cells in the ``cut`` columns, the last first, are short enough for a table of so many columns.

    >>> fitted(("title", "id"), [("Love Story in the Rain", "a:1")], ("title",), 20)
    [['Love Story in..', 'a:1']]
    """
    found = [list(row) for row in rows]
    for name in reversed(cut):
        place = columns.index(name)
        widest = [max((len(str(row[at])) for row in found), default=0) for at in range(len(columns))]
        others = sum(max(len(columns[at]), widest[at]) + 2 for at in range(len(columns)) if at != place)
        room = max(width - others, SHORTEST_CUT)
        for row in found:
            row[place] = shortened(str(row[place]), room)
    return found


def facts(pairs: Iterable[tuple[str, object]]) -> Table:
    """Return a table of names and values."""
    from rich.text import Text

    return table(("", ""), ((Text(name, style="dim"), value) for name, value in pairs))


def measures(values: Mapping[str, Mapping[str, float]], first: str) -> Table:
    """Return one line per contender and one column per measure, as {contender: {measure: value}}."""
    names = list(dict.fromkeys(name for of in values.values() for name in of))
    rows = [(who, *(figure(of.get(name)) for name in names)) for who, of in values.items()]
    return table((first, *names), rows, numbers=names)


def figure(value: float | None, digits: int = 4) -> str:
    """Write a number, or a dash where there is none.

    >>> figure(0.5), figure(None), figure(float("nan"))
    ('0.5000', '-', '-')
    """
    return "-" if value is None or value != value else f"{value:.{digits}f}"


def brought_by(ranks: Mapping[str, int], most: int = 3) -> str:
    """Say which strategies had an entity and at what rank, the best ranks first.

    >>> brought_by({"lexical": 4, "memory": 1})
    'memory 1, lexical 4'
    """
    ordered = sorted(ranks.items(), key=lambda pair: (pair[1], pair[0]))
    more = f" +{len(ordered) - most}" if len(ordered) > most else ""
    return ", ".join(f"{name} {rank}" for name, rank in ordered[:most]) + more


def reading_facts(reading: Reading) -> list[tuple[str, object]]:
    """Return what was understood of a query, likeliest first."""
    found: list[tuple[str, object]] = []
    if reading.corrections:
        told = (f"{fix.typed} -> {' '.join(fix.offered)} ({fix.odds:.0%})" for fix in reading.corrections)
        found.append(("read as", ", ".join(told)))
    if reading.excluded:
        found.append(("without", ", ".join(" ".join(words) for words in reading.excluded)))
    if reading.phrases:
        found.append(("together", ", ".join(" ".join(words) for words in reading.phrases)))
    if reading.slots:
        told = (f"{slot.field}={slot.value} ({slot.odds:.0%})" for slot in by_odds(reading.slots)[:5])
        found.append(("slots", ", ".join(told)))
    intents = sorted(reading.intent.items(), key=lambda pair: -pair[1])
    found.append(("intent", ", ".join(f"{name} {odds:.0%}" for name, odds in intents if odds >= 0.005)))
    return found


def by_odds(items: Sequence[Any]) -> list[Any]:
    """Sort things with odds, likeliest first (ties stay in order)."""
    return sorted(items, key=lambda item: -item.odds)


def plan_facts(plan: Plan) -> list[tuple[str, object]]:
    """Return who was allowed to bring how many, and the odds of that draw."""
    draws = ", ".join(f"{name} {count}" for name, count in plan.draws.items() if count)
    return [("policy", f"{plan.policy} (odds of this draw {plan.odds:.3f})"), ("draws", draws)]


def beliefs(lines: Sequence[Belief], width: int = WIDE) -> Table:
    """Return the bandit's chances by depth, one line a strategy, with reasons where they are known.

    Where there is no room for every block of ranks, the first one and all of them together are told.
    """
    edges = lines[0].edges
    blocks = tuple(f"{start + 1}-{end}" for start, end in pairwise(edges))
    narrow = width < 24 + 8 * (len(blocks) + 1) + 30
    told = blocks[:1] if narrow else blocks
    rows = [
        (
            line.strategy, *(f"{chance:.1%}" for chance in line.chances[: len(told)]), f"{line.found:.0%}",
            ", ".join(f"{name} {said:+.1f}" for name, said in line.because),
        )
        for line in lines
    ]  # fmt: skip
    because = ("because",) if any(line.because for line in lines) else ()
    columns = ("strategy", *told, "found", *because)
    shown = [row if because else row[:-1] for row in rows]
    return table(columns, fitted(columns, shown, because, width), numbers=(*told, "found"))
