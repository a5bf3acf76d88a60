import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltrr_cli.backends import vectors
from ltrr_cli.backends.vectors import DEPTH, GRAPH_ABOVE, Vectors
from ltrr_cli.core.errors import DamagedError, DataError, NoSpaceError, UsageError


def unit(matrix):
    return (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float32)


def clustered(n, d=16, seed=3):
    dice = np.random.default_rng(seed)
    centres = dice.standard_normal((20, d))
    return unit(centres[dice.integers(20, size=n)] + 0.5 * dice.standard_normal((n, d)))


def stored(folder, matrix, **options):
    vectors.build(folder, matrix)
    return Vectors.open(folder, **options)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """300 vectors, each three times, and two of length 0."""
    matrix = np.concatenate([np.repeat(clustered(300), 3, axis=0), np.zeros((2, 16), np.float32)])
    return stored(tmp_path_factory.mktemp("few") / "v", matrix)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """3,000 vectors, 500 of them copies of others, and 5 of length 0: enough for a graph."""
    matrix = clustered(3000)
    matrix[2500:] = matrix[:500]
    matrix[[0, 7, 100, 2000, 2999]] = 0.0
    vectors.build(tmp_path_factory.mktemp("graph") / "v", matrix)
    return tmp_path_factory.getbasetemp() / "graph0" / "v"


@pytest.fixture(scope="module", params=["scan", "graph"])
def either(request, folder):
    return Vectors.open(folder, use_graph=request.param == "graph")


def brute_force(matrix, query, allowed=None):
    """All rows by exact cosine, ties by row."""
    cosines = (matrix.astype(np.float64) * (query / np.linalg.norm(query))).sum(axis=1).astype(np.float32)
    kept = [row for row in range(len(matrix)) if matrix[row].any() and (allowed is None or allowed[row])]
    return sorted(kept, key=lambda row: (-cosines[row], row)), cosines


def test_a_scan_finds_the_nearest_and_breaks_ties_by_row(few):
    query = np.random.default_rng(1).standard_normal(16).astype(np.float32)
    expected, cosines = brute_force(few.matrix, query.astype(np.float64))
    for limit in (1, 2, 10, 299, 10_000):
        rows, scores = few.search(query, limit)
        assert rows.tolist() == expected[:limit]
        np.testing.assert_array_equal(scores, cosines[rows])
    assert (rows.dtype, scores.dtype) == (np.int32, np.float32)


def test_vectors_of_length_zero_are_never_found(few):
    assert set(few.search(np.ones(16, np.float32), 10_000)[0].tolist()) == set(range(900))


def test_the_length_of_the_query_does_not_matter(few):
    query = np.random.default_rng(2).standard_normal(16).astype(np.float32)
    assert few.search(query, 5)[0].tolist() == few.search(query * 1e-3, 5)[0].tolist()
    assert few.search(query, 5)[1] == pytest.approx(few.search(query * 1e3, 5)[1], abs=1e-6)
    assert few.search(few.matrix[30], 1)[1] == pytest.approx([1.0], abs=1e-6)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_query_without_direction_finds_nothing(either, value):
    query = np.full(16, value, np.float32)
    assert either.search(query, 5)[0].size == 0
    assert np.isnan(either.scores(query, np.arange(3, dtype=np.int32))).all()


@pytest.mark.parametrize("limit", [0, -5])
def test_a_limit_below_one_finds_nothing(either, limit):
    assert either.search(np.ones(16, np.float32), limit)[0].size == 0


def test_a_query_of_another_dimension_is_refused(either):
    with pytest.raises(UsageError, match=r"\(3,\)"):
        either.search(np.ones(3, np.float32), 5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 3000), max_size=5))
def test_a_longer_list_begins_with_the_shorter(either, seed, limits):
    query = np.random.default_rng(seed).standard_normal(16).astype(np.float32)
    rows, scores = either.search(query, 5000)
    assert len(set(rows.tolist())) == len(rows)
    assert rows.tolist() == rows[np.lexsort((rows, -scores))].tolist()
    for limit in (*limits, DEPTH, DEPTH + 1):
        shorter = either.search(query, limit)
        assert shorter[0].tolist() == rows[:limit].tolist()
        assert shorter[1].tolist() == scores[:limit].tolist()


def test_the_graph_finds_what_the_scan_finds(folder):
    graph, scan = Vectors.open(folder, use_graph=True), Vectors.open(folder)
    queries = unit(np.random.default_rng(4).standard_normal((20, 16)))
    for query in queries:
        found, true = graph.search(query, 10), scan.search(query, 10)
        assert found[0].tolist() == true[0].tolist()
        assert found[1].tolist() == true[1].tolist()
    assert graph._graph is not None
    assert scan._graph is None, "a one-shot process loads no graph for so few"


def test_above_the_scans_bound_the_graph_is_used_unasked(folder, monkeypatch):
    monkeypatch.setattr(vectors, "SCAN_UP_TO", 2_000)
    opened = Vectors.open(folder)
    assert opened._graph is None, "it is loaded when first needed"
    opened.search(np.ones(16, np.float32), 5)
    assert opened._graph is not None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 400))
def test_a_filter_is_exact(either, seed, limit):
    dice = np.random.default_rng(seed)
    allowed = dice.random(3000) < dice.random() ** 3
    query = dice.standard_normal(16).astype(np.float32)
    expected, cosines = brute_force(either.matrix, query.astype(np.float64), allowed)
    rows, scores = either.search(query, limit, allowed)
    assert rows.tolist() == expected[:limit]
    np.testing.assert_array_equal(scores, cosines[rows])


def test_scores_are_those_of_the_search(either):
    query = np.random.default_rng(9).standard_normal(16).astype(np.float32)
    rows, scores = either.search(query, 50)
    np.testing.assert_array_equal(either.scores(query, rows[::-1]), scores[::-1])
    assert np.isnan(either.scores(query, np.array([7, 3], np.int32))).tolist() == [True, False]
    assert either.scores(query, np.empty(0, np.int32)).shape == (0,)


def test_the_same_vectors_give_the_same_bytes(tmp_path):
    matrix = clustered(1500)
    for name in ("a", "b"):
        vectors.build(tmp_path / name, matrix)
    written = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert written == ["blank.npy", "graph.bin", "vectors.json", "vectors.npy"]
    for name in written:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_small_catalog_has_no_graph(tmp_path):
    opened = stored(tmp_path, clustered(GRAPH_ABOVE), use_graph=True)
    assert not (tmp_path / "graph.bin").exists()
    assert opened.search(np.ones(16, np.float32), 3)[0].size == 3


@pytest.mark.parametrize("n", [0, 1])
def test_tiny_catalogs_work(tmp_path, n):
    opened = stored(tmp_path, clustered(n), use_graph=True)
    assert len(opened) == n
    assert opened.dimension == 16
    assert opened.search(np.ones(16, np.float32), 3)[0].tolist() == list(range(n))


def test_many_equal_vectors_do_not_break_the_graph(tmp_path):
    matrix = np.tile(clustered(1), (2000, 1))
    opened = stored(tmp_path, matrix, use_graph=True)
    rows, scores = opened.search(matrix[0], 1500)
    assert len(rows) >= DEPTH, "which of the equal ones are found is the graph's business"
    assert rows.tolist() == sorted(rows.tolist())
    assert scores == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones((3, 4), np.float32), "vector 0 has length 2"),
        (np.full((1, 4), np.nan, np.float32), "vector 0 has length nan"),
        (np.eye(4), "float64"),
        (np.ones(4, np.float32), r"\(4,\)"),
        (np.ones((3, 0), np.float32), r"\(3, 0\)"),
    ],
)
def test_other_vectors_are_refused(tmp_path, matrix, message):
    with pytest.raises(DataError, match=message):
        vectors.build(tmp_path, matrix)


@pytest.mark.parametrize("name", ["vectors.npy", "graph.bin", "vectors.json", "blank.npy"])
@pytest.mark.parametrize("harm", ["cut", "missing", "empty", "longer"])
def test_harm_is_seen_before_a_native_loader_reads(tmp_path, name, harm):
    vectors.build(tmp_path, clustered(1500))
    path = tmp_path / name
    content = path.read_bytes()
    if harm == "missing":
        path.unlink()
    elif harm == "longer":
        path.write_bytes(content + b"x" * 100)
    else:
        path.write_bytes(content[: len(content) // 2 if harm == "cut" else 0])
    if (name, harm) in {("vectors.npy", "longer"), ("blank.npy", "longer")}:
        Vectors.open(tmp_path)  # bytes after the array are never read
        return
    with pytest.raises(DamagedError, match=name):
        Vectors.open(tmp_path)


def test_a_graph_of_another_dimension_is_seen(tmp_path):
    vectors.build(tmp_path / "a", clustered(1500, d=16))
    vectors.build(tmp_path / "b", clustered(1500, d=24))
    (tmp_path / "b" / "graph.bin").replace(tmp_path / "a" / "graph.bin")
    header = tmp_path / "a" / "vectors.json"
    size = (tmp_path / "a" / "graph.bin").stat().st_size
    lines = [f' "graph_bytes": {size},' if "graph_bytes" in line else line for line in header.read_text().split("\n")]
    header.write_text("\n".join(lines))
    with pytest.raises(DamagedError, match="not the graph of 1500 vectors of 16"):
        Vectors.open(tmp_path / "a")


def test_half_a_graph_on_a_full_disk_is_named(tmp_path, monkeypatch):
    hnswlib = pytest.importorskip("hnswlib")
    if not hasattr(hnswlib.Index, "index_file_size"):
        pytest.skip("this hnswlib cannot tell the size of its file, and reads it back instead")
    true_size = hnswlib.Index.index_file_size
    monkeypatch.setattr(hnswlib.Index, "index_file_size", lambda self: true_size(self) + 1)
    monkeypatch.setattr("ltrr_cli.backends.files._free_bytes", lambda folder: 0)
    with pytest.raises(NoSpaceError, match=r"graph\.bin"):
        vectors.build(tmp_path, clustered(1500))
    assert not list(tmp_path.glob("graph*")), "nothing half-written stays"
    assert not (tmp_path / "vectors.json").exists(), "without its header the folder cannot be opened"


def test_threads_agree(folder):
    opened = Vectors.open(folder, use_graph=True)
    queries = unit(np.random.default_rng(6).standard_normal((40, 16)))
    expected = [Vectors.open(folder, use_graph=True).search(query, 20)[0].tolist() for query in queries[:5]]
    answers = []

    def work():
        answers.append([opened.search(query, 20)[0].tolist() for query in queries])

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][:5] == expected


def test_many_at_once_find_what_each_finds_alone(either, few):
    for opened in (either, few):
        queries = np.random.default_rng(8).standard_normal((9, 16)).astype(np.float32)
        queries[3] = 0.0
        for limit in (0, 1, 40, 10_000):
            for query, (rows, scores) in zip(queries, opened.search_many(queries, limit), strict=True):
                alone, values = opened.search(query, limit)
                np.testing.assert_array_equal(rows, alone)
                np.testing.assert_array_equal(scores, values)
