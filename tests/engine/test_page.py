"""Pages with swapped neighbours: what is stated is what happens."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.stats import chisquare

from ltrr_cli.core.config import RankingSettings
from ltrr_cli.core.errors import UsageError
from ltrr_cli.engine.page import PageExploration
from ltrr_cli.workspace.workspace import Workspace
from tests.conftest import DAY_0

PAGES = np.array([[0, 1, 2, 3, 4], [0, 1, 2, 4, 3], [0, 5, 1, 2, 3]], np.int32)
ODDS = np.array([0.6, 0.3, 0.1])


@pytest.mark.turns(4)
def test_forty_thousand_pages_come_as_often_as_stated():
    paging, draws = PageExploration(0.3, 1), 40_000
    chosen = np.random.default_rng(5).choice(len(ODDS), draws, p=ODDS)
    seen = Counter(tuple(paging.shown(PAGES[a], seed).tolist()) for seed, a in enumerate(chosen.tolist()))
    stated = {page: paging.page_odds(PAGES, ODDS, np.array(page, np.int32)) for page in seen}
    assert sum(stated.values()) == pytest.approx(1.0)
    assert chisquare(list(seen.values()), [draws * stated[page] for page in seen]).pvalue > 0.001
    stands = paging.stands(PAGES, ODDS)
    for candidate, odds in stands.items():
        summed = [sum(p for page, p in stated.items() if page[at] == candidate) for at in range(5)]
        assert odds == pytest.approx(summed)
    assert all(page[0] == 0 for page in seen)


@pytest.mark.parametrize(
    "settings", [RankingSettings(swap=-0.1), RankingSettings(swap=1.1), RankingSettings(protected=-1)]
)
def test_settings_out_of_range_are_refused(settings: RankingSettings):
    with pytest.raises(UsageError, match="ranking"):
        PageExploration.of(settings, explore=True)


def test_a_query_swaps_only_where_it_explores(workspace: Workspace):
    swapping = Workspace(workspace.home, ranking__swap=1.0, ranking__protected=2)
    plain = [line.id for line in swapping.query("love", at=DAY_0, seed=0, explore=False, log=False).results]
    assert len(plain) > 4
    pages = [[line.id for line in swapping.query("love", at=DAY_0, seed=seed).results] for seed in range(30)]
    assert len({tuple(page) for page in pages}) > 5
    for found in swapping.state.journal.impressions():
        assert 0 < found.page_odds < 1
        for line in found.shown:
            assert line.places[line.position] == pytest.approx(line.odds)
