"""One place catches every failure; help and options are the same for all commands."""

from __future__ import annotations

import errno
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ltrr_cli import __version__
from ltrr_cli.cli import main
from ltrr_cli.cli.context import with_context, write_json
from ltrr_cli.core import errors
from tests.cli.conftest import FakeWorkspace, Typed

COMMANDS = (
    "demo", "init", "index", "query", "ingest-feedback", "validate", "train-ranker", "serve", "status", "explain",
    "evaluate", "ope", "compare", "replay", "simulate", "report", "export", "verify", "rebuild", "rollback", "forget",
    "gc", "plugins", "help", "doctor",
)  # fmt: skip
GROUPS = {
    "memory": ("show",), "models": ("list", "show", "promote", "rollback"), "rules": ("check", "list", "test"),
    "encoder": ("list", "pull", "import"),
}  # fmt: skip
SHARED = ("--home", "--json", "-q", "-v", "--no-color", "-h")


def test_without_a_command_help_is_printed(ltrr: Typed):
    assert ltrr().out == ltrr("-h").out == ltrr("--help").out
    assert ltrr().code == 0


def test_help_lists_every_command_with_a_whole_sentence(ltrr: Typed):
    lines = ltrr("-h").out.split("Commands:\n")[1].splitlines()
    assert tuple(line.split()[0] for line in lines) == (*COMMANDS, *GROUPS)
    assert all(line.endswith(".") and not line.endswith("..") for line in lines)


@pytest.mark.parametrize("command", [*COMMANDS, *(f"{name} {inner}" for name in GROUPS for inner in GROUPS[name])])
def test_every_command_explains_itself_and_takes_the_shared_options(ltrr: Typed, command: str):
    told = ltrr(*command.split(), "-h")
    assert told.code == 0
    assert told.out.startswith(f"Usage: ltrr {command}")
    assert all(option in told.out for option in SHARED)


def test_the_version_is_the_package_s(ltrr: Typed):
    assert ltrr("--version").out == f"ltrr {__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("qurey",), "No such command 'qurey'"),
        (("query", "--kk"), "No such option"),
        (("query", "-k", "many"), "Invalid value for '-k'"),
        (("explain",), "Missing argument 'IMPRESSION'"),
        (("explain", "two", "words"), "unexpected extra argument"),
        (("memory", "shwo"), "No such command 'shwo'"),
    ],
)
def test_a_command_typed_wrongly_is_one_line_and_a_hint(ltrr: Typed, words: tuple[str, ...], message: str):
    told = ltrr(*words)
    assert told.code == 2
    assert told.out == ""
    failure, hint = told.err.splitlines()
    assert failure.startswith("ltrr: ")
    assert message in failure
    assert hint.startswith("hint: see `ltrr")


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_alone_prints_its_help_as_plain_ltrr_does(ltrr: Typed, group: str):
    told = ltrr(group)
    assert (told.code, told.err) == (0, "")
    assert told.out == ltrr(group, "-h").out
    assert all(inner in told.out for inner in GROUPS[group])


def test_several_words_are_one_query(ltrr: Typed, workspace: FakeWorkspace):
    assert ltrr("query", "two", "words", "-k", "3").code == 0
    assert workspace.asked[-1][:2] == ("query", ("two words",))
    assert ltrr("query", "two words").code == ltrr("query", "").code == ltrr("query").code == 0
    assert [words for _, words, _ in workspace.asked[-3:]] == [("two words",), ("",), ("",)]


FAILURES = [
    (errors.DataError("bad lines", hint="mend them"), {"error": "bad lines", "hint": "mend them", "exit_code": 3}),
    (errors.NotFoundError("no workspace"), {"error": "no workspace", "hint": None, "exit_code": 4}),
    (OSError(errno.EACCES, "refused", "home/lock"), {"exit_code": 1}),
    (ZeroDivisionError("oh"), {"exit_code": 1, "hint": None}),
    (KeyboardInterrupt(), {"error": "interrupted", "hint": None, "exit_code": 130}),
]


@pytest.mark.parametrize(("failure", "document"), FAILURES)
def test_with_json_a_failure_is_a_document_too(
    ltrr: Typed, workspace: FakeWorkspace, failure: BaseException, document: dict[str, object]
):
    workspace.fails = failure
    told = ltrr("status", "--json")
    found = json.loads(told.out)
    assert set(found) == {"error", "hint", "exit_code"}
    assert found.items() >= document.items()
    assert told.code == found["exit_code"]
    assert found["error"] in told.err
    assert ltrr("status").out == ""


@pytest.mark.parametrize(
    "words", [("query", "--json", "--nosuch"), ("explain", "--json"), ("query", "-k", "x", "--json")]
)
def test_with_json_a_command_typed_wrongly_is_a_document_too(ltrr: Typed, words: tuple[str, ...]):
    told = ltrr(*words)
    assert told.code == json.loads(told.out)["exit_code"] == 2


def test_what_is_answered_already_stays_the_only_document(ltrr: Typed, workspace: FakeWorkspace, monkeypatch):
    def answer_and_fail(ctx: object) -> None:
        write_json({"measures": {}})
        raise errors.GateError("below")

    monkeypatch.setattr("ltrr_cli.cli.main.app.registered_commands", main.app.registered_commands[:])
    main.app.command("fails")(with_context(answer_and_fail))
    told = ltrr("fails", "--json")
    assert (told.code, json.loads(told.out)) == (8, {"measures": {}})


TREE = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.LtrrError)]


@pytest.mark.parametrize("kind", TREE)
def test_every_foreseen_failure_has_its_exit_code_and_no_traceback(
    ltrr: Typed, workspace: FakeWorkspace, kind: type[errors.LtrrError]
):
    workspace.fails = kind("it went wrong", hint="ltrr mend")
    told = ltrr("status")
    assert told.code == kind.exit_code
    assert told.out == ""
    assert told.err == "ltrr: it went wrong\nhint: ltrr mend\n"


def test_the_exit_codes_are_those_of_the_contract():
    assert {kind.__name__: kind.exit_code for kind in TREE} == {
        "LtrrError": 1, "UsageError": 2, "DataError": 3, "NotFoundError": 4, "DamagedError": 5, "LockedError": 6,
        "NoSpaceError": 7, "GateError": 8,
    }  # fmt: skip


def test_a_bug_keeps_its_traceback(ltrr: Typed, workspace: FakeWorkspace):
    workspace.fails = ZeroDivisionError("division by zero")
    told = ltrr("status")
    assert told.code == 1
    assert "Traceback" in told.err
    assert "ZeroDivisionError: division by zero" in told.err


OF_THE_DISK = [(errno.ENOSPC, 7), (errno.EDQUOT, 7), (errno.EACCES, 1), (errno.EROFS, 1)]


@pytest.mark.parametrize(("number", "code"), OF_THE_DISK)
def test_a_full_or_forbidden_disk_is_one_line_that_names_the_file(
    ltrr: Typed, workspace: FakeWorkspace, number: int, code: int
):
    workspace.fails = OSError(number, "refused", "home/journal.db")
    told = ltrr("status")
    assert told.code == code
    assert "home/journal.db" in told.err
    assert "Traceback" not in told.err


def test_control_c_leaves_with_130(ltrr: Typed, workspace: FakeWorkspace):
    workspace.fails = KeyboardInterrupt()
    told = ltrr("status")
    assert (told.code, told.err) == (130, "ltrr: interrupted\n")


def test_a_closed_pipe_is_no_reason_to_complain():
    code = "from ltrr_cli.cli.main import main; main()"
    asked = subprocess.Popen(
        [sys.executable, "-c", code, "--help"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert asked.stdout is not None
    asked.stdout.close()
    _, told = asked.communicate()
    assert told == b""
    assert asked.returncode in (0, 141)  # 0 where all of it was written before the pipe was closed


@pytest.mark.parametrize("words", [("status",), ("query", "x"), ("status", "--json"), ("models", "-h")])
def test_a_closed_pipe_ends_tables_and_texts_alike(
    workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
):
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

        def fileno(self) -> int:
            return spare.fileno()

    with tempfile.TemporaryFile() as spare:
        monkeypatch.setattr(sys, "stdout", Closed())
        assert main.run(words) == 141


@pytest.mark.parametrize("command", [("status",), ("index", "c"), ("query", "x"), ("validate", "c")])
def test_a_home_that_is_no_folder_is_one_line(ltrr: Typed, tmp_path: Path, command: tuple[str, ...]):
    (tmp_path / "file").write_text("")
    (tmp_path / "c").write_text('{"id": 1, "title": "x"}\n')
    words = [str(tmp_path / word) if word == "c" else word for word in command]
    for home, code in ((tmp_path / "file", 2), (tmp_path / ("x" * 300), 2)):
        told = ltrr(*words, "--home", home)
        assert told.code == code
        assert told.err.startswith("ltrr: --home")
        assert len(told.err.splitlines()) == 2


def test_a_home_that_cannot_be_made_is_one_line(ltrr: Typed, tmp_path: Path):
    (tmp_path / "file").write_text("")
    (tmp_path / "c").write_text('{"id": 1, "title": "x"}\n')
    told = ltrr("index", tmp_path / "c", "--home", tmp_path / "file" / "home")
    assert told.code == 1
    assert "cannot be made" in told.err
    assert len(told.err.splitlines()) == 2


@pytest.mark.parametrize(
    "words",
    [
        ("evaluate", "--qrels", "{qrels}", "--run", "{run}", "--measures", "nosuch@3"),
        ("evaluate", "--qrels", "{qrels}", "--run", "{run}", "--measures", "nDCG@x"),
        ("ope", "--estimator", "nosuch"),
        ("train-ranker", "--algorithm", "nosuch"),
        ("ingest-feedback", "{qrels}", "--format", "nosuch"),
        ("models", "promote", "nosuch"),
        ("export", "nosuch"),
    ],
)
def test_a_name_that_nobody_knows_is_a_usage_error_whatever_it_names(ltrr: Typed, tmp_path: Path, words):
    (tmp_path / "qrels").write_text("q 0 a 1\n")
    (tmp_path / "run").write_text("q Q0 a 1 1.0 t\n")
    told = ltrr(
        *(word.format(qrels=tmp_path / "qrels", run=tmp_path / "run") for word in words), "--home", tmp_path / "home"
    )
    assert told.code == 2, told.err
    assert "hint: " in told.err


def test_control_characters_of_a_message_do_not_reach_the_terminal(ltrr: Typed, workspace: FakeWorkspace):
    workspace.fails = errors.DataError("line 1: \x1b[2J")
    assert ltrr("status").err == "ltrr: line 1: \\x1b[2J\n"


@pytest.mark.parametrize("command", [("status",), ("verify",), ("query", "x"), ("index", "c"), ("train-ranker",)])
def test_json_is_one_document_and_quiet_means_no_talk(ltrr: Typed, workspace: FakeWorkspace, command: tuple[str, ...]):
    told = ltrr(*command, "--json")
    assert told.out.count("\n") == 1
    assert isinstance(json.loads(told.out), dict)
    workspace.answers["index"] = type(workspace.answers["index"])(1, 2, 0, {})
    assert ltrr(*command, "--quiet").err == ""


def test_verbose_says_how_long_it_took(ltrr: Typed, workspace: FakeWorkspace):
    assert "took" not in ltrr("status").err
    assert "took" in ltrr("status", "-v").err


def test_the_workspace_is_the_option_s_then_the_environment_s_then_the_default(
    ltrr: Typed, workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
):
    ltrr("status")
    assert workspace.home == Path(".ltrr")
    monkeypatch.setenv("LTRR_HOME", "elsewhere")
    ltrr("status")
    assert workspace.home == Path("elsewhere")
    ltrr("status", "--home", "here")
    assert workspace.home == Path("here")
