"""Routes: what is well-formed, what a request is found to ask for, and what nobody smuggles past one."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.permissions import MAX_NAME, MAX_WILDCARDS, Policy, valid_name
from keywright.core.routes import (
    MAX_MATCH,
    MAX_PATH,
    MAX_PATH_SEGMENTS,
    InvalidRoute,
    Route,
    RouteTable,
    read_path,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

ARTICLE = Route("GET|HEAD /articles/{lang}/{id}", "article:read", "article:{lang}:{id}")
FILES = Route("PUT /files/{path...}", "file:write", "file:{path...}")
REST = Route("* /admin/**", "admin:all")
TABLE = RouteTable.compile([ARTICLE, FILES, REST, Route("* /", "front:read", "front")])


@pytest.mark.parametrize(
    ("method", "path", "asked"),
    [
        ("GET", "/articles/cs/42", ("article:read", "article:cs:42")),
        ("HEAD", "/articles/cs/42", ("article:read", "article:cs:42")),
        ("GET", "/articles/cs/42?page=/../..&x=%00", ("article:read", "article:cs:42")),
        ("GET", "/articles/%63s/%C3%A9", ("article:read", "article:cs:é")),
        ("PUT", "/files/a", ("file:write", "file:a")),
        ("PUT", "/files/a/b-c/d.txt", ("file:write", "file:a:b-c:d.txt")),
        ("DELETE", "/admin", ("admin:all", None)),
        ("DELETE", "/admin/", ("admin:all", None)),
        ("M-SEARCH", "/admin/a:b/c%20d/*", ("admin:all", None)),
        ("GET", "/", ("front:read", "front")),
        ("GET", "/?x", ("front:read", "front")),
        ("POST", "/articles/cs/42", None),
        ("GET", "/articles/cs", None),
        ("GET", "/articles/cs/42/", None),
        ("GET", "/articles/cs/42/x", None),
        ("GET", "/Articles/cs/42", None),
        ("PUT", "/files", None),
        ("PUT", "/files/", None),
        ("PUT", "/files/a/", None),
        ("get", "/articles/cs/42", None),
        ("", "/admin", None),
        ("GET\n", "/admin", None),
        ("-", "/admin", None),
        ("GET", "", None),
        ("GET", "*", None),
        ("GET", "admin", None),
        ("GET", "?/admin", None),
        ("GET", "http://elsewhere/admin", None),
    ],
)
def test_a_request_asks_for_what_the_first_route_that_fits_says(
    method: str, path: str, asked: tuple[str, str | None] | None
) -> None:
    assert TABLE.match(method, path) == asked


@pytest.mark.parametrize(
    "path",
    [
        "/admin//x",
        "//admin/x",
        "/admin/./x",
        "/admin/../x",
        "/admin/..",
        "/admin/%2e%2E/x",
        "/admin/.%2e",
        "/admin/a%2Fb",
        "/admin/a%5cb",
        "/admin/a\\b",
        "/admin/a%252Fb",
        "/admin/a;b",
        "/admin/a%3Bb",
        "/admin/..;/x",
        "/admin/a%00",
        "/admin/a%0d%0Ab",
        "/admin/a%7f",
        "/admin/%C2%85",
        "/admin/%E2%80%A8",
        "/admin/%ff",
        "/admin/%C0%AF",
        "/admin/%ED%A0%80",
        "/admin/%",
        "/admin/%2",
        "/admin/%zz",
        "/admin/#x",
        "/admin/a b",
        "/admin/é",
        "/admin/<x>",
        "/admin/{x}",
        "/admin/\udc80",
        "/admin/" + "x" * MAX_PATH,
    ],
)
def test_a_path_that_could_be_read_in_two_ways_fits_nothing(path: str) -> None:
    """The route `* /admin/**` takes anything else."""
    assert read_path(path) is None
    assert TABLE.match("GET", path) is None


def test_the_longest_path() -> None:
    path = "/admin/" + "x" * (MAX_PATH - 7)
    assert TABLE.match("GET", path) == ("admin:all", None)
    assert TABLE.match("GET", f"{path}?{'y' * MAX_PATH}") == ("admin:all", None)
    assert TABLE.match("GET", f"{path}x") is None


@pytest.mark.parametrize(
    "value", ["a:b", "a%3Ab", "*", "a*", "%2A", "$x", "%24%7Bx%7D", "%20", "a%E2%80%83b"]
)
@pytest.mark.parametrize("where", ["/articles/{}/1", "/articles/cs/{}"])
def test_a_value_that_is_no_segment_is_refused_and_no_later_route_tried(value: str, where: str) -> None:
    table = RouteTable.compile([ARTICLE, Route("* /**", "anything:do")])
    assert table.match("GET", "/elsewhere") == ("anything:do", None)
    assert table.match("GET", where.format(value)) is None
    rest = RouteTable.compile([FILES, Route("* /**", "anything:do")])
    assert rest.match("PUT", f"/files/a/{value}/b") is None


def test_values_count_where_the_resource_does_not_need_them() -> None:
    table = RouteTable.compile([Route("GET /x/{a}/{b...}", "x:read")])
    assert table.match("GET", "/x/1/2/3") == ("x:read", None)
    assert table.match("GET", "/x/1/2/3:4") is None
    assert table.match("GET", "/x/*/2") is None


def test_a_resource_that_would_be_too_long_is_refused() -> None:
    value = "v" * (MAX_NAME - len("article:cs:"))
    assert TABLE.match("GET", f"/articles/cs/{value}") == ("article:read", f"article:cs:{value}")
    assert TABLE.match("GET", f"/articles/cs/{value}v") is None
    assert TABLE.match("PUT", "/files" + "/a" * 31) is not None
    assert TABLE.match("PUT", "/files" + "/a" * 32) is None


def test_a_placeholder_may_be_part_of_a_segment_of_the_resource() -> None:
    table = RouteTable.compile([Route("GET /v/{n}", "version:read", "version:v-{n}:of:{n}")])
    assert table.match("GET", "/v/2") == ("version:read", "version:v-2:of:2")


def test_the_first_route_decides() -> None:
    table = RouteTable.compile(
        [
            Route("GET /a/b", "first:x"),
            Route("GET /a/{x}", "second:x", "r:{x}"),
            Route("GET /a/{x...}", "third:x", "r:{x...}"),
            Route("* /a/**", "fourth:x"),
            Route("GET /a/{x}/", "fifth:x"),
        ]
    )
    paths = ["/a/b", "/a/c", "/a/b/c", "/a", "/a/c/"]
    found = [table.match("GET", path) for path in paths]
    assert [one and one[0] for one in found] == ["first:x", "second:x", "third:x", "fourth:x", "fourth:x"]
    assert table.match("POST", "/a/b") == ("fourth:x", None)
    assert table.unreached() == (4,)
    first = table.find("GET", "/a/b")
    assert first is not None
    assert first[0] is table.routes[0]


def test_no_routes_fit_nothing() -> None:
    assert RouteTable.compile([]).match("GET", "/") is None
    assert RouteTable.compile([]).unreached() == ()


@pytest.mark.parametrize(
    ("before", "route", "reached"),
    [
        (["GET /a"], "GET /a", False),
        (["GET|POST /a"], "POST /a", False),
        (["GET /a"], "GET|POST /a", True),
        (["GET /a", "POST /a"], "GET|POST /a", False),
        (["GET /a"], "* /a", True),
        (["* /a"], "GET /a", False),
        (["GET /a/{x}"], "GET /a/b", False),
        (["GET /a/b"], "GET /a/{x}", True),
        (["GET /a/{x}"], "GET /a/{x}/", True),
        (["GET /a/{x...}"], "GET /a/{x}/b", False),
        (["GET /a/{x}/b"], "GET /a/{x...}", True),
        (["GET /a/{x...}"], "GET /a/**", True),
        (["GET /a/**"], "GET /a/{x...}/", False),
        (["GET /**"], "GET /", False),
        (["GET /a", "GET /a/", "GET /a/{x...}", "GET /a/{x...}/"], "GET /a/**", False),
        (["GET /a", "GET /a/", "GET /a/{x...}"], "GET /a/**", True),
    ],
)
def test_a_route_that_can_never_decide_is_known(before: list[str], route: str, reached: bool) -> None:
    table = RouteTable.compile([Route(match, "a") for match in (*before, route)])
    assert (len(before) not in table.unreached()) is reached


@pytest.mark.parametrize(
    ("match", "part"),
    [
        ("", "match"),
        ("/a", "match"),
        ("GET", "match"),
        ("GET  /a", "match"),
        ("get /a", "match"),
        ("GET,POST /a", "match"),
        ("GET|* /a", "match"),
        ("GET| /a", "match"),
        ("GET a", "match"),
        ("GET /a b", "match"),
        ("GET //a", "match"),
        ("GET /a//b", "match"),
        ("GET /a/./b", "match"),
        ("GET /a/..", "match"),
        ("GET /a%20b", "match"),
        ("GET /a;b", "match"),
        ("GET /a*", "match"),
        ("GET /*", "match"),
        ("GET /**/a", "match"),
        ("GET /**/", "match"),
        ("GET /{x...}/a", "match"),
        ("GET /a{x}", "match"),
        ("GET /{x}{y}", "match"),
        ("GET /{X}", "match"),
        ("GET /{}", "match"),
        ("GET /{x", "match"),
        ("GET /{x}/{x}", "match"),
        ("GET /{x}/{x...}", "match"),
        ("GET /a?b", "match"),
        ("GET /a#b", "match"),
        ("GET /a\\b", "match"),
        ("GET /" + "a" * MAX_MATCH, "match"),
        ("GET /" + "/".join("a" * (MAX_PATH_SEGMENTS + 1)), "match"),
    ],
)
def test_what_is_no_route(match: str, part: str) -> None:
    with pytest.raises(InvalidRoute, match=r"\.\Z") as caught:
        Route(match, "a:b")
    assert caught.value.part == part


@pytest.mark.parametrize("action", ["", "article:*", "a b", "{x}", "a::b", "article:{x}"])
def test_an_action_is_an_exact_name(action: str) -> None:
    with pytest.raises(InvalidRoute) as caught:
        Route("GET /{x}", action)
    assert caught.value.part == "action"


@pytest.mark.parametrize(
    "resource",
    [
        "",
        "a:*",
        "a:{z}",
        "a:{x...}",
        "a:{y}",
        "a:{x}-{x}",
        "a:p{y...}",
        "a:{x",
        "a b",
        "a::{x}",
        "a" * (MAX_NAME + 1),
        ":".join(["{x}"] * (MAX_WILDCARDS + 1)),
    ],
)
def test_a_resource_is_a_name_with_the_names_of_the_path(resource: str) -> None:
    with pytest.raises(InvalidRoute, match=r"\.\Z") as caught:
        Route("GET /{x}/{y...}", "a", resource)
    assert caught.value.part == "resource"


def test_all_that_a_route_can_ask_for() -> None:
    assert ARTICLE.widest() == Policy.parse(["article:read"], ["article:*:*"])
    assert FILES.widest() == Policy.parse(["file:write"], ["file:**"])
    assert REST.widest() == Policy.parse(["admin:all"])
    longest = ":".join([*(["{x}"] * MAX_WILDCARDS), "a" * (MAX_NAME - 3 * MAX_WILDCARDS)])
    assert Route("GET /{x}", "a", longest).widest().allows("a", longest.replace("{x}", "y"))


def test_a_route_in_plain_form() -> None:
    assert ARTICLE.to_plain() == {
        "match": "GET|HEAD /articles/{lang}/{id}",
        "action": "article:read",
        "resource": "article:{lang}:{id}",
    }
    assert REST.to_plain() == {"match": "* /admin/**", "action": "admin:all"}
    assert RouteTable.compile([ARTICLE]) == RouteTable((Route(**ARTICLE.to_plain()),))
    assert RouteTable.compile([ARTICLE, REST]) != RouteTable.compile([REST, ARTICLE])


def slow_match(routes: Sequence[Route], method: str, path: str) -> tuple[str, str | None] | None:
    """The rules of the module's first words, one after the other, for paths that `read_path` takes."""
    segments = unquote(path)[1:].split("/")
    slash = segments[-1] == ""
    for route in routes:
        methods, _, template = route.match.partition(" ")
        values = slow_fit(template, segments[:-1] if slash else segments, slash=slash)
        if values is not None and (methods == "*" or method in methods.split("|")):
            return slow_fill(route, values)
    return None


def slow_fit(template: str, segments: list[str], *, slash: bool) -> dict[str, list[str]] | None:
    """What stands for each name in braces, None where the path does not fit."""
    wanted = template[1:].split("/")
    if wanted[-1] == "**":
        wanted = wanted[:-1]
        fits = len(segments) >= len(wanted)
    else:
        fits = slash is (wanted[-1] == "")
        wanted = [one for one in wanted if one]
        more = bool(wanted) and wanted[-1].endswith("...}")
        fits = fits and (len(segments) >= len(wanted) if more else len(segments) == len(wanted))
    values: dict[str, list[str]] = {}
    for index, one in enumerate(wanted if fits else ()):
        if one.startswith("{"):
            values[one] = segments[index:] if one.endswith("...}") else [segments[index]]
        else:
            fits = fits and one == segments[index]
    return values if fits else None


def slow_fill(route: Route, values: dict[str, list[str]]) -> tuple[str, str | None] | None:
    if not all(valid_name(value) and ":" not in value for found in values.values() for value in found):
        return None
    resource = route.resource
    for name, found in values.items():
        resource = None if resource is None else resource.replace(name, ":".join(found))
    return (route.action, resource) if resource is None or valid_name(resource) else None


LETTERS = ["a", "é"]
templates = st.tuples(
    st.sampled_from(["GET", "POST", "GET|POST", "*"]),
    st.lists(st.sampled_from([*LETTERS, "{}"]), max_size=3),
    st.sampled_from(["", "/", "/**", "/{rest...}", "/{rest...}/"]),
)


@st.composite
def routes(draw: st.DrawFn) -> Route:
    methods, segments, end = draw(templates)
    named = [f"{{p{index}}}" if one == "{}" else one for index, one in enumerate(segments)]
    path = "".join(f"/{one}" for one in named) + end or "/"
    stand_ins = re.findall(r"\{[^}]*\}", path)
    resource = draw(st.none() | st.permutations(stand_ins).map(lambda found: ":".join(["r", *found])))
    return Route(f"{methods} {path}", draw(st.sampled_from(["x:read", "x:write"])), resource)


values = st.sampled_from([*LETTERS, "c", "a:b", "*", "x y", "$"])
paths = st.tuples(st.lists(values, max_size=5), st.sampled_from(["", "/"])).map(
    lambda found: "/" + "/".join(quote(one, safe=":*$") for one in found[0]) + (found[1] if found[0] else "")
)


@given(st.lists(routes(), max_size=6), st.sampled_from(["GET", "POST", "PUT"]), paths)
def test_the_table_finds_what_going_through_the_routes_finds(
    found: list[Route], method: str, path: str
) -> None:
    table = RouteTable.compile(found)
    assert table.match(method, path) == slow_match(found, method, path)


@given(st.lists(routes(), max_size=5))
def test_a_route_is_unreached_where_no_path_of_a_small_world_comes_to_it(found: list[Route]) -> None:
    """Every path of up to five segments from the letters of the routes and one more."""
    table = RouteTable.compile(found)
    seen = set()
    for length, slash in product(range(5), ("", "/")):
        for segments in product([*map(quote, LETTERS), "z"], repeat=length):
            path = "/" + "/".join(segments) + (slash if segments else "")
            for method in ("GET", "POST", "PUT"):
                decided = table.find(method, path)
                if decided is not None:
                    seen.add(next(index for index, one in enumerate(found) if one is decided[0]))
    assert set(table.unreached()) == set(range(len(found))) - seen


@given(st.text(max_size=12))
def test_no_value_of_a_path_becomes_more_than_one_segment(value: str) -> None:
    try:
        path = f"/articles/cs/{quote(value, safe='')}"
    except UnicodeEncodeError:
        path = f"/articles/cs/{value}"
    for sent in (path, f"/articles/cs/{value}"):
        found = TABLE.match("GET", sent)
        if found is not None:
            assert found[0] == "article:read"
            assert found[1] is not None
            assert len(found[1].split(":")) == 3
            assert "*" not in found[1]
            assert unquote(sent.partition("?")[0]) == "/" + "/".join(["articles", *found[1].split(":")[1:]])


@given(st.text("/.%2eEfF5cC;:*a?#\\ ", max_size=16))
def test_a_path_that_is_read_is_its_own_normal_form(text: str) -> None:
    """What is read has no segment that a server would take away, join or decode again."""
    read = read_path(f"/{text}")
    if read is None:
        return
    segments, slash = read
    assert not {"", ".", ".."} & set(segments)
    assert not any(one in segment for segment in segments for one in "/\\%;")
    again = "".join(f"/{quote(one, safe='')}" for one in segments) + ("/" if slash else "")
    assert read_path(again) == read
