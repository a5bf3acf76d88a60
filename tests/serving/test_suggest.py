"""Completions: names, values, queries of several people; typos forgiven; nobody's own words told to others."""

from __future__ import annotations

from starlette.testclient import TestClient

from ltrr_cli.serving.suggest import Completions
from tests.serving.conftest import Served, ask, code_of


def suggested(client: TestClient, typed: str, **more: object) -> list[tuple[str, str]]:
    found = client.get("/v1/suggest", params={"q": typed, **more}).json()["suggestions"]
    return [(one["text"], one["kind"]) for one in found]


def test_names_and_values_are_completed(client: TestClient):
    assert ("calm", "value") in suggested(client, "ca")
    assert all(text.startswith("love r") for text, _ in suggested(client, "love r"))
    assert suggested(client, "love r")[0][1] == "name"


def test_typos_are_forgiven(client: TestClient):
    assert any(text.startswith("summer") for text, _ in suggested(client, "sumer r"))


def test_at_most_so_many_and_none_twice(client: TestClient):
    found = [text.lower() for text, _ in suggested(client, "l", k=5)]
    assert len(found) == 5
    assert len(set(found)) == 5


def test_what_one_person_asked_is_not_told_to_others(served: Served):
    client = served()
    for user in ("ann", "ben", "cem"):
        ask(client, "songs for rowing", user=user)
        ask(client, f"{user}'s secret rowing", user=user)
        ask(client, "one person again and again", user="ann")
    with TestClient(client.app, base_url="http://localhost"):  # begun anew: it reads what was asked
        pass
    client = served()
    assert ("songs for rowing", "query") in suggested(client, "songs")
    assert suggested(client, "ann's") == []
    assert suggested(client, "one person") == []
    assert suggested(client, "")[0] == ("songs for rowing", "query")


def test_parameters_have_limits(client: TestClient):
    assert code_of(client.get("/v1/suggest?q=a&k=0")) == (400, "usage")
    assert code_of(client.get("/v1/suggest?q=a&k=99")) == (400, "usage")
    assert code_of(client.get("/v1/suggest", params={"q": "a" * 257})) == (400, "usage")


def test_heavier_completions_come_first_and_ties_in_order():
    made = Completions([("b", 1.0), ("ba", 1.0), ("bc", 3.0), ("BC", 2.0), ("x", 9.0), ("", 5.0)])
    assert made.complete("b", 9) == ["bc", "b", "ba"]
    assert made.complete("b", 2) == ["bc", "b"]
    many = Completions([(f"w{number:03d}", float(number % 10)) for number in range(500)])
    assert many.complete("w", 3) == ["w009", "w019", "w029"]
