"""What answers and reports add to the metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ltrr_cli.serving.metrics import Metrics
from ltrr_cli.serving.records import FeedbackReport, QueryAnswer


def count_page(metrics: Metrics, answer: QueryAnswer, draws: Mapping[str, int]) -> None:
    """Count a page and the candidates that each strategy was allowed for it."""
    had = Counter(name for line in answer.results for name in line.sources)
    metrics.page(draws, had, answer.took_ms, degraded=answer.degraded)


def count_feedback(metrics: Metrics, report: FeedbackReport) -> None:
    """Count what became of events."""
    rejected = Counter(one.code for one in report.rejected)
    known = {"accepted": report.accepted, "duplicate": report.duplicates, "skipped": report.skipped}
    metrics.feedback({**known, **rejected})
