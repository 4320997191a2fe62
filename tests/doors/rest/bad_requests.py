"""Bad requests for every path of REST."""

from __future__ import annotations

import dataclasses
import gzip
import json
from typing import TYPE_CHECKING

from tests.doors.rest.bad_values import (
    ABOUT_KEYS,
    FIELDS,
    FILTERS,
    HEADERS,
    IDEMPOTENCY,
    MARK,
    ONLY_AT_CHANGE,
    ONLY_AT_CREATION,
    QUESTIONS,
    SESSIONS,
    TENANTS,
    TRANSFERS,
    texts,
)
from tests.doors.rest.house import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclasses.dataclass(frozen=True)
class Bad:
    """A bad request and what is said of it; `{own}` and the like in its path stand for ids of the house."""

    name: str
    code: str
    field: str | None
    method: str = "POST"
    path: str = "/v1/keys"
    body: bytes | None = None
    headers: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    token: str | None = ROOT

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.name}"


def told(value: object) -> str:
    """A value as the name of a test."""
    return ascii(value)[:40]


def table() -> Iterator[Bad]:
    """Every bad request."""
    yield from bodies()
    yield from fields()
    for body, code, name in TENANTS:
        yield Bad(told(body), code, name, path="/v1/tenants", body=json.dumps(body).encode())
    for body, code, name in SESSIONS:
        yield Bad(told(body), code, name, path="/v1/sessions", body=json.dumps(body).encode(), token=None)
    for body, code, name in QUESTIONS:
        yield Bad(told(body), code, name, path="/v1/verify", body=json.dumps(body).encode())
        batch = json.dumps({"items": [{"token": "a"}, body]}).encode()
        at = f"items.1.{name}" if name else "items.1"
        yield Bad(f"2nd of {told(body)}", code, at, path="/v1/verify/batch", body=batch)
    for place, given in (("transfer", TRANSFERS), ("explain", ABOUT_KEYS)):
        for body, code, name in given:
            yield Bad(
                told(body), code, name, path=f"/v1/keys/{{other}}/{place}", body=json.dumps(body).encode()
            )
    yield from queries()
    yield from headers()
    yield from paths()


def bodies() -> Iterator[Bad]:
    for name, text, code, at in texts():
        yield Bad(name, code, at, body=text.encode())
    for path, text in {
        "/v1/keys": '{"name": "§"}',
        "/v1/tenants": '{"slug": "a", "name": "§"}',
        "/v1/sessions": '{"login": "§", "password": "b"}',
        "/v1/verify": '{"token": "§"}',
        "/v1/verify/batch": '{"items": [{"token": "§"}]}',
    }.items():
        marked = text.replace("§", MARK)
        for name, raw in {
            "Latin-1": text.encode("latin-1"),
            "UTF-16": marked.encode("utf-16"),
            "byte order mark": marked.encode("utf-8-sig"),
            "surrogates in UTF-8": text.encode().replace("§".encode(), b"\xed\xa0\x80"),
            "zipped": gzip.compress(marked.encode()),
            "cut off": marked[:-1].encode(),
            "two values": f"{marked} {marked}".encode(),
            "nothing": b"",
            "no JSON": MARK.encode(),
        }.items():
            token = None if path == "/v1/sessions" else ROOT
            yield Bad(name, "malformed_request", None, path=path, body=raw, token=token)
        if path.startswith("/v1/verify"):
            yield Bad("deep", "invalid_type", None, path=path, body=b"[" * 100_000)
            yield Bad(
                "lone surrogate",
                "malformed_request",
                None,
                path=path,
                body=text.replace("§", "\\ud800").encode(),
            )
    yield Bad("no items", "missing_field", "items", path="/v1/verify/batch", body=b"{}")
    yield Bad("items 0", "invalid_value", "items", path="/v1/verify/batch", body=b'{"items": []}')
    many = json.dumps({"items": [{"token": MARK}] * 1_001}).encode()
    yield Bad("items 1,001", "invalid_value", "items", path="/v1/verify/batch", body=many)
    yield Bad("items of text", "invalid_type", "items.0", path="/v1/verify/batch", body=b'{"items": ["a"]}')
    yield Bad("items no list", "invalid_type", "items", path="/v1/verify/batch", body=b'{"items": {}}')
    yield Bad("unknown", "unknown_field", None, path="/v1/verify/batch", body=f'{{"{MARK}": 1}}'.encode())


def fields() -> Iterator[Bad]:
    span = {"not_before": "2098-01-01T00:00:00+01:00", "expires_at": "2097-12-31T23:00:00Z"}
    for name, value, code, at in [*FIELDS, *ONLY_AT_CREATION]:
        yield Bad(f"{name}={told(value)}", code, at, body=json.dumps({"name": "a", name: value}).encode())
    for name, value, code, place in [*FIELDS, *ONLY_AT_CHANGE]:
        body = json.dumps({name: value}).encode()
        yield Bad(f"{name}={told(value)}", code, place, "PATCH", "/v1/keys/{other}", body)
    code = "expiry_before_not_before"
    yield Bad("span", code, "expires_at", body=json.dumps({"name": "a", **span}).encode())
    yield Bad("span", code, "expires_at", "PATCH", "/v1/keys/{other}", json.dumps(span).encode())


def queries() -> Iterator[Bad]:
    for query, code, at in FILTERS:
        yield Bad("", code, at, "GET", f"/v1/keys?{query}")
    for query, code, at in FILTERS:
        if query.startswith(("limit", "cursor")):
            yield Bad("", code, at, "GET", f"/v1/tenants?{query}")
    for method, path, body in (
        ("GET", "/v1/keys/{other}", None),
        ("POST", "/v1/keys", b'{"name": "a"}'),
        ("PATCH", "/v1/keys/{other}", b'{"name": "a"}'),
        ("DELETE", "/v1/keys/{other}", None),
        ("POST", "/v1/keys/{other}/transfer", b'{"identity_id": "a"}'),
        ("POST", "/v1/keys/{other}/explain", b"{}"),
        ("GET", "/v1/tenants/blog", None),
        ("GET", "/v1/whoami", None),
        ("POST", "/v1/verify", b'{"token": "a"}'),
        ("POST", "/v1/verify/batch", b'{"items": [{"token": "a"}]}'),
        ("POST", "/v1/sessions", b'{"login": "a", "password": "b"}'),
    ):
        yield Bad("", "unknown_field", None, method, f"{path}?{MARK}=1", body)


def headers() -> Iterator[Bad]:
    for sent, code, at in HEADERS:
        yield Bad(told(sent), code, at, "GET", "/v1/keys", headers=sent, token=None)
        body = b'{"token": "a"}'
        yield Bad(told(sent), code, at, "POST", "/v1/verify", body, headers=sent, token=None)
        body = b'{"name": "a"}'
        yield Bad(told(sent), code, at, "POST", "/v1/keys", body, headers=sent, token=None)
    for given, code, at in IDEMPOTENCY:
        yield Bad(told(given), code, at, body=b'{"name": "a"}', headers=given)
        yield Bad(told(given), code, at, path="/v1/tenants", body=b'{"slug": "new"}', headers=given)
    for path in ("/v1/keys", "/v1/verify", "/v1/sessions"):
        zipped = [("Content-Encoding", "gzip")]
        yield Bad("gzip", "malformed_request", "Content-Encoding", "POST", path, gzip.compress(b"{}"), zipped)
    both = [("Keywright-Tenant", "shop")]
    two = json.dumps({"name": "a", "identity_id": "idn_" + "0" * 32, "memberships": []}).encode()
    yield Bad("two owners", "invalid_value", "memberships", body=two)
    yield Bad("two tenants", "invalid_value", "tenant", body=b'{"name": "a", "tenant": "blog"}', headers=both)


def paths() -> Iterator[Bad]:
    for key in (
        "{foreign}",
        "key_" + "0" * 32,
        MARK,
        "%00",
        "%FF",
        "key_",
        f"key_{MARK}%20",
        "'--",
        "\u00fc",
    ):
        yield Bad("", "not_found", None, "GET", f"/v1/keys/{key}")
        yield Bad("", "not_found", None, "PATCH", f"/v1/keys/{key}", b'{"name": "a"}')
        yield Bad("", "not_found", None, "DELETE", f"/v1/keys/{key}")
        yield Bad("", "not_found", None, "POST", f"/v1/keys/{key}/transfer", b'{"identity_id": "a"}')
        yield Bad("", "not_found", None, "POST", f"/v1/keys/{key}/explain", b"{}")
    for slug in (MARK, "%00", "%FF", "Default", "default%20"):
        yield Bad("", "not_found", None, "GET", f"/v1/tenants/{slug}")
    yield Bad("made with a key", "not_found", None, "DELETE", "/v1/sessions/current")
