import json

import numpy as np
import pytest

from ltrr_cli.backends.encoder import OnnxEncoder, TableEncoder, open_encoder, pool, unit
from ltrr_cli.backends.encoder_card import Card, digest_of, read_card, write_card
from ltrr_cli.backends.encoder_catalog import fit
from ltrr_cli.backends.encoder_convert import Shape, write_bert
from ltrr_cli.core.errors import DamagedError, NotFoundError
from tests.backends import tiny

TEXTS = ["quiet piano music", "red shoes", "the rain", "a day of sun and jazz and rock", ""]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("encoder")
    write_bert(tiny.weights(), Shape(tiny.HEADS), made / "model.onnx", int8=False)
    tiny.save_tokenizer(made / "tokenizer.json")
    write_card(made, Card("onnx", "tiny", tiny.D, 12, digest_of(made)))
    return made


@pytest.fixture
def harmed(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_an_encoder_gives_what_the_model_gives(folder):
    expected = [tiny.forward(tiny.weights(), ids) for ids in ([2, 17, 16, 7, 3], [2, 4, 6, 3])]
    np.testing.assert_allclose(open_encoder(folder).encode(TEXTS[:2]), expected, atol=1e-5)


def test_it_says_what_it_is(folder):
    encoder = open_encoder(folder)
    assert (encoder.name, encoder.dimension, encoder.digest) == ("tiny", tiny.D, digest_of(folder))


def test_order_is_kept_though_texts_are_sorted_by_length(folder, monkeypatch):
    monkeypatch.setattr("ltrr_cli.backends.encoder._BATCH", 2)
    encoder = open_encoder(folder)
    together = encoder.encode(TEXTS)
    for row, text in enumerate(TEXTS):
        np.testing.assert_allclose(encoder.encode([text])[0], together[row], atol=1e-5)


def test_padding_and_cut_of_the_shipped_tokenizer_are_replaced(folder):
    encoder = open_encoder(folder)
    shipped_length = 16
    assert encoder.encode(["sun " * 11])[0] == pytest.approx(encoder.encode(["sun " * 30])[0], abs=1e-6)
    assert encoder._load()[0].encode("sun").ids == [2, 9, 3]
    assert len(encoder._load()[0].encode("sun " * 30).ids) == 12 < shipped_length


def test_progress_counts_every_text(folder, monkeypatch):
    monkeypatch.setattr("ltrr_cli.backends.encoder._BATCH", 2)
    told = []
    open_encoder(folder).encode(TEXTS, progress=told.append)
    assert told == [2, 2, 1]
    told.clear()
    open_encoder(folder).encode(["sun"], progress=told.append)
    assert told == [1]


def test_no_texts_give_no_vectors(folder):
    assert open_encoder(folder).encode([]).shape == (0, tiny.D)


def test_the_latest_single_texts_are_remembered(folder, monkeypatch):
    encoder = open_encoder(folder)
    first = encoder.encode(["sun"])
    first[:] = 0  # what is handed out is the caller's
    monkeypatch.setattr(encoder, "_run", lambda *_: pytest.fail("computed twice"))
    assert encoder.encode(["sun"]).any()
    monkeypatch.undo()
    for number in range(300):
        encoder.encode([f"rain {number}"])
    assert len(encoder._latest) == 256
    assert "sun" not in encoder._latest


def test_lone_surrogates_do_no_harm(folder):
    assert open_encoder(folder).encode(["sun \ud800"]).any()


def test_both_kinds_open_by_one_door(folder, tmp_path):
    fit(TEXTS, tmp_path)
    assert isinstance(open_encoder(folder), OnnxEncoder)
    assert isinstance(open_encoder(tmp_path), TableEncoder)


def test_a_folder_without_an_encoder_is_not_found(tmp_path):
    with pytest.raises(NotFoundError, match="no encoder there"):
        open_encoder(tmp_path)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_missing_file_is_damage(harmed, name):
    (harmed / name).unlink()
    with pytest.raises(DamagedError, match=name):
        open_encoder(harmed)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x08\x07\x12"])
def test_a_file_of_nonsense_is_damage(harmed, name, content):
    (harmed / name).write_bytes(content)
    with pytest.raises(DamagedError, match=name):
        open_encoder(harmed).encode(["sun"])


@pytest.mark.parametrize(
    "change",
    [{"format": 99}, {"kind": "pickle"}, {"pooling": "sum"}, {"dimension": 0}, {"dimension": "8"}, {"digest": None}],
)
def test_a_card_that_makes_no_sense_is_damage(harmed, change):
    path = harmed / "encoder.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(DamagedError, match=r"encoder\.json"):
        open_encoder(harmed)


def test_a_graph_of_another_dimension_is_damage(harmed):
    card = read_card(harmed)
    write_card(harmed, Card("onnx", "tiny", 9, card.max_tokens, card.digest))
    with pytest.raises(DamagedError, match="gives"):
        open_encoder(harmed).encode(["sun"])


def test_the_digest_follows_the_content(harmed):
    before = digest_of(harmed)
    (harmed / "encoder.json").unlink()
    assert digest_of(harmed) == before
    (harmed / "tokenizer.json").write_bytes(b"other")
    assert digest_of(harmed) != before


def test_tokens_are_pooled_without_their_padding():
    output = np.float32([[[1, 5], [3, 2], [9, 9]], [[-4, -2], [-9, -9], [7, 7]]])
    mask = np.array([[1, 1, 0], [1, 0, 0]])
    assert pool(output, mask, "mean").tolist() == [[2, 3.5], [-4, -2]]
    assert pool(output, mask, "max").tolist() == [[3, 5], [-4, -2]]
    assert pool(output, mask, "cls").tolist() == [[1, 5], [-4, -2]]
    assert pool(output[:, 0], mask, "none").tolist() == [[1, 5], [-4, -2]]
    with pytest.raises(DamagedError, match="one vector per token"):
        pool(output[:, 0], mask, "mean")


def test_only_what_has_a_direction_gets_a_length():
    given = np.float32([[3, 4], [0, 0], [np.nan, 1], [np.inf, 1], [1e-30, 0]])
    assert unit(given).tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0, 0], [0, 0], [0, 0], [0, 0]]
