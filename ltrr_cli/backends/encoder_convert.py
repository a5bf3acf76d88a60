"""BERT weights to an ONNX sentence encoder, without torch: read safetensors, write the graph node by node.

Vaswani et al. 2017 (attention), Devlin et al. 2019 (BERT), Reimers and Gurevych 2019 (mean pooling).

In int8, weights have 7 bits and a scale per output channel; activations have 8 bits and a scale per token, taken when
the graph runs. The usual DynamicQuantizeLinear takes one scale over the whole batch, which makes a text's vector depend
on its neighbours (cosine down to .990 between batches) and is less exact (.994 against .996, and .998 with 8-bit
weights); 8-bit weights would overflow the 16-bit sums of processors without VNNI.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ltrr_cli.backends.files import write_whole
from ltrr_cli.core.errors import DamagedError, DataError

_LARGEST_HEADER = 100_000_000  # bytes, as the format's own reader has it
_TYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32, "I8": np.int8}
_TOP_ACTIVATION = 127  # stored as uint8 around 128
_TOP_WEIGHT = 63  # 255 * 63 * 2 fits 16 bits with a sign

_CONSTANTS = {"one": 1.0, "minus": -1e9, "tiny": 1e-12, "step": 1.0 / _TOP_ACTIVATION}

Weights = Mapping[str, np.ndarray[Any, np.dtype[Any]]]


@dataclass(frozen=True, slots=True)
class Shape:
    """Facts about the model that its weights file does not contain."""

    heads: int
    epsilon: float = 1e-12  # of the layer norms


def read_safetensors(path: Path) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
    """Map the tensors of a safetensors file, name -> array; every length is checked first. Raises DamagedError."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(size - 8, _LARGEST_HEADER):
                raise DamagedError(f"{path}: no safetensors file: a header of {length} bytes in a file of {size}")
            header = json.loads(file.read(length))
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedError(f"{path}: no safetensors file: {error}") from None
    if not isinstance(header, dict):
        raise DamagedError(f"{path}: no safetensors file: its header is no object")
    header.pop("__metadata__", None)
    data = np.memmap(path, np.uint8, "r", offset=8 + length) if size > 8 + length else np.empty(0, np.uint8)
    return {name: _tensor(path, name, entry, data) for name, entry in header.items()}


def _tensor(path: Path, name: str, entry: Any, data: Any) -> np.ndarray[Any, np.dtype[Any]]:
    try:
        kind, shape, (start, end) = np.dtype(_TYPES[entry["dtype"]]), tuple(entry["shape"]), entry["data_offsets"]
        whole = all(isinstance(number, int) and number >= 0 for number in (start, end, *shape))
        size = kind.itemsize
        for number in shape:
            size *= number
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DamagedError(f"{path}: tensor {name[:80]!r} cannot be read: {error!r}") from None
    if not whole or end > len(data) or end - start != size:
        raise DamagedError(f"{path}: tensor {name[:80]!r} does not fit the file")
    return np.asarray(data[start:end]).view(kind.newbyteorder("<")).reshape(shape)


def write_bert(weights: Weights, shape: Shape, path: Path, *, int8: bool) -> int:
    """Write a graph input_ids, attention_mask (texts, tokens) -> sentence_embedding (texts, d); return d.

    Mean pooling and division by the length are in the graph. Raises DataError where a weight is missing.
    """
    import onnx

    layers = len({name.split(".")[2] for name in weights if name.startswith("encoder.layer.")})
    if layers == 0:
        raise DataError("no BERT weights: encoder layers are missing")
    writer = _Writer(int8)
    try:
        dimension = _bert(writer, weights, shape, layers)
    except KeyError as error:
        raise DataError(f"no BERT weights: {error} is missing") from None
    model = writer.model(dimension)
    onnx.checker.check_model(model)
    write_whole(path, lambda file: file.write(model.SerializeToString(deterministic=True)))
    return dimension


def _bert(writer: _Writer, weights: Weights, shape: Shape, layers: int) -> int:
    op, constant = writer.op, writer.constant
    words = weights["embeddings.word_embeddings.weight"]
    dimension = int(words.shape[1])
    if dimension % shape.heads:
        raise DataError(f"{dimension} numbers cannot be shared among {shape.heads} attention heads")
    x = _embed(writer, weights, shape)  # (texts * tokens, d): one row per token
    mask = op("Cast", ["attention_mask"], to=1)  # (texts, tokens)
    hidden = op("Unsqueeze", [op("Sub", [constant("one"), mask]), writer.ints(1, 2)])
    bias = op("Mul", [hidden, constant("minus")])  # (texts, 1, 1, tokens)
    sizes = op("Shape", ["input_ids"])
    apart = op("Concat", [sizes, writer.ints(shape.heads, dimension // shape.heads)], axis=0)
    writer.number("scale", np.float32(1.0 / np.sqrt(dimension // shape.heads)))
    for layer in range(layers):
        x = _layer(writer, weights, f"encoder.layer.{layer}.", x, bias, apart, shape)
    x = op("Reshape", [x, op("Concat", [sizes, writer.ints(dimension)], axis=0)])  # (texts, tokens, d)
    column = op("Unsqueeze", [mask, writer.ints(2)])
    total = op("ReduceSum", [op("Mul", [x, column]), writer.ints(1)], keepdims=0)
    count = op("Max", [op("ReduceSum", [column, writer.ints(1)], keepdims=0), constant("tiny")])
    mean = op("Div", [total, count])
    length = op("Max", [op("ReduceL2", [mean, writer.ints(1)]), constant("tiny")])
    op("Div", [mean, length], ["sentence_embedding"])
    return dimension


def _embed(writer: _Writer, weights: Weights, shape: Shape) -> str:
    op = writer.op
    words = weights["embeddings.word_embeddings.weight"]
    if writer.int8:
        scale = (np.abs(words).max(axis=1, keepdims=True) / 127).astype(np.float32)  # (words, 1)
        scale[scale == 0] = 1
        small = writer.number("words", np.round(words / scale).astype(np.int8))
        looked_up = op("Cast", [op("Gather", [small, "input_ids"])], to=1)
        looked_up = op("Mul", [looked_up, op("Gather", [writer.number("words.scale", scale), "input_ids"])])
    else:
        looked_up = op("Gather", [writer.number("words", words), "input_ids"])
    # every token is of type 0; Gather(table, Range) fails when the graph runs, a Slice does not
    table = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    tokens = op("Slice", [op("Shape", ["input_ids"]), writer.ints(1), writer.ints(2)])
    places = op("Slice", [writer.number("places", table), writer.ints(0), tokens, writer.ints(0)])
    normal = _norm(writer, weights, "embeddings.LayerNorm", op("Add", [looked_up, places]), shape)
    return op("Reshape", [normal, writer.ints(-1, words.shape[1])])


def _layer(writer: _Writer, weights: Weights, name: str, x: str, bias: str, apart: str, shape: Shape) -> str:
    op = writer.op
    inner = f"{name}attention.self."
    joined = writer.linear(x, weights, [f"{inner}query", f"{inner}key", f"{inner}value"])  # one product for three
    parts = [f"{inner}{part}" for part in "qkv"]
    op("Split", [joined], parts, axis=-1, num_outputs=3)
    orders = ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])  # (texts, heads, tokens, d / heads), the key transposed
    query, key, value = (
        op("Transpose", [op("Reshape", [part, apart])], perm=order) for part, order in zip(parts, orders, strict=True)
    )
    scores = op("Add", [op("Mul", [op("MatMul", [query, key]), "scale"]), bias])  # (texts, heads, tokens, tokens)
    seen = op("Transpose", [op("MatMul", [op("Softmax", [scores], axis=-1), value])], perm=[0, 2, 1, 3])
    flat = op("Reshape", [seen, writer.ints(-1, weights["embeddings.word_embeddings.weight"].shape[1])])
    x = op("Add", [writer.linear(flat, weights, [f"{name}attention.output.dense"]), x])
    x = _norm(writer, weights, f"{name}attention.output.LayerNorm", x, shape)
    wide = op("Gelu", [writer.linear(x, weights, [f"{name}intermediate.dense"])])
    x = op("Add", [writer.linear(wide, weights, [f"{name}output.dense"]), x])
    return _norm(writer, weights, f"{name}output.LayerNorm", x, shape)


def _norm(writer: _Writer, weights: Weights, name: str, x: str, shape: Shape) -> str:
    gain = writer.number(f"{name}.weight", weights[f"{name}.weight"])
    shift = writer.number(f"{name}.bias", weights[f"{name}.bias"])
    return writer.op("LayerNormalization", [x, gain, shift], axis=-1, epsilon=shape.epsilon)


class _Writer:
    """Collects the nodes and numbers of a graph."""

    def __init__(self, int8: bool) -> None:
        self.int8 = int8
        self._nodes: list[Any] = []
        self._numbers: dict[str, Any] = {}

    def op(self, kind: str, inputs: Sequence[str], outputs: Sequence[str] | None = None, **options: Any) -> str:
        """Add a node; return its first output's name."""
        from onnx import helper

        names = list(outputs or [f"{kind}_{len(self._nodes)}"])
        self._nodes.append(helper.make_node(kind, list(inputs), names, **options))
        return names[0]

    def number(self, name: str, value: Any) -> str:
        """Add an array under a name, once."""
        from onnx import numpy_helper

        if name not in self._numbers:
            self._numbers[name] = numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)), name)
        return name

    def ints(self, *values: int) -> str:
        """Add a list of int64."""
        return self.number(f"ints {values}", np.array(values, np.int64))

    def constant(self, name: str) -> str:
        """Add one of the few float32 constants."""
        return self.number(name, np.float32(_CONSTANTS[name]))

    def linear(self, x: str, weights: Weights, names: Sequence[str]) -> str:
        """Multiply (rows, in) by the matrices side by side and add their biases: (rows, sum of outs)."""
        matrix = np.concatenate([weights[f"{name}.weight"] for name in names]).T  # (in, outs)
        bias = self.number(f"{names[0]}.bias", np.concatenate([weights[f"{name}.bias"] for name in names]))
        if not self.int8:
            return self.op("Add", [self.op("MatMul", [x, self.number(f"{names[0]}.weight", matrix)]), bias])
        scale = (np.abs(matrix).max(axis=0) / _TOP_WEIGHT).astype(np.float32)  # (outs,)
        scale[scale == 0] = 1
        small = self.number(f"{names[0]}.weight", np.round(matrix / scale).astype(np.int8))
        highest = self.op("ReduceMax", [self.op("Abs", [x]), self.ints(-1)], keepdims=1)
        row = self.op("Max", [self.op("Mul", [highest, self.constant("step")]), self.constant("tiny")])  # (rows, 1)
        middle = self.number("middle", np.uint8(128))
        quantized = self.op("QuantizeLinear", [self.op("Div", [x, row]), self.constant("one"), middle])
        product = self.op("Cast", [self.op("MatMulInteger", [quantized, small, middle])], to=1)
        # two products, not one with scale * row: onnxruntime 1.32 takes that for its own pattern and ignores the rows
        scaled = self.op("Mul", [product, self.number(f"{names[0]}.scale", scale)])
        return self.op("Add", [self.op("Mul", [scaled, row]), bias])

    def model(self, dimension: int) -> Any:
        """Return the finished model."""
        from onnx import TensorProto, helper

        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
            for name in ("input_ids", "attention_mask")
        ]
        output = helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["texts", dimension])
        graph = helper.make_graph(self._nodes, "bert", inputs, [output], list(self._numbers.values()))
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
