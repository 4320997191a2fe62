"""What goes into and comes out of the use cases of API keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from keywright.services.cursors import Listed

if TYPE_CHECKING:
    from datetime import datetime

    from keywright.core.identities import Identity, Tenant
    from keywright.core.keys import Key, State
    from keywright.core.listing import KeyQuery
    from keywright.core.permissions import Policy
    from keywright.core.tokens import Token
    from keywright.services.limits import CreditsInput, LimitInput
    from keywright.services.memberships import RoleInput

PolicyInput = tuple[tuple[str, ...], tuple[str, ...] | None]
"""One policy as it comes from a door: actions, and resources or None for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """What a caller says of the key that it wants; the values are checked here, not at the door."""

    name: str
    description: str = ""
    handle: str | None = None
    scope: tuple[PolicyInput, ...] | None = None
    not_before: datetime | None = None
    expires_at: datetime | None = None
    allowed_cidrs: tuple[str, ...] | None = None
    metadata: dict[str, object] | None = None
    limits: tuple[LimitInput, ...] | None = None
    """Its own limits, in place of those that the tenant has for such keys; none at all when empty."""
    credits: CreditsInput | None = None
    prefix: str | None = None
    token_hash: str | None = None
    identity_id: str | None = None
    """For whom the key speaks, where it is not its maker."""
    memberships: tuple[RoleInput, ...] | None = None
    """Roles for an identity that is made for this key alone; in place of `identity_id`."""
    template: str | None = None
    """A key template of the catalog, which says what is not said here."""
    active: bool = True
    tenant: str | None = None
    """The tenant's slug, where the credential and the call do not say it."""


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key with what a reader wants beside it."""

    key: Key
    state: State
    tenant: Tenant | None
    owner: Identity | None


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A created key; the token is shown this once, and is None when the caller brought its hash.

    `replayed` says that the same creation was made before under this idempotency key: it is that key, and
    its token cannot be shown again.
    """

    view: KeyView
    token: Token | None
    replayed: bool = False


KeyList = Listed[KeyView]
"""A page of keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListKeys:
    """A question for a list: `KeyQuery` with a cursor in place of its position."""

    query: KeyQuery
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class KeyId:
    """The id of one key."""

    id: str


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where a key is: its tenant, None for a global key; `named` is what a call names to concern it."""

    tenant: Tenant | None
    named: str


@dataclass(frozen=True, slots=True)
class KeyToken:
    """The token of one key, by which it is to be found."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyTransfer:
    """Which key is to speak for which other identity; without `confirm` it is only looked at."""

    id: str
    identity_id: str
    confirm: bool = False


@dataclass(frozen=True, slots=True)
class TransferredKey:
    """A key with its new owner, or as it would be; and what it may do more and less than before."""

    view: KeyView
    confirmed: bool
    gained: tuple[Policy, ...]
    lost: tuple[Policy, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyQuestion:
    """What is asked about a key that is named by its id. `where` is the tenant in which a global key is used."""

    id: str
    action: str | None = None
    resource: str | None = None
    ip: str | None = None
    where: str | None = None


@dataclass(frozen=True, slots=True)
class KeysQuestion:
    """Some keys, and some actions that are asked about."""

    ids: tuple[str, ...]
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyIds:
    """The ids of some keys, to be deleted together or not at all."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChanges:
    """What is to change of a key; a field that is left `UNSET` stays as it is."""

    id: str
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    handle: str | UnsetType | None = UNSET
    scope: tuple[PolicyInput, ...] | UnsetType | None = UNSET
    not_before: datetime | UnsetType | None = UNSET
    expires_at: datetime | UnsetType | None = UNSET
    allowed_cidrs: tuple[str, ...] | UnsetType | None = UNSET
    metadata: dict[str, object] | UnsetType | None = UNSET
    limits: tuple[LimitInput, ...] | UnsetType | None = UNSET
    credits: CreditsInput | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET
