"""The guard: which key a request shows, what is asked about it, and what is answered."""

from __future__ import annotations

import json
import sys
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keywright.client.guard import Guard, Question, Refusal, Rule, is_name
from keywright.client.verdict import LimitState, Verdict
from keywright.core.codes import Code
from keywright.core.permissions import valid_name
from keywright.web.peer import client_address

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN = "kw_0123456789"


def asked(
    headers: Mapping[str, str],
    rule: Rule | None = None,
    *,
    guard: Guard | None = None,
    peer: str | None = "192.0.2.1",
    **params: Any,
) -> Question | Refusal:
    return (guard or Guard()).question(rule or Rule(), headers.get, peer, params, headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {TOKEN}"},
        {"authorization": f"bearer  {TOKEN} "},
        {"x-api-key": TOKEN},
    ],
    ids=["bearer", "loosely", "header"],
)
def test_a_key_is_read(headers: dict[str, str]) -> None:
    assert asked(headers) == Question(TOKEN, ip="192.0.2.1")
    assert TOKEN not in repr(asked(headers))


@pytest.mark.parametrize(
    ("headers", "status", "error"),
    [
        ({}, 401, None),
        ({"x-api-key": ""}, 401, None),
        ({"authorization": "Basic eDp5"}, 401, None),
        ({"authorization": ""}, 401, None),
        ({"authorization": "Bearer"}, 400, "invalid_request"),
        ({"authorization": "Bearer "}, 400, "invalid_request"),
        ({"authorization": "Bearer a b"}, 400, "invalid_request"),
        ({"authorization": "Bearer a, Bearer b"}, 400, "invalid_request"),
        ({"authorization": "Bearer a", "x-api-key": "a"}, 400, "invalid_request"),
        ({"authorization": "Basic eDp5", "x-api-key": "a"}, 400, "invalid_request"),
        ({"x-api-key": "a, b"}, 400, "invalid_request"),
        ({"authorization": "Bearer \xe9"}, 400, "invalid_request"),
    ],
    ids=range(12),
)
def test_no_key_and_no_clear_key_are_refused(headers: dict[str, str], status: int, error: str | None) -> None:
    found = asked(headers)
    assert isinstance(found, Refusal)
    told = "" if error is None else f', error="{error}"'
    assert (found.status, found.headers) == (status, {"WWW-Authenticate": f'Bearer realm="keywright"{told}'})


HEADER = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=40)


@given(st.one_of(st.none(), HEADER), st.one_of(st.none(), HEADER))
@example("Bearer x", None)
@example(None, "x")
def test_whatever_stands_in_the_headers_gives_one_key_or_none(bearer: str | None, key: str | None) -> None:
    headers = {} if bearer is None else {"authorization": bearer}
    headers |= {} if key is None else {"x-api-key": key}
    found = asked(headers)
    if isinstance(found, Refusal):
        assert found.status in (400, 401)
        return
    assert (bearer is None) != (key is None)
    assert found.token
    assert found.token in (bearer or key or "")
    assert all("!" <= one <= "~" for one in found.token)


def test_a_key_may_stand_elsewhere() -> None:
    guard = Guard(key_from=lambda request: request.get("cookie"), realm="articles")
    assert asked({"cookie": TOKEN, "authorization": "Bearer other"}, guard=guard) == Question(
        TOKEN, ip="192.0.2.1"
    )
    for cookie, told in (({}, ""), ({"cookie": ""}, ""), ({"cookie": "a b"}, ', error="invalid_token"')):
        found = asked({**cookie, "authorization": "Bearer other"}, guard=guard)
        assert isinstance(found, Refusal)
        assert (found.status, found.headers["WWW-Authenticate"]) == (401, f'Bearer realm="articles"{told}')


def resource(rule: Rule, **params: Any) -> str | None:
    found = asked({"x-api-key": TOKEN}, rule, **params)
    assert isinstance(found, Question), found
    return found.resource


def test_a_resource_is_a_text_a_template_or_a_function() -> None:
    assert resource(Rule("a:b", "x:y")) == "x:y"
    assert resource(Rule("a:b")) is None
    assert resource(Rule("a:b", "article:{language}:{number}"), language="cs", number=42) == "article:cs:42"
    assert resource(Rule("a:b", lambda request: f"article:{len(request)}")) == "article:1"
    assert resource(Rule("a:b", lambda _request: None)) is None
    assert asked({"x-api-key": TOKEN}, Rule("a:b", cost=3)) == Question(TOKEN, "a:b", None, "192.0.2.1", 3)


@given(st.text(max_size=20))
@example("cs:42")
@example("*")
@example("")
@example("${x}")
def test_what_fills_a_template_stays_one_segment(value: str) -> None:
    found = asked({"x-api-key": TOKEN}, Rule("a:b", "article:{value}"), value=value)
    whole = f"article:{value}"
    if isinstance(found, Question):
        assert found.resource == whole
        assert valid_name(whole)
        assert whole.count(":") == 1
    else:
        assert (found.status, found.code) == (403, "INSUFFICIENT_PERMISSIONS")
        assert ":" in value or not valid_name(whole)


def test_what_fills_a_template_is_its_text_whatever_filled_it_before() -> None:
    rule = Rule("a:b", "article:{value}")
    for _ in range(2):
        for value in (1, "1", True, "True", 1.0, "ß", "a" * 504):
            assert resource(rule, value=value) == f"article:{value}"
        assert isinstance(asked({"x-api-key": TOKEN}, rule, value="a" * 505), Refusal)


def test_letters_and_digits_of_all_scripts_are_parts_of_names() -> None:
    assert all(is_name(one) for one in map(chr, range(sys.maxunicode + 1)) if one.isalnum())


@given(st.text(st.sampled_from("ab:*$ {}\n\x7f\ud800é"), max_size=12))
def test_a_name_is_what_the_core_says(text: str) -> None:
    assert is_name(text) == valid_name(text)
    assert is_name("a" * 513) is valid_name("a" * 513) is False
    assert is_name(":".join("a" * 33)) is valid_name(":".join("a" * 33)) is False


def test_a_function_that_gives_no_name_lets_nobody_in() -> None:
    found = asked({"x-api-key": TOKEN}, Rule("a:b", lambda _request: "a b"))
    assert isinstance(found, Refusal)
    assert found.status == 403


def test_a_parameter_that_the_path_has_not_is_a_mistake_of_the_application() -> None:
    with pytest.raises(LookupError):
        asked({"x-api-key": TOKEN}, Rule("a:b", "article:{missing}"))


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"resource": "a"}, "together with an action"),
        ({"action": "a b"}, "one exact name"),
        ({"action": "a:*"}, "one exact name"),
        ({"action": "a", "resource": "b:*"}, "in braces"),
        ({"action": "a", "resource": "b:{}"}, "in braces"),
        ({"action": "a", "cost": -1}, "costs"),
        ({"action": "a", "cost": 1_000_001}, "costs"),
    ],
    ids=range(7),
)
def test_what_can_be_no_rule_is_refused_when_it_is_made(wrong: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Rule(**wrong)


def test_what_can_be_no_guard_is_refused_when_it_is_made() -> None:
    for wrong in ({"realm": 'a"b'}, {"realm": "a\r\nb"}, {"trusted_proxies": ["10.0.0.1/8"]}):
        with pytest.raises(ValueError, match=r"."):
            Guard(**wrong)  # type: ignore[arg-type] # as a caller might


NETWORKS = ["10.0.0.0/8", "2001:db8::/32"]
ADDRESS = st.sampled_from(
    [
        "10.0.0.1",
        "10.9.9.9",
        "192.0.2.7",
        "2001:db8::1",
        "2001:db9::1",
        "::ffff:10.0.0.1",
        "testclient",
        "fe80::1%eth0",
    ]
)
HOP = st.one_of(
    ADDRESS, st.sampled_from(["", " ", "192.0.2.8:80", "[2001:db9::2]:80", "[::1]", "unknown", "10.0.0.2:1"])
)


@given(ADDRESS, st.one_of(st.none(), st.lists(HOP, max_size=4).map(", ".join)), st.booleans())
def test_the_address_is_the_one_that_the_server_itself_would_find(
    peer: str, forwarded: str | None, trusting: bool
) -> None:
    trusted = NETWORKS if trusting else []
    headers = {"x-api-key": TOKEN} | ({} if forwarded is None else {"x-forwarded-for": forwarded})
    found = asked(headers, guard=Guard(trusted_proxies=trusted), peer=peer)
    assert isinstance(found, Question)
    there = client_address(peer, forwarded, [ip_network(one) for one in trusted])
    assert found.ip == (None if there is None else str(there))


def test_over_a_unix_socket_there_is_no_address() -> None:
    found = asked({"x-api-key": TOKEN, "x-forwarded-for": "192.0.2.7"}, peer=None)
    assert isinstance(found, Question)
    assert found.ip is None


STATUS = {
    "INSUFFICIENT_PERMISSIONS": 403,
    "TENANT_MISMATCH": 403,
    "IP_NOT_ALLOWED": 403,
    "RATE_LIMITED": 429,
    "CREDITS_EXHAUSTED": 429,
    "STALE": 503,
}


@pytest.mark.parametrize("code", [*sorted(Code), "SOMETHING_NEW"])
def test_each_verdict_has_its_answer(code: str) -> None:
    refusal = Guard().refusal(Verdict(valid=code == "VALID", code=code))
    if code == "VALID":
        assert refusal is None
        return
    assert refusal is not None
    assert (refusal.status, refusal.code) == (STATUS.get(code, 401), code)
    challenge = refusal.headers.get("WWW-Authenticate")
    errors = {401: "invalid_token", 403: "insufficient_scope"}
    expected = errors.get(refusal.status)
    assert challenge == (None if expected is None else f'Bearer realm="keywright", error="{expected}"')
    assert refusal.headers.get("Retry-After") == ("1" if code == "STALE" else None)
    assert json.loads(refusal.body) == refusal.problem
    assert refusal.all_headers["Content-Length"] == str(len(refusal.body))


def test_a_limit_that_refused_says_when_to_come_again() -> None:
    state = LimitState("key", "burst", 10, 60, 0, 60.0)
    refusal = Guard().refusal(Verdict(False, "RATE_LIMITED", limits=(state,), retry_after_seconds=6))
    assert refusal is not None
    assert refusal.headers == {
        "RateLimit": '"key:burst";r=0;t=6',
        "RateLimit-Policy": '"key:burst";q=10;w=60',
        "Retry-After": "6",
    }
