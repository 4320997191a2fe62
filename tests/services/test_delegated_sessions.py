"""Sessions that somebody makes for somebody else."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from keywright.core.audit import ActorKind, Change
from keywright.core.errors import (
    BeyondOwnRights,
    FreshLoginRequired,
    IllegalTransition,
    InvalidValue,
    KeywrightError,
    MissingField,
    NotFound,
    PermissionDenied,
    TwoFactorRequired,
)
from keywright.core.identities import Grant
from keywright.core.ids import new_id
from keywright.core.instants import EPOCH, rfc3339
from keywright.core.roles import ADMIN, LOGIN, MEMBER, MONITOR, PROJECT_ADMIN, SUPER_ADMIN
from keywright.core.sessions import LONGEST_LIFE, NEVER
from keywright.services.factors import begin_totp
from keywright.services.keys import KeyToken, NewKey, create_key, find_key
from keywright.services.sessions import (
    Confirmation,
    SessionFor,
    confirm_session,
    create_session_for,
)
from keywright.services.tenants import SettingsChanges, TenantChanges, update_tenant
from keywright.services.users import UserId, delete_user
from tests.support.facts import NOW
from tests.support.house import IDLE, LONGEST

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse"


async def root(home: House) -> Caller:
    return await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))


async def refused(
    home: House, kind: type[KeywrightError], caller: Caller, wanted: SessionFor
) -> KeywrightError:
    before = await home.count_entries()
    with pytest.raises(kind) as caught:
        await home.run(create_session_for, caller, wanted)
    assert await home.count_entries() == before
    return caught.value


async def test_somebody_is_logged_in_who_shows_nothing(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    ada = await home.person("ada", PASSWORD, Grant(MEMBER, acme.id))
    await home.person("root", PASSWORD, Grant(SUPER_ADMIN))
    caller = await home.logged_in("root", PASSWORD)
    made = await home.run(create_session_for, caller, SessionFor(id=ada.id), ip="192.0.2.7")
    session = made.session
    assert made.identity == ada
    assert (session.idle_at, session.ends_at) == (NOW + IDLE, NOW + LONGEST)
    assert (session.created_at, session.created_ip) == (NOW, "192.0.2.7")
    assert (session.proofs, session.proved_at, session.two_factor) == (("delegated",), EPOCH, False)
    assert not session.fresh(NOW)
    theirs = await home.caller(made.token.reveal())
    assert (theirs.identity, theirs.session) == (ada, session)

    entry = (await home.trail(None))[0]
    assert (entry.action, entry.target_type, entry.target_id) == ("session.create_for", "session", session.id)
    assert entry.actor.kind is ActorKind.SESSION
    assert (entry.actor.identity_id, entry.actor.session_id) == (caller.identity.id, caller.credential_id)
    assert entry.changes == {
        "identity_id": Change(None, ada.id),
        "idle_at": Change(None, rfc3339(session.idle_at)),
        "ends_at": Change(None, rfc3339(session.ends_at)),
    }


async def test_the_person_is_named_by_id_login_name_or_address(home: House) -> None:
    ada = await home.person("ada", PASSWORD)
    async with home.database.write() as transaction:
        await transaction.people.set_email(ada.id, "ada@example.com")
    caller = await root(home)
    for wanted in (SessionFor(id=ada.id), SessionFor(login=" ADA"), SessionFor(login="Ada@example.com")):
        assert (await home.run(create_session_for, caller, wanted)).identity == ada
    assert (await refused(home, MissingField, caller, SessionFor())).field == "id"
    both = SessionFor(id=ada.id, login="ada")
    assert (await refused(home, InvalidValue, caller, both)).field == "login"
    program = await home.identity(Grant(MONITOR))
    for nobody in (
        *(SessionFor(id=text) for text in ("", "ada", "\0", new_id("idn"), new_id("key"), program.id)),
        *(SessionFor(login=text) for text in ("", "nobody", "\ud800", "x" * 9_999)),
    ):
        missing = await refused(home, NotFound, caller, nobody)
        assert (missing.detail, missing.field) == ("No such user.", None)


@pytest.mark.parametrize(
    ("wanted", "idle", "longest"),
    [
        ({"idle_seconds": 1_800}, timedelta(seconds=1_800), LONGEST),
        ({"longest_seconds": 1}, timedelta(seconds=1), timedelta(seconds=1)),
        ({"idle_seconds": None}, LONGEST, LONGEST),
        ({"idle_seconds": 60, "longest_seconds": None}, timedelta(minutes=1), None),
        ({"idle_seconds": None, "longest_seconds": None}, None, None),
        ({"idle_seconds": None, "longest_seconds": 10**30}, None, None),
        ({"idle_seconds": None, "longest_seconds": 50 * 365 * 86_400}, LONGEST_LIFE, LONGEST_LIFE),
    ],
)
async def test_it_lives_as_long_as_was_said(
    home: House, wanted: dict[str, int | None], idle: timedelta | None, longest: timedelta | None
) -> None:
    await home.person("ada", PASSWORD)
    made = await home.run(create_session_for, await root(home), SessionFor(login="ada", **wanted))
    assert made.session.idle_at == (NEVER if idle is None else NOW + idle)
    assert made.session.ends_at == (NEVER if longest is None else NOW + longest)


@pytest.mark.parametrize("field", ["idle_seconds", "longest_seconds"])
@pytest.mark.parametrize("seconds", [0, -1, -(10**30)])
async def test_it_lives_for_some_time(home: House, field: str, seconds: int) -> None:
    await home.person("ada", PASSWORD)
    found = await refused(home, InvalidValue, await root(home), SessionFor(login="ada", **{field: seconds}))
    assert found.field == field


async def test_nobody_disabled_or_deleted_is_logged_in(home: House) -> None:
    off, gone = await home.person("off", PASSWORD), await home.person("gone", PASSWORD)
    caller = await root(home)
    await home.disable(off.id)
    await home.run(delete_user, caller, UserId(gone.id))
    assert "disabled" in (await refused(home, IllegalTransition, caller, SessionFor(id=off.id))).detail
    await refused(home, IllegalTransition, caller, SessionFor(login="off"))
    await refused(home, NotFound, caller, SessionFor(id=gone.id))
    await refused(home, NotFound, caller, SessionFor(login="gone"))


async def test_only_who_holds_as_much_logs_somebody_in(home: House, acme: Tenant) -> None:
    ada = await home.person("ada", PASSWORD, Grant(MEMBER, acme.id))
    boss = await home.person("boss", PASSWORD, Grant(ADMIN, acme.id))
    top = await home.person("top", PASSWORD, Grant(SUPER_ADMIN))
    manager = await home.caller(await home.key(None, await home.identity(Grant(PROJECT_ADMIN))))
    await home.run(create_session_for, manager, SessionFor(id=ada.id))
    for person, login in ((boss, "boss"), (top, "top")):
        await refused(home, BeyondOwnRights, manager, SessionFor(id=person.id))
        await refused(home, BeyondOwnRights, manager, SessionFor(login=login))
    owner = await home.identity(Grant(SUPER_ADMIN))
    scoped = await home.caller(await home.key(None, owner, scope=[(["sessions:create"], None)]))
    await refused(home, BeyondOwnRights, scoped, SessionFor(id=ada.id))


async def test_who_lacks_the_permission_learns_nothing_of_who_is_there(home: House, acme: Tenant) -> None:
    ada = await home.person("ada", PASSWORD)
    for grants in ((Grant(ADMIN, acme.id),), (Grant(MONITOR),), (Grant(LOGIN),)):
        caller = await home.caller(await home.key(None, await home.identity(*grants)))
        answers = {
            (await refused(home, PermissionDenied, caller, wanted)).detail
            for wanted in (SessionFor(id=ada.id), SessionFor(login="ada"), SessionFor(login="nobody"))
        }
        assert answers == {"This needs the permission sessions:create."}


async def test_a_session_that_makes_others_has_to_be_recent(home: House) -> None:
    ada = await home.person("ada", PASSWORD)
    await home.person("root", PASSWORD, Grant(SUPER_ADMIN))
    caller = await home.logged_in("root", PASSWORD)
    home.clock.advance(minutes=11)
    await refused(home, FreshLoginRequired, caller, SessionFor(id=ada.id))
    made = await home.run(create_session_for, await root(home), SessionFor(login="root"))
    delegated = await home.caller(made.token.reveal())
    await refused(home, FreshLoginRequired, delegated, SessionFor(id=ada.id))


async def test_it_opens_nothing_that_asks_for_more_until_the_person_confirms_it(
    home: House, acme: Tenant
) -> None:
    ada = await home.person("ada", PASSWORD, Grant(ADMIN, acme.id))
    target = await home.key(acme, ada)
    boss = await root(home)
    made = await home.run(create_session_for, boss, SessionFor(id=ada.id))
    caller = await home.caller(made.token.reveal())
    assert (await home.run(find_key, caller, KeyToken(target.token))).key == target.key
    with pytest.raises(FreshLoginRequired):
        await home.run(create_key, caller, NewKey(name="Mine"))
    with pytest.raises(FreshLoginRequired):
        await home.run(begin_totp, caller, None)
    strict = TenantChanges(slug="acme", settings=SettingsChanges(two_factor_required=True))
    await home.run(update_tenant, boss, strict)
    with pytest.raises(TwoFactorRequired):
        await home.run(find_key, caller, KeyToken(target.token))

    confirmed = await home.run(confirm_session, caller, Confirmation(PASSWORD))
    assert (confirmed.proofs, confirmed.proved_at) == (("password",), NOW)
    await home.run(begin_totp, await home.caller(made.token.reveal()), None)
