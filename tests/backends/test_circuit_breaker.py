"""Who fails is asked more and more rarely, until they are back."""

from __future__ import annotations

from ltrr_cli.backends.circuit_breaker import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, CircuitBreaker


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def broken() -> tuple[CircuitBreaker, Clock]:
    clock = Clock()
    breaker = CircuitBreaker(clock)
    for _ in range(FAILURES):
        assert breaker.may_ask()
        breaker.failure()
    return breaker, clock


def test_a_failure_now_and_then_changes_nothing():
    breaker = CircuitBreaker(Clock())
    for _ in range(10):
        breaker.failure()
        breaker.failure()
        breaker.success()
        assert breaker.may_ask()
    assert (breaker.failed, breaker.answered) == (20, 10)


def test_after_failures_in_a_row_one_may_ask_after_each_pause():
    breaker, clock = broken()
    assert breaker.open
    assert not breaker.may_ask()
    clock.now = FIRST_PAUSE + 0.01
    assert breaker.may_ask()
    assert not breaker.may_ask()  # the others wait for what that one finds


def test_pauses_grow_to_a_limit_and_an_answer_ends_them():
    breaker, clock = broken()
    pauses = []
    for _ in range(12):
        start = clock.now
        while not breaker.may_ask():
            clock.now += 0.5
        pauses.append(clock.now - start)
        breaker.failure()
    assert pauses == sorted(pauses)
    assert LONGEST_PAUSE - 1 <= pauses[-1] <= LONGEST_PAUSE + 1
    breaker.success()
    assert not breaker.open
    assert breaker.may_ask()
