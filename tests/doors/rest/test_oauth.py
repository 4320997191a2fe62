"""`/v1/introspect` (RFC 7662) and `/v1/revoke` (RFC 7009)."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from sqlalchemy import select

from keywright.core.tokens import FLOW_PREFIX, INVITATION_PREFIX, mint
from keywright.storage.schema import api_key, audit_entry, session
from tests.doors.rest.house import ROOT, MovableClock, house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx2

    from tests.doors.rest.house import House

pytestmark = pytest.mark.anyio

FORM = "application/x-www-form-urlencoded"
INACTIVE = b'{"active":false}'


@pytest.fixture(scope="module")
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="module")
async def rest(tmp_path_factory: pytest.TempPathFactory, clock: MovableClock) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("oauth")
    async with house(folder, clock=clock, public_url="https://keys.example.com") as found:
        for slug in ("blog", "shop"):
            assert (await found.ask("POST", "/v1/tenants", json={"slug": slug})).status_code == 201
        yield found


async def send(
    rest: House, path: str, body: str | bytes, *, token: str | None = None, **headers: str
) -> httpx2.Response:
    sent = {"Content-Type": FORM} | {name.replace("_", "-"): value for name, value in headers.items()}
    return await rest.ask(
        "POST", path, token=token, headers=sent, content=body.encode() if isinstance(body, str) else body
    )


async def introspect(rest: House, token: str, *, caller: str | None = ROOT, **more: str) -> httpx2.Response:
    return await send(rest, "/v1/introspect", urlencode({"token": token, **more}), token=caller)


async def revoke(rest: House, token: str, **more: str) -> None:
    answer = await send(rest, "/v1/revoke", urlencode({"token": token, **more}))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["cache-control"] == "no-store"


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"error", "error_description"}
    assert body["error_description"].endswith(".")
    return answer.status_code, body["error"]


async def test_an_active_token_says_whose_it_is(rest: House) -> None:
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    made = await rest.make(
        name="Nightly",
        tenant="blog",
        memberships=[{"role": "admin"}],
        expires_at=expires.isoformat(),
        not_before="2020-01-01T00:00:00.5Z",
    )
    answer = await introspect(rest, made["token"], token_type_hint="access_token", resource="left aside")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    verdict = found.pop("keywright")
    key = made["key"]
    assert found == {
        "active": True,
        "token_type": "Bearer",
        "sub": key["identity"]["id"],
        "username": "Nightly",
        "client_id": key["id"],
        "jti": key["id"],
        "iss": "https://keys.example.com",
        "exp": int(expires.timestamp()),
        "nbf": 1_577_836_800,
    }
    assert (verdict["code"], verdict["tenant"], verdict["key_id"]) == ("VALID", "blog", key["id"])
    assert [one["role"] for one in verdict["roles"]] == ["admin"]
    bare = (await introspect(rest, (await rest.make(tenant="blog"))["token"])).json()
    assert not {"exp", "nbf"} & set(bare)


async def test_anything_else_is_inactive_and_no_more(rest: House) -> None:
    made = await rest.make(tenant="blog")
    there = {"Keywright-Tenant": "blog"}
    path = f"/v1/keys/{made['key']['id']}"
    assert (await introspect(rest, made["token"])).json()["active"] is True
    assert (await rest.ask("PATCH", path, json={"active": False}, headers=there)).status_code == 200
    for token in (
        made["token"],
        mint().reveal(),
        "unknown-token-of-nobody",
        "kw_malformed",
        " ",
        await rest.log_in(),
    ):
        answer = await introspect(rest, token)
        assert (answer.status_code, answer.content) == (200, INACTIVE)


async def test_a_caller_sees_the_keys_of_its_own_tenants_alone(rest: House) -> None:
    scope = [{"actions": ["keys:verify"]}]
    caller = (await rest.make(tenant="blog", memberships=[{"role": "admin"}], scope=scope))["token"]
    ours, others = await rest.make(tenant="blog"), await rest.make(tenant="shop")
    assert (await introspect(rest, ours["token"], caller=caller)).json()["active"] is True
    assert (await introspect(rest, others["token"], caller=caller)).content == INACTIVE
    tenant = await send(
        rest,
        "/v1/introspect",
        urlencode({"token": ours["token"]}),
        token=ROOT,
        Keywright_Tenant="shop",
    )
    assert tenant.content == INACTIVE


async def test_a_key_bound_to_addresses_is_active_for_one_of_them(rest: House) -> None:
    made = await rest.make(tenant="blog", allowed_cidrs=["192.0.2.0/24"])
    assert (await introspect(rest, made["token"])).content == INACTIVE
    assert (await introspect(rest, made["token"], ip="192.0.2.7")).json()["active"] is True
    assert (await introspect(rest, made["token"], ip="198.51.100.7")).content == INACTIVE
    assert refusal(await introspect(rest, made["token"], ip="somewhere")) == (400, "invalid_request")


async def test_to_ask_is_no_use_of_the_key(rest: House) -> None:
    limits = [{"name": "hour", "limit": 1, "window_seconds": 3600}]
    made = await rest.make(tenant="blog", limits=limits)
    for _ in range(3):
        assert (await introspect(rest, made["token"])).json()["active"] is True
    body = {"token": made["token"]}
    assert (await rest.ask("POST", "/v1/verify", json=body)).json()["code"] == "VALID"
    assert (await rest.ask("POST", "/v1/verify", json=body)).json()["code"] == "RATE_LIMITED"
    assert (await introspect(rest, made["token"])).json()["active"] is True


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


async def test_the_caller_may_be_a_client_of_http_basic(rest: House) -> None:
    made = await rest.make(tenant="blog")
    body = urlencode({"token": made["token"]})
    odd = "a key:with %, + and ž of its own"
    for user, key in (("client", ROOT), ("", ROOT), ("a%3Ab", quote(ROOT, safe=""))):
        answer = await send(rest, "/v1/introspect", body, Authorization=basic(user, key))
        assert answer.json()["active"] is True
    by_header = await send(rest, "/v1/introspect", body, X_Api_Key=ROOT)
    assert by_header.json()["active"] is True
    for wrong in (basic("client", "wrong-key"), basic("client", quote_plus(odd))):
        answer = await send(rest, "/v1/introspect", body, Authorization=wrong)
        assert refusal(answer) == (401, "invalid_client")
        assert answer.headers["www-authenticate"] == 'Bearer realm="keywright", Basic realm="keywright"'
    for unreadable in (
        "Basic",
        "Basic !",
        "Basic /w==",
        basic("client", ""),
        "Basic YWJj",
        basic("a", "%ff"),
    ):
        answer = await send(rest, "/v1/introspect", body, Authorization=unreadable)
        assert refusal(answer) == (400, "invalid_request")


async def test_who_may_not_verify_may_not_introspect(rest: House) -> None:
    made = await rest.make(tenant="blog")
    assert refusal(await introspect(rest, made["token"], caller=None)) == (401, "invalid_client")
    powerless = await rest.make(tenant="blog", memberships=[])
    answer = await introspect(rest, made["token"], caller=powerless["token"])
    assert refusal(answer) == (403, "insufficient_scope")
    nowhere = await send(rest, "/v1/introspect", "token=x", token=ROOT, Keywright_Tenant="no-such")
    assert refusal(nowhere) == (400, "invalid_request")


@pytest.mark.parametrize("path", ["/v1/introspect", "/v1/revoke"])
async def test_what_is_no_such_form_is_refused(rest: House, path: str) -> None:
    made = await rest.make(tenant="blog")
    token = made["token"]
    for body, media_type in (
        ("", FORM),
        ("token=", FORM),
        ("token_type_hint=access_token", FORM),
        (f"token={token}&token={token}", FORM),
        (f"token={token}&a=1&a=2", FORM),
        (f"token={token}&a=%ff", FORM),
        (f"token={token}&a=é", FORM),
        (f"token={token}" + "".join(f"&a{index}=1" for index in range(30)), FORM),
        (f'{{"token": "{token}"}}', "application/json"),
        (f"token={token}", ""),
    ):
        answer = await send(rest, path, body, token=ROOT, Content_Type=media_type)
        assert refusal(answer) == (400, "invalid_request")
        assert token not in answer.text
    wrong = await rest.ask(
        "POST", f"{path}?token={token}", headers={"Content-Type": FORM}, content=b"token=x"
    )
    assert refusal(wrong) == (400, "invalid_request")
    for method in ("GET", "PUT", "DELETE"):
        answer = await rest.ask(method, path)
        assert refusal(answer) == (405, "invalid_request")
        assert answer.headers["allow"] == "POST"
    fine = await send(
        rest, path, f"token={token}&a=&b=1", token=ROOT, Content_Type=f"{FORM.upper()}; charset=utf-8"
    )
    assert fine.status_code == 200


async def entries(rest: House, target_id: str) -> list[Any]:
    async with rest.app.database.read() as transaction:
        query = select(audit_entry).where(audit_entry.c.target_id == target_id).order_by(audit_entry.c.id)
        return list((await transaction._connection.execute(query)).mappings())


async def gone(rest: House, key_id: str) -> bool:
    async with rest.app.database.read() as transaction:
        query = select(api_key.c.deleted_at).where(api_key.c.id == key_id)
        return (await transaction._connection.execute(query)).scalar_one() is not None


async def code(rest: House, token: str) -> str:
    found: str = (await rest.ask("POST", "/v1/verify", json={"token": token})).json()["code"]
    return found


async def test_whoever_holds_a_key_may_revoke_it(rest: House) -> None:
    made = await rest.make(tenant="blog", memberships=[])
    assert await code(rest, made["token"]) == "VALID"
    await revoke(rest, made["token"], token_type_hint="refresh_token")
    assert await code(rest, made["token"]) == "NOT_FOUND"
    assert await gone(rest, made["key"]["id"])
    last = (await entries(rest, made["key"]["id"]))[-1]
    assert (last["action"], last["target_type"], last["actor_kind"]) == ("key.revoke", "key", "key")
    assert last["actor_key_id"] == made["key"]["id"]
    count = len(await entries(rest, made["key"]["id"]))
    await revoke(rest, made["token"])
    assert len(await entries(rest, made["key"]["id"])) == count


async def test_a_global_key_can_be_revoked_too(rest: House) -> None:
    made = await rest.make(headers={"Keywright-Tenant": "*"})
    await revoke(rest, made["token"])
    assert await code(rest, made["token"]) == "NOT_FOUND"
    assert (await entries(rest, made["key"]["id"]))[-1]["tenant_id"] is None


async def test_a_key_that_cannot_be_used_now_is_revoked_for_good(rest: House, clock: MovableClock) -> None:
    there = {"Keywright-Tenant": "blog"}
    soon = datetime.now(UTC) + timedelta(minutes=5)
    disabled, expired, later, bound = (
        await rest.make(tenant="blog"),
        await rest.make(tenant="blog", expires_at=soon.isoformat()),
        await rest.make(tenant="blog", not_before=(soon + timedelta(days=9)).isoformat()),
        await rest.make(tenant="blog", allowed_cidrs=["203.0.113.0/24"]),
    )
    path = f"/v1/keys/{disabled['key']['id']}"
    assert (await rest.ask("PATCH", path, json={"active": False}, headers=there)).status_code == 200
    clock.ahead += timedelta(minutes=10)
    for made in (disabled, expired, later, bound):
        await revoke(rest, made["token"])
        assert await gone(rest, made["key"]["id"])


async def test_known_and_unknown_tokens_are_answered_alike(rest: House) -> None:
    known = (await rest.make(tenant="blog"))["token"]
    answers = [
        await send(rest, "/v1/revoke", urlencode({"token": token}))
        for token in (known, mint().reveal(), "unknown-token-of-nobody", "kw_malformed", "ž", "x" * 2000)
    ]
    told = [
        (one.status_code, one.content, sorted(name for name in one.headers if name != "x-request-id"))
        for one in answers
    ]
    assert told.count(told[0]) == len(told)


async def test_a_session_is_ended_by_its_token(rest: House) -> None:
    token = await rest.log_in()
    assert (await rest.ask("GET", "/v1/whoami", token=token)).status_code == 200
    for _ in range(2):
        await revoke(rest, token)
        assert (await rest.ask("GET", "/v1/whoami", token=token)).status_code == 401
    async with rest.app.database.read() as transaction:
        query = select(session.c.id).order_by(session.c.created_at.desc()).limit(1)
        session_id = (await transaction._connection.execute(query)).scalar_one()
    assert [one["action"] for one in await entries(rest, session_id)] == ["session.create", "session.end"]
    await revoke(rest, mint("kws").reveal())


async def test_tokens_that_are_no_credentials_cannot_be_revoked(rest: House) -> None:
    for prefix in (INVITATION_PREFIX, FLOW_PREFIX):
        answer = await send(rest, "/v1/revoke", urlencode({"token": mint(prefix).reveal()}))
        assert refusal(answer) == (400, "unsupported_token_type")


async def test_of_many_who_revoke_a_key_at_once_each_is_told_when_it_is_done(rest: House) -> None:
    made = await rest.make(tenant="blog")
    await asyncio.gather(*(revoke(rest, made["token"]) for _ in range(5)))
    told = [one["action"] for one in await entries(rest, made["key"]["id"])]
    assert told.count("key.revoke") == 1


async def test_a_database_that_is_away_is_told(rest: House) -> None:
    made = await rest.make(tenant="blog")
    await rest.app.deciding.node.leave()
    lookup = rest.app.database.lookup
    path = lookup._path  # type: ignore[union-attr]
    lookup._path = path.with_name("nowhere.db")  # type: ignore[union-attr]
    try:
        for answer in (
            await introspect(rest, made["token"]),
            await send(rest, "/v1/revoke", urlencode({"token": made["token"]})),
        ):
            assert refusal(answer) == (503, "temporarily_unavailable")
            assert answer.headers["retry-after"] == "1"
        # Now the caller is known from memory, and the key it asks about is not.
        lookup._path = path  # type: ignore[union-attr]
        await rest.app.deciding.node.register()
        assert (await introspect(rest, mint().reveal())).content == INACTIVE
        lookup._path = path.with_name("nowhere.db")  # type: ignore[union-attr]
        answer = await introspect(rest, made["token"])
        assert refusal(answer) == (503, "temporarily_unavailable")
    finally:
        lookup._path = path  # type: ignore[union-attr]
    assert await code(rest, made["token"]) == "VALID"
