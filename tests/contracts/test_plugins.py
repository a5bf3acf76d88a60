"""A separate little package adds a strategy, a policy, a ranker, a log format, a catalog reader and an encoder."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

import ltrr_cli
from ltrr_cli.allocation.policy_registry import new_policy, open_policy
from ltrr_cli.core.config import AllocationSettings
from ltrr_cli.core.errors import DamagedError, DataError, UsageError
from ltrr_cli.core.plugins import PluginRegistry, registered
from ltrr_cli.ranking.fit import fit
from ltrr_cli.ranking.trained import open_model
from ltrr_cli.retrieval.strategy_registry import names, strategy
from ltrr_cli.workspace.plugins import installed
from tests.contracts.test_policies import bandit_context, example
from tests.contracts.test_rankers import SCHEMA, searches

CODE = '''
import json
from pathlib import Path

import numpy as np

from ltrr_cli.allocation.policies.static import StaticPolicy
from ltrr_cli.allocation.policy import Menu
from ltrr_cli.catalog.reader_registry import Row
from ltrr_cli.core.types import Event
from ltrr_cli.feedback.records import Parsed
from ltrr_cli.retrieval.strategy import Ranked, Strategy
from ltrr_cli.text.lines import BadLine


class Alphabet(Strategy):
    """Titles that begin with the first letter of the query."""

    name = "alphabet"

    def __init__(self, titles):
        self._first = np.array([title[:1].lower() for title in titles])

    @classmethod
    def open(cls, resources, folder, learned):
        return cls(list(resources.catalog.titles))

    def look(self, request):
        rows = np.flatnonzero(self._first == request.query[:1].lower()).astype(np.int32)
        return Ranked(rows, np.ones(len(rows), np.float32), request.allowed)


class FirstOnly(StaticPolicy):
    """All candidates from the first strategy."""

    name = "first_only"
    stem = "first_only"

    def menu(self, bandit_context):
        draws = np.zeros((1, len(bandit_context.strategies)), np.int32)
        draws[0, 0] = bandit_context.budget
        return Menu(draws, np.ones(1))


class FirstColumn:
    """Scores by the first feature, with the sign that fits the labels."""

    algorithm = "first_column"

    def __init__(self, schema, sign):
        self.schema, self.sign = schema, sign

    @classmethod
    def fit(cls, examples, schema, seed):
        column = np.nan_to_num(examples.features[:, 0])
        return cls(schema, 1.0 if np.cov(column, examples.labels)[0, 1] >= 0 else -1.0)

    def score(self, features):
        return (self.sign * np.nan_to_num(features[:, 0])).astype(np.float32)

    def save(self, folder):
        (folder / "column.json").write_text(json.dumps([list(self.schema.names), self.sign]))

    @classmethod
    def open(cls, folder):
        from ltrr_cli.ranking.model import Schema

        names, sign = json.loads((folder / "column.json").read_text())
        return cls(Schema(tuple(names)), sign)


class Terse:
    """{"who", "did", "what", "when"}"""

    def __init__(self, undated=False):
        pass

    @staticmethod
    def recognises(record):
        return "did" in record and "what" in record

    def read(self, record):
        event = Event(f"terse {record['when']}", record["did"], record["when"], record["what"], user=record["who"])
        return Parsed(events=(event,))


class Bars:
    """id|title"""

    suffixes = (".bars",)

    def read(self, source):
        for number, line in enumerate(Path(source).read_text().splitlines(), 1):
            if "|" not in line:
                yield BadLine(number, 0, "no bar", line.encode())
                continue
            key, title = line.split("|")
            yield Row(number, {"id": key, "title": title})


class Letters:
    """Which letters a text has."""

    def __init__(self, folder):
        self.alphabet = (folder / "alphabet.txt").read_text()

    @classmethod
    def build(cls, folder):
        (folder / "alphabet.txt").write_text("abcdefghijklmnopqrstuvwxyz ")

    @classmethod
    def open(cls, folder):
        return cls(folder)

    def encode(self, texts):
        counts = [[1e-3 + text.lower().count(letter) for letter in self.alphabet] for text in texts]
        counts = np.array(counts, np.float32)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)
'''
ENTRIES = """
[ltrr.strategies]
alphabet = little:Alphabet
broken = little:Missing
[ltrr.policies]
first_only = little:FirstOnly
[ltrr.rankers]
first_column = little:FirstColumn
[ltrr.log_formats]
terse = little:Terse
[ltrr.catalog_readers]
bars = little:Bars
[ltrr.encoders]
letters = little:Letters
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory):
    """A package beside ltrr, as ``pip install`` leaves it."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "little.py").write_text(CODE)
    (folder / "little-1.2.dist-info").mkdir()
    (folder / "little-1.2.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: little\nVersion: 1.2\n")
    (folder / "little-1.2.dist-info" / "entry_points.txt").write_text(ENTRIES.replace("broken = little:Missing\n", ""))
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    yield folder
    sys.path.remove(str(folder))
    sys.modules.pop("little", None)
    importlib.invalidate_caches()


@pytest.fixture(scope="module")
def home(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace indexed from the package's kind of file, with its encoder and its strategy."""
    folder = tmp_path_factory.mktemp("plugged")
    lines = [f"e{number:02d}|{word} song {number}" for number, word in enumerate(("amber", "blue", "coral") * 8)]
    (folder / "catalog.bars").write_text("\n".join([*lines, "no entity"]))
    report = ltrr_cli.open(folder / "home").index([folder / "catalog.bars"], encoder="letters", max_bad=0.1)
    assert (report.entities, report.quarantined) == (24, 1)
    return folder / "home"


def test_all_of_them_are_listed_with_their_package(package: Path):
    theirs = {
        (plugin.kind, plugin.name): plugin.package for plugin in installed().plugins if plugin.package != "ltrr-cli"
    }
    assert theirs == {
        (kind, name): "little 1.2"
        for kind, name in (
            ("strategy", "alphabet"), ("policy", "first_only"), ("ranker", "first_column"), ("log format", "terse"),
            ("catalog reader", "bars"), ("encoder", "letters"),
        )
    }  # fmt: skip


def test_the_strategy_and_the_encoder_take_part_in_an_answer(home: Path):
    workspace = ltrr_cli.open(home)
    assert "alphabet" in names()
    assert strategy("alphabet").name in workspace.status().strategies
    assert workspace.status().encoder == "letters"
    page = workspace.query("coral", k=5, policy="fixed(alphabet=1)", explore=False, log=False)
    assert {line.title[0] for line in page.results} == {"c"}
    assert all("alphabet" in line.sources for line in page.results)


def test_the_policy_keeps_the_contract(package: Path, tmp_path: Path):
    policy = new_policy(AllocationSettings(), "first_only")
    menu = policy.menu(bandit_context(30))
    assert menu.draws.tolist() == [[30, 0, 0, 0, 0]]
    policy.learn([example("memory", 1)])
    policy.save(tmp_path)
    assert str(open_policy(AllocationSettings(), tmp_path, "first_only")) == "first_only"
    with pytest.raises(UsageError, match="no option"):
        new_policy(AllocationSettings(), "first_only(depth=3)")


def test_the_ranker_is_trained_saved_and_opened_again(package: Path, tmp_path: Path):
    model = fit(searches(), SCHEMA, "first_column")
    assert model.algorithm == "first_column"
    model.save(tmp_path)
    again = open_model(tmp_path)
    assert again.schema == SCHEMA
    np.testing.assert_array_equal(again.score(searches().features), model.score(searches().features))


def test_a_model_whose_package_is_gone_is_damaged_and_says_so(package: Path, tmp_path: Path):
    fit(searches(), SCHEMA, "first_column").save(tmp_path)
    (tmp_path / "ranker.json").write_text('{"ranker": "vanished"}')
    with pytest.raises(DamagedError, match="vanished"):
        open_model(tmp_path)


def test_the_log_format_is_recognised_and_taken_in(home: Path, tmp_path: Path):
    (tmp_path / "log.jsonl").write_text(
        "".join(
            f'{{"who": "u{n}", "did": "click", "what": "e0{n}", "when": {1_700_000_000_000 + n}}}\n' for n in range(5)
        )
    )
    workspace = ltrr_cli.open(home)
    assert workspace.ingest([tmp_path / "log.jsonl"]).accepted == 5
    assert workspace.status().events == 5


def test_what_does_not_load_or_does_not_fit_is_one_line(package: Path):
    broken = PluginRegistry("strategy", "ltrr.policies", {}, "ltrr_cli.retrieval.strategy:Strategy")
    with pytest.raises(DataError, match="no strategy named 'nobody'"):
        broken.load("nobody")
    (package / "little-1.2.dist-info" / "entry_points.txt").write_text(ENTRIES)
    registered.cache_clear()
    with pytest.raises(DataError, match="does not load"):
        strategy("broken")
    (package / "little-1.2.dist-info" / "entry_points.txt").write_text(ENTRIES.replace("broken = little:Missing\n", ""))
