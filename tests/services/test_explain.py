"""Explanations: why a key may or may not do something, by its id; the same decision as its token gets."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core import errors
from keywright.core.decision import Asked, Code, Decision
from keywright.core.identities import Grant, IdentityKind
from keywright.core.ids import new_id
from keywright.core.roles import ADMIN, MEMBER, MONITOR, SUPER_ADMIN
from keywright.services.decisions import Question
from keywright.services.keys import KeyChanges, KeyQuestion, explain_key, update_key
from tests.services.asking import a_role, refused
from tests.support.facts import NOW, used

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House, Made

pytestmark = pytest.mark.anyio

EDITOR = a_role(
    "editor", (["article:*"], ["article:${language}:**"]), (["print"], None), variables=["language"]
)


async def root(home: House) -> Caller:
    return await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))


def seen(decision: Decision) -> tuple[Any, ...]:
    """What a decision says."""
    facts = decision.facts
    assert facts is not None
    grants = set(facts.grants)
    return (
        decision.code,
        used(facts.key),
        facts.identity,
        facts.tenant,
        grants,
        decision.tenant,
        decision.roles,
        decision.explanation,
    )


async def same(home: House, key: Made, caller: Caller, tenant: str | None = None, **asked: Any) -> Decision:
    """The explanation, which must be what the key's token is told."""
    explained = await home.run(explain_key, caller, KeyQuestion(id=key.id, **asked), tenant=tenant)
    ip = asked.get("ip")
    question = Asked(
        tenant=asked.get("where"),
        action=asked.get("action"),
        resource=asked.get("resource"),
        ip=None if ip is None else ipaddress.ip_address(ip),
        explain=True,
    )
    told = await home.verifier.verify(key.token, question)
    assert seen(explained) == seen(told)
    return explained


def says(decision: Decision) -> tuple[Any, ...]:
    explanation = decision.explanation
    assert explanation is not None
    policy = explanation.policy
    return (
        decision.code,
        explanation.check,
        explanation.source,
        None if policy is None else policy.to_plain(),
    )


IN_CZECH = {"actions": ["article:*"], "resources": ["article:cs:**"]}
MISSING = Code.INSUFFICIENT_PERMISSIONS


async def test_it_says_which_policy_of_which_role_decides(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    await home.role(acme, EDITOR)
    account = await home.service_account(acme)
    await home.give(acme, account, "editor", {"language": ["cs"]})
    await home.give(acme, account, "vanished")
    whole = await home.key(acme, account)
    scoped = await home.key(acme, account, scope=[(["article:read"], None)])
    write: Any = {"action": "article:write", "resource": "article:cs:1"}
    for key, asked, expected in (
        (whole, write, (Code.VALID, "permission", "role:editor", IN_CZECH)),
        (
            scoped,
            {**write, "action": "article:read"},
            (Code.VALID, "permission", "role:editor", IN_CZECH),
        ),
        (scoped, write, (MISSING, "scope", "scope", {"actions": ["article:read"]})),
        (scoped, {"action": "print"}, (MISSING, "scope", None, None)),
        (whole, {**write, "resource": "article:en:1"}, (MISSING, "variable", "role:editor", IN_CZECH)),
        (whole, {"action": "article:write"}, (MISSING, "identity", "role:editor", IN_CZECH)),
        (whole, {"action": "unrelated"}, (MISSING, "identity", None, None)),
        (whole, {}, (Code.VALID, "state", None, None)),
    ):
        assert says(await same(home, key, admin, **asked)) == expected


async def test_it_says_what_stands_before_every_permission(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    await home.tenant("other")
    boss = await root(home)
    account = await home.service_account(acme, Grant(MEMBER, acme.id))
    keys = {
        "disabled": await home.key(acme, account, active=False),
        "expired": await home.key(acme, account, expires_at=NOW),
        "early": await home.key(acme, account, not_before=NOW + timedelta(days=1)),
        "inside": await home.key(acme, account, allowed_cidrs=(ipaddress.ip_network("10.0.0.0/8"),)),
        "plain": await home.key(acme, account),
    }
    for name, asked, code, check in (
        ("disabled", {}, Code.DISABLED, "state"),
        ("expired", {}, Code.EXPIRED, "state"),
        ("early", {}, Code.NOT_YET_VALID, "state"),
        ("inside", {}, Code.IP_NOT_ALLOWED, "address"),
        ("inside", {"ip": "192.0.2.1"}, Code.IP_NOT_ALLOWED, "address"),
        ("inside", {"ip": "10.1.2.3"}, Code.VALID, "state"),
        ("plain", {"where": "acme"}, Code.VALID, "state"),
        ("plain", {"where": "other"}, Code.TENANT_MISMATCH, "tenant"),
        ("plain", {"where": "nowhere"}, Code.TENANT_MISMATCH, "tenant"),
        ("plain", {"where": "\ud800"}, Code.TENANT_MISMATCH, "tenant"),
    ):
        found = await same(home, keys[name], boss, "acme", **asked)
        assert says(found)[:2] == (code, check)
    await home.disable(account.id)
    assert says(await same(home, keys["plain"], boss, "acme"))[:2] == (Code.IDENTITY_DISABLED, "identity")
    await home.disable(acme.id)
    # The identity stands before the tenant, as in every decision.
    assert says(await same(home, keys["plain"], boss, "acme"))[:2] == (Code.IDENTITY_DISABLED, "identity")
    await home.disable(account.id, active=True)
    assert says(await same(home, keys["plain"], boss, "acme"))[:2] == (Code.TENANT_DISABLED, "tenant")


async def test_a_global_key_is_asked_about_in_some_tenant_or_in_none(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    await home.role(other, a_role("printer", (["print"], None)))
    boss = await root(home)
    person = await home.identity(
        Grant(ADMIN, acme.id), Grant("printer", other.id), Grant(MONITOR), kind=IdentityKind.USER
    )
    key = await home.key(None, person)
    for asked, expected in (
        ({"action": "keys:read"}, (Code.VALID, "permission", "role:monitor")),
        ({"action": "print"}, (MISSING, "identity", None)),
        ({"action": "print", "where": "acme"}, (Code.VALID, "permission", "role:admin")),
        ({"action": "print", "where": "other"}, (Code.VALID, "permission", "role:printer")),
        ({"action": "keys:create", "where": "other"}, (MISSING, "identity", None)),
        ({"where": "nowhere"}, (Code.TENANT_MISMATCH, "tenant", None)),
        ({"where": "\0"}, (Code.TENANT_MISMATCH, "tenant", None)),
    ):
        fields: Any = asked
        assert says(await same(home, key, boss, "*", **fields))[:3] == expected
    await home.disable(other.id)
    assert says(await same(home, key, boss, "*", where="other"))[0] is Code.TENANT_DISABLED


async def test_to_ask_is_not_to_use(home: House, acme: Tenant, admin: Caller) -> None:
    key = await home.key(acme, admin.identity)
    home.uses.take()
    entries = await home.count_entries()
    assert (await home.run(explain_key, admin, KeyQuestion(id=key.id))).valid
    assert not home.uses.take()
    await home.upkeep.flush()
    stored = await home.stored(key.id)
    assert stored is not None
    assert (stored.last_used_at, stored.last_used_ip) == (None, None)
    assert await home.count_entries() == entries


@pytest.mark.parametrize(
    ("asked", "error", "field"),
    [
        ({"resource": "article:1"}, errors.MissingField, "action"),
        ({"action": ""}, errors.InvalidValue, "action"),
        ({"action": "article:*"}, errors.InvalidValue, "action"),
        ({"action": "a b"}, errors.InvalidValue, "action"),
        ({"action": "a", "resource": "**"}, errors.InvalidValue, "resource"),
        ({"action": "a", "resource": "\ud800"}, errors.InvalidValue, "resource"),
        ({"ip": "10.0.0.0/8"}, errors.InvalidValue, "ip"),
        ({"ip": "\ud800"}, errors.InvalidValue, "ip"),
    ],
)
async def test_a_question_that_is_none_is_refused_by_its_field(
    home: House,
    acme: Tenant,
    admin: Caller,
    asked: dict[str, Any],
    error: type[errors.KeywrightError],
    field: str,
) -> None:
    key = await home.key(acme, admin.identity)
    refusal = await refused(home, error, explain_key, admin, KeyQuestion(id=key.id, **asked))
    assert refusal.field == field


async def test_a_key_that_one_may_not_see_is_missing(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    admin, boss = await home.admin(acme), await root(home)
    theirs, everywhere = await home.key(other, admin.identity), await home.key(None, admin.identity)
    for caller, tenant, key_id in (
        (admin, None, theirs.id),
        (admin, None, everywhere.id),
        (admin, None, new_id("key")),
        (admin, None, "\ud800"),
        (boss, "*", theirs.id),
        (boss, "acme", everywhere.id),
    ):
        refusal = await refused(
            home, errors.NotFound, explain_key, caller, KeyQuestion(id=key_id), tenant=tenant
        )
        assert refusal.detail == "No such key."


async def test_it_follows_every_change_of_the_key(home: House, acme: Tenant, admin: Caller) -> None:
    account = await home.service_account(acme, Grant(ADMIN, acme.id))
    key = await home.key(acme, account)
    for scope, code in ((((("a",), None),), Code.VALID), ((), MISSING), (None, Code.VALID)):
        await home.run(update_key, admin, KeyChanges(id=key.id, scope=scope))
        assert (await same(home, key, admin, action="a")).code is code


async def test_an_explanation_of_a_token_is_for_those_who_may_read_keys(home: House, acme: Tenant) -> None:
    key = await home.key(acme, await home.service_account(acme, Grant(MEMBER, acme.id)))
    question = Question(token=key.token, action="tenants:read", explain=True)
    verifying = await home.admin(acme, scope=[(["keys:verify"], None)])
    with pytest.raises(errors.PermissionDenied):
        await home.decisions.answer(await home.decisions.enter(verifying, None), question)
    reading = await home.admin(acme)
    told = await home.decisions.answer(await home.decisions.enter(reading, None), question)
    explained = await home.run(
        explain_key, reading, KeyQuestion(id=key.id, action="tenants:read", where="acme")
    )
    assert seen(explained) == seen(told)
