"""A real Ray cluster: skipped where Ray is not installed (``pip install 'ltrr-cli[ray]'``)."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import ltrr_cli
from ltrr_cli.workspace import maintenance
from tests.engine.ray_nodes import TOKEN, Nodes, raylets
from tests.indexing.engines import contents
from tests.small_workspace import write_catalog

ROOT = Path(__file__).parents[2]
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


def begun(*words: object, cwd: Path = ROOT) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_CLIENT_RECONNECT_GRACE_PERIOD": "5", **TOKEN}
    return subprocess.Popen(
        [sys.executable, "-m", "ltrr_cli", *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=cwd,
    )  # fmt: skip


def ltrr(*words: object, cwd: Path = ROOT) -> tuple[int, str, str]:
    with begun(*words, cwd=cwd) as process:
        out, err = process.communicate(timeout=200)
    return process.returncode, out, err


def without_ray(code: str) -> subprocess.CompletedProcess[str]:
    hidden = f"import sys\nsys.modules['ray'] = None\n{code}"
    return subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True, cwd=ROOT)


def test_without_ray_one_line_says_so(tmp_path: Path):
    words = [
        "index",
        str(write_catalog(tmp_path / "catalog.jsonl")),
        "--engine",
        "ray",
        "--home",
        str(tmp_path / "home"),
    ]
    done = without_ray(f"from ltrr_cli.cli.main import run\nsys.exit(run({words}))")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "ltrr: Ray is not installed", "hint: pip install 'ltrr-cli[ray]', or --engine processes",
    ]  # fmt: skip
    assert not (tmp_path / "home").exists()


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with raylets(1, tmp_path_factory.mktemp("ray")) as nodes:
        yield nodes


@needs_ray
def test_a_cluster_builds_the_same_catalog_though_its_workers_have_another_current_folder(
    one: Nodes, indexed: Path, tmp_path: Path
):
    write_catalog(tmp_path / "catalog.jsonl")
    code, _, err = ltrr("index", "catalog.jsonl", "--engine", one.address, "--home", "home", "-q", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert contents(tmp_path / "home" / "catalog" / "0001") == contents(indexed / "catalog" / "0001")


@needs_ray
def test_the_doctor_says_what_a_cluster_is_and_whether_it_sees_the_workspace(one: Nodes, indexed: Path):
    code, out, err = ltrr("doctor", "--engine", one.address, "--home", indexed, "--json")
    checks = {check["name"]: check for check in json.loads(out)["checks"]}
    assert code == 0, err
    assert checks["engine"]["says"].startswith(f"{one.address}: Ray ")
    assert "1 workers" in checks["engine"]["says"]
    assert checks["engine sees the workspace"]["ok"]


@needs_ray
def test_where_no_cluster_answers_one_line_says_so(tmp_path: Path):
    code, out, err = ltrr("doctor", "--engine", "ray://127.0.0.1:9", "--home", tmp_path, "--json")
    checks = {check["name"]: check for check in json.loads(out)["checks"]}
    assert code != 0, err
    assert checks["engine"]["says"].startswith("no Ray cluster ray://127.0.0.1:9")


@needs_ray
@pytest.mark.slow
def test_a_raylet_that_is_killed_in_mid_index_changes_nothing(sample_home: Path, tmp_path: Path):
    from ltrr_cli.catalog.sample import sample_path

    with raylets(3, tmp_path) as nodes:
        home = tmp_path / "home"
        words = ("index", sample_path("catalog.jsonl.gz"), "--engine", nodes.address, "--home", home, "-q")
        process = begun_until(home / "catalog" / "0001.tmp" / "sparse", *words)
        nodes.kill(1)
        _, err = process.communicate(timeout=300)
        assert (process.returncode, err) == (0, "")
    assert [path.name for path in (home / "catalog").iterdir()] == ["0001"]
    assert contents(home / "catalog" / "0001") == contents(sample_home / "catalog" / "0001")


@needs_ray
@pytest.mark.slow
def test_a_head_that_is_killed_publishes_nothing_and_the_old_generation_answers(sample_home: Path, tmp_path: Path):
    from ltrr_cli.catalog.sample import sample_path

    home = tmp_path / "home"
    shutil.copytree(sample_home, home)
    with raylets(3, tmp_path) as nodes:
        words = ("index", sample_path("catalog.jsonl.gz"), "--engine", nodes.address, "--home", home, "-q")
        process = begun_until(home / "catalog" / "0002.tmp" / "understanding", *words)
        nodes.kill(0)
        _, err = process.communicate(timeout=300)
    assert process.returncode == 1
    said, hint = err.splitlines()[-2:]  # Ray's own libraries may have warned before
    assert said.startswith(f"ltrr: the cluster {nodes.address} does not answer any more")
    assert hint.startswith("hint: ")
    assert [path.name for path in (home / "catalog").iterdir()] == ["0001"]
    assert ltrr_cli.open(home).query("love", log=False).results


@needs_ray
@pytest.mark.slow
def test_a_raylet_that_is_killed_in_mid_fold_changes_nothing(fed_home: Path, tmp_path: Path):
    home = copied(fed_home, tmp_path)
    before = learned_digest(home)
    with raylets(3, tmp_path) as nodes:
        words = ("rebuild", "--engine", nodes.address, "--home", home, "-q", "--json")
        process = begun_until(home / "checkpoints", *words, pattern="walk-*.tmp/000009")
        nodes.kill(1)
        out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out)["same"]
    assert learned_digest(home) == before
    assert not list(home.glob("*/*.tmp"))


@needs_ray
@pytest.mark.slow
def test_a_head_that_is_killed_in_mid_fold_publishes_nothing(fed_home: Path, tmp_path: Path):
    home = copied(fed_home, tmp_path)
    before = (home / "CURRENT.json").read_bytes()
    with raylets(3, tmp_path) as nodes:
        words = ("rebuild", "--engine", nodes.address, "--home", home, "-q")
        process = begun_until(home / "checkpoints", *words, pattern="walk-*.tmp/000009")
        nodes.kill(0)
        _, err = process.communicate(timeout=300)
    assert process.returncode == 1
    assert err.splitlines()[-2].startswith(f"ltrr: the cluster {nodes.address} does not answer any more")
    assert (home / "CURRENT.json").read_bytes() == before
    assert not list(home.glob("*/*.tmp"))
    assert ltrr_cli.open(home).query("love", log=False).results


def copied(home: Path, folder: Path) -> Path:
    return Path(shutil.copytree(home, folder / "home"))


def learned_digest(home: Path) -> str | None:
    state = ltrr_cli.open(home).state
    return maintenance.learned_digest(state, state.current())


def begun_until(folder: Path, *words: object, pattern: str = "") -> subprocess.Popen[str]:
    """Begin a command and return once a file is there; a busy machine may be too slow for Ray to let a client in."""
    told = ""
    for _ in range(3):
        process = begun(*words)
        while process.poll() is None:
            if any(folder.glob(pattern)) if pattern else folder.exists():
                return process
            time.sleep(0.1)
        told = str(process.communicate())
    pytest.fail(f"{folder}/{pattern} never came: {told}")
