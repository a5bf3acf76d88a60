"""Queries that nobody should type: brackets, operators, control characters, lone surrogates, a hundred kilobytes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ltrr_cli.cli.main import run
from ltrr_cli.core.errors import UsageError
from ltrr_cli.workspace.workspace import Workspace
from tests.faults.conftest import Made
from tests.turns import todays

OPERATORS = '()[]{}"\'*?~^:+-/\\!&|<>=AND OR NOT title:love^9 [a TO b] /.*/ love~2 "love'
CONTROLS = "\x00\x01\x07\x08\x1b[31m\x7f\x9b\u202e\u2066\u200f\u2028\ufeff"
fragments = st.one_of(
    st.text(max_size=40),
    st.text(alphabet=OPERATORS, max_size=60),
    st.text(alphabet=CONTROLS + "love", max_size=30),
    st.text(alphabet=st.characters(categories=["Cs"]), max_size=5),
    st.sampled_from(["love", "(" * 5_000, '"' * 999, "a" * 100_000, "love " * 20_000, "\u0301" * 3_000, "🎵" * 500]),
)
hostile = st.lists(fragments, max_size=4).map("".join).map(lambda text: text[:100_000])


@pytest.fixture(scope="module")
def served(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(shutil.copytree(made.home, tmp_path_factory.mktemp("served") / "home"))
    workspace.state.snapshot()
    return workspace


@pytest.mark.turns(6)
@given(hostile)
@settings(max_examples=1_500, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_query_breaks_the_funnel(served: Workspace, text: str):
    page = served.query(text, k=5, log=False, explore=False)
    assert len(page.results) <= 5
    assert all(line.score == line.score for line in page.results)


@pytest.mark.slow
@given(hostile)
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_ten_thousand_queries_break_nothing(served: Workspace, text: str):
    assert len(served.query(text, k=5, log=False, explore=False).results) <= 5


@given(st.lists(hostile, min_size=1, max_size=5))
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_was_asked_is_journalled_and_read_back(served: Workspace, texts: list[str]):
    for text in texts:
        page = served.query(text, k=2, seed=1)
        kept = served.state.journal.impression(page.impression_id or "")
        assert kept is not None
        assert kept.query == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@pytest.mark.turns(6)
def test_through_the_command_nothing_reaches_the_terminal_that_it_would_obey(made: Made, tmp_path: Path):
    asked = [f"{left}love{right}" for left in CONTROLS[1:] for right in ("", "(", '"', "*~^", "]", ")")]
    script = "import json, sys\nfrom ltrr_cli.cli.main import run\n"
    script += "codes = [run(['query', text, '--home', sys.argv[1], '--no-log', '--explain', '-k', '2'])"
    script += " for text in json.load(open(sys.argv[2]))]\nsys.exit(max(codes))\n"
    (tmp_path / "asked.json").write_text(json.dumps(todays(asked, 3)))
    done = subprocess.run(
        [sys.executable, "-c", script, str(made.home), str(tmp_path / "asked.json")], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    assert len(asked) >= 80
    seen = done.stdout + done.stderr
    assert not set(seen) & (set(range(32)) - {10}), "control characters"
    text = seen.decode("utf-8")
    assert not [char for char in set(text) if unicodedata.category(char) in ("Cf", "Cc") and char != "\n"]


@pytest.mark.parametrize("number", [0, -1, 2**31, 2**63])
def test_numbers_out_of_range_are_refused(
    served: Workspace, made: Made, number: int, capfd: pytest.CaptureFixture[str]
):
    for words in ({"k": number}, {"budget": number}):
        with pytest.raises(UsageError):
            served.query("love", **words)
    for option in ("-k", "--budget"):
        assert run(["query", "love", option, str(number), "--home", str(made.home)]) == 2
        told = capfd.readouterr().err
        assert str(number) in told
        assert "Traceback" not in told


@pytest.mark.parametrize(
    "typed",
    [
        "Café Déjà",  # composed
        unicodedata.normalize("NFD", "Café Déjà"),
        "cafe deja",
        "ＣＡＦＥ　ＤＥＪＡ",  # full width
        "CAFÉ DÉJÀ",
    ],
)
def test_one_name_in_all_its_spellings(tmp_path_factory: pytest.TempPathFactory, typed: str):
    workspace = unicode_workspace(tmp_path_factory)
    assert workspace.query(typed, k=1, log=False, explore=False).results[0].id == "cafe"


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("ﬁne office", "fine"),  # ligature
        ("fine oﬃce", "fine"),
        ("istanbul nights", "istanbul"),  # dotted capital I in the title
        ("ISTANBUL NIGHTS", "istanbul"),
        ("ılık ruzgar", "warm"),  # dotless i
        ("שלום עולם", "peace"),
        ("مرحبا", "hello"),
        ("🎵 party", "emoji"),
        ("strasse", "street"),
        ("STRAẞE", "street"),
    ],
)
def test_scripts_and_letters_match_as_documented(tmp_path_factory: pytest.TempPathFactory, typed: str, wanted: str):
    workspace = unicode_workspace(tmp_path_factory)
    assert workspace.query(typed, k=1, log=False, explore=False).results[0].id == wanted


_made: dict[int, Workspace] = {}


def unicode_workspace(factory: pytest.TempPathFactory) -> Workspace:
    """Index a catalog of awkward titles, once."""
    if os.getpid() not in _made:
        titles = {
            "cafe": "Café Déjà", "fine": "Fine Office", "istanbul": "İstanbul Nights", "warm": "Ilık Rüzgar",
            "peace": "שלום עולם", "hello": "مرحبا بالعالم", "emoji": "🎵 Party", "street": "Straße",
            "other": "Something Else", "more": "Another Thing",
        }  # fmt: skip
        folder = factory.mktemp("unicode")
        lines = [json.dumps({"id": name, "title": title}) for name, title in titles.items()]
        (folder / "c.jsonl").write_text("\n".join(lines))
        workspace = Workspace(folder / "home")
        workspace.index([Path(folder / "c.jsonl")])
        _made[os.getpid()] = workspace
    return _made[os.getpid()]
