"""The pages that people can open without a login: welcome, invitation, REST and GraphQL explorers, and assets.

Everything they load is shipped with Keywright, and their content security policy keeps them from asking any
other host.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.requests import Request
    from starlette.routing import BaseRoute

ASSETS: Final = Path(__file__).with_name("assets")
"""The folder of the files that are served below `/assets/`."""

_GUARDS: Final = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_MEDIA_TYPES: Final = {
    "": "text/plain",
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
# Only a folder whose name holds the version: the manifest beside it changes in place.
_VERSIONED: Final = re.compile(r"vendor/[^/]+-\d[^/]*/")


def _policy(style: str = "'self'") -> str:
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

_WELCOME: Final = _document(
    title="Keywright",
    here="/",
    head="""\
<script src="/assets/welcome.js" defer></script>
""",
    body="""\
<main class="welcome">
<h1>Keywright</h1>
<p class="lead">Keywright issues, checks and revokes API keys. Services ask it whether the holder of a token
may do something now, and once a revocation has returned, the key is refused.</p>

<h2>Log in, and make a key</h2>
<p>The first start prints the password of admin, unless it was set before. The command asks for it.</p>
<pre tabindex="0">export KEYWRIGHT_URL=<span data-origin>ADDRESS_OF_THIS_SERVER</span>
keywright login
keywright keys create "My first key" --action article:read</pre>

<h2>The same with curl</h2>
<p>curl reads what you type, so that the password stays out of your shell's history. Ctrl-D ends it.</p>
<pre tabindex="0">curl --json @- "$KEYWRIGHT_URL/v1/sessions"
{"login": "admin", "password": "YOUR_PASSWORD"}</pre>
<p>Paste the token where the shell does not show it, and use it like a key.</p>
<pre tabindex="0">read -rs KEYWRIGHT_API_KEY &amp;&amp; export KEYWRIGHT_API_KEY
curl -H "Authorization: Bearer $KEYWRIGHT_API_KEY" "$KEYWRIGHT_URL/v1/whoami"</pre>

<h2>On this server</h2>
<ul class="doors">
<li><a href="/docs"><code>/docs</code><span>The REST interface, to read and to try</span></a></li>
<li><a href="/graphiql"><code>/graphiql</code><span>The GraphQL interface, to read and to try</span></a></li>
<li><a href="/openapi.json"><code>/openapi.json</code><span>The REST interface, for programs</span></a></li>
<li><a href="/metrics"><code>/metrics</code><span>Measurements, for Prometheus</span></a></li>
<li><a href="/healthz"><code>/healthz</code><span>Whether this server is alive</span></a></li>
</ul>
</main>
""",
)

_INVITATION: Final = _document(
    title="Invitation · Keywright",
    here="/invitations/accept",
    head="""\
<link rel="stylesheet" href="/assets/invitation.css">
<script src="/assets/invitation.js" defer></script>
""",
    body="""\
<main class="welcome">
<h1>Your invitation</h1>
<p class="lead">Choose a password, and you are in. A link for a new password works here, too.</p>
<noscript><p>This page needs JavaScript. Without it, run <code>keywright invitations accept</code>.</p></noscript>
<form id="acceptance" class="acceptance" method="post">
<fieldset disabled>
<label for="login">Login name</label>
<input id="login" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="100"
 aria-describedby="about-login">
<p id="about-login">Empty: the one in the invitation. A link for a new password leaves it as it is.</p>
<label for="password">Password</label>
<input id="password" type="password" autocomplete="new-password" required aria-describedby="about-password">
<p id="about-password">At least 10 characters, and none of those that everybody tries first.</p>
<label for="again">The same password again</label>
<input id="again" type="password" autocomplete="new-password" required>
<button>Accept</button>
</fieldset>
</form>
<p id="outcome" role="status"></p>
</main>
""",
)


def invitation_page() -> Response:
    """Answer with the page of the links of invitations, which reads the token from the link's fragment."""
    return _page(_INVITATION, _policy())


def docs_page() -> Response:
    """Answer with Swagger UI over `/openapi.json`."""
    return _page(_DOCS, _policy())


def graphiql_page() -> Response:
    """Answer with GraphiQL, which sends what is typed to `/graphql`."""
    # Its dialogs and menus add a <style> element to stop the page behind them from scrolling.
    return _page(_GRAPHIQL, _policy(style="'self' 'unsafe-inline'"))


def welcome_page() -> Response:
    """Answer with what Keywright is, how to speak to it, and where its doors are."""
    return _page(_WELCOME, _policy())


def _page(document: str, policy: str) -> Response:
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-cache", **_GUARDS}
    return HTMLResponse(document, headers=headers)


@dataclass(frozen=True, slots=True)
class _Asset:
    file: Path
    media_type: str
    headers: dict[str, str]


def _assets() -> dict[str, _Asset]:
    """Return all that is below `ASSETS`, by path; the entity tags are made of the contents."""
    found = {}
    for file in sorted(ASSETS.rglob("*")):
        if file.is_file():
            path = file.relative_to(ASSETS).as_posix()
            kept = "public, max-age=31536000, immutable" if _VERSIONED.match(path) else "no-cache"
            tag = f'"{hashlib.sha256(file.read_bytes()).hexdigest()}"'
            headers = {"Cache-Control": kept, "ETag": tag, **_GUARDS}
            found[path] = _Asset(file, _MEDIA_TYPES[file.suffix], headers)
    return found


def _assets_route() -> Route:
    assets = _assets()

    async def serve(request: Request) -> Response:
        asset = assets.get(request.path_params["path"])
        if asset is None:
            raise HTTPException(404)
        known = request.headers.get("if-none-match", "")
        if asset.headers["ETag"] in (tag.strip().removeprefix("W/") for tag in known.split(",")):
            return Response(status_code=304, headers=asset.headers)
        return FileResponse(asset.file, headers=asset.headers, media_type=asset.media_type)

    return Route("/assets/{path:path}", serve)


def _endpoint(page: Callable[[], Response]) -> Callable[[Request], Coroutine[object, object, Response]]:
    async def serve(_: Request) -> Response:
        return page()

    return serve


def routes() -> list[BaseRoute]:
    """Return the routes of the pages and of `/assets/*`; reads every asset once to make its entity tag."""
    return [
        Route("/", _endpoint(welcome_page)),
        Route("/docs", _endpoint(docs_page)),
        Route("/graphiql", _endpoint(graphiql_page)),
        Route("/invitations/accept", _endpoint(invitation_page)),
        _assets_route(),
    ]
