import hashlib

import numpy as np
import pytest

from ltrr_cli.backends import vector_cache
from ltrr_cli.backends.vector_cache import VectorCache


class Counting:
    """An encoder that remembers what it was asked."""

    def __init__(self, digest="d", dimension=4, fail_after=None):
        self.digest, self.dimension, self.asked, self._fail_after = digest, dimension, [], fail_after

    def encode(self, texts, progress=None):
        if self._fail_after is not None and len(self.asked) >= self._fail_after:
            raise KeyboardInterrupt
        self.asked += texts
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            if text:
                seed = int.from_bytes(hashlib.sha256(f"{self.digest}{text}".encode()).digest()[:8], "big")
                vector = np.random.default_rng(seed).standard_normal(self.dimension)
                vectors[row] = vector / np.linalg.norm(vector)
        return vectors


TEXTS = [f"text {n}" for n in range(20)]


def files(folder):
    return {path.suffix: path for path in folder.iterdir()}


def test_only_new_texts_are_encoded(tmp_path):
    cache, encoder = VectorCache(tmp_path), Counting()
    first = cache.encode(encoder, TEXTS[:10])
    np.testing.assert_array_equal(first, Counting().encode(TEXTS[:10]))
    encoder.asked.clear()
    np.testing.assert_array_equal(cache.encode(encoder, TEXTS[5:15][::-1]), Counting().encode(TEXTS[5:15][::-1]))
    assert sorted(encoder.asked) == sorted(TEXTS[10:15])
    encoder.asked.clear()
    np.testing.assert_array_equal(VectorCache(tmp_path).encode(encoder, TEXTS[:15]), Counting().encode(TEXTS[:15]))
    assert encoder.asked == []


def test_a_repeated_text_is_encoded_once(tmp_path):
    encoder = Counting()
    vectors = VectorCache(tmp_path).encode(encoder, ["a", "b", "a", "", "a", ""])
    np.testing.assert_array_equal(vectors, Counting().encode(["a", "b", "a", "", "a", ""]))
    assert sorted(encoder.asked) == ["", "a", "b"]


def test_another_encoder_shares_nothing(tmp_path):
    cache = VectorCache(tmp_path)
    cache.encode(Counting("one"), TEXTS)
    other = Counting("two")
    np.testing.assert_array_equal(cache.encode(other, TEXTS), Counting("two").encode(TEXTS))
    assert len(other.asked) == 20


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(vector_cache, "_PIECE", 5)
    cache = VectorCache(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        cache.encode(Counting(fail_after=10), TEXTS)
    encoder = Counting()
    np.testing.assert_array_equal(cache.encode(encoder, TEXTS), Counting().encode(TEXTS))
    assert len(encoder.asked) == 10


@pytest.mark.parametrize(("suffix", "cut"), [(".vectors", 7), (".keys", 3), (".vectors", 16 * 8), (".keys", 16 * 20)])
def test_a_tail_that_was_cut_is_written_again(tmp_path, suffix, cut):
    cache = VectorCache(tmp_path)
    cache.encode(Counting(), TEXTS)
    path = files(tmp_path)[suffix]
    path.write_bytes(path.read_bytes()[:-cut])
    for _ in range(2):
        encoder = Counting()
        np.testing.assert_array_equal(cache.encode(encoder, [*TEXTS, "new"]), Counting().encode([*TEXTS, "new"]))
    assert encoder.asked == [], "the second run finds everything"
    sizes = {suffix: path.stat().st_size for suffix, path in files(tmp_path).items()}
    assert sizes == {".keys": 21 * 16, ".vectors": 21 * 16}


def test_vectors_that_rotted_are_computed_anew(tmp_path):
    cache = VectorCache(tmp_path)
    cache.encode(Counting(), TEXTS)
    path = files(tmp_path)[".vectors"]
    content = np.frombuffer(path.read_bytes(), np.float32).reshape(20, 4).copy()
    content[3], content[4] = 7.0, np.nan
    path.write_bytes(content.tobytes())
    encoder = Counting()
    np.testing.assert_array_equal(cache.encode(encoder, TEXTS), Counting().encode(TEXTS))
    assert len(encoder.asked) == 2
    encoder.asked.clear()
    np.testing.assert_array_equal(cache.encode(encoder, TEXTS), Counting().encode(TEXTS))
    assert encoder.asked == [], "the newer vector counts"


def test_a_second_process_reads_and_encodes_but_does_not_append(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    cache = VectorCache(tmp_path)
    cache.encode(Counting(), TEXTS[:10])
    with files(tmp_path)[".keys"].open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        encoder = Counting()
        np.testing.assert_array_equal(cache.encode(encoder, TEXTS), Counting().encode(TEXTS))
        assert len(encoder.asked) == 10
        assert files(tmp_path)[".keys"].stat().st_size == 160
    cache.encode(Counting(), TEXTS)
    assert files(tmp_path)[".keys"].stat().st_size == 320


def test_a_cache_grown_too_large_starts_anew(tmp_path, monkeypatch):
    cache = VectorCache(tmp_path)
    cache.encode(Counting(), TEXTS)
    monkeypatch.setattr(vector_cache, "MOST_BYTES", 100)
    encoder = Counting()
    np.testing.assert_array_equal(cache.encode(encoder, TEXTS[:3]), Counting().encode(TEXTS[:3]))
    assert files(tmp_path)[".keys"].stat().st_size == 48


def test_progress_counts_every_text(tmp_path, monkeypatch):
    monkeypatch.setattr(vector_cache, "_PIECE", 4)
    cache, told = VectorCache(tmp_path), []
    cache.encode(Counting(), ["a", "b", "a"], told.append)
    assert sum(told) == 3
    told.clear()
    cache.encode(Counting(), [*TEXTS, "a", "a"], told.append)
    assert sum(told) == 22
    assert told[0] == 2


def test_no_texts_give_no_vectors(tmp_path):
    assert VectorCache(tmp_path).encode(Counting(), []).shape == (0, 4)
