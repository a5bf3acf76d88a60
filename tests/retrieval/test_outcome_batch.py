"""What strategies ask of outcomes is looked up once, whoever asks first."""

from __future__ import annotations

from dataclasses import replace

from ltrr_cli.retrieval.outcome_batch import OutcomeBatch
from tests.conftest import SONGS
from tests.retrieval.people.acts import act

ROWS = {entity.id: row for row, entity in enumerate(SONGS)}


def test_an_outcome_is_wanted_where_it_speaks_for_an_entity_that_is_there():
    outcomes = [act(1, "u", 3), replace(act(2, "u", 4), reward=-1.0), replace(act(3, "u", 5), entity_id="gone")]
    batch = OutcomeBatch.of([*outcomes, replace(act(4, "u", 6), weight=0.5)], lambda entity: ROWS.get(entity, -1))
    assert batch.rows.tolist() == [3, 4, -1, 6]
    assert batch.worth.tolist() == [1.0, -1.0, 1.0, 0.5]
    assert batch.wanted().tolist() == [0, 3]


def test_a_batch_is_looked_up_once():
    batch = OutcomeBatch.of([act(1, "u", 3)], ROWS.__getitem__)
    assert OutcomeBatch.of(batch, {}.__getitem__) is batch
    assert [outcome.entity_id for outcome in batch] == [SONGS[3].id]
