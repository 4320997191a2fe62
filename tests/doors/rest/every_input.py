"""Every place of a request in which a client might put a secret, on every door."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.doors.rest.test_openapi import DOCUMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

PATHS = sorted(
    {
        *DOCUMENT["paths"],
        "/graphql",
        "/openapi.json",
        "/docs",
        "/graphiql",
        "/invitations/accept",
        "/",
        "/healthz",
        "/readyz",
        "/metrics",
    }
)
FILTERS = sorted(
    (path, parameter["name"])
    for path in (
        "/v1/keys",
        "/v1/users",
        "/v1/invitations",
        "/v1/memberships",
        "/v1/service-accounts",
        "/v1/agents",
        "/v1/audit",
        "/v1/audit/export",
        "/v1/usage",
    )
    for parameter in DOCUMENT["paths"][path]["get"]["parameters"]
    if parameter["in"] == "query"
)
HEADERS = (
    "X-Request-Id",
    "Keywright-Tenant",
    "Idempotency-Key",
    "User-Agent",
    "X-Forwarded-For",
    "X-Original-Uri",
    "X-Forwarded-Uri",
    "Forwarded",
    "X-Real-Ip",
    "Referer",
    "Origin",
    "Cookie",
    "Accept",
    "Accept-Language",
    "Content-Type",
    "Content-Encoding",
    "If-None-Match",
    "Traceparent",
    "X-Api-Key",
    "Expect",
    "Upgrade",
)
# A text that is stored and shown: there a Keywright token is refused, and any other text is the caller's own affair.
STORED = frozenset({"name", "description", "handle", "slug", "metadata", "kind", "version"})


@dataclass(frozen=True)
class Sent:
    """One request, as far as it is unlike others; `credential` False leaves ours out."""

    method: str
    target: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    credential: bool = True


def every_input(secret: str, key_id: str, *, storable: bool) -> Iterator[Sent]:
    """Requests that hold a secret somewhere. With `storable` some would store it, if it were let through."""
    yield from _targets(secret)
    yield from _headers(secret)
    yield from _forms(secret)
    yield from _gateways(secret, storable=storable)
    yield from _values(secret, key_id, storable=storable)
    yield from _broken(secret)
    yield from _graphql(secret, key_id, storable=storable)


def _targets(secret: str) -> Iterator[Sent]:
    for method in ("GET", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"):
        for path in (
            "/{}",
            "/v1/{}",
            "/v1/keys/{}",
            "/v1/keys/{}/x",
            "/v1/tenants/{}",
            "/v1/sessions/{}",
            "/v1/service-accounts/{}",
            "/v1/roles/{}",
            "/v1/memberships/{}",
            "/v1/agents/{}/seen",
            "/v1/audit/{}",
            "/v1/keys/{}/usage",
            "/v1/authorize/{}",
            "/assets/{}",
        ):
            yield Sent(
                method, path.format(secret), b'{"name": "a"}' if method in {"POST", "PATCH", "PUT"} else None
            )
    for path in PATHS:
        for method in ("GET", "POST"):
            target = path.format(id="x", slug="x", name="x")
            yield Sent(method, f"{target}?token={secret}", b"{}")
            yield Sent(method, f"{target}?{secret}", b"{}")
            yield Sent(method, f"{target}?{secret}={secret}", b"{}")
    for path, name in FILTERS:
        yield Sent("GET", f"{path}?{name}={secret}")
        yield Sent("GET", f"{path}?{name}={secret}&{name}={secret}")
    yield Sent("DELETE", f"/v1/tenants/x?force={secret}")
    yield Sent("GET", f"/v1/tenants?cursor={secret}")
    yield Sent("GET", f"http://{secret}/v1/keys")


def _forms(secret: str) -> Iterator[Sent]:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for text in (
        f"token={secret}",
        f"token={secret}&token={secret}",
        f"token=a&token_type_hint={secret}",
        f"token=a&ip={secret}",
        f"token=a&{secret}={secret}",
        secret,
    ):
        yield Sent("POST", "/v1/introspect", text.encode(), form)
        yield Sent("POST", "/v1/introspect", text.encode())
        yield Sent("POST", "/v1/revoke", text.replace(f"token={secret}", f"token={secret}x").encode(), form)


def _gateways(secret: str, *, storable: bool) -> Iterator[Sent]:
    for name in ("tenant", "cost", "limit_status", "action=a:b&resource"):
        yield Sent("GET", f"/v1/authorize?{name}={secret}")
        yield Sent("GET", f"/v1/authorize?{name}={secret}&{name}={secret}")
    if storable:  # which actions a key was used for is stored and shown
        yield Sent("GET", f"/v1/authorize?action={secret}")


def _headers(secret: str) -> Iterator[Sent]:
    calls = (
        ("GET", "/v1/keys", None),
        ("POST", "/v1/keys", b'{"name": ""}'),
        ("POST", "/v1/verify", b'{"token": "a"}'),
        ("GET", "/v1/authorize", None),
        ("POST", "/v1/introspect", b"token=a"),
        ("POST", "/graphql", b'{"query": "{ viewer { identity { id } } }"}'),
        ("GET", "/healthz", None),
        ("GET", f"/assets/{secret}", None),
        ("GET", "/nope", None),
    )
    for method, target, body in calls:
        for name in HEADERS:
            yield Sent(method, target, body, {name: secret})
        for value in (
            f"Bearer {secret} x",
            f"Basic {secret}",
            f"Token {secret}",
            secret,
            f"Bearer\t{secret}",
            f"{secret} x",
        ):
            yield Sent(method, target, body, {"Authorization": value}, credential=False)
        yield Sent(
            method, target, body, {"Authorization": f"Bearer {secret}", "X-Api-Key": secret}, credential=False
        )
        yield Sent(method, target, body, {secret: "1"})
        yield Sent(method, target, body, {"X-Forwarded-For": f"fe80::1%{secret}"})
        yield Sent(method, target, body, {"X-Forwarded-For": f"{secret}, 192.0.2.1"})
        yield Sent(method, target, body, {"Host": secret})
    # The credential in its own place, where it is accepted.
    for target in ("/v1/whoami", "/v1/keys", "/v1/tenants", "/v1/nope"):
        yield Sent("GET", target, None, {"Authorization": f"Bearer {secret}"}, credential=False)
        yield Sent("GET", target, None, {"X-Api-Key": secret}, credential=False)


_TEMPLATES = {
    "/v1/tenants/default": "/v1/tenants/{slug}",
    "/v1/service-accounts/x": "/v1/service-accounts/{id}",
    "/v1/roles/a": "/v1/roles/{name}",
    "/v1/memberships/x": "/v1/memberships/{id}",
    "/v1/users/x": "/v1/users/{id}",
    "/v1/users/x/reset": "/v1/users/{id}/reset",
    "/v1/users/x/sessions": "/v1/users/{id}/sessions",
}


def _values(secret: str, key_id: str, *, storable: bool) -> Iterator[Sent]:
    places: dict[tuple[str, str], dict[str, Any]] = {
        ("POST", "/v1/keys"): {"name": "a"},
        ("PATCH", f"/v1/keys/{key_id}"): {},
        ("POST", "/v1/tenants"): {"slug": "a-slug"},
        ("POST", "/v1/sessions"): {"login": "admin", "password": "wrong"},
        ("POST", "/v1/verify"): {"token": "a", "action": "a:b"},
        ("PATCH", "/v1/tenants/default"): {},
        ("POST", "/v1/service-accounts"): {"name": "a"},
        ("PATCH", "/v1/service-accounts/x"): {},
        ("POST", "/v1/roles"): {"name": "a"},
        ("PATCH", "/v1/roles/a"): {},
        ("POST", "/v1/memberships"): {"identity_id": "a", "role": "member"},
        ("PATCH", "/v1/memberships/x"): {},
        ("POST", "/v1/agents"): {"kind": "a", "name": "a"},
        ("POST", "/v1/users"): {"login": "a b", "name": "a"},
        ("PATCH", "/v1/users/x"): {},
        ("POST", "/v1/users/x/reset"): {},
        ("POST", "/v1/users/x/sessions"): {},
        ("POST", "/v1/invitations"): {"name": "a"},
        ("POST", "/v1/invitations/accept"): {"token": "a", "password": "b"},
    }
    wrong: list[Any] = [[secret], {secret: secret}, {"a": [secret]}]
    for (method, target), base in places.items():
        path = _TEMPLATES.get(target) or target.replace(key_id, "{id}")
        reference = DOCUMENT["paths"][path][method.lower()]["requestBody"]["content"]["application/json"][
            "schema"
        ]["$ref"]
        fields = DOCUMENT["components"]["schemas"][reference.rpartition("/")[2]]["properties"]
        for name in fields:
            stored = name in STORED or (name, target) == ("login", "/v1/users")
            values = [*wrong, secret] if storable or not stored else wrong
            if name == "labels":
                values = [[[secret]], {secret: secret}, secret, *([[secret]] if storable else [])]
            if name == "metadata":
                values = [{"a": {"b": [secret]}}, {secret: 1}, secret] if storable else [secret]
            if name == "scope":
                values = [
                    *wrong,
                    secret,
                    [{"actions": secret}],
                    [{secret: ["a"]}],
                    [{"actions": [f"{secret} "]}],
                ]
                values += [[{"actions": ["a"], "resources": [secret]}]] if storable else []
            for value in values:
                body = json.dumps({**base, name: value}).encode()
                yield Sent(method, target, body)
                if target == "/v1/verify":
                    yield Sent(method, f"{target}/batch", b'{"items": [%s]}' % body)
        yield Sent(method, target, json.dumps({**base, secret: secret}).encode())
        yield Sent(method, target, json.dumps(secret).encode())
        yield Sent(method, target, json.dumps([{secret: secret}]).encode())
    yield from _rights(secret, storable=storable)
    yield Sent("POST", "/v1/verify", json.dumps({f"x` - at `$.{secret}": 1}).encode())
    yield Sent("POST", "/v1/verify", json.dumps({"token": secret, "action": "a:b", "explain": True}).encode())
    yield Sent("POST", "/v1/verify", json.dumps({"token": "a", "ip": f"fe80::1%{secret}"}).encode())
    yield Sent(
        "POST", "/v1/keys", json.dumps({"name": "a", "allowed_cidrs": [f"fe80::%{secret}/64"]}).encode()
    )


def _rights(secret: str, *, storable: bool) -> Iterator[Sent]:
    """Bodies of roles, memberships and settings that hold a secret deep inside."""
    given: dict[str, Any] = {"role": "member", "variables": {secret: [secret]}}
    limit: dict[str, Any] = {"name": f"{secret} ", "limit": 1, "window_seconds": 1}
    bodies: list[tuple[str, str, dict[str, Any]]] = [
        ("PATCH", "/v1/tenants/default", {"settings": {"key_prefix": secret}}),
        ("PATCH", "/v1/tenants/default", {"settings": {secret: secret}}),
        ("PATCH", "/v1/tenants/default", {"settings": {"default_limits": [limit]}}),
        ("PATCH", f"/v1/tenants/{secret}", {"name": "a"}),
        ("POST", "/v1/service-accounts", {"name": "a", "memberships": [given]}),
        ("POST", "/v1/service-accounts", {"name": "a", "memberships": [{"role": secret}]}),
        ("POST", "/v1/service-accounts", {"name": "a", "memberships": [{secret: secret}]}),
        ("POST", "/v1/memberships", {"identity_id": secret, "role": "member"}),
        ("POST", "/v1/memberships", {"identity_id": "a", **given}),
        ("POST", "/v1/memberships", {"identity_id": "a", "role": secret}),
        ("POST", "/v1/roles", {"name": "a", "variables": {f"{secret} ": {}}}),
        ("POST", "/v1/roles", {"name": "a", "variables": {secret: {"entity": f"{secret} "}}}),
        ("POST", "/v1/roles", {"name": "a", "variables": {secret: {secret: secret}}}),
        ("POST", "/v1/roles", {"name": "a", "policies": [{"actions": [f"${{{secret}}}"]}]}),
        ("POST", "/v1/roles", {"name": "a", "policies": [{"actions": [f"{secret}::"]}]}),
    ]
    if storable:
        bodies += [
            ("POST", "/v1/roles", {"name": "a", "policies": [{"actions": [secret]}]}),
            ("POST", "/v1/roles", {"name": "a", "variables": {"a": {"description": secret}}}),
        ]
    for method, target, body in bodies:
        yield Sent(method, target, json.dumps(body).encode())


def _broken(secret: str) -> Iterator[Sent]:
    for target in ("/v1/keys", "/v1/tenants", "/v1/sessions", "/v1/verify", "/v1/verify/batch", "/graphql"):
        raw = secret.encode()
        for body in (
            raw,
            b'{"' + raw,
            b'{"token": "' + raw,
            b'{"token": "' + raw + b'",}',
            b'{"' + raw + b'": 1, "' + raw + b'": 1}',
            b'{"' + raw + b'": NaN}',
            b'{"token": "' + raw + b'\xff"}',
            b"\xef\xbb\xbf" + raw,
            b"[" * 5_000 + b'"' + raw + b'"',
        ):
            yield Sent("POST", target, body)
        yield Sent("POST", target, b" " * (1024 * 1024) + raw)
        yield Sent("POST", target, raw, {"Content-Type": f"multipart/form-data; boundary={secret}"})


def _graphql(secret: str, key_id: str, *, storable: bool) -> Iterator[Sent]:
    verify = "query ($input: VerifyInput!) { verify(input: $input) { valid code } }"
    update = "mutation ($input: UpdateApiKeyInput!) { updateApiKey(input: $input) { apiKey { id } } }"
    create = "mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { id } } }"
    word = "".join(letter for letter in secret if letter.isalnum() or letter == "_")
    name = word if not word[0].isdigit() else f"_{word}"
    queries = (
        secret,
        f"{{ {name} }}",
        f"query {name} {{ viewer {{ {name} }} }}",
        f"query (${name}: {name}) {{ viewer {{ identity {{ id }} }} }}",
        f"{{ viewer @{name} {{ identity {{ id }} }} }}",
        f'{{ viewer(a: "{secret}") {{ identity {{ id }} }} }}',
        f"{{ ...{name} }} fragment {name} on {name} {{ id }}",
        f'{{ apiKey(id: "{secret}") {{ id }} }}',
        f'{{ apiKeys(after: "{secret}") {{ nodes {{ id }} }} }}',
        f'{{ apiKeys(filter: {{handle: "{secret}"}}) {{ nodes {{ id }} }} }}',
        f"{{ apiKeys(orderBy: {{field: {name}}}) {{ nodes {{ id }} }} }}",
        f'{{ tenant(slug: "{secret}") {{ id }} }}',
        f'{{ verify(input: {{token: "{secret}"}}) {{ valid }} }}',
        f"{{ viewer {{ identity {{ id }} }} }} # {secret}",
        f'mutation {{ deleteApiKeys(input: {{ids: ["{secret}"]}}) {{ deletedIds }} }}',
        f'{{ apiKey(id: "{secret}',
        f'{{ role(name: "{secret}") {{ name }} }}',
        f'{{ membership(id: "{secret}") {{ id }} }}',
        f'{{ serviceAccount(id: "{secret}") {{ id }} }}',
        f'{{ agents(filter: {{keyId: "{secret}"}}) {{ nodes {{ id }} }} }}',
        f'mutation {{ seeAgent(input: {{id: "{secret}"}}) {{ seenId }} }}',
        f'{{ audit(filter: {{actor: "{secret}", action: "{secret}"}}) {{ nodes {{ id }} }} }}',
        f'mutation {{ deleteTenant(input: {{tenant: "{secret}"}}) {{ deletedSlug }} }}',
        f'mutation {{ deleteRole(input: {{name: "{secret}"}}) {{ deletedName }} }}',
        f'mutation {{ createMembership(input: {{identityId: "{secret}", role: "{secret}"}}) {{ replayed }} }}',
    )
    for query in queries:
        yield Sent("POST", "/graphql", json.dumps({"query": query}).encode())
    variables: list[tuple[str, Any]] = [
        (verify, {"token": secret}),
        (verify, {"token": "a", "tenant": secret}),
        (verify, {"token": "a", "action": secret, "resource": secret}),
        (verify, {"token": "a", "ip": secret}),
        (verify, {"token": "a", secret: secret}),
        (verify, {"token": [secret]}),
        (verify, secret),
        (verify, {"tokenHash": secret}),
        (update, {"id": secret, "name": "a"}),
        (update, {"id": key_id, "expiresAt": secret}),
        (update, {"id": key_id, "allowedCidrs": [secret]}),
        (update, {"id": key_id, "metadata": secret}),
        (create, {"name": "a", "idempotencyKey": f"{secret} ü"}),
        (create, {"name": "a", "prefix": secret}),
        (create, {"name": "a", "tenant": secret}),
        (create, {"name": "a", "scope": [{"actions": [f"{secret}::"]}]}),
    ]
    if storable:
        variables += [
            (create, {"name": secret}),
            (create, {"name": "a", "metadata": {secret: secret}}),
            (update, {"id": key_id, "description": secret}),
            (update, {"id": key_id, "scope": [{"actions": ["a"], "resources": [secret]}]}),
        ]
    for query, given in variables:
        yield Sent("POST", "/graphql", json.dumps({"query": query, "variables": {"input": given}}).encode())
    whoami = "{ viewer { identity { id } } }"
    for extra in (
        {"variables": {secret: secret}},
        {"variables": secret},
        {"operationName": secret},
        {"extensions": {secret: secret}},
        {secret: secret},
    ):
        yield Sent("POST", "/graphql", json.dumps({"query": whoami, **extra}).encode())
    yield Sent("GET", f"/graphql?query={secret}", None, {"Accept": "text/html"})
