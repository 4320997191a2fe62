"""The first start: a tenant, an administrator, and the key for automation where one is configured."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keywright.core.audit import SYSTEM, AuditEntry, Change
from keywright.core.errors import HandleTaken, SlugTaken, TokenHashTaken
from keywright.core.identities import DEFAULT_TENANT, Grant, Identity, IdentityKind, Tenant
from keywright.core.ids import new_id
from keywright.core.keys import Key
from keywright.core.listing import KeyQuery
from keywright.core.roles import ADMIN, SUPER_ADMIN
from keywright.core.tokens import DEFAULT_PREFIX
from keywright.storage.people import Person

if TYPE_CHECKING:
    from datetime import datetime

    from keywright.services.passwords import Passwords
    from keywright.storage import Database, Transaction

ADMIN_LOGIN = "admin"
ROOT_HANDLE = "root"
_READABLE = "23456789abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"


class RootTokenSpent(Exception):
    """The configured root token belongs to another key: one that was deleted, or one of a tenant."""


@dataclass(frozen=True, slots=True)
class FirstStart:
    """What was made on an empty database. `password` is the generated one, None when it was configured."""

    login: str
    password: str | None

    def __repr__(self) -> str:
        """Without the password."""
        return f"FirstStart({self.login})"


async def prepare(
    database: Database,
    passwords: Passwords,
    now: datetime,
    *,
    admin_password: str | None,
    root_token_hash: bytes | None,
) -> FirstStart | None:
    """Make what an empty installation needs; answers None when there was nothing to make.

    The root key follows its setting at every start: another hash replaces it, no hash leaves it alone. Nodes that
    run already refuse the replaced one as soon as they hear of it, or when their lease ends. Raises `RootTokenSpent`.
    """
    async with database.read() as transaction:
        empty = not await transaction.tenants.any()
    password = _generated() if admin_password is None else admin_password
    password_hash = await passwords.hash(password) if empty else None
    generated = password if admin_password is None else None
    while True:
        made = None
        try:
            async with database.write() as transaction:
                if password_hash is not None and not await transaction.tenants.any():
                    await _administrator(transaction, password_hash, now, generated=generated is not None)
                    made = FirstStart(ADMIN_LOGIN, generated)
                if root_token_hash is not None:
                    replaced = await _root_key(transaction, root_token_hash, now)
                    if replaced:
                        await transaction.changes.add(replaced, now)
        except (HandleTaken, SlugTaken, TokenHashTaken):
            continue  # another node has just made the same, and now it is found
        return made


def _generated() -> str:
    """A password of 20 characters, 115 bits; none can be taken for another, and a double click selects it whole."""
    return "".join(secrets.choice(_READABLE) for _ in range(20))


async def _administrator(
    transaction: Transaction, password_hash: str, now: datetime, *, generated: bool
) -> None:
    tenant = Tenant(id=new_id("ten"), slug=DEFAULT_TENANT, name="Default", active=True, created_at=now)
    admin = _identity(IdentityKind.USER, ADMIN_LOGIN, now)
    await transaction.tenants.add(tenant)
    await transaction.people.add(Person(admin, ADMIN_LOGIN, password_hash, password_generated=generated))
    await transaction.all_memberships.add(admin.id, Grant(SUPER_ADMIN), now)
    await transaction.all_memberships.add(admin.id, Grant(ADMIN, tenant.id), now)
    await _record(transaction, "tenant.create", "tenant", tenant.id, {"slug": Change(None, tenant.slug)}, now)
    await _record(transaction, "user.create", "identity", admin.id, {"login": Change(None, ADMIN_LOGIN)}, now)


async def _root_key(transaction: Transaction, digest: bytes, now: datetime) -> list[str]:
    """Make the root key, unless it is there; answers the ids of those that it replaces."""
    keys = transaction.keys(None)
    same = await transaction.all_keys.by_digest(digest)
    if same is not None:
        if same.deleted_at is not None:
            raise RootTokenSpent(
                "ROOT_TOKEN_HASH is the hash of a token that was revoked, and a revoked token never comes back. "
                "Make a new token and set its hash."
            )
        if same.tenant_id is not None or same.handle != ROOT_HANDLE:
            raise RootTokenSpent(
                "ROOT_TOKEN_HASH is the hash of the token of another key. Make a new token and set its hash."
            )
        return []
    page = await keys.page(KeyQuery(handle=ROOT_HANDLE, limit=1), now)
    for standing in page.items:
        await keys.delete([standing.id], now)
        await _record(transaction, "key.delete", "key", standing.id, {}, now)
    owner = _identity(IdentityKind.KEY, ROOT_HANDLE, now)
    await transaction.identities.add(owner)
    await transaction.all_memberships.add(owner.id, Grant(SUPER_ADMIN), now)
    key = Key(
        id=new_id("key"),
        tenant_id=None,
        identity_id=owner.id,
        name="Root",
        handle=ROOT_HANDLE,
        description="For automation; follows the setting ROOT_TOKEN_HASH.",
        prefix=DEFAULT_PREFIX,
        hint=None,
        last_seven=None,
        created_at=now,
        created_by=None,
        not_before=None,
        expires_at=None,
        active=True,
        scope=None,
        allowed_cidrs=None,
        metadata="{}",
        last_used_at=None,
        last_used_ip=None,
    )
    await keys.add(key, digest)
    await _record(transaction, "key.create", "key", key.id, {"handle": Change(None, ROOT_HANDLE)}, now)
    return [standing.id for standing in page.items]


def _identity(kind: IdentityKind, name: str, now: datetime) -> Identity:
    return Identity(id=new_id("idn"), kind=kind, name=name, active=True, tenant_id=None, created_at=now)


async def _record(
    transaction: Transaction,
    action: str,
    target_type: str,
    target_id: str,
    changes: dict[str, Change],
    now: datetime,
) -> None:
    entry = AuditEntry(
        id=new_id("aud"),
        at=now,
        tenant_id=None,
        actor=SYSTEM,
        action=action,
        target_type=target_type,
        target_id=target_id,
        ip=None,
        request_id=None,
        changes=changes,
    )
    await transaction.audit(None).add(entry)
