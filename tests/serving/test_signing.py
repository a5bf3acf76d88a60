"""Ids of impressions: given out here, or not believed."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ltrr_cli.core.errors import DamagedError
from ltrr_cli.serving.signing import KEY_FILE, Signer


def test_an_id_says_when_it_was_given_out(tmp_path: Path):
    signer = Signer.open(tmp_path)
    assert signer.moment_of(signer.new_id(1_700_000_000_123)) == 1_700_000_000_123


def test_ids_differ_even_at_one_moment(tmp_path: Path):
    signer = Signer.open(tmp_path)
    assert len({signer.new_id(5) for _ in range(1000)}) == 1000


def test_every_changed_digit_is_seen(tmp_path: Path):
    signer = Signer.open(tmp_path)
    known = signer.new_id()
    for place, digit in enumerate(known):
        forged = known[:place] + ("0" if digit != "0" else "1") + known[place + 1 :]
        assert signer.moment_of(forged) is None


@pytest.mark.parametrize("text", ["", "x" * 48, "0" * 48, "é" * 48, "ab" * 1000, " " * 48])
def test_what_is_no_id_is_no_id(tmp_path: Path, text: str):
    assert Signer.open(tmp_path).moment_of(text) is None


def test_capitals_are_another_id(tmp_path: Path):
    signer = Signer.open(tmp_path)
    known = signer.new_id()
    assert signer.moment_of(known.upper()) is None or known.upper() == known


def test_the_key_is_kept_and_read_by_its_owner_alone(tmp_path: Path):
    known = Signer.open(tmp_path).new_id()
    assert Signer.open(tmp_path).moment_of(known) is not None
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


def test_another_workspace_s_id_is_foreign(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert Signer.open(tmp_path / "b").moment_of(Signer.open(tmp_path / "a").new_id()) is None


@pytest.mark.parametrize("content", ["", "no key", "abcd"])
def test_a_damaged_key_is_named(tmp_path: Path, content: str):
    (tmp_path / KEY_FILE).write_text(content)
    with pytest.raises(DamagedError, match="holds no key"):
        Signer.open(tmp_path)
