"""The ``catalog`` encoder: token vectors learnt from the catalog itself, in seconds and without a download.

TF-IDF and a truncated singular value decomposition (Deerwester et al., "Indexing by latent semantic analysis", 1990):
words that stand in the same texts get near vectors. It knows what the catalog knows and nothing else.

Choices, by nDCG@10 on Cranfield / CACM / a shop's products: one vector per stem rather than per word .383 / .338 / .379
against .371 / .285 / .339; idf to the power of 1.5 rather than 1 .394 / .388 / .359 against .383 / .332 / .363; character
n-grams .383 / .351 / .280; 256 numbers rather than 128 .394 / .388 / .359 against .401 / .359 / .327.
"""  # noqa: E501

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ltrr_cli.backends.encoder_card import GRAPH, TABLE, TOKENIZER, Card, digest_of, write_card
from ltrr_cli.backends.files import write_matrix, write_whole
from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import DoubleArray

DIMENSION = 256
SAMPLE = 50_000  # texts that are fitted on
WORDS = 200_000  # that have a vector, the commonest
MAX_TOKENS = 512  # of a text that count

_IDF_POWER = 1.5
_OVERSAMPLED, _POWER_ITERATIONS = 10, 2  # of the decomposition
_FOLD_IN_ABOVE = 1_000  # texts: words of one text alone are left out of the decomposition and projected afterwards
_UNKNOWN = "[UNK]"

# as in text.normalise; the tokenizer.json must say it in its own way
_LETTERS = {"ı": "i", "ø": "o", "đ": "d", "ł": "l", "ß": "ss", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ς": "σ"}
_APOSTROPHE = r"(?<=[^\W_])['’](?=[^\W_])"
# scripts without spaces are taken a character at a time: Hiragana, Katakana, Han, Hangul
_UNSPACED = "\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
_ASCII_WORD = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*")
_WORD = rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+"


@dataclass(frozen=True, slots=True)
class TermCounts:
    """How often terms stand in texts.

    words  -- word -> column of its term; words of one stem share a column
    matrix -- (texts, terms) SciPy CSR of counts, float64
    """

    words: dict[str, int]
    matrix: Any


def fit(
    texts: Iterable[str],
    folder: Path,
    dimension: int = DIMENSION,
    stem: Callable[[str], str] | None = None,
    name: str = "catalog",
) -> None:
    """Learn token vectors from ``texts`` (of more than 50,000, a seeded sample) and write an encoder folder.

    dimension -- at most; a small catalog has as many as it has independent texts
    stem      -- folded word -> stem; words of one stem share a vector

    The same texts give the same vectors. No texts at all give an encoder that knows no word.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pipeline = _pipeline()
    counts = _count([_words(pipeline, text) for text in sample(texts)], stem)
    table = token_vectors(counts.matrix, dimension)  # (1 + terms, d): row 0 is every unknown word
    tokenizer = json.loads(pipeline.to_str())
    # written as JSON: the library would lose words that share a number
    tokenizer["model"]["vocab"] = {_UNKNOWN: 0, **{word: column + 1 for word, column in counts.words.items()}}
    text = json.dumps(tokenizer, ensure_ascii=False)
    write_whole(folder / TOKENIZER, lambda file: file.write(text.encode()))
    write_matrix(folder / TABLE, table)
    write_graph(folder)
    write_card(folder, Card("table", name, table.shape[1], MAX_TOKENS, digest_of(folder)))


def sample(texts: Iterable[str], most: int = SAMPLE) -> list[str]:
    """Return all texts, or of more than ``most`` a seeded sample in their order (reservoir sampling)."""
    kept: list[tuple[int, str]] = []
    dice = generator("catalog encoder", "sample")
    for number, text in enumerate(texts):
        if number < most:
            kept.append((number, text))
        elif (place := int(dice.integers(number + 1))) < most:
            kept[place] = (number, text)
    return [text for _, text in sorted(kept)]


def token_vectors(matrix: Any, dimension: int) -> Any:
    """Return (1 + terms, d) float16: idf^1.5 times the right singular vectors of the tf-idf matrix; row 0 is zero.

    matrix -- (texts, terms) counts; tf-idf is (1 + ln tf) idf^1.5 with rows of length 1
    """
    import scipy.sparse

    texts, terms = matrix.shape
    if matrix.nnz == 0:
        return np.zeros((1 + terms, 1), np.float16)
    frequency = np.bincount(matrix.indices, minlength=terms)  # texts that hold a term
    weight = (np.log((1 + texts) / (1 + frequency)) + 1.0) ** _IDF_POWER
    weighted = matrix.copy()
    weighted.data = (1.0 + np.log(weighted.data)) * weight[weighted.indices]
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    weighted = scipy.sparse.diags(1.0 / np.where(lengths > 0, lengths, 1.0)) @ weighted
    common = frequency >= 2 if texts > _FOLD_IN_ABOVE else np.ones(terms, bool)
    fitted = weighted[:, common] if common.any() else weighted
    rank = min(dimension, *fitted.shape)
    left, values = _leading(fitted, rank)
    real = values > 1e-6 * values[0]
    left, values = left[:, real], values[real]
    # projecting through the texts gives the singular vectors where a term was fitted, and folds in where it was not
    vectors = np.asarray(weighted.T @ left) / values  # (terms, d)
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    return np.concatenate([np.zeros((1, len(signs))), vectors * signs * weight[:, None]]).astype(np.float16)


def _leading(matrix: Any, rank: int) -> tuple[DoubleArray, DoubleArray]:
    """Return the leading left singular vectors (texts, rank) of a sparse matrix and its singular values, about.

    By a random projection and two power iterations (Halko, Martinsson & Tropp, "Finding structure with randomness",
    SIAM Review 2011, algorithms 4.3 and 5.1), the numbers of scikit-learn's ``randomized_svd``; to import that costs
    ten times what it works here.
    """
    tall = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    found = np.random.RandomState(0).normal(size=(tall.shape[1], rank + _OVERSAMPLED))
    for _ in range(_POWER_ITERATIONS):
        found = tall.T @ (tall @ found)
    basis, _ = np.linalg.qr(tall @ found)
    left, values, right = np.linalg.svd((tall.T @ basis).T, full_matrices=False)
    of_texts = basis @ left if tall is matrix else right.T
    return of_texts[:, :rank], values[:rank]


def write_graph(folder: Path) -> None:
    """Write the table encoder as an ONNX graph too, for any other runtime; it reads its numbers out of table.npy.

    input_ids, attention_mask (texts, tokens) int64 -> sentence_embedding (texts, d) float32
    """
    import onnx
    from onnx import TensorProto, helper

    table = np.load(folder / TABLE, mmap_mode="r", allow_pickle=False)
    vectors = onnx.TensorProto(name="table", data_type=TensorProto.FLOAT16, dims=table.shape)
    vectors.data_location = TensorProto.EXTERNAL
    place = {"location": TABLE, "offset": (folder / TABLE).stat().st_size - table.nbytes, "length": table.nbytes}
    for key, value in place.items():
        vectors.external_data.add(key=key, value=str(value))
    constants = {"one": np.float32(1), "tiny": np.float32(1e-12), "first": np.array([1]), "second": np.array([2])}
    nodes = [
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),  # (b, l)
        helper.make_node("Unsqueeze", ["input_ids", "second"], ["ids_down"]),
        helper.make_node("Unsqueeze", ["input_ids", "first"], ["ids_across"]),
        helper.make_node("Unsqueeze", ["mask", "first"], ["mask_across"]),
        helper.make_node("Equal", ["ids_down", "ids_across"], ["same"]),  # (b, l, l)
        helper.make_node("Cast", ["same"], ["same_number"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["same_number", "mask_across"], ["same_kept"]),
        helper.make_node("ReduceSum", ["same_kept", "second"], ["tf_or_0"], keepdims=0),  # (b, l)
        helper.make_node("Max", ["tf_or_0", "one"], ["tf"]),
        helper.make_node("Log", ["tf"], ["log_tf"]),
        helper.make_node("Add", ["log_tf", "one"], ["damped"]),
        helper.make_node("Div", ["damped", "tf"], ["share"]),  # a token's tf places share its weight
        helper.make_node("Mul", ["share", "mask"], ["weight"]),
        helper.make_node("Unsqueeze", ["weight", "second"], ["weight_down"]),
        helper.make_node("Gather", ["table", "input_ids"], ["halves"]),
        helper.make_node("Cast", ["halves"], ["tokens"], to=TensorProto.FLOAT),  # (b, l, d)
        helper.make_node("Mul", ["tokens", "weight_down"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "first"], ["total"], keepdims=0),
        helper.make_node("ReduceL2", ["total", "first"], ["length_or_0"]),
        helper.make_node("Max", ["length_or_0", "tiny"], ["length"]),
        helper.make_node("Div", ["total", "length"], ["sentence_embedding"]),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["texts", int(table.shape[1])])
    numbers = [onnx.numpy_helper.from_array(np.asarray(value), key) for key, value in constants.items()]
    graph = helper.make_graph(nodes, "token table", inputs, [output], [vectors, *numbers])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    write_whole(folder / GRAPH, lambda file: file.write(model.SerializeToString(deterministic=True)))


def _pipeline() -> Any:
    """A tokenizer that folds and cuts as ``text.normalise`` does, and knows no word yet."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    letters = [normalizers.Replace(letter, plain) for letter, plain in _LETTERS.items()]
    folding = [normalizers.Lowercase(), normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]
    pipeline = Tokenizer(models.WordLevel({_UNKNOWN: 0}, unk_token=_UNKNOWN))
    pipeline.normalizer = normalizers.Sequence(
        [*folding, *letters, normalizers.NFC(), normalizers.Replace(Regex(_APOSTROPHE), "")]
    )
    pipeline.pre_tokenizer = pre_tokenizers.Split(Regex(_WORD), behavior="removed", invert=True)
    return pipeline


def _words(pipeline: Any, text: str) -> list[str]:
    if text.isascii():  # the same words, many times quicker
        return [word.replace("'", "") for word in _ASCII_WORD.findall(text.lower())[:MAX_TOKENS]]
    folded = pipeline.normalizer.normalize_str(text.encode("utf-8", "replace").decode())
    return [word for word, _ in pipeline.pre_tokenizer.pre_tokenize_str(folded)][:MAX_TOKENS]


def _count(texts: list[list[str]], stem: Callable[[str], str] | None) -> TermCounts:
    """Count terms; of too many words the commonest are kept, ties by the alphabet."""
    import scipy.sparse

    held: Counter[str] = Counter()
    for words in texts:
        held.update(set(words))
    kept = sorted(sorted(held), key=lambda word: -held[word])[:WORDS]
    stems = {word: word if stem is None else stem(word) for word in kept}
    columns = {term: column for column, term in enumerate(sorted(set(stems.values())))}
    numbers = {word: columns[term] for word, term in stems.items()}
    indices: list[int] = []
    values: list[float] = []
    ends = [0]
    for words in texts:
        counted = Counter(numbers[word] for word in words if word in numbers)
        indices.extend(counted)
        values.extend(counted.values())
        ends.append(len(indices))
    shape = (len(texts), len(columns))
    matrix = scipy.sparse.csr_matrix((np.array(values, np.float64), np.array(indices, np.int32), ends), shape=shape)
    matrix.sort_indices()
    return TermCounts(numbers, matrix)
