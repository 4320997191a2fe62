"""Every call of the client beside the document of OpenAPI: what it sends is declared, and what it reads is promised."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

import jsonschema_rs
import pytest

from keywright.api.rest.door import RestDoor
from keywright.client import Client, Token
from keywright.client.both import Calls, verification, verifications, wire_of
from keywright.client.calls import Call, Listing, Stream
from keywright.client.wire import pairs
from tests.unit.client.test_async_client import described

if TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENT: Any = RestDoor(cast("Any", None), "").document
MOMENT = datetime(2026, 11, 3, 12, tzinfo=UTC)
SCOPE = [{"actions": ["article:read"], "resources": ["article:cs:**"]}]
HELD = [{"role": "member", "variables": {"language": ["cs"]}}]
LIMITS = [{"name": "few", "limit": 3, "window_seconds": 60}]
CREDITS = {"remaining": 5, "refill": {"amount": 5, "every": "month"}}
HASH = "0" * 64
KEY, IDENTITY, USER = f"key_{0:032x}", f"idn_{0:032x}", f"idn_{1:032x}"
PASSKEY = {"id": "an id", "type": "public-key", "response": {}}
CHANGEABLE: dict[str, Any] = {
    "description": "x",
    "handle": "nightly",
    "scope": SCOPE,
    "not_before": MOMENT,
    "expires_at": MOMENT,
    "allowed_cidrs": ["10.0.0.0/8"],
    "metadata": {"team": "search"},
    "limits": LIMITS,
    "credits": CREDITS,
}
KEY_FILTERS: dict[str, Any] = {
    "state": ["active", "expired"],
    "identity_id": IDENTITY,
    "handle": "nightly",
    "name_prefix": "N",
    "search": "n",
    "created_since": MOMENT,
    "created_until": MOMENT,
    "expires_since": MOMENT,
    "expires_until": MOMENT,
    "ends": True,
    "last_used_since": MOMENT,
    "last_used_until": MOMENT,
    "used": False,
    "sort": "name",
    "order": "asc",
    "limit": 3,
    "cursor": "c",
}
ENTRIES: dict[str, Any] = {
    "actor": "a",
    "target": "t",
    "action": "key.create",
    "since": MOMENT,
    "until": MOMENT,
}
SHARES: dict[str, Any] = {"limit": 3, "cursor": "c"}

CALLS: dict[str, list[Callable[[Any], Any]]] = {
    "whoami": [lambda c: c.whoami()],
    "log_in": [
        lambda c: c.log_in("ada", "a password", code="123456"),
        lambda c: c.log_in("ada", "a password", recovery_code="r"),
        lambda c: c.log_in(passkey=PASSKEY),
    ],
    "log_out": [lambda c: c.log_out()],
    "verify": [
        lambda c: verification(c, Token("kw_x"), {"action": "article:read", "resource": "a:b", "cost": 0}),
        lambda c: verification(c, None, {"token_hash": HASH, "tenant": "blog", "ip": "::1", "explain": True}),
    ],
    "verify_batch": [lambda c: verifications(c, [{"token": Token("kw_x")}, {"token_hash": HASH}])],
    "keys.create": [
        lambda c: c.keys.create("Nightly"),
        lambda c: c.keys.create("Nightly", tenant="blog", identity_id=IDENTITY, **CHANGEABLE),
        lambda c: c.keys.create("Nightly", memberships=HELD, template="t", prefix="kw", token_hash=HASH),
    ],
    "keys.import_keys": [
        lambda c: c.keys.import_keys(
            [{"name": "Old", "token_hash": HASH, "expires_at": MOMENT}], dry_run=True
        )
    ],
    "keys.page": [lambda c: c.keys.page(**KEY_FILTERS)],
    "keys.list": [lambda c: c.keys.list(**KEY_FILTERS)],
    "keys.get": [lambda c: c.keys.get(KEY)],
    "keys.update": [
        lambda c: c.keys.update(KEY, name="Other", active=False, **CHANGEABLE),
        lambda c: c.keys.update(KEY, wait=False, expires_at=None),
    ],
    "keys.transfer": [lambda c: c.keys.transfer(KEY, IDENTITY, confirm=True, wait=False)],
    "keys.explain": [
        lambda c: c.keys.explain(KEY, action="article:read", resource="a:b", ip="::1", tenant="blog")
    ],
    "keys.delete": [lambda c: c.keys.delete(KEY), lambda c: c.keys.delete(KEY, wait=False)],
    "keys.revoke": [lambda c: c.keys.revoke(Token("kw_x+&")), lambda c: c.keys.revoke("kw_x")],
    "tenants.create": [
        lambda c: c.tenants.create("blog"),
        lambda c: c.tenants.create("blog", "B", wait=False),
    ],
    "tenants.page": [lambda c: c.tenants.page(**SHARES)],
    "tenants.list": [lambda c: c.tenants.list(limit=3)],
    "tenants.get": [lambda c: c.tenants.get("blog")],
    "tenants.update": [
        lambda c: c.tenants.update("blog", slug="weblog", name="B", active=True, wait=False),
        lambda c: c.tenants.update("blog", settings={"key_prefix": "blog", "max_key_lifetime_seconds": None}),
    ],
    "tenants.delete": [lambda c: c.tenants.delete("blog", force=True, wait=False)],
    "users.create": [
        lambda c: c.users.create("ada", "Ada", email="ada@example.com", password="a password", limits=LIMITS)
    ],
    "users.invite": [
        lambda c: c.users.invite("Ada", login="ada", email="a@b.example", memberships=HELD, expires_in_days=3)
    ],
    "users.page": [lambda c: c.users.page(login="ada", **SHARES)],
    "users.list": [lambda c: c.users.list(login="ada")],
    "users.get": [lambda c: c.users.get(USER)],
    "users.update": [
        lambda c: c.users.update(USER, name="A", email=None, active=False, limits=LIMITS, wait=False)
    ],
    "users.delete": [lambda c: c.users.delete(USER, wait=False)],
    "users.remove": [lambda c: c.users.remove(USER, wait=False)],
    "users.reset": [lambda c: c.users.reset(USER, factors=True, expires_in_days=1)],
    "users.log_in": [lambda c: c.users.log_in(USER, idle_seconds=None, longest_seconds=60)],
    "invitations.page": [lambda c: c.invitations.page(**SHARES)],
    "invitations.list": [lambda c: c.invitations.list(limit=3)],
    "invitations.revoke": [lambda c: c.invitations.revoke("inv_1")],
    "invitations.accept": [
        lambda c: c.invitations.accept(Token("kwi_1"), "a password", login="ada", name="Ada")
    ],
    "invitations.join": [lambda c: c.invitations.join(Token("kwi_1"))],
    "service_accounts.create": [
        lambda c: c.service_accounts.create("I", description="x", memberships=HELD, limits=LIMITS)
    ],
    "service_accounts.page": [lambda c: c.service_accounts.page(**SHARES)],
    "service_accounts.list": [lambda c: c.service_accounts.list(limit=3)],
    "service_accounts.get": [lambda c: c.service_accounts.get(IDENTITY)],
    "service_accounts.update": [
        lambda c: c.service_accounts.update(
            IDENTITY, name="I", description="x", active=False, limits=LIMITS, wait=False
        )
    ],
    "service_accounts.delete": [lambda c: c.service_accounts.delete(IDENTITY, wait=False)],
    "roles.create": [
        lambda c: c.roles.create("editor", description="x", variables={"language": {}}, policies=SCOPE)
    ],
    "roles.page": [lambda c: c.roles.page()],
    "roles.list": [lambda c: c.roles.list()],
    "roles.get": [lambda c: c.roles.get("editor")],
    "roles.update": [
        lambda c: c.roles.update("editor", description="x", variables={}, policies=SCOPE, wait=False)
    ],
    "roles.delete": [lambda c: c.roles.delete("editor")],
    "memberships.create": [
        lambda c: c.memberships.create(IDENTITY, "member"),
        lambda c: c.memberships.create(IDENTITY, "editor", {"language": ["cs"]}, wait=False),
    ],
    "memberships.page": [lambda c: c.memberships.page(identity_id=IDENTITY, role="editor", **SHARES)],
    "memberships.list": [lambda c: c.memberships.list(identity_id=IDENTITY)],
    "memberships.get": [lambda c: c.memberships.get("mem_1")],
    "memberships.update": [lambda c: c.memberships.update("mem_1", {"language": ["sk"]}, wait=False)],
    "memberships.delete": [lambda c: c.memberships.delete("mem_1", wait=False)],
    "agents.register": [lambda c: c.agents.register("worker", "web-1", ["blue"], version="1.0")],
    "agents.seen": [lambda c: c.agents.seen("agt_1")],
    "agents.page": [lambda c: c.agents.page(key_id=KEY, **SHARES)],
    "agents.list": [lambda c: c.agents.list(key_id=KEY)],
    "catalog.get": [lambda c: c.catalog.get()],
    "catalog.diff": [lambda c: c.catalog.diff({"actions": [{"name": "article:read"}]})],
    "catalog.apply": [lambda c: c.catalog.apply({}, expected_revision=3, wait=False)],
    "audit.page": [lambda c: c.audit.page(**ENTRIES, **SHARES)],
    "audit.list": [lambda c: c.audit.list(**ENTRIES)],
    "audit.export": [lambda c: c.audit.export(**ENTRIES)],
    "usage.of_key": [lambda c: c.usage.of_key(KEY, since=MOMENT, until=MOMENT, by="hour")],
    "usage.of_all": [lambda c: c.usage.of_all(since=MOMENT, until=MOMENT, by="day", top=3)],
    "nodes.page": [lambda c: c.nodes.page()],
    "nodes.list": [lambda c: c.nodes.list()],
    "sessions.page": [lambda c: c.sessions.page(**SHARES)],
    "sessions.list": [lambda c: c.sessions.list(limit=3)],
    "sessions.end": [lambda c: c.sessions.end("ses_1")],
    "sessions.end_others": [lambda c: c.sessions.end_others()],
    "sessions.confirm": [
        lambda c: c.sessions.confirm("a password", code="123456"),
        lambda c: c.sessions.confirm(passkey=PASSKEY),
    ],
    "sessions.change_password": [lambda c: c.sessions.change_password("a password", "another password")],
    "sessions.passkey_options": [lambda c: c.sessions.passkey_options()],
    "factors.get": [lambda c: c.factors.get()],
    "factors.begin_totp": [lambda c: c.factors.begin_totp()],
    "factors.confirm_totp": [lambda c: c.factors.confirm_totp("123456")],
    "factors.remove_totp": [lambda c: c.factors.remove_totp()],
    "factors.renew_recovery_codes": [lambda c: c.factors.renew_recovery_codes()],
    "factors.begin_passkey": [lambda c: c.factors.begin_passkey()],
    "factors.add_passkey": [lambda c: c.factors.add_passkey("Laptop", PASSKEY)],
    "factors.rename_passkey": [lambda c: c.factors.rename_passkey("psk_1", "Phone")],
    "factors.remove_passkey": [lambda c: c.factors.remove_passkey("psk_1")],
    "sign_on.start": [lambda c: c.sign_on.start(), lambda c: c.sign_on.start("http://127.0.0.1:5123/back")],
    "sign_on.finish": [lambda c: c.sign_on.finish(Token("kwf_1"), "a state", "a code")],
}
# They ask at addresses that are no part of the API.
BESIDE = {"alive", "ready", "version"}
# Gateways and libraries for OAuth ask these, in their own ways.
OTHERS = {"GET /v1/authorize", "POST /v1/introspect"}


class Recorder:
    """Gives what would be sent, and sends nothing."""

    def send(self, described_call: Any) -> Any:
        return described_call

    each = lines = send


@dataclass(frozen=True)
class Sent:
    """A request, as far as the document speaks of it, and how its answer is read."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    read: Callable[[Any], Any]

    @property
    def operation(self) -> tuple[str, Any]:
        """What the document says of it; a path without a variable goes first."""
        for path, methods in sorted(DOCUMENT["paths"].items(), key=lambda one: one[0].count("{")):
            written = re.sub(r"\{[a-z_]+\}", "[^/]+", path)
            if re.fullmatch(written, self.path) and self.method.lower() in methods:
                return f"{self.method} {path}", methods[self.method.lower()]
        raise AssertionError(f"{self.method} {self.path} is not in the document.")


def sent(call: Callable[[Any], Any]) -> Sent:
    wire = wire_of("http://127.0.0.1:1", "kw_x", None, 1.0, 1, "me/1")
    found = call(Calls(wire, cast("Any", Recorder())))
    if isinstance(found, Listing):
        found = found.page(None)
    if isinstance(found, Stream):
        found = Call("GET", found.path, query=found.query)
    assert isinstance(found, Call)
    query: dict[str, list[str]] = {}
    for name, value in pairs(found.query):
        query.setdefault(name, []).append(value)
    headers = {name.lower(): value for name, value in (found.headers or {}).items()}
    body = found.body if found.body is None or isinstance(found.body, bytes) else json.dumps(found.body)
    return Sent(found.method, found.path, query, headers, body, found.read)


def schema_of(value: Any) -> Any:
    """A schema that stands by itself."""
    return {**value, "components": DOCUMENT["components"]}


def example(schema: Any) -> Any:
    """The least that a schema promises of an answer: what is required, and no more."""
    if "$ref" in schema:
        return example(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for combined in ("anyOf", "oneOf", "allOf"):
        if combined in schema:
            return example(schema[combined][0])
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    kind = schema.get("type", "object")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: example(properties[name]) for name in schema.get("required", ())}
    if kind == "array":
        return [example(schema["items"])]
    return {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "null": None}[kind]


EACH = [(name, number) for name, calls in CALLS.items() for number in range(len(calls))]


@pytest.mark.parametrize(("name", "number"), EACH, ids=str)
def test_what_is_sent_is_declared(name: str, number: int) -> None:
    found = sent(CALLS[name][number])
    _, operation = found.operation
    declared = {
        place: {one["name"].lower(): one for one in operation.get("parameters", ()) if one["in"] == place}
        for place in ("query", "header")
    }
    assert found.query.keys() <= declared["query"].keys()
    for key, values in found.query.items():
        schema = declared["query"][key]["schema"]
        # In a query string everything is a text: one that is written like JSON stands for it.
        read = [json.loads(one) if one in {"true", "false"} or one.isdecimal() else one for one in values]
        validator = jsonschema_rs.Draft202012Validator(schema_of(schema))
        assert validator.is_valid(read) or validator.is_valid(read[0]), (key, read)
    assert found.headers.keys() - {"content-type"} <= declared["header"].keys()
    # Whatever may be sent twice and make two things says that it is the same.
    assert ("idempotency-key" in found.headers) == ("idempotency-key" in declared["header"])
    content = operation.get("requestBody", {}).get("content", {})
    if found.body is None:
        assert not operation.get("requestBody", {}).get("required")
    elif isinstance(found.body, bytes):
        (form,) = content
        assert found.headers["content-type"] == form == "application/x-www-form-urlencoded"
        fields = dict(parse_qsl(found.body.decode(), strict_parsing=True))
        jsonschema_rs.Draft202012Validator(schema_of(content[form]["schema"])).validate(fields)
    else:
        schema = content["application/json"]["schema"]
        validator = jsonschema_rs.Draft202012Validator(schema_of(schema), validate_formats=True)
        validator.validate(json.loads(found.body))


@pytest.mark.parametrize("name", CALLS)
def test_what_is_read_is_promised(name: str) -> None:
    """Nothing more than the parts that the document says are always there."""
    found = sent(CALLS[name][0])
    _, operation = found.operation
    answer = next(one for status, one in operation["responses"].items() if status < "300")
    content = answer.get("content", {}).get("application/json")
    found.read({} if content is None else example(content["schema"]))


def test_every_call_is_here_and_every_operation_has_one() -> None:
    client = Client("http://127.0.0.1:1")
    resources = {name: type(value) for name, value in vars(client).items() if described(type(value))}
    names = {name for name in described(Client) if name[0] != "_"} | {"verify", "verify_batch"}
    for name, kind in resources.items():
        names |= {f"{name}.{one}" for one in described(kind) if one[0] != "_"}
    assert names - BESIDE == CALLS.keys()
    reached = {sent(one).operation[0] for calls in CALLS.values() for one in calls}
    operations = {
        f"{method.upper()} {path}" for path, methods in DOCUMENT["paths"].items() for method in methods
    }
    assert operations - reached == OTHERS


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.keys.delete(".."),
        lambda c: c.sessions.end(".."),
        lambda c: c.factors.rename_passkey("..", "Phone"),
        lambda c: c.factors.remove_passkey(".."),
        lambda c: c.invitations.revoke(".."),
    ],
    ids=range(5),
)
def test_an_id_leads_nowhere_else(call: Callable[[Any], Any]) -> None:
    assert sent(call).path.endswith("/%2E%2E")
