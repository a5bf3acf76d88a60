"""The files of the search page: whole, ours or named, and free of what its own policy forbids."""

from __future__ import annotations

import hashlib
import json
import re

import pytest
from starlette.testclient import TestClient

from ltrr_cli.serving.routes.page import STATIC

VENDORED = json.loads((STATIC / "VENDORED.json").read_text("utf-8"))


def test_the_page_and_all_that_it_names_are_there(client: TestClient):
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    named = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
    scripts = [f"/static/{path.name}" for path in STATIC.glob("*.js")]
    assert len(named) == 3
    for path in (*named, *scripts):
        assert client.get(path).status_code == 200, path


def test_modules_import_only_one_another():
    for path in STATIC.glob("*.js"):
        for name in re.findall(r"^import .* from '([^']+)'", path.read_text("utf-8"), re.MULTILINE):
            assert (STATIC / name).resolve().is_file(), f"{path.name} imports {name}"


def test_nothing_is_fetched_from_elsewhere():
    for path in STATIC.iterdir():
        if path.suffix in (".html", ".js", ".css") and path.name not in {one["file"] for one in VENDORED}:
            found = re.findall(r"https?://[^\s'\"]+", path.read_text("utf-8"))
            assert found == [], path.name


def test_the_page_needs_no_inline_script_or_style():
    text = (STATIC / "index.html").read_text("utf-8")
    assert "<style" not in text
    assert not re.search(r"<script(?![^>]*src=)", text)
    assert not re.search(r"\son\w+=|\sstyle=", text)


@pytest.mark.parametrize("one", VENDORED, ids=lambda one: one["file"])
def test_what_is_vendored_is_what_it_says(one: dict):
    data = (STATIC / one["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == one["sha256"]
    assert one["package"]
    assert one["version"]
    assert all((STATIC / licence).is_file() for licence in one["licence_files"])


def test_every_file_beside_ours_is_listed():
    ours = {"index.html", "style.css", "icon.svg", "page.js", "parts.js", "server.js", "words.js", "VENDORED.json"}
    listed = {name for one in VENDORED for name in (one["file"], *one["licence_files"])}
    assert {path.name for path in STATIC.iterdir()} == ours | listed


def test_files_outside_are_out_of_reach(client: TestClient):
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/VENDORED.json", "/static/"):
        assert client.get(path).status_code == 404
