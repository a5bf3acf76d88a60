import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ltrr_cli.backends.encoder import open_encoder
from ltrr_cli.backends.encoder_cache import (
    cache_root,
    find_encoder,
    import_folder,
    list_encoders,
    put,
)
from ltrr_cli.backends.encoder_card import read_card
from ltrr_cli.core.errors import DataError, NotFoundError, UsageError
from tests.backends import tiny


def graph(path, outputs, inputs=("input_ids", "attention_mask", "token_type_ids"), table=None):
    """A graph that looks tokens up: token vectors, or their plain sum, whichever outputs are named."""
    if table is None:
        table = np.random.default_rng(2).standard_normal((len(tiny.WORDS), 6)).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"]),
        helper.make_node("ReduceSum", ["last_hidden_state", "first"], ["sentence_embedding"], keepdims=0),
    ]
    shapes = {"last_hidden_state": ["b", "t", 6], "sentence_embedding": ["b", 6], "odd": ["b", "t", 6]}
    numbers = [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([1]), "first")]
    values = [helper.make_tensor_value_info(name, TensorProto.INT64, ["b", "t"]) for name in inputs]
    wanted = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in outputs]
    model = helper.make_model(
        helper.make_graph(nodes, "g", values, wanted, numbers),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    graph(folder / "onnx" / "model.onnx", ["last_hidden_state"])
    tiny.save_tokenizer(folder / "tokenizer.json")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 20}))
    return folder


def test_the_cache_is_where_the_environment_says():
    assert cache_root({"LTRR_CACHE": "/some/where"}) == Path("/some/where")
    assert cache_root({}).name == "ltrr"


def test_a_folder_is_imported_and_listed_and_removed(source, tmp_path):
    cache = tmp_path / "cache"
    assert list_encoders(cache) == []
    folder = import_folder(source, cache, "mine")
    assert folder == find_encoder(cache, "mine")
    card = read_card(folder)
    assert list_encoders(cache) == [card]
    assert (card.name, card.dimension, card.max_tokens, card.pooling) == ("mine", 6, 20, "mean")
    vectors = open_encoder(folder).encode(["red shoes", "red"])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)


def test_the_pooling_is_the_models_own(source, tmp_path):
    vectors = {}
    for how in ("mean_tokens", "cls_token", "max_tokens"):
        (source / "1_Pooling" / "config.json").write_text(json.dumps({f"pooling_mode_{how}": True}))
        table = np.random.default_rng(3).standard_normal((len(tiny.WORDS), 6)).astype(np.float32)
        graph(source / "onnx" / "model.onnx", ["last_hidden_state"], table=table)
        if how == "cls_token":  # a bare look-up gives every text the same first token
            with pytest.raises(DataError, match="no sensible vectors"):
                import_folder(source, tmp_path / "cache", how)
            continue
        vectors[how] = open_encoder(import_folder(source, tmp_path / "cache", how)).encode(["red shoes"])[0]
    rows = table[[2, 4, 6, 3]]
    assert vectors["mean_tokens"] == pytest.approx(rows.mean(0) / np.linalg.norm(rows.mean(0)), abs=1e-5)
    assert vectors["max_tokens"] == pytest.approx(rows.max(0) / np.linalg.norm(rows.max(0)), abs=1e-5)


def test_a_graph_that_pools_itself_is_taken_as_it_is(source, tmp_path):
    graph(source / "model.onnx", ["last_hidden_state", "sentence_embedding"], inputs=["input_ids"])
    (source / "onnx" / "model.onnx").unlink()
    card = read_card(import_folder(source, tmp_path / "cache", "own"))
    assert (card.output, card.pooling) == ("sentence_embedding", "none")


def test_an_import_takes_the_place_of_an_older_one(source, tmp_path):
    before = read_card(import_folder(source, tmp_path / "cache", "mine")).digest
    graph(source / "onnx" / "model.onnx", ["last_hidden_state"], table=np.eye(len(tiny.WORDS), 6, dtype=np.float32) + 1)
    after = read_card(import_folder(source, tmp_path / "cache", "mine")).digest
    assert after != before
    assert [path.name for path in (tmp_path / "cache" / "encoders").iterdir()] == ["mine"]


def test_a_failed_import_leaves_the_older_one(source, tmp_path):
    folder = import_folder(source, tmp_path / "cache", "mine")
    before = read_card(folder)
    graph(source / "onnx" / "model.onnx", ["last_hidden_state"], table=np.ones((len(tiny.WORDS), 6), np.float32))
    with pytest.raises(DataError, match="no sensible vectors"):
        import_folder(source, tmp_path / "cache", "mine")
    assert read_card(folder) == before


def test_other_graphs_are_refused_by_name(source, tmp_path):
    graph(source / "onnx" / "model.onnx", ["last_hidden_state"], inputs=["input_ids", "pixel_values"])
    with pytest.raises(DataError, match="pixel_values"):
        import_folder(source, tmp_path / "cache", "mine")
    graph(source / "onnx" / "model.onnx", ["last_hidden_state"])
    (source / "1_Pooling" / "config.json").unlink()
    with pytest.raises(DataError, match="no output"):
        import_folder(source, tmp_path / "cache", "mine")


@pytest.mark.parametrize("config", [{}, {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}, []])
def test_an_unclear_pooling_is_refused(source, tmp_path, config):
    (source / "1_Pooling" / "config.json").write_text(json.dumps(config))
    with pytest.raises(DataError, match=r"config\.json"):
        import_folder(source, tmp_path / "cache", "mine")


def test_a_dense_layer_outside_the_graph_is_refused(source, tmp_path):
    (source / "modules.json").write_text(json.dumps([{"type": "sentence_transformers.models.Dense"}]))
    with pytest.raises(DataError, match="dense layer"):
        import_folder(source, tmp_path / "cache", "mine")


def test_what_is_no_model_is_not_found(tmp_path):
    with pytest.raises(NotFoundError, match=r"no model\.onnx"):
        import_folder(tmp_path, tmp_path / "cache", "mine")
    with pytest.raises(NotFoundError, match="no encoder 'minilm'") as caught:
        find_encoder(tmp_path / "cache", "minilm")
    assert caught.value.hint == "ltrr encoder pull minilm"


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "catalog", "a b"])
def test_a_name_cannot_leave_the_cache(tmp_path, name):
    with pytest.raises(UsageError, match="cannot be an encoder's name"):
        put(tmp_path, name, lambda folder: None)
    with pytest.raises(UsageError):
        find_encoder(tmp_path, name)
