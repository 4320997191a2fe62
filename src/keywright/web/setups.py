"""What is set up before a dialect can be used, and what goes into the configuration of its clients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """What was set up: the address of the dialect, the tenant, and a key for it with its token."""

    url: str
    """The address of the dialect, such as `http://127.0.0.1:8300/dialects/contember`."""
    tenant: str
    tenant_id: str
    key_id: str
    identity_id: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What `keywright dialects setup` does for a dialect.

    It makes a tenant (`noun` is what the dialect calls one) with a `catalog`, a service account with `role`, and a key
    of it with this name, handle and scope (each policy as actions and resources, None for all of either). `lines` is
    then what to put into the configuration of a client, ready to be pasted.
    """

    noun: str
    key_name: str
    lines: Callable[[SetUp], str]
    catalog: Mapping[str, Any] | None = None
    role: str = "admin"
    key_handle: str | None = None
    scope: tuple[tuple[tuple[str, ...], tuple[str, ...] | None], ...] | None = None
