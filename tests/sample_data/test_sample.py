"""The sample data is what its generator makes, and rich enough that every strategy has something to find."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from ltrr_cli.catalog.sample import sample_path
from ltrr_cli.core.errors import NotFoundError
from ltrr_cli.feedback.judgments import read_qrels

ROOT = Path(__file__).resolve().parents[2]


def lines(name: str) -> list[dict]:
    data = sample_path(name).read_bytes()
    text = gzip.decompress(data) if name.endswith(".gz") else data
    return [json.loads(line) for line in text.decode().split("\n") if line]


@pytest.fixture(scope="module")
def catalog() -> dict[str, dict]:
    return {record["id"]: record for record in lines("catalog.jsonl.gz")}


def test_it_has_all_kinds_and_thousands_of_entities(catalog: dict[str, dict]):
    assert len(catalog) == len(lines("catalog.jsonl.gz")) >= 5_000
    kinds = {record["type"] for record in catalog.values()}
    assert kinds == {"artist", "album", "track", "playlist", "station", "podcast"}


def test_love_is_many_things(catalog: dict[str, dict]):
    kinds = defaultdict(int)
    for record in catalog.values():
        kinds[record["type"]] += record["title"] == "Love"
    assert kinds["track"] >= 3
    assert min(kinds["artist"], kinds["playlist"], kinds["podcast"]) >= 1


@pytest.mark.parametrize("name", ["feedback.jsonl.gz", "feedback_later.jsonl.gz"])
def test_the_log_is_in_time_order_and_clicks_known_entities(catalog: dict[str, dict], name: str):
    log = lines(name)
    times = [line["timestamp"] for line in log]
    assert times == sorted(times)
    assert all(entity in catalog for line in log for entity in line["clicked"])
    assert any(line["results"] is None for line in log)
    first = sum(line["results"][0] in line["clicked"] for line in log if line["results"])
    ninth = sum(line["results"][8] in line["clicked"] for line in log if line["results"] and len(line["results"]) > 8)
    assert first > 5 * ninth  # people look at the top


def test_judgments_name_known_queries_and_entities(catalog: dict[str, dict]):
    queries = {line["query_id"] for line in lines("queries.jsonl")}
    qrels = read_qrels(sample_path("qrels.tsv"))
    assert set(qrels) == queries
    assert all(entity in catalog for grades in qrels.values() for entity in grades)


def test_an_unknown_file_is_not_found():
    with pytest.raises(NotFoundError):
        sample_path("nothing.jsonl")


def test_the_generator_makes_the_shipped_catalog():
    code = (
        "import sys; sys.path.insert(0, 'sample_data')\n"
        "import numpy as np, json, generate\n"
        "world = generate.build(np.random.default_rng(generate.SEED))\n"
        "made = ''.join(json.dumps(r, ensure_ascii=False) + '\\n' for r in generate.lines(world))\n"
        "sys.stdout.buffer.write(made.encode())"
    )
    made = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True).stdout
    assert made == gzip.decompress(sample_path("catalog.jsonl.gz").read_bytes())


@pytest.mark.slow
def test_the_generator_makes_every_shipped_file_byte_for_byte(tmp_path: Path):
    subprocess.run([sys.executable, "sample_data/generate.py", str(tmp_path)], cwd=ROOT, check=True)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == sample_path(path.name).read_bytes(), path.name
