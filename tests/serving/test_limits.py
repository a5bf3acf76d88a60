"""Rates of clients."""

from __future__ import annotations

import pytest

from ltrr_cli.serving import limits
from ltrr_cli.serving.limits import RateLimit
from ltrr_cli.serving.problems import RefusedError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_and_then_the_rate():
    clock = Clock()
    limit = RateLimit(2.0, clock)
    limit.take("a", 20)
    with pytest.raises(RefusedError):
        limit.take("a")
    clock.now = 0.5
    limit.take("a")
    with pytest.raises(RefusedError):
        limit.take("a")


def test_retry_after_says_when_it_will_pass():
    clock = Clock()
    limit = RateLimit(2.0, clock)
    limit.take("a", 20)
    with pytest.raises(RefusedError) as refused:
        limit.take("a", 9)
    assert refused.value.status == 429
    clock.now += int(refused.value.headers["Retry-After"])
    limit.take("a", 9)


def test_one_client_s_flood_is_not_another_s():
    limit = RateLimit(1.0, Clock())
    limit.take("a", 10)
    limit.take("b", 10)


def test_more_than_a_burst_never_passes():
    with pytest.raises(RefusedError) as refused:
        RateLimit(1.0, Clock()).take("a", 11)
    assert refused.value.status == 413


def test_no_rate_is_no_limit():
    RateLimit(0.0, Clock()).take("a", 10**9)


def test_clients_without_end_need_memory_with_an_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "MOST_CLIENTS", 3)
    limit = RateLimit(1.0, Clock())
    for number in range(100):
        limit.take(str(number))
    assert len(limit._left) == 3
