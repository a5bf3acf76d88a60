"""What a column is, is told by all of its cells; codes stay texts."""

from __future__ import annotations

import pytest

from ltrr_cli.text.cells import ColumnGuess, money_of, read_cell


def kind_of(*cells: str, typed: bool = False) -> str:
    guess = ColumnGuess(typed=typed)
    for cell in cells:
        guess.look(cell)
    return guess.kind


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (("1959", "2010", ""), "number"),
        (("1.5", "-2", "1,234.5"), "number"),
        (("007", "123"), "text"),  # a code: leading zeros mean something
        (("4006381333931000",), "text"),  # an EAN with more digits than a float keeps
        (("12e3",), "text"),
        (("12", "12a"), "text"),
        (("true", "False", "TRUE"), "boolean"),
        (("$9.50", "12,99 €"), "money"),
        (("$9.50", "free"), "text"),
        (("12 kg", "3 kg"), "text"),
        (('{"a": 1}', "[1]"), "json"),
        (('{"a": 1}', "{a}"), "text"),
        (("jazz|modal", "rock"), "list|"),
        (("a;b", "c", "d;e"), "list;"),
        (("Rock &amp; Roll",) * 3, "text"),
        (("a | " + "a long sentence that is no value of a list, for it goes on and on",), "text"),
        (("a, b", "c"), "text"),  # commas stand in texts: only the settings make lists of them
        (("", "\\N"), "text"),
        ((), "text"),
    ],
)
def test_all_cells_decide_what_a_column_is(cells: tuple[str, ...], kind: str):
    assert kind_of(*cells) == kind
    assert kind_of(*reversed(cells)) == kind


def test_a_typed_table_tells_numbers_itself():
    assert kind_of("12", "13", typed=True) == "text"
    assert kind_of('["a"]', typed=True) == "json"


@pytest.mark.parametrize(
    ("cell", "money"),
    [
        ("$1,299.00", (1299.0, "USD")),
        ("1.299,00 €", (1299.0, "EUR")),
        ("€ 12,5", (12.5, "EUR")),
        ("CHF 1'200", (1200.0, "CHF")),
        ("-£3", (-3.0, "GBP")),
        ("RPM 33", None),
        ("$", None),
        ("12", None),
    ],
)
def test_money_has_an_amount_and_a_currency(cell: str, money: tuple[float, str] | None):
    assert money_of(cell) == money


@pytest.mark.parametrize(("kind", "cell"), [("number", "many"), ("money", "12"), ("json", "{")])
def test_a_cell_of_another_kind_is_refused(kind: str, cell: str):
    with pytest.raises(ValueError, match="."):
        read_cell("x", kind, cell)
