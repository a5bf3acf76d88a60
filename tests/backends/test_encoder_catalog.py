import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltrr_cli.backends import encoder_catalog
from ltrr_cli.backends.encoder import OnnxEncoder, TableEncoder, open_encoder
from ltrr_cli.backends.encoder_catalog import fit, sample
from ltrr_cli.core.errors import DamagedError
from ltrr_cli.text.analyse import Analyzer
from ltrr_cli.text.normalise import plain, tokens

TEXTS = [
    "guitar amplifier with tube sound",
    "electric guitar, maple neck",
    "guitar strings and amplifier cable",
    "running shoes for road and trail",
    "trail shoes, waterproof",
    "socks for running",
]


def fitted(folder, texts=TEXTS, **options):
    fit(texts, folder, **options)
    return open_encoder(folder)


def cosine(encoder, one, other):
    return float(np.prod(encoder.encode([one, other]), axis=0).sum())


def test_words_that_stand_together_are_near(tmp_path):
    encoder = fitted(tmp_path, dimension=2)
    assert cosine(encoder, "amplifier", "guitar") > 0.9
    assert cosine(encoder, "amplifier", "shoes") < 0.3


def test_vectors_have_length_one_or_zero(tmp_path):
    encoder = fitted(tmp_path)
    vectors = encoder.encode(["guitar shoes", "nothing known", "", "!?", "guitar"])
    assert vectors.shape == (5, encoder.dimension)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 0, 0, 0, 1], abs=1e-6)


def test_words_of_one_stem_share_a_vector(tmp_path):
    texts = [*TEXTS, "a shoe", "a run"]
    encoder = fitted(tmp_path / "stemmed", texts, stem=Analyzer("en").stem)
    assert cosine(encoder, "shoe", "shoes") == pytest.approx(1, abs=1e-6)
    assert cosine(encoder, "run", "running") == pytest.approx(1, abs=1e-6)
    assert cosine(fitted(tmp_path / "plain", texts), "run", "running") < 0.9


def test_the_table_and_the_graph_agree(tmp_path):
    table = fitted(tmp_path)
    assert isinstance(table, TableEncoder)
    texts = [*TEXTS, "guitar guitar guitar shoes unknown", "", "unknown"]
    np.testing.assert_allclose(OnnxEncoder.open(tmp_path).encode(texts), table.encode(texts), atol=1e-6)


def test_the_same_texts_give_the_same_bytes(tmp_path):
    for name in "ab":
        fitted(tmp_path / name, stem=Analyzer("en").stem)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_a_text_does_not_depend_on_its_neighbours(tmp_path):
    encoder = fitted(tmp_path)
    together = encoder.encode(TEXTS)
    for row, text in enumerate(TEXTS):
        np.testing.assert_array_equal(encoder.encode([text])[0], together[row])


@pytest.mark.parametrize("texts", [["love"], ["love", "love"], ["a b", "b c", "d"], [*map(str, range(20))]])
def test_tiny_catalogs_work(tmp_path, texts):
    encoder = fitted(tmp_path, texts)
    assert 1 <= encoder.dimension <= len(texts)
    assert np.linalg.norm(encoder.encode(texts), axis=1) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("texts", [[], [""], ["...", "!"]])
def test_a_catalog_without_words_knows_none(tmp_path, texts):
    encoder = fitted(tmp_path, texts)
    assert not encoder.encode(["love", "..."]).any()


def test_rare_words_of_a_larger_catalog_are_folded_in(tmp_path):
    texts = [f"{'guitar amplifier' if n % 2 else 'shoes trail'} item{n}" for n in range(1_200)]
    encoder = fitted(tmp_path, texts, dimension=8)
    assert cosine(encoder, "item7", "amplifier") > 0.9
    assert cosine(encoder, "item8", "amplifier") < 0.3


def test_of_too_many_words_the_commonest_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(encoder_catalog, "WORDS", 2)
    encoder = fitted(tmp_path, ["love me", "love you", "me too"])
    assert encoder.encode(["love", "me", "too", "you"]).any(axis=1).tolist() == [True, True, False, False]


def test_a_sample_is_seeded_in_order_and_spread():
    texts = [str(n) for n in range(1_000)]
    assert sample(texts, 1_000) == texts
    some = sample(iter(texts), 100)
    assert some == sample(texts, 100)
    assert len(set(some)) == 100
    assert sorted(some, key=int) == some
    assert 300 < np.mean([int(text) for text in some]) < 700


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "No"])))  # "2½" is two numbers in ours, one in it
def test_words_are_cut_as_the_rest_of_the_house_cuts_them(text):
    latin = "".join(c if ord(c) < 0x250 else " " for c in text)
    assert encoder_catalog._words(encoder_catalog._pipeline(), latin) == tokens(plain(latin))


@pytest.mark.parametrize(
    "text", ["Beyoncé ＡＢＢＡ ﬁlm İstanbul Łódź Straße", "Don't Stop - rock’n’roll a_b 24\"", "ΣΊΣΥΦΟΣ Ёлка"]
)
def test_letters_are_folded_as_the_rest_of_the_house_folds_them(text):
    assert encoder_catalog._words(encoder_catalog._pipeline(), text) == tokens(plain(text))


def test_scripts_without_spaces_are_taken_by_the_character(tmp_path):
    encoder = fitted(tmp_path, ["東京タワー", "京都の寺", "love"])
    assert encoder.encode(["京"]).any()


def test_lone_surrogates_do_no_harm(tmp_path):
    encoder = fitted(tmp_path, ["love \ud800", "me"])
    assert encoder.encode(["love \udfff"]).any()


def test_a_query_loads_neither_onnxruntime_nor_scikit_learn(tmp_path):
    fitted(tmp_path)
    program = (
        "import sys; from pathlib import Path; from ltrr_cli.backends.encoder import open_encoder\n"
        "assert open_encoder(Path(sys.argv[1])).encode(['guitar']).any()\n"
        "print([name for name in ('onnxruntime', 'onnx', 'sklearn', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["table.npy", "tokenizer.json", "encoder.json"])
def test_a_cut_file_is_damage(tmp_path, name):
    fit(TEXTS, tmp_path)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DamagedError, match=name):
        open_encoder(tmp_path)


def test_a_tokenizer_of_another_making_is_damage(tmp_path):
    fit(TEXTS, tmp_path)
    content = json.loads((tmp_path / "tokenizer.json").read_text())
    content["model"]["vocab"]["guitar"] = 10**6
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(DamagedError, match="not of one making"):
        open_encoder(tmp_path).encode(["guitar"])
