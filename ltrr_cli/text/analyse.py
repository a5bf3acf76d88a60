"""Text to index terms: folded words, stemmed by language; scripts without spaces become pairs of characters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from threading import local

import Stemmer

from ltrr_cli.text.normalise import MAX_TOKENS, query_tokens, tokens

MAX_QUERY_TERMS = 2 * MAX_TOKENS  # a token of Chinese or Japanese is a whole sentence, many terms

# ISO 639-1 -> Snowball
_STEMMERS = {
    "ar": "arabic",
    "ca": "catalan",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "eu": "basque",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "nb": "norwegian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}

# the commonest function words, folded; they are kept as terms (a band is called "The The"), callers may weigh them
_STOP_WORDS = {
    "de": "aber als am an auch auf aus bei bin bis das dass dem den der des die du ein eine einem einen einer es "
    "fur hat ich ihr im in ist ja kann man mit nach nicht noch nur ob oder sie sich sind so uber um und vom von war "
    "was wenn wer wie wir zu zum zur",
    "en": "a about after all also an and any are as at be been but by can could did do does for from had has have he "
    "her his how i if in into is it its me my no not of on or our she so some than that the their them then there "
    "these they this to us was we were what when where which who will with would you your",
    "es": "al con como cual de del donde el ella en entre es esta este la las lo los mas me mi no o para pero por que "
    "se si sin sobre son su sus te tu un una y ya yo",
    "fr": "a au aux avec ce ces cette dans de des du elle en est et il ils je la le les leur lui ma mais me mes mon ne "
    "nous on ou par pas pour qu que qui sa se ses son sur ta te tes tu un une vos votre vous y",
    "it": "a al alla che chi ci come con da dal dei del della di e gli ha i il in io la le lo ma mi ne nel nella non o "
    "per piu se si sono su sua suo tra tu un una",
    "nl": "aan als bij dan dat de der des die dit een en er het hij hoe ik in is je maar me met mijn na naar niet nog "
    "of om onder ook op over te tot u uit van voor was wat we wie wij ze zijn zo",
    "pt": "a ao aos as com como da das de do dos e ela ele em entre essa esse esta este eu isso mais mas me na nas nao "
    "no nos o os ou para pela pelo por que se sem seu sua um uma voce",
}

# Hiragana, Katakana, Han (with extension A and the compatibility block), Hangul syllables, Han extensions B and on
_UNSPACED = "\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003134f"
_RUN = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_HAS_UNSPACED = re.compile(f"[{_UNSPACED}]")


class Analyzer:
    """Turns text into the terms that full-text indexes and queries share.

    An unknown language means no stemming, never an error. Safe to use from many threads: each has a Snowball stemmer
    of its own, since one must not be used by two at once.

    >>> Analyzer("en").terms("The Rolling Stones - rolling!")
    ['the', 'roll', 'stone', 'roll']
    >>> Analyzer("xx").terms("東京タワー 2024")
    ['東京', '京タ', 'タワ', 'ワー', '2024']
    """

    def __init__(self, language: str = "en") -> None:
        self.language = language.lower().replace("_", "-").split("-")[0]
        algorithm = _STEMMERS.get(self.language)
        self._algorithm = algorithm if algorithm in Stemmer.algorithms() else None
        self._per_thread = local()
        self._stop_words = frozenset(_STOP_WORDS.get(self.language, "").split())

    def terms(self, text: str) -> list[str]:
        """Return the terms of a document's text in order, repeats kept."""
        return self.stems(tokens(text))

    def query_terms(self, text: str) -> list[str]:
        """Return the terms of what a user typed: of 512 characters, 32 tokens and 64 terms at most."""
        return self.stems(query_tokens(text))[:MAX_QUERY_TERMS]

    def stem(self, token: str) -> str:
        """Return the stem of one folded token.

        >>> Analyzer("en").stem("albums")
        'album'
        """
        return token if self._algorithm is None else str(self._stemmer(self._algorithm).stemWord(token))

    def stem_each(self, words: list[str]) -> list[str]:
        """Return the stem of each of many folded words; much quicker than one by one."""
        return words if self._algorithm is None else list(self._stemmer(self._algorithm).stemWords(words))

    def is_stop(self, token: str) -> bool:
        """Say whether a folded, unstemmed token is one of the language's commonest function words.

        >>> Analyzer("en").is_stop("the"), Analyzer("en").is_stop("beatles")
        (True, False)
        """
        return token in self._stop_words

    def stems(self, words: list[str]) -> list[str]:
        """Return the terms of folded words in order, repeats kept."""
        if not all(map(str.isascii, words)):
            words = list(_pairs(words))
        return self.stem_each(words)

    def _stemmer(self, algorithm: str) -> Stemmer.Stemmer:
        mine: Stemmer.Stemmer | None = getattr(self._per_thread, "stemmer", None)
        if mine is None:
            mine = self._per_thread.stemmer = Stemmer.Stemmer(algorithm)
        return mine


def _pairs(words: Iterable[str]) -> Iterable[str]:
    """Cut runs of unspaced script into overlapping pairs of characters (a lone character stays)."""
    for word in words:
        if not _HAS_UNSPACED.search(word):
            yield word
            continue
        for run in _RUN.findall(word):
            if len(run) == 1 or not _HAS_UNSPACED.match(run):
                yield run
            else:
                yield from (run[place : place + 2] for place in range(len(run) - 1))
