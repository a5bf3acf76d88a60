"""One way to fold text, used by everything that compares words."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

MAX_CHARACTERS = 512
MAX_TOKENS = 32
LONGEST_TEXT, MOST_WORDS = 2_048, 256  # characters and words of a long question that are searched for

# letters that NFKD does not take apart, and that people type without
_LETTERS = {"ı": "i", "ø": "o", "đ": "d", "ł": "l", "ß": "ss", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"}
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def fold(text: str) -> str:
    """Casefold, drop accents and compatibility forms (full width, ligatures): NFKD, marks removed, NFC.

    >>> fold("Beyoncé ＡＢＢＡ ﬁlm İstanbul")
    'beyonce abba film istanbul'
    """
    if text.isascii():
        return text.lower()
    kept = unicodedata.normalize("NFKD", _plain(text.casefold()))
    for mark in filter(unicodedata.combining, set(kept)):
        kept = kept.replace(mark, "")
    return _plain(unicodedata.normalize("NFC", kept.casefold()))


def _plain(text: str) -> str:
    """Write letters as people type them; looking for each is quicker than looking at every character of a text."""
    for letter, plain in _LETTERS.items():
        if letter in text:
            text = text.replace(letter, plain)
    return text


def tokens(text: str, most: int | None = None) -> list[str]:
    r"""Split into folded words of letters and digits; an apostrophe inside a word is dropped ("don't" -> "dont").

    >>> tokens("Don't Stop!  AC/DC - 24\" tv")
    ['dont', 'stop', 'ac', 'dc', '24', 'tv']
    """
    folded = fold(text)
    found: list[str] = _TOKEN.findall(folded)
    if "'" in folded or "’" in folded:
        found = [match.replace("'", "").replace("’", "") for match in found]
    return found if most is None else found[:most]


def query_tokens(text: str) -> list[str]:
    """Tokens of what a user typed: capped at 512 characters and 32 tokens."""
    return list(_query_tokens(text[:MAX_CHARACTERS]))


def searched_tokens(text: str) -> list[str]:
    """Tokens of a long question: capped at 2,048 characters and 256 tokens. They begin with ``query_tokens``.

    >>> len(searched_tokens("word " * 100)), len(query_tokens("word " * 100))
    (100, 32)
    """
    return tokens(text[:LONGEST_TEXT], MOST_WORDS)


@lru_cache(maxsize=8_192)
def _query_tokens(text: str) -> tuple[str, ...]:
    """What people type repeats."""
    return tuple(tokens(text, MAX_TOKENS))


def query_key(text: str) -> str:
    """The memory's key: folded, without spaces and punctuation.

    >>> query_key("Rock Smith_1") == query_key("rocksmith1")
    True
    """
    return _query_key(text[:MAX_CHARACTERS])


@lru_cache(maxsize=8_192)
def _query_key(text: str) -> str:
    return "".join(_query_tokens(text))


def writable(text: str) -> str:
    r"""Replace what UTF-8 cannot hold (a lone half of a surrogate pair) by U+FFFD; whole pairs become their character.

    >>> writable("caf\ud800"), writable("\ud83c\udfb5") == "\U0001f3b5"
    ('caf\ufffd', True)
    """
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
