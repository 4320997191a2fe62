"""The headers of a request, and the credential in them."""

from __future__ import annotations

import pytest

from keywright.core.errors import MalformedRequest
from keywright.web.credentials import bearer
from keywright.web.visit import Visit, attach, visit_of


def visit(*headers: tuple[str, str]) -> Visit:
    return Visit("1", None, [(name.lower().encode(), value.encode("latin-1")) for name, value in headers])


def test_a_header_is_read_as_latin_1() -> None:
    assert visit(("X-A", "gr\xfcn")).header(b"x-a") == "gr\xfcn"
    assert visit(("X-A", "")).header(b"x-a") == ""
    assert visit(("X-A", "1")).header(b"x-b") is None


def test_a_header_that_is_there_twice_is_refused_by_its_name() -> None:
    with pytest.raises(MalformedRequest) as refused:
        visit(("Keywright-Tenant", "a"), ("X-A", "b"), ("Keywright-Tenant", "a")).header(b"keywright-tenant")
    assert refused.value.field == "Keywright-Tenant"


def test_a_header_that_may_be_repeated() -> None:
    found = visit(("X-Forwarded-For", "a, b"), ("X-A", "c"), ("X-Forwarded-For", "d"))
    assert found.listed(b"x-forwarded-for") == "a, b,d"
    assert found.listed(b"x-b") is None


def test_a_visit_travels_on_its_scope() -> None:
    scope: dict[str, object] = {}
    one = visit()
    attach(scope, one)
    assert visit_of(scope) is one
    assert one.ip_text is None


def test_a_visit_shows_neither_headers_nor_body() -> None:
    one = visit(("Authorization", "Bearer a-token"))
    one.body = b'{"token": "a-token"}'
    assert "a-token" not in repr(one)


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ([], None),
        ([("Authorization", "Bearer abc")], "abc"),
        ([("Authorization", "bEARER abc")], "abc"),
        ([("Authorization", "Bearer   abc  ")], "abc"),
        ([("Authorization", "Bearer a b")], "a b"),
        ([("X-Api-Key", "abc")], "abc"),
        ([("X-Api-Key", "")], ""),
        ([("X-Api-Key", "Bearer abc")], "Bearer abc"),
    ],
)
def test_where_a_credential_stands(headers: list[tuple[str, str]], token: str | None) -> None:
    assert bearer(visit(*headers)) == token


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ([("Authorization", "Bearer a"), ("X-Api-Key", "a")], None),
        ([("Authorization", ""), ("X-Api-Key", "a")], None),
        ([("Authorization", "Basic abc")], "Authorization"),
        ([("Authorization", "Bearer")], "Authorization"),
        ([("Authorization", "Bearer ")], "Authorization"),
        ([("Authorization", "Bearerabc")], "Authorization"),
        ([("Authorization", "abc")], "Authorization"),
        ([("Authorization", "")], "Authorization"),
        ([("Authorization", "Bearer a")] * 2, "Authorization"),
        ([("X-Api-Key", "a")] * 2, "X-Api-Key"),
    ],
)
def test_a_credential_that_is_a_guess_is_refused(headers: list[tuple[str, str]], field: str | None) -> None:
    with pytest.raises(MalformedRequest) as refused:
        bearer(visit(*headers))
    assert refused.value.field == field
    assert "abc" not in refused.value.detail
