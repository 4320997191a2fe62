"""Callers with just some rights, and what every refusal promises: a database in which nothing has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from sqlalchemy import select

from keywright.core.errors import KeywrightError
from keywright.core.identities import Grant
from keywright.core.ids import new_id
from keywright.core.roles import PolicyTemplate, Role, Variable
from keywright.core.sessions import Session
from keywright.services.callers import Caller
from keywright.storage import schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.core.identities import Identity, Tenant
    from keywright.services.work import UseCase
    from tests.support.house import House, Scope

Refusal = TypeVar("Refusal", bound=KeywrightError)

_TABLES = (
    schema.tenant,
    schema.identity,
    schema.membership,
    schema.role,
    schema.catalog,
    schema.api_key,
    schema.agent,
    schema.audit_entry,
    schema.idempotency,
)


async def everything(home: House) -> list[Any]:
    """Every row that these use cases could change."""
    async with home.database.reader.begin() as connection:
        return [sorted(map(repr, (await connection.execute(select(table))).all())) for table in _TABLES]


async def refused(
    home: House, error: type[Refusal], use: UseCase[Any, Any], caller: Caller, data: Any, **call: Any
) -> Refusal:
    """Run a use case that must be refused with just this error, and change nothing."""
    before = await everything(home)
    with pytest.raises(error) as caught:
        await home.run(use, caller, data, **call)
    assert type(caught.value) is error
    assert await everything(home) == before
    return caught.value


def with_session(home: House, identity: Identity, *grants: Grant, proofs: tuple[str, ...]) -> Caller:
    """The caller behind a session that has just begun, with these proofs."""
    now = home.clock.now()
    session = Session(
        id=new_id("ses"),
        identity_id=identity.id,
        created_at=now,
        seen_at=now,
        idle_at=now,
        ends_at=now,
        created_ip=None,
        proved_at=now,
        proofs=proofs,
    )
    return Caller(identity=identity, grants=grants, session=session)


def a_role(
    name: str, *policies: tuple[Sequence[str], Sequence[str] | None], variables: Sequence[str] = ()
) -> Role:
    """A role with policies, each as its actions and resources, and with free variables."""
    return Role(
        name,
        variables=tuple(Variable(one) for one in variables),
        policies=tuple(PolicyTemplate.of(actions, resources) for actions, resources in policies),
    )


async def holding(
    home: House,
    tenant: Tenant,
    *policies: tuple[Sequence[str], Sequence[str] | None],
    scope: Scope | None = None,
) -> Caller:
    """The caller with a key of somebody who holds just these policies in a tenant, by a role of their own."""
    name = f"role-{new_id('rol')}"
    await home.role(tenant, a_role(name, *policies))
    identity = await home.identity(Grant(name, tenant.id), name="Manager")
    return await home.caller(await home.key(tenant, identity, scope=scope))
