"""Readings of the small catalog of songs, by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ltrr_cli.core.types import Interpretation, Request, Slot
from ltrr_cli.retrieval.strategy import Resources
from ltrr_cli.retrieval.structured import Structured
from tests.conftest import ask


@pytest.fixture(scope="session")
def generation(resources: Resources, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the table that others share."""
    home = tmp_path_factory.mktemp("neighbours")
    (home / "structured").mkdir()
    Structured.build(resources, home / "structured")
    return home


def ask_for(field: str, value: str, **more: object) -> Request:
    """A question that was read as one slot, surely."""
    request = ask(value, **more)
    slots = (Slot(field, value, 1.0, 0, len(request.reading.tokens)),)
    return replace(request, reading=replace(request.reading, interpretations=(Interpretation(slots, 1.0),)))
