"""Metrics in Prometheus' text form, by OpenTelemetry's names where it has one; never a query or a person as a label.

With several workers, counts are kept in files of one folder (``PROMETHEUS_MULTIPROC_DIR``, which the parent sets before
a worker begins) and added up by whichever worker is asked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

disable_created_metrics()  # type: ignore[no-untyped-call]

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
DURATION = "http_server_request_duration_seconds"
MEDIA_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0)
_DECISIONS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1)


@dataclass(frozen=True, slots=True)
class Latency:
    """How long one route took: percentiles, straight between the edges of histogram buckets.

    failed -- answers of 500 and above
    """

    route: str
    requests: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    failed: int


def _latency(route: str, cumulative: Sequence[tuple[float, float]], failed: float) -> Latency:
    total = cumulative[-1][1]
    last = cumulative[-2][0]  # of the edges, the greatest that is a number

    def within(share: float) -> float:
        low, below = 0.0, 0.0
        for edge, count in cumulative:
            if count >= share * total:
                inside = (share * total - below) / max(count - below, 1e-9)
                return 1e3 * (low + inside * (min(edge, last) - low))
            low, below = edge, count
        return 1e3 * last

    return Latency(route, int(total), within(0.5), within(0.95), within(0.99), int(failed))


class Metrics:
    """What one worker counts."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            DURATION, "Duration of HTTP requests.",
            ("http_request_method", "http_route", "http_response_status_code"),
            buckets=_SECONDS, registry=self._registry,
        )  # fmt: skip
        self._candidates = Counter(
            "ltrr_candidates", "Candidates that strategies were allowed.", ("strategy",), registry=self._registry
        )
        self._results = Counter(
            "ltrr_results", "Results on pages, by strategies that had them.", ("strategy",), registry=self._registry
        )
        self._feedback = Counter(
            "ltrr_feedback", "Events, by what became of them.", ("outcome",), registry=self._registry
        )
        self._degraded = Counter(
            "ltrr_degraded_pages", "Pages of full text alone, because the answer was late.", registry=self._registry
        )
        self._decisions = Histogram(
            "ltrr_decision_seconds", "Time in which an allocation was decided.",
            buckets=_DECISIONS, registry=self._registry,
        )  # fmt: skip

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; ``route`` is a template such as "/v1/explain/{id}"."""
        self._requests.labels(method, route, str(status)).observe(seconds)

    def page(
        self, allowed: Mapping[str, int], had: Mapping[str, int], took_ms: Mapping[str, float], *, degraded: bool
    ) -> None:
        """Count one page: candidates allowed and results had by strategy, and how long the decision took."""
        for name, count in allowed.items():
            if count:
                self._candidates.labels(name).inc(count)
        for name, count in had.items():
            self._results.labels(name).inc(count)
        if degraded:
            self._degraded.inc()
        if "plan" in took_ms:
            self._decisions.observe(took_ms["plan"] / 1e3)

    def feedback(self, outcomes: Mapping[str, int]) -> None:
        """Count events: "accepted", "duplicate", "skipped" or the code of a rejection."""
        for outcome, count in outcomes.items():
            if count:
                self._feedback.labels(outcome).inc(count)

    def latencies(self) -> list[Latency]:
        """Return how long each route took since the server began, the most asked first."""
        buckets: dict[str, dict[float, float]] = {}
        failed: dict[str, float] = {}
        for family in self._all().collect():
            for sample in family.samples if family.name == DURATION else ():
                route = sample.labels["http_route"]
                if sample.name == DURATION + "_bucket":
                    at = buckets.setdefault(route, {})
                    edge = float(sample.labels["le"])
                    at[edge] = at.get(edge, 0.0) + sample.value
                elif sample.name == DURATION + "_count" and sample.labels["http_response_status_code"] >= "500":
                    failed[route] = failed.get(route, 0.0) + sample.value
        found = [_latency(route, sorted(of.items()), failed.get(route, 0.0)) for route, of in buckets.items()]
        return sorted((one for one in found if one.requests), key=lambda one: (-one.requests, one.route))

    def _all(self) -> CollectorRegistry:
        """Return the counts of all workers."""
        if not os.environ.get(FOLDER):
            return self._registry
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return registry

    def exposition(self, gauges: Mapping[str, tuple[str, float]]) -> bytes:
        """Return everything as text; ``gauges`` is name -> (help, value) as of now."""
        beside = CollectorRegistry()
        beside.register(_Gauges(gauges))
        return generate_latest(self._all()) + generate_latest(beside)


class _Gauges(Collector):
    def __init__(self, values: Mapping[str, tuple[str, float]]) -> None:
        self._values = values

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, (about, value) in self._values.items():
            yield GaugeMetricFamily(name, about, value=value)


def begin_folder(folder: Path) -> None:
    """Let workers that begin from now on share their counts in a folder."""
    os.environ[FOLDER] = str(folder)


def worker_died(pid: int) -> None:
    """Forget what only a living worker may say; what it counted stays counted."""
    if os.environ.get(FOLDER):
        mark_process_dead(pid)  # type: ignore[no-untyped-call]
