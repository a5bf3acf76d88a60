import json

import numpy as np
import pytest

from ltrr_cli.backends.encoder import open_session
from ltrr_cli.backends.encoder_convert import Shape, read_safetensors, write_bert
from ltrr_cli.core.errors import DamagedError, DataError
from tests.backends import tiny

IDS = [[2, 4, 6, 3], [2, 7, 3], [2, 5, 9, 10, 11, 12, 3], [2, 3]]


def run(path, rows):
    longest = max(map(len, rows))
    ids, mask = np.zeros((2, len(rows), longest), np.int64)
    for place, row in enumerate(rows):
        ids[place, : len(row)], mask[place, : len(row)] = row, 1
    return open_session(path, 1).run(None, {"input_ids": ids, "attention_mask": mask})[0]


def test_the_float_graph_is_bert(tmp_path):
    tensors = tiny.weights()
    assert write_bert(tensors, Shape(tiny.HEADS), tmp_path / "m.onnx", int8=False) == tiny.D
    expected = np.stack([tiny.forward(tensors, row) for row in IDS])
    np.testing.assert_allclose(run(tmp_path / "m.onnx", IDS), expected, atol=2e-6)


def test_the_int8_graph_is_near_it_and_a_third_of_its_size(tmp_path):
    tensors = tiny.weights()
    # a real vocabulary outweighs the graph's own words
    tensors["embeddings.word_embeddings.weight"] = np.random.default_rng(1).standard_normal((30_000, 8), np.float32)
    for name, int8 in (("f", False), ("q", True)):
        write_bert(tensors, Shape(tiny.HEADS), tmp_path / name, int8=int8)
    cosines = (run(tmp_path / "f", IDS) * run(tmp_path / "q", IDS)).sum(axis=1)
    assert cosines.min() > 0.99
    assert not np.array_equal(run(tmp_path / "f", IDS), run(tmp_path / "q", IDS))
    assert (tmp_path / "q").stat().st_size < (tmp_path / "f").stat().st_size / 2


@pytest.mark.parametrize("int8", [True, False])
def test_a_text_does_not_depend_on_its_neighbours(tmp_path, int8):
    write_bert(tiny.weights(), Shape(tiny.HEADS), tmp_path / "m.onnx", int8=int8)
    together = run(tmp_path / "m.onnx", IDS)
    alone = np.concatenate([run(tmp_path / "m.onnx", [row]) for row in IDS])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_same_weights_give_the_same_bytes(tmp_path):
    for name in "ab":
        write_bert(tiny.weights(), Shape(tiny.HEADS), tmp_path / name, int8=True)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("gone", ["embeddings.word_embeddings.weight", "encoder.layer.1.output.dense.bias"])
def test_a_missing_weight_is_named(tmp_path, gone):
    tensors = tiny.weights()
    del tensors[gone]
    with pytest.raises(DataError, match=gone):
        write_bert(tensors, Shape(tiny.HEADS), tmp_path / "m.onnx", int8=True)


def test_what_is_no_bert_is_refused(tmp_path):
    with pytest.raises(DataError, match="layers are missing"):
        write_bert({"linear.weight": np.zeros((2, 2), np.float32)}, Shape(2), tmp_path / "m.onnx", int8=True)
    with pytest.raises(DataError, match="heads"):
        write_bert(tiny.weights(), Shape(3), tmp_path / "m.onnx", int8=True)


def test_safetensors_are_read_as_they_were_written(tmp_path):
    tensors = {**tiny.weights(), "embeddings.position_ids": np.arange(6).reshape(1, 6)}
    tiny.save_safetensors(tmp_path / "w", tensors)
    read = read_safetensors(tmp_path / "w")
    assert read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert read[name].dtype == tensor.dtype
        np.testing.assert_array_equal(read[name], tensor)


def _file(header, data=b"\0" * 16):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def _entry(**changes):
    return _file({"t": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16], **changes}})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\1\0",
        (2**60).to_bytes(8, "little") + b"{}",
        _file(b"not json"),
        _file([1, 2]),
        _file({"t": 3}),
        _file({"t": {"dtype": "F32"}}),
        _entry(dtype="PICKLE"),
        _entry(shape=[5]),
        _entry(shape=[-4]),
        _entry(shape=["4"]),
        _entry(data_offsets=[8, 24]),
        _entry(data_offsets=[-16, 0]),
        _entry(data_offsets=[0]),
        _file(b"[" * 100_000),
    ],
)
def test_no_safetensors_file_can_do_harm(tmp_path, content):
    (tmp_path / "w").write_bytes(content)
    with pytest.raises(DamagedError, match="w: "):
        read_safetensors(tmp_path / "w")
    (tmp_path / "good").write_bytes(_entry())
    assert read_safetensors(tmp_path / "good")["t"].tolist() == [0, 0, 0, 0]
