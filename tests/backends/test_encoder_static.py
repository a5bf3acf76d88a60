import hashlib

import numpy as np
import pytest

from ltrr_cli.backends.encoder import GENERAL_SHARE, PairEncoder, open_encoder
from ltrr_cli.backends.encoder_card import digest_of, read_card
from ltrr_cli.backends.encoder_fetch import Pin
from ltrr_cli.backends.encoder_static import SPECIAL, StaticRecipe, fit_beside, pull_static, rarity
from ltrr_cli.core.errors import DamagedError, NotFoundError
from tests.backends import tiny

WEIGHTS, TOKENIZER = "weights/table.safetensors", "tokenizers/pieces.json"
TEXTS = ["quiet piano music", "red shoes", "blue shoes and rock music", "rain the whole day", "jazz music"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    table = np.random.default_rng(1).standard_normal((len(tiny.WORDS), 8)).astype(np.float32)
    table[tiny.WORDS.index("rock")] = table[tiny.WORDS.index("jazz")]  # what only texts from elsewhere could tell
    tiny.save_safetensors(folder / "table.safetensors", {"embedding.weight": table})
    tiny.save_safetensors(folder / "other.safetensors", {"something.else": table})
    tiny.save_tokenizer(folder / "pieces.json", padding=False)
    return folder


def pinned(files, name, kept):
    content = (files / kept).read_bytes()
    return Pin(name, len(content), hashlib.sha256(content).hexdigest())


@pytest.fixture
def recipe(files):
    return StaticRecipe(pinned(files, WEIGHTS, "table.safetensors"), pinned(files, TOKENIZER, "pieces.json"))


def copied(files):
    def source(pins, folder):
        for pin in pins:
            name = pin.name.rpartition("/")[2]
            (folder / name).write_bytes((files / name).read_bytes())

    return source


@pytest.fixture
def pulled(tmp_path, files, recipe):
    return pull_static(tmp_path, [copied(files)], recipe)


def test_a_table_by_its_hash_becomes_an_encoder_of_the_cache(tmp_path, pulled):
    assert pulled == tmp_path / "encoders" / "static"
    assert read_card(pulled).kind == "table"
    table = np.load(pulled / "table.npy")
    assert not table[:SPECIAL].any()
    assert table[SPECIAL:].any(axis=1).all()


def test_other_bytes_are_refused(tmp_path, files, recipe):
    wrong = StaticRecipe(recipe.weights, Pin(TOKENIZER, recipe.tokenizer.size, "0" * 64))
    with pytest.raises(DamagedError, match="SHA-256"):
        pull_static(tmp_path, [copied(files)], wrong)
    assert not (tmp_path / "encoders").exists()


def test_a_file_without_the_table_is_refused(tmp_path, files, recipe):
    other = StaticRecipe(pinned(files, "weights/other.safetensors", "other.safetensors"), recipe.tokenizer)
    with pytest.raises(DamagedError, match="no table"):
        pull_static(tmp_path, [copied(files)], other)


def test_without_a_source_the_reasons_are_told(tmp_path, recipe):
    def offline(pins, folder):
        raise OSError("no network")

    with pytest.raises(NotFoundError, match="no network"):
        pull_static(tmp_path, [offline], recipe)


def test_a_cosine_is_the_mean_of_both_cosines_by_their_shares(tmp_path, pulled):
    fit_beside(pulled, TEXTS, tmp_path / "pair")
    pair = open_encoder(tmp_path / "pair")
    assert isinstance(pair, PairEncoder)
    vectors = pair.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), pair.dimension)
    general, own = (open_encoder(tmp_path / "pair" / part).encode(TEXTS) for part in ("general", "own"))
    expected = GENERAL_SHARE * general @ general.T + (1 - GENERAL_SHARE) * own @ own.T
    np.testing.assert_allclose(vectors @ vectors.T, expected, atol=1e-5)


def test_general_vectors_tell_what_the_catalog_does_not(tmp_path, pulled):
    fit_beside(pulled, TEXTS, tmp_path / "pair")
    own, pair = open_encoder(tmp_path / "pair" / "own"), open_encoder(tmp_path / "pair")
    near_of_own, near = (float(one.encode(["rock"])[0] @ one.encode(["jazz"])[0]) for one in (own, pair))
    assert near == pytest.approx(GENERAL_SHARE + (1 - GENERAL_SHARE) * near_of_own, abs=0.01)
    assert near > near_of_own + 0.1


def test_rare_pieces_weigh_more(pulled):
    weights = rarity(pulled / "tokenizer.json", TEXTS, len(tiny.WORDS))
    music, rain, sun = (weights[tiny.WORDS.index(word)] for word in ("music", "rain", "sun"))
    assert 1.0 < music < rain < sun


def test_equal_texts_give_equal_files_and_another_table_another_digest(tmp_path, pulled):
    for name in ("one", "two"):
        fit_beside(pulled, TEXTS, tmp_path / name)
    card = read_card(tmp_path / "one")
    assert card == read_card(tmp_path / "two")
    assert (card.kind, card.name) == ("pair", "static")
    table = tmp_path / "two" / "own" / "table.npy"
    table.write_bytes(table.read_bytes()[:-2] + b"\x01\x02")
    assert digest_of(tmp_path / "two") != card.digest


def test_a_text_of_no_known_word_is_nowhere(tmp_path, pulled):
    fit_beside(pulled, TEXTS, tmp_path / "pair")
    assert not open_encoder(tmp_path / "pair").encode(["", "!!"]).any()
