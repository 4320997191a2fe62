"""The pages that people can open without a login beside the console's own: the REST and GraphQL explorers.

Everything they load is shipped with Keywright, and their content security policy keeps them from asking any
other host.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from keywright.web.assets import GUARDS, Assets

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.requests import Request
    from starlette.routing import BaseRoute

ASSETS: Final = Path(__file__).with_name("assets")
"""The folder of the files that are served below `/assets/`."""


def policy(style: str = "'self'") -> str:
    """The content security policy of a page: it loads, sends to and is framed by nothing but this server."""
    return (
        f"default-src 'none'; script-src 'self'; style-src {style}; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def _document(title: str, here: str, head: str, body: str) -> str:
    """Return a complete page; `here` is its path, which the bar marks as the current one."""
    doors = (("/docs", "REST"), ("/graphiql", "GraphQL"), ("/openapi.json", "OpenAPI"))
    links = "".join(
        f'<a href="{path}"{" aria-current=page" if path == here else ""}>{name}</a>' for path, name in doors
    )
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="/assets/key.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/pages.css">
{head}</head>
<body>
<header class="bar">
<a class="brand" href="/"><img src="/assets/key.svg" alt="" width="22" height="22">Keywright</a>
<nav aria-label="Documentation">{links}</nav>
</header>
{body}</body>
</html>
"""


_DOCS: Final = _document(
    title="REST · Keywright",
    here="/docs",
    head="""\
<link rel="stylesheet" href="/assets/docs.css">
<script src="/assets/vendor/swagger-ui-dist-5.35.0/swagger-ui-bundle.js" defer></script>
<script src="/assets/docs.js" defer></script>
""",
    body="""\
<main id="docs"><noscript><p class="note">This page needs JavaScript. The document that it shows is at
<a href="/openapi.json">/openapi.json</a>.</p></noscript></main>
""",
)

_GRAPHIQL: Final = _document(
    title="GraphQL · Keywright",
    here="/graphiql",
    head="""\
<link rel="stylesheet" href="/assets/graphiql.css">
<script src="/assets/vendor/react-18.3.1/react.production.min.js" defer></script>
<script src="/assets/vendor/react-dom-18.3.1/react-dom.production.min.js" defer></script>
<script src="/assets/vendor/graphiql-3.9.0/graphiql.min.js" defer></script>
<script src="/assets/graphiql.js" defer></script>
""",
    body="""\
<main id="graphiql"><noscript><p class="note">This page needs JavaScript. Programs send their queries to
<code>/graphql</code> without it.</p></noscript></main>
""",
)


def docs_page() -> Response:
    """Answer with Swagger UI over `/openapi.json`."""
    return _page(_DOCS, policy())


def graphiql_page() -> Response:
    """Answer with GraphiQL, which sends what is typed to `/graphql`."""
    # Its dialogs and menus add a <style> element to stop the page behind them from scrolling.
    return _page(_GRAPHIQL, policy(style="'self' 'unsafe-inline'"))


def _page(document: str, policy: str) -> Response:
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-cache", **GUARDS}
    return HTMLResponse(document, headers=headers)


def _endpoint(page: Callable[[], Response]) -> Callable[[Request], Coroutine[object, object, Response]]:
    async def serve(_: Request) -> Response:
        return page()

    return serve


def routes() -> list[BaseRoute]:
    """Return the routes of the pages and of `/assets/*`; reads every asset once."""
    return [
        Route("/docs", _endpoint(docs_page)),
        Route("/graphiql", _endpoint(graphiql_page)),
        Assets(ASSETS, "/assets/").route(),
    ]
