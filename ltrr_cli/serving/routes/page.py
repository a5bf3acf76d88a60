"""``GET /``: the search page, and the files that it is made of."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

STATIC = Path(__file__).parent.parent / "static"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html; charset=utf-8"}


def routes() -> list[Route]:
    """Return the routes: only files that lie there now are known by name."""
    files = {path.name: path for path in STATIC.iterdir() if path.suffix in _TYPES and path.name != "index.html"}

    async def index(request: Request) -> Response:
        return FileResponse(STATIC / "index.html", media_type=_TYPES[".html"])

    def file(path: Path) -> Route:
        async def send(request: Request) -> Response:
            return FileResponse(path, media_type=_TYPES[path.suffix], headers={"Cache-Control": "no-cache"})

        return Route(f"/static/{path.name}", send, methods=["GET"], name=path.name)

    return [Route("/", index, methods=["GET"], name="page"), *map(file, files.values())]
