"""A table of strings on disk behaves like the list it was made of."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ltrr_cli.storage.strings import Strings


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.text(), unique=True))
def test_it_gives_back_every_string_and_finds_it(tmp_path: Path, texts: list[str]):
    ordered = sorted(texts)
    Strings.write(tmp_path / "table", ordered)
    table = Strings.open(tmp_path / "table")
    assert list(table) == ordered
    assert table[1:3] == ordered[1:3]
    assert [table.find(text) for text in ordered] == list(range(len(ordered)))
    assert table.find("not there \x00") == -1 or "not there \x00" in ordered


def test_an_index_outside_is_an_index_error(tmp_path: Path):
    Strings.write(tmp_path / "table", ["a"])
    with pytest.raises(IndexError):
        Strings.open(tmp_path / "table")[1]
