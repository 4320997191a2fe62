"""Who may come in, and who there is: read once in a request, whichever fields ask for it, and not beyond a bound."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.errors import FreshLoginRequired, InvalidValue, KeywrightError, PermissionDenied
from keywright.core.identities import Grant
from keywright.core.roles import ADMIN, SUPER_ADMIN
from keywright.dialects.cloudtower import directory, keys
from keywright.dialects.cloudtower.directory import everything
from keywright.dialects.cloudtower.errors import UNKNOWN_CREDENTIAL, code_of, message_of
from keywright.dialects.cloudtower.graphql import GraphQLDoor
from keywright.dialects.cloudtower.request import Request, entered, entry
from keywright.dialects.cloudtower.schema import build_schema
from keywright.services.users import ListUsers, list_users
from keywright.services.work import Call
from keywright.web.asking import Asking
from keywright.web.graphql.engine import Engine
from keywright.web.visit import Visit
from tests.support.facts import NOW
from tests.support.house import house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


def asked_by(home: House, tenant: Tenant, caller: Caller) -> Request:
    return Request(Asking(home.services, Call(caller=caller, tenant=tenant.slug)), tenant)


async def test_many_fields_at_once_read_it_once(home: House) -> None:
    acme = await home.tenant("acme")
    await home.person("ann", "correct horse", Grant(ADMIN, acme.id))
    await home.person("ron", "correct horse", Grant(SUPER_ADMIN))
    root = await home.logged_in("ron", "correct horse")
    request = asked_by(home, acme, root)
    before = request.asking.left
    found = await asyncio.gather(*(request.directory.people() for _ in range(50)))
    assert [[row["username"] for row in people.values()] for people in found] == [["ann", "ron"]] * 50
    # People here, roles over the installation, and the one person who is known by such a role alone.
    assert before - request.asking.left == 3


async def test_a_list_of_keys_reads_their_users_once(home: House) -> None:
    acme = await home.tenant("acme")
    owner = await home.identity(Grant(ADMIN, acme.id))
    for _ in range(20):
        await home.key(acme, owner)
    request = asked_by(home, acme, await home.admin(acme))
    before = request.asking.left
    engine = Engine(build_schema())
    operation = engine.operation("{ apiKeys { id username user { id } roles { preset users { id } } } }")
    result = await engine.run(operation, None, request)
    assert result.errors is None
    assert result.data is not None
    rows: Any = result.data["apiKeys"]
    assert len(rows) == 21
    assert {role["preset"] for row in rows for role in row["roles"]} == {"ADMIN"}
    # The keys, the people, the memberships here, and (denied) those over the installation.
    assert before - request.asking.left == 4


async def test_that_it_is_denied_is_found_out_once(home: House) -> None:
    acme = await home.tenant("acme")
    caller = await home.admin(acme, scope=[(["keys:read"], None)])
    request = asked_by(home, acme, caller)
    before = request.asking.left
    for _ in range(3):
        with pytest.raises(PermissionDenied):
            await request.directory.people()
    assert before - request.asking.left == 1
    (role,) = await request.directory.roles_of(caller.identity)
    await request.directory.fill_in_users()
    assert role["users"] is None


async def refusal(home: House, token: str | None, slug: str = "acme") -> tuple[str, str]:
    headers = [] if token is None else [(b"authorization", token.encode())]
    with pytest.raises(KeywrightError) as caught:
        await entered(Visit("the-request", None, headers), home.services, slug)
    return code_of(caught.value)[1], message_of(caught.value)


async def test_only_who_may_be_in_the_tenant_gets_in(home: House) -> None:
    acme, other = await home.tenant("acme"), await home.tenant("other")
    owner = await home.identity(Grant(ADMIN, acme.id))
    stranger = await home.identity(Grant(ADMIN, other.id))
    unknown = "Unauthorized", UNKNOWN_CREDENTIAL
    assert await refusal(home, (await home.key(other, stranger)).token) == unknown
    assert await refusal(home, (await home.key(None, stranger)).token) == unknown
    assert await refusal(home, (await home.key(acme, owner)).token, "nowhere") == unknown
    assert await refusal(home, "kw_nobody") == unknown
    assert (await refusal(home, None))[1] != UNKNOWN_CREDENTIAL
    expired = await home.key(acme, owner, expires_at=NOW)
    assert await refusal(home, expired.token) == ("Unauthorized", "The API key has expired.")
    disabled = await home.key(acme, owner, active=False)
    assert await refusal(home, disabled.token) == ("Unauthorized", "The API key is disabled.")
    good = (await home.key(acme, owner)).token
    visit = Visit("the-request", None, [(b"authorization", f"Bearer {good}".encode())])
    assert (await entered(visit, home.services, "acme")).tenant == acme


async def test_a_key_of_the_tenant_is_let_in_without_asking_anybody(home: House) -> None:
    acme = await home.tenant("acme")
    nobody: Any = None
    assert await entry(Call(caller=await home.admin(acme)), nobody, "acme") == acme


async def test_a_key_is_made_with_a_login_that_is_not_long_ago(home: House) -> None:
    acme = await home.tenant("acme")
    await home.person("ann", "correct horse", Grant(ADMIN, acme.id))
    caller = await home.logged_in("ann", "correct horse")
    row = await keys.create(asked_by(home, acme, caller), {"name": "In time"})
    assert row["token"].reveal() not in repr(row)
    home.clock.advance(minutes=11)
    with pytest.raises(FreshLoginRequired):
        await keys.create(asked_by(home, acme, caller), {"name": "Late"})


async def test_a_list_has_a_bound_and_the_first_of_it_does_not(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "MAX_LISTED", 2)
    monkeypatch.setattr(directory, "MAX_PAGE", 1)
    acme = await home.tenant("acme")
    for number in range(3):
        await home.person(f"person-{number}", "correct horse", Grant(ADMIN, acme.id))
    request = asked_by(home, acme, await home.admin(acme))

    async def read(most: int | None) -> int:
        found = await everything(
            request.asking, list_users, lambda size, cursor: ListUsers(limit=size, cursor=cursor), most=most
        )
        return len(found)

    assert [await read(most) for most in (0, 1, 2)] == [0, 1, 2]
    with pytest.raises(InvalidValue, match="more than 2"):
        await read(None)


async def test_a_defect_says_nothing_of_the_inside(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("a secret of the inside")

    acme = await home.tenant("acme")
    monkeypatch.setattr("keywright.dialects.cloudtower.keys.one", broken)
    engine = Engine(build_schema())
    operation = engine.operation('{ apiKey(where: { id: "x" }) { id } }')
    result = await engine.run(operation, None, asked_by(home, acme, await home.admin(acme)))
    assert result.errors is not None
    shown = GraphQLDoor.shown(result)
    assert shown["errors"][0]["extensions"] == {"code": "InternalServerError", "status": 500}
    assert "inside" in shown["errors"][0]["message"]
    assert "a secret" not in str(shown)
