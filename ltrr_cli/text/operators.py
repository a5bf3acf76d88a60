"""What people type beside words: a minus before what they do not want, quotation marks around what belongs together."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ltrr_cli.text.normalise import MAX_CHARACTERS, tokens

# a mark opens before a word and closes behind one, so that inches (24" tv) and a lone mark are none
_QUOTED = re.compile(r"""(?<!\S)([-−]?)["“”„«]\s?([^"“”„«»]*[^\W_][^"“”„«»]*)["“”»](?!\w)""")
_MINUS = re.compile(r"(?<!\S)[-−](?=[^\W\d_]|[$€£¥.]\w)(\S+)")
_MOST = 8  # of each that are heeded


@dataclass(frozen=True, slots=True)
class Operators:
    """A query taken apart.

    text     -- without what is excluded, and without quotation marks
    phrases, excluded -- as folded words; all words of one stand next to each other
    """

    text: str
    phrases: tuple[tuple[str, ...], ...] = ()
    excluded: tuple[tuple[str, ...], ...] = ()


def taken_apart(query: str) -> Operators:
    r"""Take a query apart; one without operators comes back as it is.

    >>> taken_apart('hex bolt -zinc "18-8 stainless"')
    Operators(text='hex bolt 18-8 stainless', phrases=(('18', '8', 'stainless'),), excluded=(('zinc',),))
    >>> taken_apart('24" tv - 32"').text, taken_apart("wi-fi -20").text
    ('24" tv - 32"', 'wi-fi -20')
    """
    head, rest = query[:MAX_CHARACTERS], query[MAX_CHARACTERS:]
    if not any(mark in head for mark in '-−"“„«'):
        return Operators(query)
    phrases: list[tuple[str, ...]] = []
    excluded: list[tuple[str, ...]] = []

    def quoted(match: re.Match[str]) -> str:
        words = tuple(tokens(match[2]))
        if match[1]:
            excluded.append(words)
            return " "
        if len(words) > 1:
            phrases.append(words)
        return f" {match[2]} "

    def minus(match: re.Match[str]) -> str:
        excluded.append(tuple(tokens(match[1])))
        return " "

    text = _MINUS.sub(minus, _QUOTED.sub(quoted, head))
    if not phrases and not excluded and text.split() == head.split():
        return Operators(query)
    return Operators(" ".join((text + rest).split()), tuple(phrases[:_MOST]), tuple(filter(None, excluded[:_MOST])))
