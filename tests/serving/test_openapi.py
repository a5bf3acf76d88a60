"""The description of the interface says what the routes do."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from tests.serving.conftest import ask


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict:
    return client.get("/openapi.json").json()


def test_every_route_of_the_interface_is_described(client: TestClient, document: dict):
    routes = {route.path.replace(":path}", "}") for route in client.app.routes}
    pages = {path for path in routes if path in ("/", "/dashboard") or path.startswith("/static/")}
    assert set(document["paths"]) == routes - pages
    assert document["openapi"] == "3.1.0"


def test_every_reference_leads_somewhere(document: dict):
    def references(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [found for value in node.values() for found in references(value)]
        return [found for value in node for found in references(value)] if isinstance(node, list) else []

    names = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= names


def test_an_answer_has_the_fields_of_its_schema(client: TestClient, document: dict):
    answer = ask(client, explain=True)
    schema = document["components"]["schemas"]["QueryAnswer"]
    assert set(answer) == set(schema["properties"])
    line = document["components"]["schemas"]["AnswerLine"]
    assert set(answer["results"][0]) == set(line["properties"])


def test_refusals_are_described_as_problem_documents(document: dict):
    for methods in document["paths"].values():
        for method in set(methods) - {"head"}:
            for status, response in methods[method]["responses"].items():
                assert (status == "200") != ("application/problem+json" in response["content"])
