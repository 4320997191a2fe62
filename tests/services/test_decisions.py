"""Decisions for callers: who may ask, about which tenants, and what they are shown."""

from __future__ import annotations

import hashlib
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core import errors
from keywright.core.decision import Code, Decision
from keywright.core.errors import KeywrightError
from keywright.core.identities import Grant
from keywright.core.roles import ADMIN, SUPER_ADMIN
from keywright.core.tokens import mint
from keywright.services.decisions import Question
from tests.support.facts import NOW, used

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House, Made, Scope

pytestmark = pytest.mark.anyio

VERIFY: Scope = [(["keys:verify"], None)]


async def ask(home: House, caller: Caller, named: str | None = None, /, **question: Any) -> Decision:
    asker = await home.decisions.enter(caller, named)
    return await home.decisions.answer(asker, Question(**question))


async def refused(
    home: House, caller: Caller, named: str | None = None, /, **question: Any
) -> KeywrightError:
    with pytest.raises(KeywrightError) as caught:
        await ask(home, caller, named, **question)
    return caught.value


async def a_key(home: House, tenant: Tenant | None, *, scope: Scope | None = None, **fields: Any) -> Made:
    grant = Grant(SUPER_ADMIN) if tenant is None else Grant(ADMIN, tenant.id)
    return await home.key(tenant, await home.identity(grant), scope=scope, **fields)


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def test_a_question_does_not_show_its_token() -> None:
    token = mint().reveal()
    assert token not in repr(Question(token=token))
    assert hashed(token) not in repr(Question(token_hash=hashed(token)))


async def test_a_token_is_asked_about_itself_or_by_its_hash(home: House, acme: Tenant) -> None:
    caller = await home.admin(acme, scope=VERIFY)
    made = await a_key(home, acme)
    for question in ({"token": made.token}, {"token_hash": hashed(made.token)}):
        decision = await ask(home, caller, **question)
        assert decision.facts is not None
        assert (decision.code, decision.facts.key, decision.tenant) == (Code.VALID, used(made.key), acme)


async def test_everything_asked_is_judged(home: House, acme: Tenant, admin: Caller) -> None:
    made = await a_key(
        home, acme, scope=[(["article:read"], ["article:1"])], allowed_cidrs=(ip_network("10.0.0.0/8"),)
    )
    fine = {"token": made.token, "action": "article:read", "resource": "article:1", "ip": "10.1.2.3"}
    assert (await ask(home, admin, **fine, tenant="acme")).valid
    assert (await ask(home, admin, **{**fine, "ip": "::ffff:10.1.2.3"})).valid
    assert (await ask(home, admin, **{**fine, "ip": "192.0.2.7"})).code is Code.IP_NOT_ALLOWED
    assert (await ask(home, admin, **{**fine, "ip": None})).code is Code.IP_NOT_ALLOWED
    assert (await ask(home, admin, **{**fine, "resource": "article:2"})).code is Code.INSUFFICIENT_PERMISSIONS
    assert (await ask(home, admin, **fine, tenant="nowhere")).code is Code.TENANT_MISMATCH


@pytest.mark.parametrize(
    ("question", "error", "field"),
    [
        ({}, errors.MissingField, "token"),
        ({"token": "x", "token_hash": "0" * 64}, errors.InvalidValue, "token_hash"),
        ({"token_hash": "0" * 63}, errors.InvalidTokenHash, "token_hash"),
        ({"token_hash": "A" * 64}, errors.InvalidTokenHash, "token_hash"),
        ({"token": "x", "resource": "a"}, errors.MissingField, "action"),
        ({"token": "x", "action": "a:*"}, errors.InvalidValue, "action"),
        ({"token": "x", "action": "a", "resource": "a b"}, errors.InvalidValue, "resource"),
        ({"token": "x", "ip": "localhost"}, errors.InvalidValue, "ip"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_by_its_field(
    home: House, admin: Caller, question: dict[str, Any], error: type[KeywrightError], field: str
) -> None:
    refusal = await refused(home, admin, **question)
    assert (type(refusal), refusal.field) == (error, field)
    asker = await home.decisions.enter(admin, None)
    with pytest.raises(error) as caught:
        await home.decisions.answer(asker, Question(**question), "items.3.")
    assert caught.value.field == f"items.3.{field}"


# Who may ask


async def test_the_permission_to_verify_is_needed(home: House, acme: Tenant) -> None:
    for caller in (
        await home.admin(acme, scope=[(["keys:read"], None)]),
        await home.admin(acme, scope=[(["keys:verify"], ["key:1"])]),
        await home.caller(await home.key(acme, await home.identity())),
    ):
        for named in (None, "acme"):
            refusal = await refused(home, caller, named, token="x")
            assert (type(refusal), refusal.detail) == (
                errors.PermissionDenied,
                "This needs the permission keys:verify.",
            )


async def test_who_belongs_to_several_tenants_names_one(home: House, acme: Tenant) -> None:
    other = await home.tenant("other")
    caller = await home.caller(
        await home.key(None, await home.identity(Grant(ADMIN, acme.id), Grant(ADMIN, other.id)))
    )
    made, theirs = await a_key(home, acme), await a_key(home, other)
    assert isinstance(await refused(home, caller, token=made.token), errors.TenantRequired)
    assert (await ask(home, caller, "acme", token=made.token)).valid
    assert (await ask(home, caller, "acme", token=made.token, tenant="acme")).valid
    found = await ask(home, caller, "acme", token=theirs.token)
    assert (found.code, found.tenant) == (Code.TENANT_MISMATCH, other)


async def test_who_belongs_to_one_tenant_asks_there(home: House, acme: Tenant) -> None:
    await home.person("anna", "correct horse", Grant(ADMIN, acme.id))
    caller = await home.logged_in("anna", "correct horse")
    assert (await ask(home, caller, token=(await a_key(home, acme)).token)).valid
    theirs = await a_key(home, await home.tenant("other"))
    assert (await ask(home, caller, token=theirs.token)).code is Code.NOT_FOUND


async def test_who_runs_the_installation_asks_about_every_tenant(home: House, acme: Tenant) -> None:
    other = await home.tenant("other")
    root = await home.caller(await a_key(home, None))
    made, theirs, top = await a_key(home, acme), await a_key(home, other), await a_key(home, None)
    for one in (made, theirs, top):
        assert (await ask(home, root, token=one.token)).valid
    assert (await ask(home, root, token=made.token, tenant="acme")).valid
    assert (await ask(home, root, token=made.token, tenant="other")).code is Code.TENANT_MISMATCH
    assert (await ask(home, root, "other", token=made.token)).code is Code.TENANT_MISMATCH
    decision = await ask(home, root, token=top.token, tenant="acme")
    assert (decision.code, decision.tenant) == (Code.VALID, acme)
    assert (await ask(home, root, token=top.token, tenant="nowhere")).code is Code.TENANT_MISMATCH


async def test_a_star_names_the_installation(home: House, acme: Tenant) -> None:
    made = await a_key(home, acme)
    root = await home.caller(await a_key(home, None))
    assert (await ask(home, root, "*", token=made.token)).valid
    member = await home.caller(await home.key(None, await home.identity(Grant(ADMIN, acme.id))))
    assert (await ask(home, member, token=made.token)).valid
    assert isinstance(await refused(home, member, "*", token=made.token), errors.PermissionDenied)
    assert isinstance(await refused(home, await home.admin(acme), "*", token=made.token), errors.NotFound)


@pytest.mark.parametrize("named", ["other", "nowhere", "", "\0", "\ud800"])
async def test_a_call_cannot_enter_another_tenant(each_home: House, named: str) -> None:
    home = each_home
    acme = await home.tenant("acme")
    await home.tenant("other")
    await home.person("anna", "correct horse", Grant(ADMIN, acme.id))
    for caller in (await home.admin(acme), await home.logged_in("anna", "correct horse")):
        refusal = await refused(home, caller, named, token="x")
        assert (type(refusal), refusal.detail, refusal.field) == (
            errors.NotFound,
            "No such tenant.",
            "tenant",
        )


# What others may not see


STRANGE = ["other", "nowhere", "", "\0", "\ud800", "OTHER"]


async def test_a_key_of_another_tenant_is_answered_like_one_that_is_nowhere(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin = await home.admin(acme)
    own = await a_key(home, acme)
    foreign = [
        await a_key(home, other),
        await a_key(home, other, active=False),
        await a_key(home, other, expires_at=NOW),
    ]
    nowhere = mint().reveal()
    for explain in (False, True):
        for tenant in (None, "acme", *STRANGE):
            expected = await ask(home, admin, token=nowhere, tenant=tenant, explain=explain)
            assert expected.code is Code.NOT_FOUND
            for one in foreign:
                for question in ({"token": one.token}, {"token_hash": hashed(one.token)}):
                    found = await ask(home, admin, **question, tenant=tenant, explain=explain)
                    assert found == expected
    for tenant in STRANGE:
        decision = await ask(home, admin, token=own.token, tenant=tenant)
        assert (decision.code, decision.tenant) == (Code.TENANT_MISMATCH, acme)
    used = {use.key_id for use in home.uses.take()}
    assert used.isdisjoint({one.id for one in foreign})


async def test_a_global_key_tells_nothing_about_other_tenants(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    closed = await home.tenant("closed", active=False)
    admin = await home.admin(acme)
    top = await a_key(home, None)
    home.uses.take()
    decision = await ask(home, admin, token=top.token)
    assert (decision.code, decision.tenant) == (Code.VALID, acme)
    assert [use.key_id for use in home.uses.take()] == [top.id]
    expected = await ask(home, admin, token=top.token, tenant="nowhere")
    assert (expected.code, expected.tenant) == (Code.TENANT_MISMATCH, None)
    for tenant in (other.slug, closed.slug, "", "\0", "\ud800"):
        assert await ask(home, admin, token=top.token, tenant=tenant) == expected
    (noted,) = [one.use() for one in home.uses.take()]
    assert (noted.at_us, [code for _, code, _ in noted.counts]) == (None, ["TENANT_MISMATCH"])


async def test_whoever_entered_one_of_several_tenants_stays_with_it(home: House, acme: Tenant) -> None:
    other = await home.tenant("other")
    caller = await home.caller(
        await home.key(None, await home.identity(Grant(ADMIN, acme.id), Grant(ADMIN, other.id)))
    )
    root = await home.caller(await a_key(home, None))
    for one in (caller, root):
        for tenant in ("other", "nowhere", ""):
            refusal = await refused(home, one, "acme", token="x", tenant=tenant)
            assert (type(refusal), refusal.field) == (errors.InvalidValue, "tenant")


# Explanations


async def test_an_explanation_needs_the_permission_to_read_keys(home: House, acme: Tenant) -> None:
    made = await a_key(home, acme)
    verifier = await home.admin(acme, scope=VERIFY)
    refusal = await refused(home, verifier, token=made.token, explain=True)
    assert (type(refusal), refusal.field) == (errors.PermissionDenied, "explain")
    reader = await home.admin(acme, scope=[(["keys:verify", "keys:read"], None)])
    decision = await ask(home, reader, token=made.token, action="a", explain=True)
    assert decision.explanation is not None
    assert decision.explanation.source == "role:admin"
    assert (await ask(home, reader, token=made.token)).explanation is None
