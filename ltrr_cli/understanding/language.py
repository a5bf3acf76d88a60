"""In which language was it typed? A cheap guess: the script decides, else function words, else the locale."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

from ltrr_cli.text.analyse import Analyzer

# script, as Unicode names of letters begin -> the languages that use it, the likeliest first
_SCRIPTS: dict[str, tuple[str, ...]] = {
    "HIRAGANA": ("ja",),
    "KATAKANA": ("ja",),
    "HANGUL": ("ko",),
    "CJK": ("zh", "ja", "ko"),
    "CYRILLIC": ("ru", "uk", "bg", "sr", "be", "mk", "kk"),
    "GREEK": ("el",),
    "ARABIC": ("ar", "fa", "ur"),
    "HEBREW": ("he", "yi"),
    "THAI": ("th",),
    "DEVANAGARI": ("hi", "ne", "mr"),
    "TAMIL": ("ta",),
    "ARMENIAN": ("hy",),
    "GEORGIAN": ("ka",),
}
_GUESSED = ("de", "en", "es", "fr", "it", "nl", "pt")
_ENOUGH = 2  # function words that outvote the workspace's language; one is too often part of a name


def primary(locale: str) -> str:
    """Return the language of a locale, lower case.

    >>> primary("pt_BR"), primary("EN-us")
    ('pt', 'en')
    """
    return locale.replace("_", "-").split("-")[0].lower()


class LanguageGuess:
    """Guesses among the scripts' languages and seven of Latin script.

    >>> guess = LanguageGuess("en")
    >>> guess(["der", "mann", "und", "das", "meer"], None), guess(["東京タワー"], None), guess(["die", "hard"], None)
    ('de', 'ja', 'en')
    """

    def __init__(self, default: str) -> None:
        self._default = primary(default)
        self._stops: dict[str, Callable[[str], bool]] = {code: Analyzer(code).is_stop for code in _GUESSED}

    def __call__(self, words: Sequence[str], locale: str | None) -> str:
        """Return an ISO 639-1 code for folded words."""
        expected = primary(locale) if locale else self._default
        text = "".join(words)
        if not text.isascii():
            script = _script(text)
            if script is not None:
                usual = _SCRIPTS[script]
                return expected if expected in usual else usual[0]
        votes = Counter({code: sum(map(is_stop, words)) for code, is_stop in self._stops.items()})
        votes = Counter({code: count for code, count in votes.items() if count >= _ENOUGH})
        best = max(votes.values(), default=0)
        return expected if best <= votes[expected] else min(code for code, count in votes.items() if count == best)


def _script(text: str) -> str | None:
    """Return the script of most letters where it is not Latin; kana decide over the Chinese characters beside them."""
    seen = Counter(unicodedata.name(letter, "").split(" ")[0] for letter in text[:64] if letter.isalpha())
    for kana in ("HIRAGANA", "KATAKANA"):
        if seen[kana]:
            return kana
    found = [(script, count) for script, count in seen.items() if script in _SCRIPTS]
    if not found or seen["LATIN"] >= sum(count for _, count in found):
        return None
    return max(found, key=lambda pair: pair[1])[0]
