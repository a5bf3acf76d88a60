"""One file of many arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.core.errors import DamagedError
from ltrr_cli.storage.packed_arrays import open_arrays, strings_arrays, strings_of, write_arrays


def test_arrays_come_back_as_they_were_written(tmp_path: Path):
    arrays = {"a": np.arange(7, dtype=np.int32), "none": np.empty(0, np.float32), "b": np.ones((2, 3), np.float64)}
    write_arrays(tmp_path / "x.bin", arrays)
    opened = open_arrays(tmp_path / "x.bin")
    assert list(opened) == list(arrays)
    for name, array in arrays.items():
        assert opened[name].dtype == array.dtype
        np.testing.assert_array_equal(opened[name], array)


def test_what_is_open_cannot_be_written_to(tmp_path: Path):
    write_arrays(tmp_path / "x.bin", {"a": np.arange(3)})
    with pytest.raises(ValueError, match="read-only"):
        open_arrays(tmp_path / "x.bin")["a"][0] = 1


@pytest.mark.parametrize("damage", [b"", b"ltrrpack", b"x" * 200, b"ltrrpack" + b"\xff" * 200])
def test_a_file_that_holds_something_else_is_damaged(tmp_path: Path, damage: bytes):
    (tmp_path / "x.bin").write_bytes(damage)
    with pytest.raises(DamagedError):
        open_arrays(tmp_path / "x.bin")


def test_a_file_that_was_cut_is_damaged(tmp_path: Path):
    write_arrays(tmp_path / "x.bin", {"a": np.arange(1000)})
    whole = (tmp_path / "x.bin").read_bytes()
    (tmp_path / "x.bin").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DamagedError):
        open_arrays(tmp_path / "x.bin")


def test_strings_of_all_kinds_come_back(tmp_path: Path):
    texts = ["", "naïve", "東京", "\ud800"]
    write_arrays(tmp_path / "x.bin", strings_arrays("texts", texts))
    assert list(strings_of("texts", open_arrays(tmp_path / "x.bin"))) == texts
