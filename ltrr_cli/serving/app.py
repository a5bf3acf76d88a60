"""The application: routes, each given what it needs, behind the gate."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ltrr_cli.core.errors import LtrrError
from ltrr_cli.serving.access import Access, Origins
from ltrr_cli.serving.backend import Backend
from ltrr_cli.serving.gate import Gate
from ltrr_cli.serving.metrics import Metrics
from ltrr_cli.serving.operations import Operation
from ltrr_cli.serving.routes import (
    dashboard,
    entities,
    explain,
    feedback,
    health,
    metrics,
    openapi,
    page,
    query,
    search,
    suggest,
    ubi,
)
from ltrr_cli.serving.tokens import Tokens

LOG = logging.getLogger("ltrr.serve")
POLL_SECONDS = 0.5  # between two looks whether something newer was published


@dataclass(frozen=True, slots=True)
class Admission:
    """Whom a server answers.

    origins -- of web pages that may call, beside its own
    local   -- bound to this machine alone and open: only names of this machine are believed
    """

    tokens: Tokens
    origins: tuple[str, ...] = ()
    local: bool = True


def create_app(backend: Backend, admission: Admission, *, follow: bool = True) -> Starlette:
    """Return the application of one worker; ``follow`` lets newer generations answer as they are published."""
    settings, counted = backend.state.settings.serve, Metrics()
    access = Access(admission.tokens, queries=settings.queries_per_second, events=settings.events_per_second)
    described = (
        query.operation(backend, access, counted),
        search.operation(backend, access, counted),
        feedback.operation(backend, access, counted),
        explain.operation(backend, access),
        suggest.operation(backend, access),
        entities.operation(backend, access),
        *ubi.operations(backend, access, counted),
        *health.operations(backend),
        metrics.operation(backend, access, counted),
    )
    every = (*described, openapi.operation(described))
    gate = Middleware(
        Gate,
        origins=Origins((*settings.origins, *admission.origins), local=admission.local and admission.tokens.open),
        most_bytes=settings.body_kb * 1024,
        slow_seconds=settings.slow_seconds,
        count=counted.request,
    )
    routes = [*map(_route, every), *page.routes(), *dashboard.routes(backend, access, counted)]
    handlers = {HTTPException: _pass_on}
    lifespan = _lifespan(backend, follow=follow)
    return Starlette(routes=routes, middleware=[gate], exception_handlers=handlers, lifespan=lifespan)


async def _pass_on(request: Request, error: Exception) -> Response:
    """Leave failures to the gate, which tells of all of them alike."""
    raise error


def _route(one: Operation) -> Route:
    return Route(one.path, one.handler, methods=[one.method], name=one.name)


def _lifespan(backend: Backend, *, follow: bool) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await backend.run(backend.open)
        following = asyncio.create_task(_follow(backend)) if follow else None
        yield
        if following is not None:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
        backend.close()

    return lifespan


async def _follow(backend: Backend) -> None:
    """Let newer generations answer; one that cannot be opened is told of once, and what answered goes on."""
    told = ""
    while True:
        await asyncio.sleep(POLL_SECONDS)
        try:
            await backend.renew()
            told = ""
        except (LtrrError, OSError) as error:
            if str(error) != told:
                LOG.error("a newer generation cannot be opened: %s", error)
            told = str(error)
