"""A cross-encoder scores a query and a text together; it is tried out before it is kept."""

from __future__ import annotations

import numpy as np
import pytest

from ltrr_cli.backends.encoder_cross import CrossEncoder, find_cross, import_cross
from ltrr_cli.core.errors import DamagedError, DataError, NotFoundError, UsageError
from tests.backends import tiny


@pytest.fixture
def cache(tmp_path):
    import_cross(
        tiny.cross_folder(tmp_path / "source", {"jazz": 2.0, "rain": -1.0, "shoes": 0.5}), tmp_path / "cache", "tiny"
    )
    return tmp_path / "cache"


def test_a_pair_gets_the_score_of_the_graph_whatever_stands_beside_it(cache):
    cross = CrossEncoder.open(find_cross(cache, "tiny"))
    texts = ["jazz jazz", "rain", "", "a day of sun and jazz and rain"]
    np.testing.assert_allclose(cross.score("quiet", texts), [4.0, -1.0, 0.0, 1.0], atol=1e-6)
    assert cross.score("quiet", texts[3:]).tolist() == [1.0]
    assert cross.score("quiet", []).shape == (0,)


def test_of_two_columns_the_second_says_that_it_fits(tmp_path):
    source = tiny.cross_folder(tmp_path / "source", {"red": 1.0}, columns=2)
    import_cross(source, tmp_path / "cache", "two")
    cross = CrossEncoder.open(find_cross(tmp_path / "cache", "two"))
    assert cross.score("x", ["red", "blue"]).tolist() == [2.0, 0.0]


def test_one_score_for_everything_is_no_cross_encoder(tmp_path):
    with pytest.raises(DataError, match="one score"):
        import_cross(tiny.cross_folder(tmp_path / "source", {}), tmp_path / "cache", "flat")
    assert not (tmp_path / "cache" / "cross-encoders" / "flat").exists()


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_files_that_changed_since_the_import_are_not_run(cache, name):
    folder = find_cross(cache, "tiny")
    (folder / name).write_bytes((folder / name).read_bytes()[:-1])
    with pytest.raises(DamagedError, match="not those that were imported"):
        CrossEncoder.open(folder)


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(NotFoundError):
        find_cross(tmp_path, "nobody")
    with pytest.raises(NotFoundError):
        import_cross(tmp_path, tmp_path / "cache", "empty")
    with pytest.raises(UsageError):
        find_cross(tmp_path, "../up")
