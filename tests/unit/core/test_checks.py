"""What values may be: each rule at its bounds, with the code and the field that a refusal names."""

from __future__ import annotations

import hashlib
import json
import re
import traceback
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core import checks, errors
from keywright.core.errors import InvalidValue, KeywrightError
from keywright.core.limits import (
    LONGEST_WINDOW,
    MAX_COST,
    MAX_LIMITS,
    MAX_USES,
    Credits,
    Every,
    Limit,
    Refill,
)
from keywright.core.permissions import MAX_NAME, MAX_PATTERNS, MAX_POLICIES
from keywright.core.tokens import mint
from tests.support.facts import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = mint(random=Random(1).randrange).reveal()  # the same in every process that collects the tests
SESSION = mint("kws", random=Random(2).randrange).reveal()
TICK = timedelta(microseconds=1)
ANY_TEXT = st.text(st.characters(codec=None))


def refused(
    check: Callable[..., object], *values: object, error: type[KeywrightError], field: str | None
) -> None:
    with pytest.raises(KeywrightError) as caught:
        check(*values)
    assert (type(caught.value), caught.value.field) == (error, field)


# Names, descriptions, handles, slugs, prefixes


@pytest.mark.parametrize(
    ("given_text", "stored"),
    [
        ("a", "a"),
        ("  Nightly export\t", "Nightly export"),
        ("x" * 255, "x" * 255),
        (" " * 300 + "x" + "\n" * 300, "x"),
        ("čtení 📰 \u202ers", "čtení 📰 \u202ers"),
        ("two  spaces", "two  spaces"),
    ],
)
def test_a_name_is_kept_without_the_spaces_around_it(given_text: str, stored: str) -> None:
    assert checks.name(given_text) == stored


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\t\n\u2003",
        "x" * 256,
        "a\nb",
        "a\tb",
        "a\0b",
        "a\x7fb",
        "a\x9fb",
        "a\u2028b",
        "a\u2029b",
        "a\ud800b",
        "\udfff",
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    refused(checks.name, text, error=errors.InvalidValue, field="name")
    refused(checks.name, text, "label", error=errors.InvalidValue, field="label")


@pytest.mark.parametrize(
    ("given_text", "stored"), [("a", "a"), (" Local Agent\t", "Local Agent"), ("x" * 7, "x" * 7)]
)
def test_a_short_line_is_kept_without_the_spaces_around_it(given_text: str, stored: str) -> None:
    assert checks.short_line(given_text, 20, "kind") == stored


@pytest.mark.parametrize("text", ["", " ", "\t\n", "x" * 8, "a\nb", "a\0b", "a\u2028b", "\udfff"])
def test_what_is_no_short_line_is_refused(text: str) -> None:
    refused(checks.short_line, text, 7, "kind", error=errors.InvalidValue, field="kind")


def test_a_short_line_holds_no_token() -> None:
    refused(checks.short_line, TOKEN, 100, "kind", error=errors.SecretInText, field="kind")


def test_labels_are_there_once_each() -> None:
    assert checks.labels([]) == ()
    assert checks.labels(["b", "a", " b ", "B"]) == ("b", "a", "B")
    fifty = [str(number) for number in range(50)]
    assert checks.labels([*fifty[:49], "x" * 100]) == (*fifty[:49], "x" * 100)
    refused(checks.labels, [*fifty, "0"], error=errors.InvalidValue, field="labels")
    for label in ("", "x" * 101, "a\nb"):
        refused(checks.labels, ["a", label], error=errors.InvalidValue, field="labels.1")
    refused(checks.labels, [TOKEN], error=errors.SecretInText, field="labels.0")


@pytest.mark.parametrize("text", ["", " ", "x" * 255, "Nightly ex", TOKEN], ids=range(5))
def test_the_beginning_of_a_name_is_taken_as_it_is(text: str) -> None:
    assert checks.name_prefix(text) == text


@pytest.mark.parametrize("text", ["x" * 256, "a\nb", "\0", "\ud800"])
def test_what_begins_no_name_is_refused(text: str) -> None:
    refused(checks.name_prefix, text, error=errors.InvalidValue, field="name_prefix")


def test_a_search_has_no_blanks_and_no_dots_around_it() -> None:
    assert checks.search(" kw_3fQ9\u2026 ") == "kw_3fQ9"
    assert checks.search("kw_3fQ9...") == "kw_3fQ9"
    assert checks.search("Nightly ex") == "Nightly ex"
    for text in ("x" * 256, "a\nb", "\0", "\ud800"):
        refused(checks.search, text, error=errors.InvalidValue, field="search")
    refused(checks.search, f"a {TOKEN}", error=errors.SecretInText, field="search")


@pytest.mark.parametrize("text", ["", " ", "x" * 2_000, "one\r\ntwo\n\tthree", "čtení 📰"])
def test_a_description_is_kept_as_it_is(text: str) -> None:
    assert checks.description(text) == text


@pytest.mark.parametrize("text", ["x" * 2_001, "\0", "a\x0bb", "a\x0cb", "\x1b[31m", "\x85", "\ud800"])
def test_what_is_no_description_is_refused(text: str) -> None:
    refused(checks.description, text, error=errors.InvalidValue, field="description")


@pytest.mark.parametrize("text", ["a", "A-b_9", "-", "x" * 100])
def test_a_handle_is_kept_as_it_is(text: str) -> None:
    assert checks.handle(text) == text


@pytest.mark.parametrize("text", ["", "x" * 101, "a b", "a.b", "é", "a\n", "\0", "٣", "a\ud800"])
def test_what_is_no_handle_is_refused(text: str) -> None:
    refused(checks.handle, text, error=errors.InvalidValue, field="handle")


@pytest.mark.parametrize("text", ["a", "0", "my-blog_2", "x" * 100])
def test_a_slug_is_kept_as_it_is(text: str) -> None:
    assert checks.slug(text) == text


@pytest.mark.parametrize("text", ["", "x" * 101, "-a", "_a", "A", "a b", "a/b", "a\n", "é", "\0", "\ud800"])
def test_what_is_no_slug_is_refused(text: str) -> None:
    refused(checks.slug, text, error=errors.InvalidValue, field="slug")


@pytest.mark.parametrize("text", ["kw", "a", "my_app2_", "x" * 16, "kwsa", "kwia", "kw_s"])
def test_a_prefix_is_kept_as_it_is(text: str) -> None:
    assert checks.prefix(text) == text


@pytest.mark.parametrize(
    "text", ["", "kws", "kwi", "x" * 17, "1a", "_a", "A", "a-b", "kw ", "é", "a\n", "\ud800"]
)
def test_what_is_no_prefix_or_is_kept_for_sessions_is_refused(text: str) -> None:
    refused(checks.prefix, text, error=errors.InvalidValue, field="prefix")


# Token hashes


def test_a_token_hash_is_read_as_its_bytes() -> None:
    digest = hashlib.sha256(b"a token").digest()
    assert checks.token_hash(digest.hex()) == digest


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0" * 63,
        "0" * 65,
        "A" * 64,
        "g" * 64,
        " " + "0" * 63,
        "0" * 63 + "\n",
        "٣" * 64,
        "\ud800" * 64,
        TOKEN,
    ],
)
def test_what_is_no_token_hash_is_refused(text: str) -> None:
    refused(checks.token_hash, text, error=errors.InvalidTokenHash, field="token_hash")


# Moments


def zone(hours: float) -> timezone:
    return timezone(timedelta(hours=hours))


class Zoneless(tzinfo):
    """A zone that cannot say its offset, which makes a date-time naive for all that it has one."""

    def utcoffset(self, _when: datetime | None) -> timedelta | None:
        return None

    def dst(self, _when: datetime | None) -> timedelta | None:
        return None

    def tzname(self, _when: datetime | None) -> str | None:
        return None


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)),
        (datetime(9999, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)),
        (datetime(1970, 1, 1, 14, tzinfo=zone(14)), datetime(1970, 1, 1, tzinfo=UTC)),
        (datetime(1969, 12, 31, 10, tzinfo=zone(-14)), datetime(1970, 1, 1, tzinfo=UTC)),
        (datetime(2026, 1, 1, 2, tzinfo=zone(2)), datetime(2026, 1, 1, tzinfo=UTC)),
        (datetime(2026, 1, 1, tzinfo=zone(-23.99)), datetime(2026, 1, 1, 23, 59, 24, tzinfo=UTC)),
    ],
)
def test_a_moment_becomes_utc(value: datetime, instant: datetime) -> None:
    checked = checks.moment(value, "expires_at")
    assert checked == instant
    assert checked.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 1, 1),  # noqa: DTZ001 - a naive one is what is refused
        datetime(2026, 1, 1, tzinfo=Zoneless()),
        datetime(1970, 1, 1, tzinfo=UTC) - TICK,
        datetime(9999, 1, 1, tzinfo=UTC) + TICK,
        datetime(1970, 1, 1, tzinfo=zone(14)),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=zone(14)),
        datetime(9999, 12, 31, 23, 59, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, tzinfo=zone(-14)),
    ],
)
def test_a_moment_without_an_offset_or_out_of_range_is_refused(value: datetime) -> None:
    refused(checks.moment, value, "not_before", error=errors.InvalidValue, field="not_before")


@given(st.datetimes(timezones=st.timezones() | st.just(UTC)))
def test_every_moment_is_taken_exactly_or_refused(value: datetime) -> None:
    try:
        checked = checks.moment(value, "expires_at")
    except errors.InvalidValue:
        return
    assert checked == value.astimezone(UTC)


def test_a_key_must_end_after_it_begins() -> None:
    for span in ((None, None), (NOW, None), (None, NOW), (NOW, NOW + TICK)):
        checks.window(*span)
    for end in (NOW, NOW - TICK):
        refused(checks.window, NOW, end, error=errors.ExpiryBeforeStart, field="expires_at")


def test_an_expiry_lies_ahead() -> None:
    checks.future(None, NOW)
    checks.future(NOW + TICK, NOW)
    for end in (NOW, NOW - TICK):
        refused(checks.future, end, NOW, error=errors.ExpiryInPast, field="expires_at")
        refused(checks.future, end, NOW, "until", error=errors.ExpiryInPast, field="until")


# Addresses and ranges


@pytest.mark.parametrize(
    ("texts", "networks"),
    [
        (["10.0.0.0/8"], ["10.0.0.0/8"]),
        (["192.0.2.7"], ["192.0.2.7/32"]),
        (["2001:db8::/32"], ["2001:db8::/32"]),
        (["2001:0DB8::1"], ["2001:db8::1/128"]),
        (["10.0.0.0/255.0.0.0"], ["10.0.0.0/8"]),
        (["0.0.0.0/0", "::/0"], ["0.0.0.0/0", "::/0"]),
        (["::ffff:10.0.0.0/104"], ["10.0.0.0/8"]),
        (["::ffff:192.0.2.7"], ["192.0.2.7/32"]),
        (["::ffff:0:0/96"], ["0.0.0.0/0"]),
        (["::fffe:0:0/95"], ["::fffe:0:0/95"]),
        (["10.0.0.0/8", "9.0.0.0/8", "10.0.0.0/8", "::ffff:9.0.0.0/104"], ["10.0.0.0/8", "9.0.0.0/8"]),
    ],
)
def test_address_ranges_are_kept_once_each_in_the_given_order(texts: list[str], networks: list[str]) -> None:
    assert checks.cidrs(texts) == tuple(map(ip_network, networks))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/8/8",
        " 10.0.0.0/8",
        "10.0.0.0/8\n",
        "10.0.0",
        "10.0.0.00/8",
        "::/129",
        "fe80::1%eth0",
        f"fe80::1%{TOKEN}",
        "fe80::%\0/64",
        "example.com",
        "\u0661.\u0661.\u0661.\u0661",
        "\ud800",
    ],
)
def test_what_is_no_address_range_is_refused_by_its_place(text: str) -> None:
    refused(checks.cidrs, ["10.0.0.0/8", text], error=errors.InvalidCidr, field="allowed_cidrs.1")


def test_a_list_of_ranges_is_neither_empty_nor_endless() -> None:
    hundred = [f"10.0.{one}.0/24" for one in range(100)]
    assert len(checks.cidrs(hundred)) == 100
    for texts in ([], [*hundred, "192.0.2.1"]):
        refused(checks.cidrs, texts, error=errors.InvalidCidr, field="allowed_cidrs")


MAPPED = IPv6Network("::ffff:0:0/96")
ADDRESSES = st.ip_addresses() | st.integers(0, 2**32 - 1).map(lambda number: MAPPED[number])


@given(ADDRESSES, st.integers(0, 128))
def test_every_range_is_read_as_itself_or_as_the_ipv4_range_it_stands_for(
    address: IPv4Address | IPv6Address, length: int
) -> None:
    network = ip_network((address, length % (address.max_prefixlen + 1)), strict=False)
    expected: IPv4Network | IPv6Network = network
    if isinstance(network, IPv6Network) and network.subnet_of(MAPPED):
        inside = int(network.network_address) - int(MAPPED.network_address)
        expected = IPv4Network((inside, network.prefixlen - 96))
    assert checks.cidrs([str(network)]) == (expected,)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7%eth0", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::1"),
        (f"fe80::1%{TOKEN}", "fe80::1"),
        ("::1%" + "x" * 1_000, "::1"),
    ],
)
def test_an_address_is_read_without_its_zone_and_out_of_ipv6_clothing(text: str, address: str) -> None:
    assert str(checks.address(text)) == address


@pytest.mark.parametrize(
    "text", ["", "localhost", "10.0.0.0/8", "1.2.3", "1.2.3.4:80", "[::1]", "\0", "\ud800"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    refused(checks.address, text, error=errors.InvalidValue, field="ip")


@given(ADDRESSES)
def test_an_address_that_was_read_is_inside_the_range_of_itself(address: IPv4Address | IPv6Address) -> None:
    assert checks.address(str(address)) in checks.cidrs([str(address)])[0]
    assert len(str(checks.address(str(address)))) <= 45
    assert checks.address(str(address)) == (getattr(address, "ipv4_mapped", None) or ip_address(str(address)))


# Scopes, actions and resources


def test_a_scope_is_read_in_order_with_and_without_resources() -> None:
    policies = checks.scope([(["a:read", "a:*"], None), (["b"], ["b:1", "**"])])
    assert [policy.to_plain() for policy in policies] == [
        {"actions": ["a:read", "a:*"]},
        {"actions": ["b"], "resources": ["b:1", "**"]},
    ]
    assert checks.scope([]) == ()


@pytest.mark.parametrize(
    ("items", "field"),
    [
        ([(["a"], None)] * (MAX_POLICIES + 1), "scope"),
        ([(["a"], None), ([], None)], "scope.1.actions"),
        ([(["a"], [])], "scope.0.resources"),
        ([([f"a:{one}" for one in range(MAX_PATTERNS + 1)], None)], "scope.0.actions"),
        ([(["a"], ["b"] * (MAX_PATTERNS + 1))], "scope.0.resources"),
        ([(["a", "a b"], None)], "scope.0.actions.1"),
        ([(["a"], None), (["a"], ["a", "b", ""])], "scope.1.resources.2"),
        ([(["${language}"], None)], "scope.0.actions.0"),
        ([(["a\ud800"], None)], "scope.0.actions.0"),
        ([(["x" * (MAX_NAME + 1)], None)], "scope.0.actions.0"),
    ],
)
def test_what_is_no_scope_is_refused_by_its_place(items: list[Any], field: str) -> None:
    refused(checks.scope, items, error=errors.InvalidPolicy, field=field)


def test_the_largest_scope_is_taken() -> None:
    patterns = [f"a:{one}" for one in range(MAX_PATTERNS)]
    assert len(checks.scope([(patterns, patterns)] * MAX_POLICIES)) == MAX_POLICIES


@pytest.mark.parametrize("text", ["article:read", "a", "x" * MAX_NAME, "čtení:42"])
def test_an_action_or_resource_is_one_exact_name(text: str) -> None:
    assert checks.action(text) == text


@pytest.mark.parametrize("text", ["", "*", "a:*", "a b", "a::b", ":a", "x" * (MAX_NAME + 1), "\0", "\ud800"])
def test_what_is_no_exact_name_is_refused(text: str) -> None:
    refused(checks.action, text, error=errors.InvalidValue, field="action")
    refused(checks.action, text, "resource", error=errors.InvalidValue, field="resource")


# Metadata


def nested(levels: int, innermost: Any) -> dict[str, Any]:
    value: Any = innermost
    for level in range(levels):
        value = {"a": value} if level % 2 == 0 or level == levels - 1 else [value]
    return value  # type: ignore[no-any-return] # the outermost level is an object


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "{}"),
        ({"b": 1, "a": [True, None, 0.5, "é", {}]}, '{"a":[true,null,0.5,"é",{}],"b":1}'),
        ({"a": (1, 2)}, '{"a":[1,2]}'),
        ({"n": 10**4_000}, '{"n":1' + "0" * 4_000 + "}"),
        ({"": "\n\0"}, '{"":"\\n\\u0000"}'),
    ],
)
def test_metadata_is_kept_as_canonical_json(value: dict[str, Any], text: str) -> None:
    assert checks.metadata(value) == text


@pytest.mark.parametrize("innermost", [1, "x", {}, []])
def test_metadata_has_up_to_16_levels(innermost: Any) -> None:
    container = isinstance(innermost, dict | list)
    assert checks.metadata(nested(16 - container, innermost))
    for levels in (17, 18, 100_000):
        refused(
            checks.metadata,
            nested(levels - container, innermost),
            error=errors.InvalidValue,
            field="metadata",
        )


def test_metadata_has_up_to_16_kib_counted_as_utf_8() -> None:
    empty = len('{"a":""}')
    assert checks.metadata({"a": "x" * (16_384 - empty)})
    refused(checks.metadata, {"a": "x" * (16_385 - empty)}, error=errors.InvalidValue, field="metadata")
    assert checks.metadata({"a": "é" * ((16_384 - empty) // 2)})
    refused(checks.metadata, {"a": "é" * 8_200}, error=errors.InvalidValue, field="metadata")


@pytest.mark.parametrize(
    "value",
    [
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": [-float("inf")]},
        {"a": "\ud800"},
        {"\udfff": 1},
        {1: "a"},
        {"a": [{None: 1}]},
        {"a": {True: 1}},
        {1: 1, "1": 1},
        {"n": 10**5_000},
        {"a": b"bytes"},
        {"a": {1, 2}},
        {"a": NOW},
        {"a": ({3: 4},)},
    ],
)
def test_what_is_no_json_is_refused(value: dict[str, Any]) -> None:
    refused(checks.metadata, value, error=errors.InvalidValue, field="metadata")


def test_a_tuple_counts_as_a_level() -> None:
    value: Any = ()
    for _ in range(100_000):
        value = (value,)
    refused(checks.metadata, {"a": value}, error=errors.InvalidValue, field="metadata")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(ANY_TEXT, JSON, max_size=4))
def test_metadata_is_refused_or_read_back_as_it_was(value: dict[str, Any]) -> None:
    try:
        text = checks.metadata(value)
    except errors.InvalidValue:
        return
    assert json.loads(text) == value
    assert checks.metadata(json.loads(text)) == text


# Secrets


SECRET_PLACES: list[tuple[Callable[[str], object], str]] = [
    (checks.name, "name"),
    (checks.description, "description"),
    (lambda text: checks.metadata({"note": text}), "metadata"),
    (lambda text: checks.metadata({"a": [{text: 1}]}), "metadata"),
]


@pytest.mark.parametrize(
    "token",
    [TOKEN, SESSION, mint("my_app", random=Random(3).randrange).reveal()],
    ids=["key", "session", "prefix"],
)
@pytest.mark.parametrize(("check", "field"), SECRET_PLACES)
@pytest.mark.parametrize("around", ["{}", "key={}", "see {}!", "x{}y", "Bearer {}, please", '"{}"'])
def test_a_token_in_a_text_is_refused(
    check: Callable[[str], object], field: str, token: str, around: str
) -> None:
    refused(check, around.format(token), error=errors.SecretInText, field=field)


def test_a_token_in_a_handle_or_a_pattern_is_refused() -> None:
    refused(checks.handle, TOKEN, error=errors.SecretInText, field="handle")
    refused(checks.handle, f"old-{TOKEN}", error=errors.SecretInText, field="handle")
    refused(checks.scope, [([TOKEN], None)], error=errors.SecretInText, field="scope.0.actions.0")
    refused(
        checks.scope,
        [(["a"], ["b", f"key:{TOKEN}:*"])],
        error=errors.SecretInText,
        field="scope.0.resources.1",
    )


def test_a_token_that_happens_to_be_a_slug_is_refused() -> None:
    drawn = Random(1)
    tokens = (mint(random=lambda _: drawn.randrange(10)).reveal() for _ in range(1_000))
    token = next(token for token in tokens if token == token.lower())
    refused(checks.slug, token, error=errors.SecretInText, field="slug")


# Nothing is echoed


# No sentence of ours holds this character, so that whoever finds it in an error has found the input.
MARK = "¤"
TEXT_CHECKS: list[Callable[[str], object]] = [
    checks.name,
    checks.name_prefix,
    checks.search,
    checks.description,
    checks.handle,
    checks.slug,
    checks.prefix,
    checks.token_hash,
    checks.action,
    checks.address,
    lambda text: checks.cidrs([text]),
    lambda text: checks.scope([([text], None)]),
    lambda text: checks.scope([(["a"], [text])]),
    lambda text: checks.metadata({"a": text}),
    lambda text: checks.metadata({text: 1}),
    lambda text: checks.limits([(text, 1, 1)]),
    lambda text: checks.credit(1, (1, text)),
]
REFUSED_TEXTS = st.builds(
    lambda before, after, more: before + MARK + after + more,
    ANY_TEXT,
    ANY_TEXT,
    st.sampled_from(["", "\0", "\ud800", " ", ":", "*", "/8", TOKEN, "x" * 300, "x" * 20_000]),
)


def refusal_of(check: Callable[[str], object], text: str) -> KeywrightError | None:
    try:
        check(text)
    except KeywrightError as refusal:
        return refusal
    return None


@pytest.mark.parametrize("check", TEXT_CHECKS)
@given(text=REFUSED_TEXTS)
def test_no_refusal_repeats_what_was_sent(check: Callable[[str], object], text: str) -> None:
    refusal = refusal_of(check, text)
    if refusal is not None:
        shown = "".join(traceback.format_exception_only(refusal)) + f"{refusal!r} {refusal.field}"
        assert MARK not in shown
        assert TOKEN not in shown
        # Nor is it shown as the cause, when a log prints the whole chain.
        assert refusal.__cause__ is None
        assert refusal.__suppress_context__ or refusal.__context__ is None


@pytest.mark.parametrize("check", TEXT_CHECKS)
@given(text=ANY_TEXT)
def test_every_text_is_taken_or_refused_in_a_sentence_of_ours(
    check: Callable[[str], object], text: str
) -> None:
    refusal = refusal_of(check, text)
    assert refusal is None or re.fullmatch(r"[A-Z][\x20-\x7e]{10,200}\.", refusal.detail)


def test_limits_are_taken_as_they_are_given() -> None:
    assert checks.limits([]) == ()
    least, most = ("a", 1, 1), ("B_-9", MAX_USES, LONGEST_WINDOW)
    assert checks.limits([least, most]) == (Limit(*least), Limit(*most))
    many = [(f"n{number}", 1, 1) for number in range(MAX_LIMITS)]
    assert len(checks.limits(many)) == MAX_LIMITS


@pytest.mark.parametrize(
    ("items", "field"),
    [
        ([("a", 1, 1)] * (MAX_LIMITS + 1), "limits"),
        ([("", 1, 1)], "limits.0.name"),
        ([("a b", 1, 1)], "limits.0.name"),
        ([("a" * 101, 1, 1)], "limits.0.name"),
        ([("a", 1, 1), ("a", 2, 2)], "limits.1.name"),
        ([("a", 0, 1)], "limits.0.limit"),
        ([("a", -1, 1)], "limits.0.limit"),
        ([("b", 1, 1), ("a", MAX_USES + 1, 1)], "limits.1.limit"),
        ([("a", 1, 0)], "limits.0.window_seconds"),
        ([("a", 1, LONGEST_WINDOW + 1)], "limits.0.window_seconds"),
    ],
)
def test_limits_that_cannot_be_are_refused_by_their_field(
    items: list[tuple[str, int, int]], field: str
) -> None:
    with pytest.raises(InvalidValue) as caught:
        checks.limits(items)
    assert caught.value.field == field


def test_credits_are_taken_as_they_are_given() -> None:
    assert checks.credit(0) == Credits(0)
    assert checks.credit(MAX_USES, (MAX_USES, "month")) == Credits(MAX_USES, Refill(MAX_USES, Every.MONTH))
    assert checks.credit(1, (1, "hour")).refill == Refill(1, Every.HOUR)


@pytest.mark.parametrize(
    ("remaining", "refill", "field"),
    [
        (-1, None, "credits.remaining"),
        (MAX_USES + 1, None, "credits.remaining"),
        (1, (0, "day"), "credits.refill.amount"),
        (1, (MAX_USES + 1, "day"), "credits.refill.amount"),
        (1, (1, "year"), "credits.refill.every"),
        (1, (1, "DAY"), "credits.refill.every"),
        (1, (1, ""), "credits.refill.every"),
    ],
)
def test_credits_that_cannot_be_are_refused_by_their_field(
    remaining: int, refill: tuple[int, str] | None, field: str
) -> None:
    with pytest.raises(InvalidValue) as caught:
        checks.credit(remaining, refill)
    assert caught.value.field == field


def test_a_cost_is_bounded() -> None:
    assert [checks.cost(one) for one in (0, 1, MAX_COST)] == [0, 1, MAX_COST]
    for cost in (-1, MAX_COST + 1):
        with pytest.raises(InvalidValue) as caught:
            checks.cost(cost)
        assert caught.value.field == "cost"
