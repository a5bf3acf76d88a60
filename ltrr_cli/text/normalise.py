"""One way to fold text, used by everything that compares words."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

MAX_CHARACTERS = 512
MAX_TOKENS = 32
_SHORT = 48  # characters of what is likely to come again
LONGEST_TEXT, MOST_WORDS = 2_048, 256  # characters and words of a long question that are searched for

# letters that NFKD does not take apart, and that people type without
_LETTERS = {"ı": "i", "ø": "o", "đ": "d", "ł": "l", "ß": "ss", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"}
_VULGAR = re.compile(r"(?<=\d)(?=[¼-¾⅐-⅞])")
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")

# what only a closer look takes apart rightly: signs that tell words apart, and numbers of several parts
_LEADING = (" .", "(.", "[.", '".', "'.", "“.")
_AND = re.compile(r"[^\W_]&[^\W_]|(?<![^\W_])[^\W\d_] & [^\W\d_](?![^\W_])")
_PARTS = re.compile(r"\d(?:[.,/⁄*-]\d| ?[x×*] ?\d)")
_SIZE = re.compile(r"(?<![\w./⁄-])(\d+(?:\.\d+)?) ?[x×*] ?(?=\d+(?:\.\d+)?(?:[^\W\d_]{0,2}|[x×*]\d.*?)(?![^\W_]))")
_THOUSANDS = re.compile(r"(?<![\w.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_DECIMAL_COMMA = re.compile(r"(?<![\w.,])(\d+),(\d{1,2})(?![\d,])")
_SPACED_AND = re.compile(r"(?<![^\W_])([^\W\d_]) & ([^\W\d_])(?![^\W_])")
_SPACED_SIGN = re.compile(r"(?<=\d) ([%€£¥$])(?!\w)|(?<!\d)([$€£¥]) (?=\d)")
_PUNCTUATION = ".,;:!?()[]{}\"'“”„«»…"
_CLOSER = re.compile(
    r"""
    [$€£¥]\d+(?:\.\d+)*[^\W_]*                # $100
  | \d+(?:\.\d+)*[%$€£¥](?!\w)                # 100%, 20€
  | \d+-\d+[/⁄]\d+ | \d+(?:[/⁄]\d+)+         # 1-1/2, 3/8
  | [^\W\d_]*\d+(?:\.\d+)+[^\W_]*            # 1.5, v2.0, 1.5tb
  | (?<![^(["'“])\.[^\W\d_]{2,}               # .net
  | [^\W_]{1,3}(?:&[^\W_]{1,3})+(?![^\W_])     # r&b, at&t
  | [^\W_]+(?:\+\+?|\#)(?![^\W\d_+\#])        # c++, a+, c#
  | [^\W_]+(?:['’][^\W_]+)*
    """,
    re.VERBOSE,
)


def fold(text: str) -> str:
    """Casefold, drop accents and compatibility forms (full width, ligatures): NFKD, marks removed, NFC.

    >>> fold("Beyoncé ＡＢＢＡ ﬁlm İstanbul")
    'beyonce abba film istanbul'
    """
    if text.isascii():
        return text.lower()
    if _VULGAR.search(text):  # 1½ is one and a half, not eleven halves
        text = _VULGAR.sub("-", text)
    kept = unicodedata.normalize("NFKD", _typed(text.casefold()))
    for mark in filter(unicodedata.combining, set(kept)):
        kept = kept.replace(mark, "")
    return _typed(unicodedata.normalize("NFC", kept.casefold()))


def _typed(text: str) -> str:
    """Write letters as people type them; looking for each is quicker than looking at every character of a text."""
    for letter, plain in _LETTERS.items():
        if letter in text:
            text = text.replace(letter, plain)
    return text


def tokens(text: str, most: int | None = None) -> list[str]:
    r"""Split into folded words of letters and digits; an apostrophe inside a word is dropped ("don't" -> "dont").

    Signs without which a word would be another one stay (c++, c#, .net, r&b, a+, $100, 50%), and numbers stay whole:
    decimals, fractions, sizes.

    >>> tokens("Don't Stop!  AC/DC - 24\" tv")
    ['dont', 'stop', 'ac', 'dc', '24', 'tv']
    >>> tokens("C++ in 80 x 30, 1,5 l of .NET, R & B, 1-1/2\" for $20")
    ['c++', 'in', '80x30', '1.5', 'l', 'of', '.net', 'r&b', '1-1/2', 'for', '$20']
    """
    if len(text) <= _SHORT:
        return list(_of_short(text)[:most])
    return _split(text)[:most]


@lru_cache(maxsize=32_768)
def _of_short(text: str) -> tuple[str, ...]:
    """Values and names come again and again while a catalog is read."""
    return tuple(_split(text))


def _split(text: str) -> list[str]:
    folded = fold(text)
    found: list[str] = _closely(folded) if _is_special(folded) else _TOKEN.findall(folded)
    if "'" in folded or "’" in folded:
        found = [word.replace("'", "").replace("’", "") for word in found]
    return found


def _is_special(folded: str) -> bool:
    """Say whether a text may have what ``_closely`` takes apart in another way; cheap, for most texts have not."""
    # one by one: a million short texts are asked, and a loop over the signs would cost more than all else of them
    if "+" in folded or "#" in folded or "%" in folded or "$" in folded:
        return True
    if "€" in folded or "£" in folded or "¥" in folded:
        return True
    if "." in folded and (folded.startswith(".") or any(sign in folded for sign in _LEADING)):
        return True
    return ("&" in folded and _AND.search(folded) is not None) or _PARTS.search(folded) is not None


def _closely(folded: str) -> list[str]:
    """Return the words of a text that has signs or numbers of several parts, each in its one way of writing."""
    text = folded
    if "," in text:
        text = _DECIMAL_COMMA.sub(r"\1.\2", _THOUSANDS.sub(lambda number: number[0].replace(",", ""), text))
    if " & " in text:
        text = _SPACED_AND.sub(r"\1&\2", text)
    text = _SPACED_SIGN.sub(r"\1\2", _SIZE.sub(r"\1x", text))
    words: list[str] = []
    for part in text.split():
        bare = part.strip(_PUNCTUATION)
        if bare.isalnum() and "." not in part[: part.index(bare)]:
            words.append(bare)
        else:
            words += _taken_apart(part)
    return words


@lru_cache(maxsize=65_536)
def _taken_apart(part: str) -> tuple[str, ...]:
    return tuple(_written(word) for word in _CLOSER.findall(part))


def _written(word: str) -> str:
    """Write money with its sign in front, a fraction with a plain stroke."""
    word = word.replace("⁄", "/")
    return word[-1] + word[:-1] if word[-1] in "$€£¥" else word


def plain(text: str) -> str:
    """Return a text without the signs that ``tokens`` keeps: as words were told apart before format 2 of catalogs.

    >>> tokens(plain("C++ with 80 x 30 of 1.5")), tokens(plain("as it is"))
    (['c', 'with', '80', '30', 'of', '1', '5'], ['as', 'it', 'is'])
    """
    folded = fold(text)
    if not _is_special(folded):
        return text
    return re.sub(r"[+#&$€£¥%.,/⁄×*-]|(?<=\d) x (?=\d)", " ", folded)


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
