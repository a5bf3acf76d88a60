from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from ltrr_cli.core.errors import DamagedError, DataError
from ltrr_cli.ranking.fit import fit
from ltrr_cli.ranking.model import Schema
from ltrr_cli.ranking.trained import Ranker, finite, open_model
from tests.ranking.made import SCHEMA, made


@pytest.fixture(scope="module")
def blend() -> Ranker:
    return fit(made(60), SCHEMA, "blend", trained_until_ms=1_700_000_000_000)


@pytest.fixture
def saved(blend: Ranker, tmp_path: Path) -> Path:
    blend.save(tmp_path)
    return tmp_path


def header(folder: Path) -> dict[str, object]:
    return msgspec.json.decode((folder / "model.json").read_bytes())


def rewrite(folder: Path, **changes: object) -> None:
    (folder / "model.json").write_bytes(msgspec.json.encode({**header(folder), **changes}))


def rewrite_arrays(folder: Path, **changes: np.ndarray) -> None:
    with np.load(folder / "model.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    np.savez(folder / "model.npz", **{**arrays, **changes})


def test_a_model_comes_back_from_the_disk_as_it_was(blend: Ranker, saved: Path):
    features = made(5, seed=9).features
    opened = open_model(saved)
    assert opened.score(features).tolist() == blend.score(features).tolist()
    assert (opened.algorithm, opened.schema, opened.trained_until_ms) == ("blend", SCHEMA, 1_700_000_000_000)
    assert len(opened.parts) == 3


def test_the_header_can_be_read_by_people(saved: Path):
    assert header(saved)["columns"] == list(SCHEMA.names)
    assert header(saved)["digest"] == SCHEMA.digest


def test_infinite_features_count_as_missing(blend: Ranker):
    features = made(2).features
    holes, infinite = features.copy(), features.copy()
    holes[0], infinite[0] = np.nan, np.inf
    assert blend.score(infinite).tolist() == blend.score(holes).tolist()
    assert finite(features) is features


def test_features_of_another_width_are_refused(blend: Ranker):
    with pytest.raises(DataError, match="6 columns"):
        blend.score(np.zeros((2, 5), np.float32))


@pytest.mark.parametrize("name", ["model.json", "model.npz"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_named_damaged(saved: Path, name: str, share: float):
    whole = (saved / name).read_bytes()
    (saved / name).write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(DamagedError, match="not a model"):
        open_model(saved)


def test_a_missing_file_is_named_damaged(saved: Path):
    (saved / "model.npz").unlink()
    with pytest.raises(DamagedError) as caught:
        open_model(saved)
    assert caught.value.hint == "ltrr train-ranker"


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 99},
        {"columns": ["a", *SCHEMA.names[1:]]},
        {"parts": []},
        {"parts": [{"kind": "oracle", "weight": 1.0}]},
        {"parts": [{"kind": "linear", "weight": 1.0}]},
        {"columns": list(SCHEMA.names[:2]), "digest": Schema(SCHEMA.names[:2]).digest},
    ],
)
def test_a_header_that_does_not_fit_the_arrays_is_refused(saved: Path, changes: dict[str, object]):
    rewrite(saved, **changes)
    with pytest.raises(DamagedError):
        open_model(saved)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("0.left", np.zeros((120, 11), np.int32)),
        ("0.left", np.zeros((3, 3), np.int32)),
        ("0.feature", np.zeros((120, 11))),
        ("0.bias", np.array([np.nan])),
        ("2.weight", np.zeros(3)),
        ("2.mean", np.full(6, np.inf)),
        ("2.deviation", np.zeros(6)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(saved: Path, name: str, array: np.ndarray):
    with np.load(saved / "model.npz") as stored:
        assert name in stored.files
    rewrite_arrays(saved, **{name: array})
    with pytest.raises(DamagedError):
        open_model(saved)


def test_whatever_byte_is_flipped_the_model_scores_or_is_refused(blend: Ranker, saved: Path):
    whole, features = (saved / "model.npz").read_bytes(), made(2).features
    expected = blend.score(features).tolist()
    for place in np.random.default_rng(0).integers(0, len(whole), 40):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        (saved / "model.npz").write_bytes(damaged)
        try:
            opened = open_model(saved)
        except DamagedError:
            continue
        assert opened.score(features).tolist() == expected, "zip's check sums let a changed array through"
