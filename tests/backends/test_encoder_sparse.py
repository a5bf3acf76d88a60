"""A SPLADE-style model: taken in, tried out, and used for both sides of the inverted index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.backends.encoder import open_encoder
from ltrr_cli.backends.encoder_cache import find_encoder, list_encoders
from ltrr_cli.backends.encoder_sparse import SparseEncoder, import_sparse
from ltrr_cli.catalog.columns import Columns
from ltrr_cli.core.errors import DataError, NotFoundError
from ltrr_cli.core.types import Entity
from ltrr_cli.retrieval.sparse.sparse import Sparse
from ltrr_cli.retrieval.strategy import Resources
from tests.backends.tiny import WORDS, save_tokenizer
from tests.conftest import HashedWords, ask


def save_model(folder: Path, table: np.ndarray) -> None:
    """Write a graph that gives every token a score for every term: a look-up in ``table`` (terms, terms)."""
    from onnx import TensorProto, helper, numpy_helper, save

    folder.mkdir(parents=True, exist_ok=True)
    tokens = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["texts", "tokens"])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["texts", "tokens", len(WORDS)])
    node = helper.make_node("Gather", ["table", "input_ids"], ["logits"])
    graph = helper.make_graph([node], "tiny", [tokens], [logits], [numpy_helper.from_array(table, "table")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    save(model, str(folder / "model.onnx"))
    save_tokenizer(folder / "tokenizer.json")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Every word means itself; jazz also means piano, half as much; red and Paris' unknown words differ."""
    table = np.zeros((len(WORDS), len(WORDS)), np.float32)
    for place in range(4, len(WORDS)):
        table[place, place] = np.e - 1
    table[WORDS.index("jazz"), WORDS.index("piano")] = np.sqrt(np.e) - 1
    save_model(tmp_path / "splade", table)
    return tmp_path / "splade"


def test_weights_are_the_logarithm_of_the_best_score_of_any_token(source: Path, tmp_path: Path):
    encoder = SparseEncoder.open(import_sparse(source, tmp_path / "cache", "tiny"))
    terms, weights = encoder.encode("quiet jazz")
    found = dict(zip((WORDS[term] for term in terms.tolist()), weights.tolist(), strict=True))
    assert found == pytest.approx({"quiet": 1.0, "jazz": 1.0, "piano": 0.5}, rel=1e-5)
    assert len(encoder.encode("")[0]) == 0


def test_an_imported_model_is_listed_and_is_no_encoder_of_vectors(source: Path, tmp_path: Path):
    cache = tmp_path / "cache"
    import_sparse(source, cache, "tiny")
    assert [(card.name, card.kind, card.dimension) for card in list_encoders(cache)] == [("tiny", "sparse", len(WORDS))]
    with pytest.raises(DataError, match="terms, not vectors"):
        open_encoder(find_encoder(cache, "tiny"))


def test_a_model_that_says_nothing_is_refused(tmp_path: Path):
    save_model(tmp_path / "mute", np.zeros((len(WORDS), len(WORDS)), np.float32))
    with pytest.raises(DataError, match="no sensible terms"):
        import_sparse(tmp_path / "mute", tmp_path / "cache", "mute")
    with pytest.raises(NotFoundError):
        find_encoder(tmp_path / "cache", "mute")
    with pytest.raises(NotFoundError):
        import_sparse(tmp_path, tmp_path / "cache", "nothing")


def test_the_model_finds_what_its_terms_say(source: Path, tmp_path: Path):
    entities = [Entity("a", "quiet piano"), Entity("b", "red shoes"), Entity("c", "jazz piano")]
    for name in ("columns", "sparse"):
        (tmp_path / name).mkdir()
    Columns.build(entities, tmp_path / "columns")
    folder = import_sparse(source, tmp_path / "cache", "tiny")
    resources = Resources(Columns.open(tmp_path / "columns"), HashedWords(), sparse=folder)
    Sparse.build(resources, tmp_path / "sparse")
    sparse = Sparse.open(resources, tmp_path / "sparse", None)
    assert sparse.look(ask("jazz")).hits(10).rows.tolist() == [2, 0]
    assert sparse.look(ask("red")).hits(10).rows.tolist() == [1]
