"""``POST /v1/feedback``: what people did with a page, one event, an array, or JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ltrr_cli.core.errors import DataError
from ltrr_cli.feedback.parse import parse_object
from ltrr_cli.feedback.records import Parsed
from ltrr_cli.serving.access import Access
from ltrr_cli.serving.backend import Backend
from ltrr_cli.serving.counting import count_feedback
from ltrr_cli.serving.feedback import native, refusal_of_only
from ltrr_cli.serving.metrics import Metrics
from ltrr_cli.serving.operations import JSON, JSON_LINES, Operation, check_media_type, decoded, json_response
from ltrr_cli.serving.problems import RefusedError
from ltrr_cli.serving.records import MOST_EVENTS, FeedbackEvent, FeedbackReport
from ltrr_cli.serving.tokens import FEED


def operation(backend: Backend, access: Access, metrics: Metrics) -> Operation:
    """Return the route; a request of one event alone is answered with its refusal where it is refused."""

    async def feedback(request: Request) -> Response:
        report, single = await taken(request, backend, access, metrics, native)
        refusal = refusal_of_only(report) if single else None
        if refusal is not None:
            raise refusal
        return json_response(report)

    return Operation(
        "POST", "/v1/feedback", "feedback", "Tell what people did", feedback, scope=FEED,
        body=FeedbackEvent | list[dict[str, Any]], lines=True, answer=FeedbackReport, problems=(404, 409, 503),
    )  # fmt: skip


async def taken(
    request: Request, backend: Backend, access: Access, metrics: Metrics, read: Callable[[Mapping[str, Any]], Parsed]
) -> tuple[FeedbackReport, bool]:
    """Take in the events of a request; return what became of them, and whether it was one event by itself.

    read -- how an event of this route is read
    """
    client = access.client(request, FEED)
    records, single = events_of(await request.body(), check_media_type(request, (JSON, JSON_LINES)))
    access.events.take(client.name, max(len(records), 1))
    report = await backend.feed(records, read)
    count_feedback(metrics, report)
    return report, single


def events_of(data: bytes, media_type: str) -> tuple[list[object], bool]:
    """Return the events of a body, and whether it was one event by itself; raises RefusedError 400, 413.

    A line that is no JSON object is given as the reason for it (a text): that event alone will be refused.
    """
    if media_type == JSON_LINES:
        lines = [line for line in data.split(b"\n") if line.strip()]
        _check_number(len(lines))
        return [_object(line) for line in lines], False
    found: Any = decoded(data, object)
    if isinstance(found, dict):
        return [found], True
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise RefusedError(400, "data", "neither an event nor an array of events (objects)")
    _check_number(len(found))
    return found, False


def _check_number(events: int) -> None:
    if events > MOST_EVENTS:
        raise RefusedError(413, "too_large", f"more than {MOST_EVENTS} events", hint="send fewer per request")


def _object(line: bytes) -> object:
    try:
        return parse_object(line)
    except DataError as error:
        return str(error)
