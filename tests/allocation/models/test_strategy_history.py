from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.allocation.models.strategy_history import PAST, StrategyHistory
from ltrr_cli.allocation.policy import BanditContext, BanditExample
from ltrr_cli.core.errors import DamagedError

FEATURES = ("constant", "tokens", "intent_topic", "exact_name")
TOPIC, NAME = np.array([1, 1, 0.9, 0], np.float32), np.array([1, 2, 0, 1], np.float32)


def example(features: np.ndarray, ranks: tuple[int, int], depths: tuple[int, int] = (50, 50)) -> BanditExample:
    bandit_context = BanditContext(("lexical", "memory"), 50, features, 0)
    shapes = np.array([[1.0, 0.2, 0.5], [0.1, 0.9, 1.0]], np.float32)
    return BanditExample(bandit_context, np.array(ranks, np.int32), np.array(depths, np.int32), 1.0, shapes=shapes)


def asked(history: StrategyHistory, features: np.ndarray) -> np.ndarray:
    return history.of(("lexical", "memory"), dict(zip(FEATURES, features.tolist(), strict=True)))


def test_it_tells_classes_of_queries_apart():
    history = StrategyHistory()
    assert not asked(history, TOPIC).any()
    history.learn([example(TOPIC, (0, 1))] * 40 + [example(NAME, (1, 0))] * 40, FEATURES)
    topic, name = asked(history, TOPIC), asked(history, NAME)
    success = PAST.index("past.success")
    assert topic[1, success] > 0.5 > name[1, success]
    assert name[0, success] > 0.5 > topic[0, success]
    assert topic[0, PAST.index("past.results")] > topic[1, PAST.index("past.results")]


def test_who_did_not_run_is_not_blamed():
    history = StrategyHistory()
    history.learn([example(TOPIC, (3, 0), (50, 0))] * 40, FEATURES)
    assert asked(history, TOPIC)[1, 0] == 0


def test_it_survives_the_disk_and_damage_is_told(tmp_path: Path):
    history = StrategyHistory()
    history.learn([example(TOPIC, (0, 1))] * 3, FEATURES)
    history.save(tmp_path)
    np.testing.assert_array_equal(asked(StrategyHistory.open(tmp_path), TOPIC), asked(history, TOPIC))
    (tmp_path / "history.npz").write_bytes(b"PK")
    with pytest.raises(DamagedError):
        StrategyHistory.open(tmp_path)
