"""In which language was it typed?"""

from __future__ import annotations

import pytest

from ltrr_cli.text.normalise import query_tokens
from ltrr_cli.understanding.language import LanguageGuess


@pytest.mark.parametrize(
    ("typed", "locale", "language"),
    [
        ("", None, "en"),
        ("love", None, "en"),
        ("love", "de-AT", "de"),
        ("der Himmel über Berlin und das Meer", None, "de"),
        ("la vie en rose avec toi", None, "fr"),
        ("die hard", None, "en"),
        ("さくら 花", None, "ja"),
        ("音乐", None, "zh"),
        ("音楽", "ja_JP", "ja"),
        ("Кино", None, "ru"),
        ("Океан Ельзи", "uk", "uk"),
        ("שלום", None, "he"),
        ("Muse Кино acoustic", None, "en"),
        ("\U0001f3b8", None, "en"),
    ],
)
def test_script_then_function_words_then_locale_then_the_workspace(typed: str, locale: str | None, language: str):
    assert LanguageGuess("en")(query_tokens(typed), locale) == language
