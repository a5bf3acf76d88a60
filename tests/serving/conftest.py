"""A server in this process over the small workspace of songs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from ltrr_cli.serving.app import Admission, create_app
from ltrr_cli.serving.backend import Backend
from ltrr_cli.serving.tokens import Tokens

ADDRESS = "http://127.0.0.1:8080"
Served = Callable[..., TestClient]


@pytest.fixture
def home(indexed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(indexed, tmp_path / "home"))


@pytest.fixture
def served(home: Path) -> Iterator[Served]:
    """Begin a server of the workspace at ``home``: of tokens, origins and lines of ltrr.toml's [serve]."""
    with ExitStack() as stack:

        def begin(
            *, tokens: Tokens | None = None, follow: bool = False, settings: str = "", **more: object
        ) -> TestClient:
            if settings:
                (home / "ltrr.toml").write_text(f"[serve]\n{settings}\n")
            admission = Admission(tokens or Tokens.none(), **more)
            app = create_app(Backend(home), admission, follow=follow)
            return stack.enter_context(TestClient(app, base_url=ADDRESS))

        yield begin


@pytest.fixture(scope="module")
def client(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server that tests of one module share."""
    home = shutil.copytree(indexed, tmp_path_factory.mktemp("served") / "home")
    app = create_app(Backend(Path(home)), Admission(Tokens.none()), follow=False)
    with TestClient(app, base_url=ADDRESS) as client:
        yield client


def ask(client: TestClient, text: str = "love river", **more: object) -> dict:
    answer = client.post("/v1/query", json={"text": text, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def click(page: dict, place: int = 0, **more: object) -> dict:
    return {"event": "click", "query_id": page["query_id"], "entity_id": page["results"][place]["id"], **more}


def code_of(response) -> tuple[int, str]:
    """Return (status, code) of a problem document."""
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["request_id"] == response.headers["x-request-id"]
    return response.status_code, problem["code"]
