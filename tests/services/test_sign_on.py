"""Logging in through an identity provider, from the first step to the roles that somebody then holds."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import update

from keywright.core.audit import SYSTEM
from keywright.core.errors import (
    InvalidValue,
    KeywrightError,
    NotFound,
    SignOnFailed,
    SignOnUnavailable,
    TooManyAttempts,
    Unauthenticated,
    Unavailable,
)
from keywright.core.identities import Grant, IdentityKind
from keywright.core.roles import (
    ADMIN,
    MEMBER,
    MONITOR,
    READ_ONLY,
    SUPER_ADMIN,
    PolicyTemplate,
    Role,
    Variable,
)
from keywright.core.sign_on import RoleRule
from keywright.core.tokens import FLOW_PREFIX, Form, digest, form_of, mint
from keywright.services.sign_on import Answer
from keywright.services.throttle import FREE_FROM_ADDRESS
from keywright.storage import schema
from tests.services.sign_on import IP, PUBLIC, answer_of, logged_in, sign_on
from tests.support.provider import TOKEN, IdentityProvider, Reply, identity_provider, signing_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keywright.core.identities import Identity, Membership, Tenant
    from keywright.services.sign_on import SignOn
    from keywright.storage.people import Person
    from tests.support.house import House

pytestmark = pytest.mark.anyio


@pytest.fixture
def idp() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


async def memberships(home: House, identity: Identity) -> set[tuple[str, str | None, bool]]:
    return {(one.grant.role, one.grant.tenant_id, one.by_sign_on) for one in await held(home, identity)}


async def held(home: House, identity: Identity) -> tuple[Membership, ...]:
    async with home.database.read() as transaction:
        return await transaction.all_memberships.of(identity.id)


async def person(home: House, login: str) -> Person | None:
    async with home.database.read() as transaction:
        return await transaction.people.by_login(login)


async def refused(service: SignOn, answer: Answer, **where: Any) -> KeywrightError:
    with pytest.raises(KeywrightError) as caught:
        await service.finish(answer, **{"ip": IP, "request_id": None, **where})
    return caught.value


def events(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [
        one.msg for one in caplog.records if one.name == "keywright.sign_on" and isinstance(one.msg, dict)
    ]


# From beginning to end


async def test_a_stranger_is_made_and_logged_in(home: House, idp: IdentityProvider) -> None:
    service = sign_on(home, idp)
    made = await logged_in(service, idp)
    found = await person(home, "ada")
    assert found is not None
    assert (found.identity, found.password_hash, found.email) == (made.identity, None, "ada@example.com")
    assert (made.identity.kind, made.identity.name) == (IdentityKind.USER, "Ada Lovelace")
    assert (made.session.proofs, made.session.two_factor, made.session.created_ip) == (
        ("sign_on",),
        False,
        IP,
    )
    caller = await home.caller(made.token.reveal())
    assert (caller.identity, caller.grants) == (made.identity, ())

    session, changed = await home.trail(None)
    assert (session.action, session.target_id, session.request_id) == (
        "session.create",
        made.session.id,
        "r" * 32,
    )
    assert (changed.action, changed.target_type, changed.target_id) == (
        "user.sign_on",
        "identity",
        made.identity.id,
    )
    assert (changed.actor, changed.tenant_id, changed.ip, changed.request_id) == (SYSTEM, None, IP, "r" * 32)
    assert {name: change.after for name, change in changed.changes.items()} == {
        "name": "Ada Lovelace",
        "login": "ada",
        "email": "ada@example.com",
        "external_identity": idp.issuer,
    }
    assert home.metric('keywright_logins_total{outcome="ok"}') == 1
    await service.close()


async def test_who_comes_again_is_the_same_and_changes_nothing(home: House, idp: IdentityProvider) -> None:
    service = sign_on(home, idp)
    first = await logged_in(service, idp)
    idp.person |= {"preferred_username": "countess", "name": "Another", "email": "other@example.com"}
    second = await logged_in(service, idp)
    assert second.identity == first.identity
    assert second.token.reveal() != first.token.reveal()
    assert [entry.action for entry in await home.trail(None)] == [
        "session.create",
        "session.create",
        "user.sign_on",
    ]
    await service.close()


@pytest.mark.parametrize(
    ("methods", "proofs", "two_factor"),
    [(["pwd"], ("sign_on",), False), (["pwd", "otp"], ("sign_on_mfa",), True)],
)
async def test_what_the_provider_asked_for_counts(
    home: House, idp: IdentityProvider, methods: list[str], proofs: tuple[str, ...], two_factor: bool
) -> None:
    idp.person["amr"] = methods
    service = sign_on(home, idp)
    session = (await logged_in(service, idp)).session
    assert session.proofs == proofs
    assert session.two_factor is two_factor
    await service.close()


async def test_letter_case_of_a_subject_counts(home: House, idp: IdentityProvider) -> None:
    service = sign_on(home, idp)
    first = await logged_in(service, idp)
    idp.person["sub"] = "ADA-1"
    assert (await logged_in(service, idp)).identity != first.identity
    await service.close()


# Beginning


async def test_what_a_starter_is_given(home: House, idp: IdentityProvider) -> None:
    service = sign_on(home, idp)
    begun = await service.start("http://127.0.0.1:5123/callback", ip=IP)
    flow = begun.flow.reveal()
    assert form_of(flow) is Form.CHECKED
    assert flow.startswith(f"{FLOW_PREFIX}_")
    assert (begun.expires_at - home.clock.now()).total_seconds() == 600
    query = parse_qs(urlsplit(begun.authorization_url).query)
    assert query["redirect_uri"] == ["http://127.0.0.1:5123/callback"]
    assert flow not in begun.authorization_url
    assert flow not in repr(begun)
    assert query["state"][0] not in repr(begun)
    async with home.database.reader.begin() as connection:
        (row,) = (await connection.execute(schema.challenge.select())).mappings().all()
    assert (row["purpose"], row["identity_id"], row["id"]) == ("sign_on", None, digest(flow).hex())
    assert json.loads(row["payload"]) == {"redirect_uri": "http://127.0.0.1:5123/callback"}
    back = idp.log_in(begun.authorization_url)
    made = await service.finish(Answer(flow, back["state"], back["code"]), ip=None, request_id=None)
    assert made.identity.name == "Ada Lovelace"
    await service.close()


async def test_people_come_back_to_keywright_unless_asked_otherwise(
    home: House, idp: IdentityProvider
) -> None:
    service = sign_on(home, idp)
    begun = await service.start(None, ip=IP)
    assert idp.visit(begun.authorization_url).startswith(f"{PUBLIC}/sign-on/callback?code=")
    with pytest.raises(InvalidValue):
        await service.start("https://evil.example/", ip=IP)
    await service.close()


async def test_nothing_is_begun_with_a_provider_that_is_away(home: House, idp: IdentityProvider) -> None:
    idp.discovery = {"issuer": "https://evil.example"}
    service = sign_on(home, idp)
    with pytest.raises(SignOnUnavailable):
        await service.start(None, ip=IP)
    async with home.database.reader.begin() as connection:
        assert (await connection.execute(schema.challenge.select())).first() is None
    await service.close()


async def test_who_begins_again_and_again_has_to_wait(home: House, idp: IdentityProvider) -> None:
    service = sign_on(home, idp)
    for _ in range(100):
        await service.start(None, ip=IP)
    with pytest.raises(TooManyAttempts):
        await service.start(None, ip=IP)
    await service.start(None, ip="192.0.2.8")
    home.clock.advance(seconds=300)
    await logged_in(service, idp)
    for _ in range(100):
        await service.start(None, ip=IP)
    await service.close()


# Ending


async def test_a_flow_ends_once(home: House, idp: IdentityProvider) -> None:
    service = sign_on(home, idp)
    answer = await answer_of(service, idp)
    await service.finish(answer, ip=IP, request_id=None)
    again = await refused(service, answer)
    assert isinstance(again, SignOnFailed)
    assert again.detail == "This sign-on was not begun here, or has ended. Begin anew."
    fresh = await answer_of(service, idp)
    assert (await refused(service, replace(answer, code=fresh.code))).detail == again.detail
    assert home.metric('keywright_logins_total{outcome="sign_on_failed"}') == 2
    await service.close()


async def test_of_many_who_end_a_flow_at_once_one_does(home: House, idp: IdentityProvider) -> None:
    service = sign_on(home, idp)
    answer = await answer_of(service, idp)
    ends = await asyncio.gather(
        *(service.finish(answer, ip=None, request_id=None) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(one, SignOnFailed) for one in ends) == 4
    await service.close()


async def test_a_flow_ends_within_ten_minutes(home: House, idp: IdentityProvider) -> None:
    service = sign_on(home, idp)
    late, in_time = await answer_of(service, idp), await answer_of(service, idp)
    home.clock.advance(seconds=599.999)
    assert (await service.finish(in_time, ip=IP, request_id=None)).identity.name == "Ada Lovelace"
    home.clock.advance(seconds=0.001)
    assert isinstance(await refused(service, late), SignOnFailed)
    await service.close()


async def test_an_answer_ends_only_the_flow_that_it_belongs_to(home: House, idp: IdentityProvider) -> None:
    """Nobody can be logged in as somebody else by an answer slipped to them, nor with a flow begun elsewhere."""
    service = sign_on(home, idp)
    mine, theirs = await answer_of(service, idp), await answer_of(service, idp)
    mixed = [
        replace(mine, state=theirs.state, code=theirs.code),
        replace(theirs, state=mine.state),
        replace(await answer_of(service, idp), code=theirs.code),
    ]
    for one in mixed:
        assert isinstance(await refused(service, one, ip=None), SignOnFailed)
    assert await person(home, "ada") is None
    await service.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"flow": ""},
        {"flow": "kwf_0123456789"},
        {"flow": "\ud800"},
        {"flow": "x" * 100_000},
        {"state": ""},
        {"state": "\ud800"},
        {"code": ""},
        {"code": "a\nb"},
        {"code": "x" * 5_000},
    ],
    ids=range(9),
)
async def test_what_ends_no_flow(home: House, idp: IdentityProvider, changes: dict[str, str]) -> None:
    service = sign_on(home, idp)
    answer = replace(await answer_of(service, idp), **changes)
    failed = await refused(service, answer)
    assert isinstance(failed, SignOnFailed)
    assert failed.detail == "This sign-on was not begun here, or has ended. Begin anew."
    assert idp.count(TOKEN) == 0
    assert repr(answer) == "Answer(…)"
    await service.close()


async def test_a_flow_of_the_right_form_that_nobody_was_given(home: House, idp: IdentityProvider) -> None:
    service = sign_on(home, idp)
    answer = replace(await answer_of(service, idp), flow=mint(FLOW_PREFIX).reveal())
    assert isinstance(await refused(service, answer), SignOnFailed)
    await service.close()


async def test_a_flow_opens_nothing_else(home: House, idp: IdentityProvider) -> None:
    service = sign_on(home, idp)
    begun = await service.start(None, ip=IP)
    with pytest.raises(Unauthenticated):
        await home.caller(begun.flow.reveal())
    await service.close()


async def test_who_fails_again_and_again_has_to_wait(home: House, idp: IdentityProvider) -> None:
    service = sign_on(home, idp)
    good = await answer_of(service, idp)
    for number in range(FREE_FROM_ADDRESS):
        assert isinstance(await refused(service, replace(good, flow=f"guess {number}")), SignOnFailed)
    held_back = await refused(service, good)
    assert isinstance(held_back, TooManyAttempts)
    with pytest.raises(TooManyAttempts):
        await service.start(None, ip=IP)
    assert home.metric('keywright_logins_total{outcome="too_many_attempts"}') == 1
    home.clock.advance(seconds=1)
    await service.finish(good, ip=IP, request_id=None)
    await service.close()


async def test_a_provider_that_is_away_is_nobodys_failure(home: House, idp: IdentityProvider) -> None:
    service = sign_on(home, idp)
    for _ in range(6):
        answer = await answer_of(service, idp)
        idp.replies = {TOKEN: Reply.of({}, 502)}
        assert isinstance(await refused(service, answer), SignOnUnavailable)
        idp.replies = {}
    assert (await logged_in(service, idp)).identity.name == "Ada Lovelace"
    await service.close()


@pytest.mark.parametrize("how", ["wrong key", "wrong audience", "no token", "refused code", "away"])
async def test_a_refused_answer_leaves_nothing(home: House, idp: IdentityProvider, how: str) -> None:
    service = sign_on(home, idp, roles=(RoleRule("staff", MONITOR),))
    idp.person["groups"] = ["staff"]
    answer = await answer_of(service, idp)
    match how:
        case "wrong key":
            idp.key = signing_key("second")
        case "wrong audience":
            idp.claims = {"aud": "other"}
        case "no token":
            idp.token = {"id_token": None}
        case "refused code":
            idp.codes.clear()
        case _:
            idp.replies = {TOKEN: Reply(b"{")}
    await refused(service, answer)
    assert await person(home, "ada") is None
    assert await home.count_entries() == 0
    async with home.database.reader.begin() as connection:
        for table in (schema.external_identity, schema.session, schema.membership):
            assert (await connection.execute(table.select())).first() is None
    await service.close()


# Whose account it is


async def test_a_stranger_is_refused_where_none_are_made(
    home: House, idp: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    service = sign_on(home, idp, create_users=False)
    failed = await refused(service, await answer_of(service, idp))
    assert (type(failed), failed.detail) == (SignOnFailed, "This account may not log in here.")
    assert events(caplog)[-1]["reason"] == "nobody has this account, and none is made"
    assert await person(home, "ada") is None
    await service.close()


@pytest.mark.parametrize("how", ["disabled", "deleted"])
async def test_who_is_disabled_or_deleted_is_refused_like_a_stranger(
    home: House, idp: IdentityProvider, how: str
) -> None:
    service = sign_on(home, idp, roles=(RoleRule("staff", MONITOR),))
    made = await logged_in(service, idp)
    if how == "disabled":
        await home.disable(made.identity.id)
    else:
        async with home.database.write() as transaction:
            await transaction.identities.delete(made.identity.id, home.clock.now())
    idp.person["groups"] = ["staff"]
    entries = await home.count_entries()
    failed = await refused(service, await answer_of(service, idp))
    assert (type(failed), failed.detail) == (SignOnFailed, "This account may not log in here.")
    assert await home.count_entries() == entries
    assert await memberships(home, made.identity) == set()
    await service.close()


async def test_login_names_and_addresses_that_are_taken(home: House, idp: IdentityProvider) -> None:
    service = sign_on(home, idp)
    await home.person("ada", "correct horse")
    await home.person("ada-2", "correct horse")
    mine = await home.person("berta", "correct horse")
    async with home.database.write() as transaction:
        await transaction.people.set_email(mine.id, "ada@example.com")
    made = await logged_in(service, idp)
    found = await person(home, "ada-3")
    assert found is not None
    assert (found.identity, found.email) == (made.identity, None)
    await service.close()


async def test_a_long_login_name_makes_room_for_its_number(home: House, idp: IdentityProvider) -> None:
    service = sign_on(home, idp)
    await home.person("x" * 100, "correct horse")
    idp.person["preferred_username"] = "x" * 100
    made = await logged_in(service, idp)
    found = await person(home, "x" * 98 + "-2")
    assert found is not None
    assert found.identity == made.identity
    await service.close()


async def with_address(home: House, login: str, email: str) -> Identity:
    identity = await home.person(login, "correct horse")
    async with home.database.write() as transaction:
        await transaction.people.set_email(identity.id, email)
    return identity


async def test_a_verified_address_links_where_that_is_allowed(home: House, idp: IdentityProvider) -> None:
    berta = await with_address(home, "berta", "ada@example.com")
    service = sign_on(home, idp, link_by_email=True, create_users=False)
    made = await logged_in(service, idp)
    assert made.identity == berta
    entry = (await home.trail(None))[1]
    assert {name: change.after for name, change in entry.changes.items()} == {"external_identity": idp.issuer}
    found = await person(home, "berta")
    assert found is not None
    assert found.password_hash is not None
    await service.close()
    # From now on it is the subject that counts.
    later = sign_on(home, idp, create_users=False)
    idp.person["email"] = "elsewhere@example.com"
    assert (await logged_in(later, idp)).identity == berta
    await later.close()


@pytest.mark.parametrize("changes", [{"email_verified": False}, {"email_verified": "true"}, {"email": None}])
async def test_an_address_that_is_not_verified_links_nobody(
    home: House, idp: IdentityProvider, changes: dict[str, Any]
) -> None:
    berta = await with_address(home, "berta", "ada@example.com")
    idp.claims = changes
    service = sign_on(home, idp, link_by_email=True)
    assert (await logged_in(service, idp)).identity != berta
    await service.close()


async def test_an_address_links_nobody_where_that_is_not_allowed(home: House, idp: IdentityProvider) -> None:
    berta = await with_address(home, "berta", "ada@example.com")
    service = sign_on(home, idp)
    assert (await logged_in(service, idp)).identity != berta
    await service.close()


async def test_an_address_that_was_given_to_another_account_links_nobody(
    home: House, idp: IdentityProvider
) -> None:
    berta = await with_address(home, "berta", "ada@example.com")
    service = sign_on(home, idp, link_by_email=True)
    assert (await logged_in(service, idp)).identity == berta
    idp.person["sub"] = "somebody-new"
    newcomer = (await logged_in(service, idp)).identity
    assert newcomer != berta
    assert (await logged_in(service, idp)).identity == newcomer
    await service.close()


async def test_an_unknown_address_links_nobody(home: House, idp: IdentityProvider) -> None:
    service = sign_on(home, idp, link_by_email=True)
    assert (await logged_in(service, idp)).identity.name == "Ada Lovelace"
    await service.close()


async def test_who_is_disabled_is_linked_to_nothing(home: House, idp: IdentityProvider) -> None:
    berta = await with_address(home, "berta", "ada@example.com")
    await home.disable(berta.id)
    service = sign_on(home, idp, link_by_email=True)
    assert isinstance(await refused(service, await answer_of(service, idp)), SignOnFailed)
    async with home.database.reader.begin() as connection:
        assert (await connection.execute(schema.external_identity.select())).first() is None
    await service.close()


# Roles by groups


@pytest.fixture
async def blog(home: House) -> Tenant:
    """A tenant that defines a role with a variable."""
    tenant = await home.tenant("blog")
    await home.role(tenant, EDITOR)
    return tenant


EDITOR = Role(
    "editor",
    "Writes in given languages",
    (Variable("language"),),
    (PolicyTemplate.of(["article:*"], ["article:${language}:**"]),),
)
RULES = (
    RoleRule("staff", MEMBER, "blog"),
    RoleRule("watchers", MONITOR),
    RoleRule("czech", "editor", "blog", (("language", ("cs",)),)),
    RoleRule("english", "editor", "blog", (("language", ("en",)),)),
)


async def test_groups_give_roles_and_take_them_again(each_home: House, idp: IdentityProvider) -> None:
    home = each_home
    tenant = await home.tenant("blog")
    await home.role(tenant, EDITOR)
    service = sign_on(home, idp, roles=RULES)
    idp.person["groups"] = ["staff", "czech", "unheard-of"]
    made = await logged_in(service, idp)
    assert await memberships(home, made.identity) == {
        (MEMBER, tenant.id, True),
        ("editor", tenant.id, True),
    }
    caller = await home.caller(made.token.reveal())
    assert caller.may(tenant.id, "article:read", "article:cs:1")
    assert not caller.may(tenant.id, "article:read", "article:en:1")

    idp.person["groups"] = ["czech", "english", "watchers"]
    await logged_in(service, idp)
    entry = (await home.trail(None))[1]
    assert (entry.action, list(entry.changes)) == ("user.sign_on", ["memberships"])
    czech = {"tenant_id": tenant.id, "role": "editor", "variables": {"language": ["cs"]}}
    change = entry.changes["memberships"]
    assert change.before == [{"tenant_id": tenant.id, "role": MEMBER, "variables": {}}, czech]
    assert change.after == [
        {**czech, "variables": {"language": ["cs", "en"]}},
        {"tenant_id": None, "role": MONITOR, "variables": {}},
    ]
    caller = await home.caller(made.token.reveal())
    assert caller.may(tenant.id, "article:read", "article:en:1")
    assert caller.may(None, "tenants:read")

    entries = await home.count_entries()
    await logged_in(service, idp)
    assert await home.count_entries() == entries + 1

    del idp.person["groups"]
    await logged_in(service, idp)
    assert await held(home, made.identity) == ()
    await service.close()


async def test_roles_that_were_given_by_hand_stay(home: House, idp: IdentityProvider, blog: Tenant) -> None:
    service = sign_on(home, idp, roles=RULES)
    made = await logged_in(service, idp)
    await home.give(blog, made.identity, MEMBER)
    await home.give(blog, made.identity, READ_ONLY)
    by_hand = {(MEMBER, blog.id, False), (READ_ONLY, blog.id, False)}
    idp.person["groups"] = ["staff"]
    await logged_in(service, idp)
    assert await memberships(home, made.identity) == by_hand
    idp.person["groups"] = []
    await logged_in(service, idp)
    assert await memberships(home, made.identity) == by_hand
    await service.close()


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (RoleRule("staff", MEMBER, "nowhere"), "there is no such tenant"),
        (RoleRule("staff", "unheard-of", "blog"), "there is no such role"),
        (RoleRule("staff", "editor"), "there is no such role"),
        (RoleRule("staff", MEMBER), "there is no such role"),
        (RoleRule("staff", "editor", "blog"), "the role's variables are others, or have too many values"),
        (
            RoleRule("staff", MEMBER, "blog", (("language", ("cs",)),)),
            "the role's variables are others, or have too many values",
        ),
        (
            RoleRule("staff", "editor", "blog", (("language", tuple(f"l{one}" for one in range(2001))),)),
            "the role's variables are others, or have too many values",
        ),
    ],
    ids=range(7),
)
async def test_a_role_that_is_not_there_is_skipped(
    home: House,
    idp: IdentityProvider,
    blog: Tenant,
    caplog: pytest.LogCaptureFixture,
    rule: RoleRule,
    reason: str,
) -> None:
    service = sign_on(home, idp, roles=(rule, RoleRule("staff", READ_ONLY, "blog")))
    idp.person["groups"] = ["staff"]
    made = await logged_in(service, idp)
    assert await memberships(home, made.identity) == {(READ_ONLY, blog.id, True)}
    (skipped,) = [one for one in events(caplog) if one["event"] == "mapped_role_skipped"]
    assert (skipped["role"], skipped["tenant"], skipped["reason"]) == (rule.role, rule.tenant, reason)
    await service.close()


async def test_the_last_administrator_keeps_the_role(
    home: House, idp: IdentityProvider, blog: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    rules = (RoleRule("chiefs", ADMIN, "blog"), RoleRule("chiefs", SUPER_ADMIN), RoleRule("chiefs", MONITOR))
    service = sign_on(home, idp, roles=rules)
    idp.person["groups"] = ["chiefs"]
    made = await logged_in(service, idp)
    idp.person["groups"] = []
    await logged_in(service, idp)
    kept = {(ADMIN, blog.id, True), (SUPER_ADMIN, None, True)}
    assert await memberships(home, made.identity) == kept
    warned = [one["tenant"] for one in events(caplog) if one["event"] == "last_administrator_kept"]
    assert sorted(warned, key=str) == [None, blog.id]

    # A service account administers a tenant too; the installation needs a person.
    await home.identity(Grant(ADMIN, blog.id), Grant(SUPER_ADMIN))
    await logged_in(service, idp)
    assert await memberships(home, made.identity) == {(SUPER_ADMIN, None, True)}
    await home.person("root", "correct horse", Grant(SUPER_ADMIN))
    await logged_in(service, idp)
    assert await memberships(home, made.identity) == set()
    await service.close()


# Others at the same moment


async def test_two_first_logins_at_once_make_one_person(each_home: House, idp: IdentityProvider) -> None:
    home = each_home
    service = sign_on(home, idp, roles=(RoleRule("watchers", MONITOR),))
    idp.person["groups"] = ["watchers"]
    answers = [await answer_of(service, idp) for _ in range(4)]
    made = await asyncio.gather(*(service.finish(one, ip=IP, request_id=None) for one in answers))
    assert len({one.identity.id for one in made}) == 1
    actions = [entry.action for entry in await home.trail(None)]
    assert (actions.count("session.create"), actions.count("user.sign_on")) == (4, 1)
    assert await memberships(home, made[0].identity) == {(MONITOR, None, True)}
    await service.close()


async def test_two_logins_at_once_do_not_get_in_each_others_way(
    each_home: House, idp: IdentityProvider
) -> None:
    home = each_home
    service = sign_on(home, idp, roles=(RoleRule("watchers", MONITOR),))
    made = await logged_in(service, idp)
    idp.person["groups"] = ["watchers"]
    answers = [await answer_of(service, idp) for _ in range(4)]
    await asyncio.gather(*(service.finish(one, ip=IP, request_id=None) for one in answers))
    assert await memberships(home, made.identity) == {(MONITOR, None, True)}
    await service.close()


async def test_a_login_name_that_is_taken_and_not_to_be_seen_is_given_up(
    home: House, idp: IdentityProvider
) -> None:
    """As when others take each name a moment before: after some attempts the person is asked to try again."""
    gone = await home.person("ada", "correct horse")
    async with home.database.writer.begin() as connection:
        query = update(schema.identity).where(schema.identity.c.id == gone.id)
        await connection.execute(query.values(deleted_at=home.clock.now()))
    service = sign_on(home, idp)
    failed = await refused(service, await answer_of(service, idp))
    assert type(failed) is Unavailable
    assert await home.count_entries() == 0
    await service.close()


async def test_whether_there_is_single_sign_on_is_known(home: House) -> None:
    assert not home.services.offers_sign_on
    with pytest.raises(NotFound):
        _ = home.services.sign_on
