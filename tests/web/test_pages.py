"""The pages that need no login are complete, load only our own files, and keep nothing typed into them."""

import re
from collections.abc import AsyncIterator, Callable
from html.parser import HTMLParser

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from keywright.web.pages import ASSETS, docs_page, graphiql_page, routes

PAGES = {
    "/docs": docs_page,
    "/graphiql": graphiql_page,
}
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "font-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=Starlette(routes=routes()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://keywright.test") as found:
        yield found


class Page(HTMLParser):
    """Gathers what a page loads and links to, and what a strict policy would refuse in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.loads += [given["src"]] if "src" in given else []
        self.loads += [given["href"]] if tag == "link" else []
        self.links += [given["href"]] if tag == "a" else []
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        self.inline += [name for name in given if name == "style" or name.startswith("on")]


def policy(answer: httpx2.Response) -> dict[str, str]:
    directives = answer.headers["content-security-policy"].split("; ")
    return {name: values for name, _, values in (directive.partition(" ") for directive in directives)}


def script(name: str) -> str:
    return (ASSETS / name).read_text("utf-8")


@pytest.mark.parametrize("path", PAGES)
async def test_pages_are_html_and_guarded(client: httpx2.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.text.startswith("<!doctype html>\n<html lang=")
    assert answer.text.endswith("</html>\n")


@pytest.mark.parametrize("path", ["/docs"])
async def test_the_policy_allows_our_own_files_alone(client: httpx2.AsyncClient, path: str) -> None:
    assert policy(await client.get(path)) == POLICY


async def test_only_graphiql_may_add_styles_in_place(client: httpx2.AsyncClient) -> None:
    assert policy(await client.get("/graphiql")) == POLICY | {"style-src": "'self' 'unsafe-inline'"}


@pytest.mark.parametrize("path", PAGES)
async def test_pages_hold_nothing_that_the_policy_refuses(client: httpx2.AsyncClient, path: str) -> None:
    assert Page((await client.get(path)).text).inline == []


@pytest.mark.parametrize("path", PAGES)
async def test_pages_load_files_that_are_there(client: httpx2.AsyncClient, path: str) -> None:
    loads = Page((await client.get(path)).text).loads
    assert len(loads) > 2
    for file in loads:
        assert file.startswith("/assets/")
        assert (await client.get(file)).status_code == 200, file


@pytest.mark.parametrize("name", ["docs.css", "graphiql.css"])
async def test_styles_import_files_that_are_there(client: httpx2.AsyncClient, name: str) -> None:
    imported = re.findall(r'@import url\("([^"]+)"\)', script(name))
    assert len(imported) == 1
    assert (await client.get(f"/assets/{imported[0]}")).status_code == 200


@pytest.mark.parametrize("path", PAGES)
async def test_pages_name_no_host(client: httpx2.AsyncClient, path: str) -> None:
    page = await client.get(path)
    assert "//" not in page.text
    assert all(link.startswith("/") for link in Page(page.text).links)


@pytest.mark.parametrize("path", ["/docs", "/graphiql"])
async def test_the_bar_marks_the_page_one_is_on(client: httpx2.AsyncClient, path: str) -> None:
    text = (await client.get(path)).text
    assert re.findall(r'href="([^"]+)" aria-current=page', text) == [path]


@pytest.mark.parametrize(("path", "page"), PAGES.items())
async def test_a_responder_answers_the_same_wherever_it_is_mounted(
    client: httpx2.AsyncClient, path: str, page: Callable[[], Response]
) -> None:
    app = Starlette(routes=[Route("/elsewhere", lambda _: page())])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://a.test") as other:
        moved = await other.get("/elsewhere")
    answer = await client.get(path)
    assert (moved.text, moved.headers) == (answer.text, answer.headers)


@pytest.mark.parametrize("path", PAGES)
async def test_pages_are_only_read(client: httpx2.AsyncClient, path: str) -> None:
    assert (await client.head(path)).status_code == 200
    assert (await client.post(path)).status_code == 405


def test_the_rest_page_forgets_keys_and_asks_no_validator() -> None:
    source = script("docs.js")
    assert 'url: "/openapi.json"' in source
    assert "persistAuthorization: false" in source
    assert "validatorUrl: null" in source


def test_the_graphql_page_takes_headers_and_keeps_nothing() -> None:
    source = script("graphiql.js")
    assert 'url: "/graphql"' in source
    assert "isHeadersEditorEnabled: true" in source
    assert "shouldPersistHeaders: false" in source
    assert "showPersistHeadersSettings: false" in source
    assert "const kept = new Map();" in source
    assert "localStorage" not in source
