"""A report as one HTML file: no network, no script; readable in print, in the dark, and with a screen reader."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ltrr_cli.charts.sections import Cell, Chart, Dashboard, Section, Table
from ltrr_cli.charts.svg import NARROW, draw

# control characters, marks that turn the writing direction, lone surrogates
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

STYLE = """
:root{color-scheme:light dark;--ink:#1a1a1a;--soft:#555;--rule:#c9c9c9;--paper:#fff;--link:#005a9c}
@media (prefers-color-scheme:dark){:root{--ink:#ececec;--soft:#b8b8b8;--rule:#4c4c4c;--paper:#161616;--link:#7cc0ff}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:0 auto;
padding:1rem}
a{color:var(--link)}h1{font-size:1.7rem}h2{font-size:1.3rem;margin-top:2.5rem;border-top:1px solid var(--rule);
padding-top:1rem}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dt{color:var(--soft)}dd{margin:0}
figure{margin:1rem 0;break-inside:avoid}figcaption{color:var(--soft)}
svg{width:100%;height:auto;font:13px system-ui,sans-serif}svg text{fill:var(--ink)}
svg .on{fill:#fff;text-anchor:middle;font-size:11px;paint-order:stroke;stroke:#000;stroke-width:2.5px}

.grid{stroke:var(--rule);stroke-width:1}
.even{stroke:var(--soft);stroke-dasharray:3 3}
.made{color:var(--soft)}.lead{font-size:1.05rem}
summary{cursor:pointer;color:var(--link);padding:.2rem 0}details caption{position:absolute;left:-99rem}
.narrow{display:none}
@media (max-width:40rem){.narrow{display:block}.broad{display:none}body{padding:.8rem}th,td{padding-right:.4rem;
overflow-wrap:anywhere}dl{grid-template-columns:1fr;gap:0}dt{margin-top:.4rem}table{font-size:.75rem}}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums;font-size:.9rem}
caption{text-align:left;font-weight:600;padding:.3rem 0;white-space:nowrap}th,td{padding:.15rem .8rem .15rem 0;
text-align:right;border-bottom:1px solid var(--rule);vertical-align:top}th:first-child,td:first-child{text-align:left;
overflow-wrap:break-word;min-width:4.5rem;max-width:24rem}thead th{color:var(--soft);font-weight:500}
tbody th{font-weight:400}
.warning{border-left:4px solid #d55e00;
padding-left:.8rem}
@media print{:root{--ink:#000;--soft:#333;--rule:#999;--paper:#fff}body{font-size:11pt;max-width:none;padding:0}
nav,.skip{display:none}h2{break-after:avoid}table,figure{break-inside:avoid}rect,.mark,.on{print-color-adjust:exact;
-webkit-print-color-adjust:exact}.wide{overflow:visible}}
"""


@dataclass(frozen=True, slots=True)
class Hosted:
    """A page that a server gives out: its policy forbids inline styles, and it leads to other pages.

    stylesheet, icon -- where ``STYLE`` and a picture of the site are to be had; links -- (address, words)
    """

    stylesheet: str
    icon: str
    links: tuple[tuple[str, str], ...] = ()


def render_html(report: Dashboard, hosted: Hosted | None = None) -> str:
    """Return the whole page: one file that needs no other, or one that a server gives out."""
    links = "".join(f'<li><a href="#{escape(one.name)}">{_text(one.title)}</a></li>' for one in report.sections)
    facts = "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in report.facts)
    warned = "".join(f'<p class="warning">Damaged, not used: {_text(line)}</p>' for line in report.warnings)
    number, sections = 0, []
    for section in report.sections:
        sections.append(_section(section, number))
        number += len(section.charts)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{_text(report.title)}</title>{_style(hosted)}</head>\n<body>"
        '<a class="skip" href="#content">Skip to the report</a>\n'
        f"<header>{_links(hosted)}<h1>{_text(report.title)}</h1>{_lead(report)}{warned}<dl>{facts}</dl></header>\n"
        f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n<main id="content">\n'
        + "\n".join(sections)
        + "\n</main></body></html>\n"
    )


def _style(hosted: Hosted | None) -> str:
    if hosted is not None:
        return (
            f'<link rel="stylesheet" href="{escape(hosted.stylesheet)}"><link rel="icon" href="{escape(hosted.icon)}">'
        )
    # whatever a title or a query says, this page loads and runs nothing
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return f'<meta http-equiv="Content-Security-Policy" content="{policy}"><style>{STYLE}</style>'


def _links(hosted: Hosted | None) -> str:
    links = () if hosted is None else hosted.links
    return "".join(f'<p><a href="{escape(to)}">{_text(words)}</a></p>' for to, words in links)


def _lead(report: Dashboard) -> str:
    made = f'<p class="made">{_text(report.made)}</p>' if report.made else ""
    told = " ".join(report.summary)
    return made + (f'<p class="lead">{_text(told)}</p>' if told else "")


def _section(section: Section, number: int) -> str:
    name = escape(section.name)
    words = "".join(f"<p>{_text(line)}</p>" for line in section.words)
    charts = "".join(_figure(chart, number + place) for place, chart in enumerate(section.charts))
    tables = "".join(map(_table, section.tables))
    title = f'<h2 id="{name}">{_text(section.title)}</h2>'
    return f'<section aria-labelledby="{name}">{title}{words}{charts}{tables}</section>'


def _figure(chart: Chart, number: int) -> str:
    caption = f"<figcaption>{_text(chart.title)}. {_text(chart.says)}</figcaption>"
    # drawn for both kinds of screens, of which the page shows one: a picture that is merely scaled cannot be read
    pictures = f'<div class="broad">{draw(chart, number)}</div><div class="narrow">{draw(chart, number, NARROW)}</div>'
    return f"<figure>{_clean(pictures)}{caption}</figure>"


def _table(table: Table) -> str:
    if not table.rows:
        return f"<p>{_text(table.caption)}: none.</p>"
    head = "".join(f'<th scope="col">{_text(name)}</th>' for name in table.columns)
    digits = [_digits([row[column] for row in table.rows]) for column in range(len(table.columns))]
    lines = [[_cell(cell, places) for cell, places in zip(row, digits, strict=True)] for row in table.rows]
    body = "".join(
        f'<tr><th scope="row">{line[0]}</th>' + "".join(f"<td>{cell}</td>" for cell in line[1:]) + "</tr>"
        for line in lines
    )
    return (
        f"<details{' open' if table.unfolded else ''}><summary>{_text(table.caption)}</summary>"
        f'<div class="wide" tabindex="0" role="region" aria-label="{_text(table.caption)}"><table>'
        f"<caption>{_text(table.caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        "</details>"
    )


def _digits(column: Sequence[Cell]) -> int:
    """Return how many decimals a column needs: none, few for large numbers, four for shares and measures."""
    numbers = [abs(value) for value in column if isinstance(value, float) and value == value]
    if all(value == int(value) for value in numbers):
        return 0
    return 1 if max(numbers) >= 100 else 4


def _cell(value: Cell, digits: int) -> str:
    if value is None or value != value:
        return "none"
    return _text(value) if isinstance(value, str) else f"{value:,.{digits if isinstance(value, float) else 0}f}"


def _text(text: str) -> str:
    return escape(_clean(text))


def _clean(text: str) -> str:
    """Write out what a browser would obey or not show: control characters and turns of the writing direction."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
