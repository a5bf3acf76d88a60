"""Tokens and their scopes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ltrr_cli.core.errors import DataError, NotFoundError
from ltrr_cli.serving.problems import RefusedError
from ltrr_cli.serving.tokens import ASK, FEED, OPERATE, SCOPES, Tokens

SHOP, PROMETHEUS = "shop-0123456789abcdef", "prom-0123456789abcdef"


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    digest = hashlib.sha256(PROMETHEUS.encode()).hexdigest()
    (tmp_path / "tokens").write_text(f"# who may do what\n\nask,feed  {SHOP}\noperate sha256:{digest}\n")
    return Tokens.read(tmp_path / "tokens")


def test_a_token_may_do_what_its_scopes_say(tokens: Tokens):
    assert tokens.client(f"Bearer {SHOP}", ASK)[1] == {ASK, FEED}
    assert tokens.client(f"bearer {PROMETHEUS}", OPERATE)[1] == {OPERATE}


def test_a_client_s_name_is_not_its_token(tokens: Tokens):
    name = tokens.client(f"Bearer {SHOP}", ASK)[0]
    assert name
    assert name not in SHOP
    assert name != tokens.client(f"Bearer {PROMETHEUS}", OPERATE)[0]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer nobody-knows-this-one", f"Basic {SHOP}", SHOP])
def test_without_a_known_token_nothing_is_allowed(tokens: Tokens, header: str | None):
    with pytest.raises(RefusedError) as refused:
        tokens.client(header, ASK)
    assert refused.value.status == 401
    assert refused.value.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_without_the_scope_is_told_which_is_missing(tokens: Tokens):
    with pytest.raises(RefusedError, match="has not the scope operate") as refused:
        tokens.client(f"Bearer {SHOP}", OPERATE)
    assert refused.value.status == 403


def test_without_tokens_everybody_may_do_everything():
    assert Tokens.none().client(None, OPERATE) == ("", SCOPES)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "holds no token"),
        ("ask", "neither scopes and a token"),
        (f"sell {SHOP}", "unknown scope"),
        ("ask short", "at least 16"),
        ("ask " + "ü" * 20, "letters, digits"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_without_its_token(tmp_path: Path, content: str, told: str):
    (tmp_path / "tokens").write_text(content, "utf-8")
    with pytest.raises(DataError, match=told) as refused:
        Tokens.read(tmp_path / "tokens")
    assert SHOP not in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(NotFoundError, match="no token file"):
        Tokens.read(tmp_path / "tokens")
