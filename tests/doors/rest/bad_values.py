"""Bad values for each part of a request, with the code and the field that stand in the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.core.tokens import mint
from tests.doors.rest.house import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = "zq8markzq"
"""Stands in every bad value that can hold it, and in no answer."""
A_LIMIT = {"name": "burst", "limit": 1, "window_seconds": 1}
TOKEN = mint(random=lambda _below: 7).reveal()
HASH = "ab" * 32
"""The hash of a token whose key is there."""


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


def texts() -> Iterator[tuple[str, str, str, str | None]]:
    """Bodies of a creation as JSON texts: a name for it, the text, the code, the field."""
    yield "empty", "", "malformed_request", None
    yield "cut off", f'{{"name": "{MARK}"', "malformed_request", None
    yield "two values", f'{{"name": "a"}} "{MARK}"', "malformed_request", None
    yield "not JSON", MARK, "malformed_request", None
    yield "single quotes", f"{{'name': '{MARK}'}}", "malformed_request", None
    yield "trailing comma", f'{{"name": "{MARK}",}}', "malformed_request", None
    yield "a line break in a text", f'{{"name": "{MARK}\n"}}', "malformed_request", None
    yield "deep", nested(100_000), "malformed_request", None
    yield "deep and open", "[" * 100_000, "malformed_request", None
    yield "deep objects", '{"metadata":' + '{"a":' * 50_000 + "1" + "}" * 50_001, "malformed_request", None
    yield "65 levels", f'{{"name": "a", "metadata": {{"a": {nested(63)}}}}}', "malformed_request", None
    yield "name twice", f'{{"name": "a", "name": "{MARK}"}}', "malformed_request", None
    yield (
        "name twice within",
        f'{{"name": "a", "metadata": {{"{MARK}": 1, "{MARK}": 1}}}}',
        "malformed_request",
        None,
    )
    yield "NaN", '{"name": "a", "metadata": {"a": NaN}}', "malformed_request", None
    yield "Infinity", '{"name": "a", "metadata": {"a": -Infinity}}', "malformed_request", None
    yield "5,000 digits", f'{{"name": "a", "metadata": {{"a": {"9" * 5_000}}}}}', "malformed_request", None
    yield "list", f'["{MARK}"]', "invalid_type", None
    yield "text", f'"{MARK}"', "invalid_type", None
    yield "number", "7", "invalid_type", None
    yield "null", "null", "invalid_type", None
    yield "nothing in it", "{}", "missing_field", "name"
    yield "unknown field", f'{{"name": "a", "{MARK}": 1}}', "unknown_field", None
    yield "1e999", '{"name": "a", "metadata": {"a": 1e999}}', "invalid_value", "metadata"
    yield "10 ** 400", f'{{"name": "a", "metadata": {{"a": 1{"0" * 400}}}}}', "invalid_value", "metadata"
    yield "-10 ** 400", f'{{"name": "a", "metadata": {{"a": [-1{"0" * 400}]}}}}', "invalid_value", "metadata"
    yield "17 levels", f'{{"name": "a", "metadata": {{"a": {nested(16)}}}}}', "invalid_value", "metadata"
    yield "lone surrogate", '{"name": "\\ud800"}', "invalid_value", "name"
    yield "lone surrogate, second half", '{"name": "a\\udfffb"}', "invalid_value", "name"
    yield (
        "lone surrogate in metadata",
        '{"name": "a", "metadata": {"a": "\\ud800"}}',
        "invalid_value",
        "metadata",
    )
    yield "lone surrogate as a key", '{"name": "a", "metadata": {"\\udc00": 1}}', "invalid_value", "metadata"


FIELDS: list[tuple[str, Any, str, str]] = [
    ("name", 7, "invalid_type", "name"),
    ("name", None, "invalid_type", "name"),
    ("name", [MARK], "invalid_type", "name"),
    ("name", "", "invalid_value", "name"),
    ("name", "   \t", "invalid_value", "name"),
    ("name", MARK + "x" * 247, "invalid_value", "name"),
    ("name", f"{MARK}\nb", "invalid_value", "name"),
    ("name", f"{MARK}\0b", "invalid_value", "name"),
    ("name", f"{MARK}\x1b[2Jb", "invalid_value", "name"),
    ("name", f"{MARK}\u2028b", "invalid_value", "name"),
    ("description", 7, "invalid_type", "description"),
    ("description", None, "invalid_type", "description"),
    ("description", MARK + "x" * 2000, "invalid_value", "description"),
    ("description", f"{MARK}\0", "invalid_value", "description"),
    ("handle", 7, "invalid_type", "handle"),
    ("handle", "", "invalid_value", "handle"),
    ("handle", f"{MARK} b", "invalid_value", "handle"),
    ("handle", f"{MARK}\0", "invalid_value", "handle"),
    ("handle", MARK + "h" * 92, "invalid_value", "handle"),
    ("handle", "gr\u00fc\u00df", "invalid_value", "handle"),
    ("handle", "taken", "handle_taken", "handle"),
    ("scope", {}, "invalid_type", "scope"),
    ("scope", [MARK], "invalid_type", "scope.0"),
    ("scope", [{"actions": MARK}], "invalid_type", "scope.0.actions"),
    ("scope", [{"actions": ["a", 7]}], "invalid_type", "scope.0.actions.1"),
    ("scope", [{"actions": []}], "invalid_policy", "scope.0.actions"),
    ("scope", [{}], "missing_field", "scope.0.actions"),
    ("scope", [{"actions": ["a"], MARK: 1}], "unknown_field", "scope.0"),
    ("scope", [{"actions": ["a"]}, {"actions": ["b", f"{MARK}::"]}], "invalid_policy", "scope.1.actions.1"),
    ("scope", [{"actions": ["a"], "resources": []}], "invalid_policy", "scope.0.resources"),
    ("scope", [{"actions": ["a"], "resources": ["b", f"{MARK} b"]}], "invalid_policy", "scope.0.resources.1"),
    ("scope", [{"actions": ["a"], "resources": [f"{MARK}***"]}], "invalid_policy", "scope.0.resources.0"),
    ("scope", [{"actions": [f"${{{MARK}}}"]}], "invalid_policy", "scope.0.actions.0"),
    ("scope", [{"actions": [f"{MARK}\0"]}], "invalid_policy", "scope.0.actions.0"),
    ("scope", [{"actions": [MARK + "x" * 504]}], "invalid_policy", "scope.0.actions.0"),
    ("scope", [{"actions": ["a"] * 101}], "invalid_policy", "scope.0.actions"),
    ("scope", [{"actions": ["a"]}] * 101, "invalid_policy", "scope"),
    ("allowed_cidrs", MARK, "invalid_type", "allowed_cidrs"),
    ("allowed_cidrs", [], "invalid_cidr", "allowed_cidrs"),
    ("allowed_cidrs", [7], "invalid_type", "allowed_cidrs.0"),
    ("allowed_cidrs", ["10.0.0.0/8", MARK], "invalid_cidr", "allowed_cidrs.1"),
    ("allowed_cidrs", ["10.0.0.1/8"], "invalid_cidr", "allowed_cidrs.0"),
    ("allowed_cidrs", ["10.0.0.0/33"], "invalid_cidr", "allowed_cidrs.0"),
    ("allowed_cidrs", ["010.0.0.0/8"], "invalid_cidr", "allowed_cidrs.0"),
    ("allowed_cidrs", [f"fe80::%{MARK}/64"], "invalid_cidr", "allowed_cidrs.0"),
    ("allowed_cidrs", [""], "invalid_cidr", "allowed_cidrs.0"),
    ("allowed_cidrs", ["10.0.0.0/8"] * 101, "invalid_cidr", "allowed_cidrs"),
    ("metadata", [MARK], "invalid_type", "metadata"),
    ("metadata", MARK, "invalid_type", "metadata"),
    ("metadata", {"a": MARK + "x" * 16_384}, "invalid_value", "metadata"),
    ("metadata", {"a": "\u00fc" * 8_190}, "invalid_value", "metadata"),
    ("expires_at", 1_700_000_000, "invalid_type", "expires_at"),
    ("expires_at", True, "invalid_type", "expires_at"),
    ("expires_at", {}, "invalid_type", "expires_at"),
    ("expires_at", MARK, "invalid_value", "expires_at"),
    ("expires_at", "", "invalid_value", "expires_at"),
    ("expires_at", "4000000000", "invalid_value", "expires_at"),
    ("expires_at", "2099-01-01", "invalid_value", "expires_at"),
    ("expires_at", "2099-01-01T00:00:00", "invalid_value", "expires_at"),
    ("expires_at", "2099-01-01T00:00Z", "invalid_value", "expires_at"),
    ("expires_at", "20990101T000000Z", "invalid_value", "expires_at"),
    ("expires_at", "2099-W01-1T00:00:00Z", "invalid_value", "expires_at"),
    ("expires_at", "2099-02-30T00:00:00Z", "invalid_value", "expires_at"),
    ("expires_at", "2099-01-01T24:00:00Z", "invalid_value", "expires_at"),
    ("expires_at", "2099-01-01T00:00:61Z", "invalid_value", "expires_at"),
    ("expires_at", "2099-01-01T00:00:00+99:99", "invalid_value", "expires_at"),
    ("expires_at", "2099-01-01T00:00:00+24:00", "invalid_value", "expires_at"),
    ("expires_at", "2099-01-01T00:00:00 Z", "invalid_value", "expires_at"),
    ("expires_at", "\u0662\u0660\u0669\u0669-01-01T00:00:00Z", "invalid_value", "expires_at"),
    ("expires_at", "10000-01-01T00:00:00Z", "invalid_value", "expires_at"),
    ("expires_at", "9999-12-31T23:59:59-23:00", "invalid_value", "expires_at"),
    ("expires_at", "0001-01-01T00:00:00+23:00", "invalid_value", "expires_at"),
    ("expires_at", "1969-12-31T23:59:59Z", "invalid_value", "expires_at"),
    ("expires_at", "2020-01-01T00:00:00Z", "expiry_in_past", "expires_at"),
    ("not_before", 7, "invalid_type", "not_before"),
    ("not_before", "soon", "invalid_value", "not_before"),
    ("limits", {}, "invalid_type", "limits"),
    ("limits", [MARK], "invalid_type", "limits.0"),
    ("limits", [{}], "missing_field", "limits.0.name"),
    ("limits", [A_LIMIT | {"name": f"{MARK} b"}], "invalid_value", "limits.0.name"),
    ("limits", [A_LIMIT | {"limit": "1"}], "invalid_type", "limits.0.limit"),
    ("limits", [A_LIMIT | {"limit": 1.5}], "invalid_type", "limits.0.limit"),
    ("limits", [A_LIMIT | {"limit": True}], "invalid_type", "limits.0.limit"),
    ("limits", [A_LIMIT | {"limit": 0}], "invalid_value", "limits.0.limit"),
    ("limits", [A_LIMIT | {"limit": 10**30}], "invalid_value", "limits.0.limit"),
    ("limits", [A_LIMIT | {"window_seconds": -1}], "invalid_value", "limits.0.window_seconds"),
    ("limits", [A_LIMIT, A_LIMIT], "invalid_value", "limits.1.name"),
    ("limits", [A_LIMIT | {MARK: 1}], "unknown_field", "limits.0"),
    ("limits", [A_LIMIT] * 11, "invalid_value", "limits"),
    ("credits", 7, "invalid_type", "credits"),
    ("credits", {}, "missing_field", "credits.remaining"),
    ("credits", {"remaining": None}, "invalid_type", "credits.remaining"),
    ("credits", {"remaining": "1"}, "invalid_type", "credits.remaining"),
    ("credits", {"remaining": -1}, "invalid_value", "credits.remaining"),
    ("credits", {"remaining": 10**30}, "invalid_value", "credits.remaining"),
    ("credits", {"remaining": 1, "refill_at": MARK}, "unknown_field", "credits"),
    ("credits", {"remaining": 1, "refill": 1}, "invalid_type", "credits.refill"),
    ("credits", {"remaining": 1, "refill": {"amount": 1}}, "missing_field", "credits.refill.every"),
    (
        "credits",
        {"remaining": 1, "refill": {"amount": 0, "every": "day"}},
        "invalid_value",
        "credits.refill.amount",
    ),
    (
        "credits",
        {"remaining": 1, "refill": {"amount": 1, "every": MARK}},
        "invalid_value",
        "credits.refill.every",
    ),
]
ONLY_AT_CREATION: list[tuple[str, Any, str, str]] = [
    ("tenant", 7, "invalid_type", "tenant"),
    ("tenant", MARK, "not_found", "tenant"),
    ("tenant", f"{MARK}\0", "not_found", "tenant"),
    ("tenant", "", "not_found", "tenant"),
    ("prefix", 7, "invalid_type", "prefix"),
    ("prefix", "", "invalid_value", "prefix"),
    ("prefix", MARK.upper(), "invalid_value", "prefix"),
    ("prefix", f"{MARK}{MARK}", "invalid_value", "prefix"),
    ("prefix", "kws", "invalid_value", "prefix"),
    ("prefix", "a\n", "invalid_value", "prefix"),
    ("token_hash", 7, "invalid_type", "token_hash"),
    ("token_hash", MARK, "invalid_token_hash", "token_hash"),
    ("token_hash", "AB" * 32, "invalid_token_hash", "token_hash"),
    ("token_hash", HASH + "\n", "invalid_token_hash", "token_hash"),
    ("token_hash", HASH[1:], "invalid_token_hash", "token_hash"),
    ("token_hash", HASH + "0", "invalid_token_hash", "token_hash"),
    ("token_hash", "", "invalid_token_hash", "token_hash"),
    ("token_hash", HASH, "token_hash_taken", "token_hash"),
    ("identity_id", 7, "invalid_type", "identity_id"),
    ("identity_id", "", "not_found", "identity_id"),
    ("identity_id", MARK, "not_found", "identity_id"),
    ("identity_id", f"idn_{MARK}\0", "not_found", "identity_id"),
    ("identity_id", "idn_" + "0" * 32, "not_found", "identity_id"),
    ("memberships", {}, "invalid_type", "memberships"),
    ("memberships", [MARK], "invalid_type", "memberships.0"),
    ("memberships", [{}], "missing_field", "memberships.0.role"),
    ("memberships", [{"role": 7}], "invalid_type", "memberships.0.role"),
    ("memberships", [{"role": ""}], "unknown_role", "memberships.0.role"),
    ("memberships", [{"role": MARK}], "unknown_role", "memberships.0.role"),
    ("memberships", [{"role": "member"}, {"role": f"{MARK}\0"}], "unknown_role", "memberships.1.role"),
    ("memberships", [{"role": "super_admin"}], "unknown_role", "memberships.0.role"),
    ("memberships", [{"role": "member"}] * 2, "invalid_value", "memberships.1.role"),
    ("memberships", [{"role": "member"}] * 51, "invalid_value", "memberships"),
    ("memberships", [{"role": "member", MARK: 1}], "unknown_field", "memberships.0"),
    ("memberships", [{"role": "member", "variables": None}], "invalid_type", "memberships.0.variables"),
    ("memberships", [{"role": "member", "variables": {MARK: 7}}], "invalid_type", "memberships.0.variables"),
    (
        "memberships",
        [{"role": "member", "variables": {MARK: [MARK]}}],
        "unknown_variable",
        "memberships.0.variables",
    ),
    ("template", 7, "invalid_type", "template"),
    ("template", "", "invalid_value", "template"),
    ("template", MARK, "invalid_value", "template"),
    ("template", f"{MARK}\0", "invalid_value", "template"),
]
TRANSFERS: list[tuple[dict[str, Any], str, str | None]] = [
    ({}, "missing_field", "identity_id"),
    ({"identity_id": None}, "invalid_type", "identity_id"),
    ({"identity_id": ""}, "not_found", "identity_id"),
    ({"identity_id": MARK}, "not_found", "identity_id"),
    ({"identity_id": f"idn_{MARK}\0", "confirm": True}, "not_found", "identity_id"),
    ({"identity_id": "idn_" + "0" * 32, "confirm": True}, "not_found", "identity_id"),
    ({"identity_id": "idn_" + "0" * 32, "confirm": "true"}, "invalid_type", "confirm"),
    ({"identity_id": "idn_" + "0" * 32, MARK: True}, "unknown_field", None),
]
ABOUT_KEYS: list[tuple[dict[str, Any], str, str | None]] = [
    ({"action": 7}, "invalid_type", "action"),
    ({"action": "*"}, "invalid_value", "action"),
    ({"action": ""}, "invalid_value", "action"),
    ({"action": f"{MARK}:\0"}, "invalid_value", "action"),
    ({"action": "a", "resource": f"{MARK}:**"}, "invalid_value", "resource"),
    ({"resource": MARK}, "missing_field", "action"),
    ({"ip": MARK}, "invalid_value", "ip"),
    ({"ip": "10.0.0.0/8"}, "invalid_value", "ip"),
    ({"tenant": 7}, "invalid_type", "tenant"),
    ({"explain": True}, "unknown_field", None),
    ({MARK: 1}, "unknown_field", None),
]
ONLY_AT_CHANGE: list[tuple[str, Any, str, str | None]] = [
    ("active", 1, "invalid_type", "active"),
    ("active", "true", "invalid_type", "active"),
    ("active", None, "invalid_type", "active"),
    ("token_hash", HASH, "unknown_field", None),
    ("tenant", "blog", "unknown_field", None),
    ("id", MARK, "unknown_field", None),
]
TENANTS: list[tuple[dict[str, Any], str, str | None]] = [
    ({}, "missing_field", "slug"),
    ({"slug": None}, "invalid_type", "slug"),
    ({"slug": ""}, "invalid_value", "slug"),
    ({"slug": MARK.upper()}, "invalid_value", "slug"),
    ({"slug": f"-{MARK}"}, "invalid_value", "slug"),
    ({"slug": f"{MARK}\0"}, "invalid_value", "slug"),
    ({"slug": f"{MARK}\n"}, "invalid_value", "slug"),
    ({"slug": MARK + "x" * 92}, "invalid_value", "slug"),
    ({"slug": "blog"}, "slug_taken", "slug"),
    ({"slug": "new", "name": ""}, "invalid_value", "name"),
    ({"slug": "new", "name": f"{MARK}\0"}, "invalid_value", "name"),
    ({"slug": "new", "name": 7}, "invalid_type", "name"),
    ({"slug": "new", MARK: 7}, "unknown_field", None),
]
SESSIONS: list[tuple[dict[str, Any], str, str | None]] = [
    ({"login": "admin"}, "missing_field", "password"),
    ({"password": MARK}, "missing_field", "login"),
    ({"login": 7, "password": MARK}, "invalid_type", "login"),
    ({"login": MARK + "x" * 247, "password": MARK}, "invalid_value", "login"),
    ({"login": "admin", "password": MARK + "x" * 1016}, "invalid_value", "password"),
    ({"login": "admin", "password": "\ud800"}, "invalid_value", "password"),
    ({"login": f"\ud800{MARK}", "password": MARK}, "invalid_value", "login"),
    ({"login": f"\0{MARK}", "password": f"\0{MARK}"}, "invalid_credentials", None),
    ({"login": "", "password": ""}, "invalid_credentials", None),
    ({"login": "admin", "password": MARK, MARK: 1}, "unknown_field", None),
]
QUESTIONS: list[tuple[dict[str, Any], str, str | None]] = [
    ({}, "missing_field", "token"),
    ({"token": None}, "missing_field", "token"),
    ({"token": 7}, "invalid_type", "token"),
    ({"token": [MARK]}, "invalid_type", "token"),
    ({"token": "a", "token_hash": HASH}, "invalid_value", "token_hash"),
    ({"token_hash": MARK}, "invalid_token_hash", "token_hash"),
    ({"token_hash": "AB" * 32}, "invalid_token_hash", "token_hash"),
    ({"token": "a", "action": "*"}, "invalid_value", "action"),
    ({"token": "a", "action": ""}, "invalid_value", "action"),
    ({"token": "a", "action": f"{MARK}:\0"}, "invalid_value", "action"),
    ({"token": "a", "action": "a", "resource": f"{MARK}:**"}, "invalid_value", "resource"),
    ({"token": "a", "resource": MARK}, "missing_field", "action"),
    ({"token": "a", "ip": MARK}, "invalid_value", "ip"),
    ({"token": "a", "ip": "10.0.0.0/8"}, "invalid_value", "ip"),
    ({"token": "a", "ip": "010.0.0.1"}, "invalid_value", "ip"),
    ({"token": "a", "ip": 7}, "invalid_type", "ip"),
    ({"token": "a", "explain": 1}, "invalid_type", "explain"),
    ({"token": "a", "explain": None}, "invalid_type", "explain"),
    ({"token": "a", "cost": -1}, "invalid_value", "cost"),
    ({"token": "a", "cost": 1_000_001}, "invalid_value", "cost"),
    ({"token": "a", "cost": 10**30}, "invalid_value", "cost"),
    ({"token": "a", "cost": 0.5}, "invalid_type", "cost"),
    ({"token": "a", "cost": "1"}, "invalid_type", "cost"),
    ({"token": "a", "cost": None}, "invalid_type", "cost"),
    ({"token": "a", "cost": True}, "invalid_type", "cost"),
    ({"token": "a", MARK: 1}, "unknown_field", None),
    ({"token": "a", f"x` - at `$.{MARK}": 1}, "unknown_field", None),
]
FILTERS: list[tuple[str, str, str | None]] = [
    ("limit=0", "invalid_value", "limit"),
    ("limit=201", "invalid_value", "limit"),
    ("limit=-1", "invalid_type", "limit"),
    (f"limit={MARK}", "invalid_type", "limit"),
    ("limit=", "invalid_type", "limit"),
    ("limit=1.0", "invalid_type", "limit"),
    ("limit=1_0", "invalid_type", "limit"),
    ("limit=%201", "invalid_type", "limit"),
    ("limit=%D9%A1", "invalid_type", "limit"),
    ("limit=99999999999999999999", "invalid_type", "limit"),
    ("limit=1&limit=2", "invalid_value", "limit"),
    (f"sort={MARK}", "invalid_value", "sort"),
    ("sort=name&sort=name", "invalid_value", "sort"),
    (f"order={MARK}", "invalid_value", "order"),
    (f"state={MARK}", "invalid_value", "state.0"),
    ("state=active&state=deleted", "invalid_value", "state.1"),
    ("used=1", "invalid_type", "used"),
    ("used=", "invalid_type", "used"),
    (f"cursor={MARK}", "invalid_cursor", "cursor"),
    ("cursor=", "invalid_cursor", "cursor"),
    ("cursor=%ff", "invalid_cursor", "cursor"),
    ("cursor=W10", "invalid_cursor", "cursor"),
    ("handle=%00", "invalid_value", "handle"),
    (f"handle={MARK}+b", "invalid_value", "handle"),
    ("name_prefix=%00", "invalid_value", "name_prefix"),
    (f"name_prefix={'x' * 256}", "invalid_value", "name_prefix"),
    ("search=%00", "invalid_value", "search"),
    (f"search={TOKEN}", "secret_in_text", "search"),
    ("ends=perhaps", "invalid_type", "ends"),
    (f"created_since={MARK}", "invalid_value", "created_since"),
    ("created_until=2026-01-01", "invalid_value", "created_until"),
    ("expires_since=2026-01-01T00:00:00", "invalid_value", "expires_since"),
    ("expires_until=1900-01-01T00:00:00Z", "invalid_value", "expires_until"),
    ("last_used_since=7", "invalid_value", "last_used_since"),
    ("last_used_until=2026-01-01T00:00:00+99:00", "invalid_value", "last_used_until"),
    (f"{MARK}=1", "unknown_field", None),
    (f"limit=1&{MARK}", "unknown_field", None),
]
HEADERS: list[tuple[list[tuple[str, str]], str, str | None]] = [
    ([], "unauthenticated", None),
    ([("Authorization", f"Bearer {MARK}")], "unauthenticated", None),
    ([("X-Api-Key", MARK)], "unauthenticated", None),
    ([("X-Api-Key", "")], "unauthenticated", None),
    ([("Authorization", f"Bearer {MARK}\u00fc")], "unauthenticated", None),
    ([("Authorization", f"Basic {MARK}")], "malformed_request", "Authorization"),
    ([("Authorization", "Bearer")], "malformed_request", "Authorization"),
    ([("Authorization", "Bearer   ")], "malformed_request", "Authorization"),
    ([("Authorization", MARK)], "malformed_request", "Authorization"),
    ([("Authorization", "")], "malformed_request", "Authorization"),
    ([("Authorization", f"Bearer {ROOT}"), ("X-Api-Key", ROOT)], "malformed_request", None),
    ([("Authorization", f"Bearer {ROOT}")] * 2, "malformed_request", "Authorization"),
    ([("X-Api-Key", ROOT)] * 2, "malformed_request", "X-Api-Key"),
    ([("X-Api-Key", ROOT), ("Keywright-Tenant", MARK)], "not_found", "tenant"),
    ([("X-Api-Key", ROOT), ("Keywright-Tenant", "")], "not_found", "tenant"),
    ([("X-Api-Key", ROOT), ("Keywright-Tenant", f"{MARK}\u00fc")], "not_found", "tenant"),
    ([("X-Api-Key", ROOT), *[("Keywright-Tenant", "blog")] * 2], "malformed_request", "Keywright-Tenant"),
]
IDEMPOTENCY: list[tuple[list[tuple[str, str]], str, str]] = [
    ([("Idempotency-Key", "")], "invalid_value", "Idempotency-Key"),
    ([("Idempotency-Key", f"{MARK} b")], "invalid_value", "Idempotency-Key"),
    ([("Idempotency-Key", f"{MARK}\u00fc")], "invalid_value", "Idempotency-Key"),
    ([("Idempotency-Key", MARK + "x" * 247)], "invalid_value", "Idempotency-Key"),
    ([("Idempotency-Key", MARK)] * 2, "malformed_request", "Idempotency-Key"),
]
