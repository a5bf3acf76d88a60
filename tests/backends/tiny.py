"""A BERT of 8 numbers and 2 layers with random weights: small enough to make in every test."""

import json
import math

import numpy as np

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "red", "blue", "shoes", "music", "rain", "sun", "day", "the", "of", "a"]
WORDS += ["jazz", "rock", "piano", "quiet"]
D, LAYERS, HEADS, INNER, LONGEST = 8, 2, 2, 32, 24


def weights(seed=1, d=D):
    dice = np.random.default_rng(seed)

    def number(*shape, scale=0.5):
        return (scale * dice.standard_normal(shape)).astype(np.float32)

    found = {
        "embeddings.word_embeddings.weight": number(len(WORDS), d, scale=1.0),
        "embeddings.position_embeddings.weight": number(LONGEST, d, scale=0.1),
        "embeddings.token_type_embeddings.weight": number(2, d, scale=0.1),
    }
    shapes = {
        "attention.self.query": (d, d),
        "attention.self.key": (d, d),
        "attention.self.value": (d, d),
        "attention.output.dense": (d, d),
        "intermediate.dense": (INNER, d),
        "output.dense": (d, INNER),
    }
    for layer in range(LAYERS):
        for name, shape in shapes.items():
            found[f"encoder.layer.{layer}.{name}.weight"] = number(*shape)
            found[f"encoder.layer.{layer}.{name}.bias"] = number(shape[0], scale=0.1)
    norms = [f"encoder.layer.{n}.{part}" for n in range(LAYERS) for part in ("attention.output", "output")]
    for norm in ("embeddings", *norms):
        found[f"{norm}.LayerNorm.weight"] = 1 + number(d, scale=0.1)
        found[f"{norm}.LayerNorm.bias"] = number(d, scale=0.1)
    return found


def save_safetensors(path, tensors):
    header, parts, place = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in tensors.items():
        data = tensor.tobytes()
        kind = {"float32": "F32", "int64": "I64"}[str(tensor.dtype)]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [place, place + len(data)]}
        parts.append(data)
        place += len(data)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(parts))


def save_tokenizer(path, padding=True):
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordPiece({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    if padding:  # as the real one is shipped
        tokenizer.enable_padding(length=16)
        tokenizer.enable_truncation(16)
    tokenizer.save(str(path))


def forward(tensors, ids):
    """What the graph must give, by numpy in float64: (d,)."""

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return scaled * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]

    def linear(x, name):
        return x @ tensors[f"{name}.weight"].T.astype(np.float64) + tensors[f"{name}.bias"]

    def heads(x):
        return x.reshape(len(ids), HEADS, -1).transpose(1, 0, 2)

    x = tensors["embeddings.word_embeddings.weight"][ids].astype(np.float64)
    x = x + tensors["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + tensors["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}."
        query, key, value = (heads(linear(x, f"{name}attention.self.{part}")) for part in ("query", "key", "value"))
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1])
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        seen = (scores / scores.sum(-1, keepdims=True)) @ value
        flat = seen.transpose(1, 0, 2).reshape(len(ids), -1)
        x = norm(x + linear(flat, f"{name}attention.output.dense"), f"{name}attention.output.LayerNorm")
        wide = linear(x, f"{name}intermediate.dense")
        wide = wide * 0.5 * (1 + np.vectorize(math.erf)(wide / math.sqrt(2)))
        x = norm(x + linear(wide, f"{name}output.dense"), f"{name}output.LayerNorm")
    mean = x.mean(axis=0)
    return mean / np.linalg.norm(mean)


def cross_folder(folder, worth, columns=1):
    """A cross-encoder whose score is the sum of its words' worth; with two columns, minus and plus of it."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    table = np.array([worth.get(word, 0.0) for word in WORDS], np.float32)
    signs = np.array([[1.0]] if columns == 1 else [[-1.0, 1.0]], np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["each"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["each", "mask"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "axes"], ["total"], keepdims=1),
        helper.make_node("MatMul", ["total", "signs"], ["logits"]),
    ]
    arrays = {"table": table, "signs": signs, "axes": np.array([1], np.int64)}
    graph = helper.make_graph(
        nodes,
        "cross",
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["n", "t"]) for n in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", columns])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    folder.mkdir(parents=True)
    onnx.save(model, folder / "model.onnx")
    save_tokenizer(folder / "tokenizer.json")
    return folder
