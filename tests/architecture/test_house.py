"""The house stands as docs/ARCHITECTURE.md says: floors, doors, sizes, and nothing heavy before it is needed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

from tests.small_workspace import write_catalog

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "ltrr_cli"
MODULES = sorted(PACKAGE.rglob("*.py"))

FLOORS = {
    "core": 0, "storage": 1, "text": 2, "backends": 2, "charts": 2, "catalog": 3, "understanding": 3, "retrieval": 3,
    "allocation": 3, "ranking": 3, "feedback": 3, "engine": 4, "learning": 5, "indexing": 6, "evaluation": 7,
    "workspace": 8, "serving": 9, "cli": 10,
}  # fmt: skip
TOP = 8.5  # ltrr_cli itself opens a workspace

DOORS = {
    "tantivy": ["backends/fulltext.py"],
    "hnswlib": ["backends/vector_graph.py"],
    "voyager": ["backends/vector_graph.py"],
    "onnxruntime": ["backends/encoder*.py"],
    "tokenizers": ["backends/encoder*.py"],
    "onnx": ["backends/encoder*.py"],
    "platformdirs": ["backends/encoder*.py"],
    "sqlite3": ["storage/journal*.py", "text/table_sqlite.py"],
    "Stemmer": ["text/analyse.py"],
    "rapidfuzz": ["text/*.py"],
    "psycopg": ["backends/remote_postgres.py"],
    "pyarrow": ["text/table_arrow.py"],
    "ray": ["backends/ray_cluster.py"],
    "fsspec": ["text/addresses.py"],
    "zstandard": ["text/lines.py"],
    "sklearn": ["ranking/fit*.py"],
    "scipy": ["ranking/fit*.py", "backends/encoder_catalog.py"],
    "joblib": ["ranking/fit*.py", "backends/encoder_catalog.py"],
    "lightgbm": ["ranking/fit*.py"],
    "ir_measures": ["evaluation/metrics.py"],
    "starlette": ["serving/*.py"],
    "uvicorn": ["serving/worker.py"],
    "prometheus_client": ["serving/metrics.py"],
    "typer": ["cli/*.py"],
    "rich": ["cli/*.py"],
    "click": [],  # Typer brings its own copy
    "pickle": [],  # whoever can write a file must not be able to run code
}
# a second and more to import, or not installed
INSIDE_FUNCTIONS = {
    "sklearn", "scipy", "joblib", "lightgbm", "onnxruntime", "onnx", "pyarrow", "psycopg", "voyager", "ray",
    "fsspec",
}  # fmt: skip

LONGEST = 300
LONGER = {
    "core/types.py": 396,  # the vocabulary: half of it is prose, and it belongs in one place
    "engine/query.py": 305,  # one call from its words to its answer
    "engine/snapshot.py": 325,  # one open generation: whatever is asked of it
    "workspace/workspace.py": 425,  # the Python API, every verb with its words
    "storage/journal.py": 335,  # every read and write of one database
    "retrieval/memory/memory.py": 420,  # one strategy is one file
}


def name_of(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


@cache
def parsed(module: Path) -> ast.Module:
    return ast.parse(module.read_text("utf-8"))


@cache
def imported(module: Path) -> list[tuple[str, bool]]:
    """Return (dotted name, whether at the top level) of every import, also those inside functions."""
    return list(_imported(module))


def _imported(module: Path) -> Iterator[tuple[str, bool]]:
    tree = parsed(module)
    at_top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in at_top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(module)}: relative import"
            yield from ((f"{node.module}.{alias.name}", id(node) in at_top) for alias in node.names)


def room_of(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0]


def test_every_room_has_a_floor():
    folders = {
        path.parent.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE
    }
    assert folders == set(FLOORS)


@pytest.mark.parametrize("module", [path for path in MODULES if path.parent != PACKAGE], ids=name_of)
def test_imports_go_down_and_never_sideways(module: Path):
    room = room_of(module)
    for name, _ in imported(module):
        parts = name.split(".")
        if parts[0] == "ltrr_cli" and parts[1:2] != [room]:
            floor = FLOORS.get(parts[1], TOP) if len(parts) > 1 else TOP
            assert floor < FLOORS[room], f"{name_of(module)} imports {name}"


def test_no_module_imports_itself_by_way_of_others():
    """Imports for type checkers count too: a circle of names is a circle in the reader's head."""
    modules = {dotted(path): path for path in MODULES}
    arrows = {
        name: {target for target, _ in imported(path) for target in _modules_of(target, modules) if target != name}
        for name, path in modules.items()
    }
    left = dict(arrows)
    while leaves := {name for name, targets in left.items() if not targets & left.keys()}:
        left = {name: targets for name, targets in left.items() if name not in leaves}
    assert not left, f"in or above a circle of imports: {sorted(left)}"


def dotted(module: Path) -> str:
    return ".".join(module.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _modules_of(name: str, modules: dict[str, Path]) -> list[str]:
    """Return the module that an imported name is, or stands in; the package itself aside."""
    found = next((one for one in (name, name.rpartition(".")[0]) if one in modules), None)
    return [] if found in (None, PACKAGE.name) else [found]


def test_a_class_name_stands_for_one_thing():
    owners: dict[str, list[str]] = {}
    for module in MODULES:
        for node in parsed(module).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                owners.setdefault(node.name, []).append(name_of(module))
    assert {name: files for name, files in owners.items() if len(files) > 1} == {}


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_each_dependency_has_one_door(module: Path):
    for name, at_top in imported(module):
        package = name.split(".")[0]
        if package in DOORS:
            assert any(fnmatch(name_of(module), door) for door in DOORS[package]), f"{name_of(module)} imports {name}"
        assert not (at_top and package in INSIDE_FUNCTIONS), f"{name_of(module)} imports {name} outside a function"


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_fits_in_a_head(module: Path):
    lines = module.read_text("utf-8").count("\n")
    assert lines <= LONGER.get(name_of(module), LONGEST), f"{name_of(module)} has {lines} lines"


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_nothing_prints_and_nothing_runs_text_as_code(module: Path):
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else ""
            assert called not in {"print", "eval", "exec", "breakpoint"}, f"{name_of(module)}, line {node.lineno}"
            allowed = [key for key in node.keywords if key.arg == "allow_pickle"]
            assert all(isinstance(key.value, ast.Constant) and key.value.value is False for key in allowed)


def sections_of_the_map() -> dict[str, str]:
    """Return room -> its section of docs/ARCHITECTURE.md."""
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text("utf-8").partition("\n## What is on the disk")[0]
    return {
        re.match(r"`ltrr_cli/(\w+)/`", section)[1]: section
        for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    }


def test_the_map_names_every_room_and_no_other():
    sections = sections_of_the_map()
    assert set(sections) == set(FLOORS)
    for room, section in sections.items():
        heading = section.split("\n")[0]
        assert heading.endswith("?"), f"{room}: a heading is a question"
        assert "*Useful for:*" in section, room
        assert "*Not useful for:*" in section, room


def test_the_map_names_every_module_and_no_other():
    named = [
        f"{room}/{name}"
        for room, section in sections_of_the_map().items()
        for name in re.findall(r"^\| `([\w/]+\.py)` \| \S", section, flags=re.MULTILINE)
    ]
    modules = [name_of(path) for path in MODULES if path.name != "__init__.py" and path.parent != PACKAGE]
    missing = [
        f"add under the heading `ltrr_cli/{room}/` the line: | `{rest}` | what it answers, in half a line |"
        for room, _, rest in (name.partition("/") for name in sorted(set(modules) - set(named)))
    ]
    gone = [f"remove `{name}`: there is no such module" for name in sorted(set(named) - set(modules))]
    told = "\n".join(["docs/ARCHITECTURE.md does not name the modules that there are:", *missing, *gone])
    assert not missing, told
    assert not gone, told
    assert len(named) == len(set(named)), "docs/ARCHITECTURE.md names a module twice"


def test_files_that_the_map_names_in_its_texts_exist():
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text("utf-8")
    paths = set(re.findall(r"`((?:\w+/)+\w+\.py)`", text))
    wanted = [path for path in paths if path.split("/")[0] in FLOORS]
    assert [path for path in wanted if not (PACKAGE / path).exists()] == []


def loaded_by(code: str) -> set[str]:
    """Return the packages that a fresh interpreter has loaded after running some code."""
    told = f"import sys\n{code}\nsys.stderr.write('LOADED ' + ' '.join(name.split('.')[0] for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, cwd=ROOT, check=True)
    return set(done.stderr.rpartition("LOADED ")[2].split())


@pytest.mark.parametrize("line", ["['--help']", "['query', '-h']", "['--version']"])
def test_help_loads_nothing_heavy(line: str):
    loaded = loaded_by(f"from ltrr_cli.cli.main import run\nassert run({line}) == 0")
    assert "typer" in loaded
    assert not loaded & {"numpy", "sklearn", "onnxruntime", "tantivy", "hnswlib", "scipy", "rich", "msgspec"}


@pytest.mark.turns(4)
def test_a_catalog_is_indexed_without_the_training_library(tmp_path: Path):
    words = ["index", str(write_catalog(tmp_path / "catalog.jsonl")), "--home", str(tmp_path / "home")]
    loaded = loaded_by(f"from ltrr_cli.cli.main import run\nassert run({words}) == 0")
    assert "numpy" in loaded
    assert not loaded & {"sklearn", "joblib", "ir_measures", "pandas"}


def test_a_query_is_answered_without_the_training_library(indexed: Path):
    words = ["query", "love", "--home", str(indexed), "--no-log"]
    loaded = loaded_by(f"from ltrr_cli.cli.main import run\nassert run({words}) == 0")
    assert "numpy" in loaded
    assert not loaded & {"sklearn", "scipy", "joblib", "ir_measures", "pandas", "onnx"}
