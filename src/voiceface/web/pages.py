"""A page's own files."""

from importlib.resources import files

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def page_routes(package: str) -> list[Route]:
    """The page of a package: its `static` files, and those that all pages share.

    They are read once: no request reaches the file system.
    """
    pages = {
        one.name: one.read_bytes()
        for owner in ("voiceface.web", package)
        for one in (files(owner) / "static").iterdir()
        if one.name.rpartition(".")[2] in _TYPES
    }

    async def static(request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        if name not in pages:
            raise HTTPException(404)
        return Response(pages[name], media_type=_TYPES[name.rpartition(".")[2]])

    return [Route("/", static), Route("/static/{name}", static)]
