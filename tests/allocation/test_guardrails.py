from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltrr_cli.allocation.guardrails import bounds, checked, within
from ltrr_cli.allocation.policy import BanditContext
from ltrr_cli.core.config import AllocationSettings
from ltrr_cli.core.errors import DataError

ARMS = ("lexical", "dense", "memory")


@pytest.mark.parametrize(
    "settings",
    [
        AllocationSettings(minimum={"lexical": 0.7, "dense": 0.7}),
        AllocationSettings(minimum={"lexical": 0.5}, maximum={"lexical": 0.2}),
        AllocationSettings(maximum={"lexical": 1.5}),
        AllocationSettings(exploration=1.0),
        AllocationSettings(half_life_days=0.0),
    ],
)
def test_settings_that_contradict_themselves_are_refused(settings: AllocationSettings):
    with pytest.raises(DataError):
        checked(settings)


@given(st.integers(1, 300), st.lists(st.integers(0, 100), min_size=3, max_size=3))
def test_an_allocation_moved_into_its_bounds_spends_the_budget(budget: int, wanted: list[int]):
    settings = AllocationSettings(minimum={"memory": 0.2}, maximum={"lexical": 0.3})
    bound = bounds(settings, BanditContext(ARMS, budget, np.ones(1, np.float32), 0))
    total = max(sum(wanted), 1)
    draws = np.array([budget * part // total for part in wanted], np.int32)
    moved = within(draws, bound, budget)
    assert moved.sum() == budget
    assert (moved >= bound.least).all()
    assert (moved <= bound.most).all()


def test_maxima_that_leave_candidates_over_are_widened():
    settings = AllocationSettings(maximum=dict.fromkeys(ARMS, 0.1))
    bound = bounds(settings, BanditContext(ARMS, 100, np.ones(1, np.float32), 0))
    assert bound.most.sum() >= 100
