"""Single sign-on as the settings want it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.sign_on import RoleRule
from keywright.services.sign_on.flows import SignOn
from keywright.services.sign_on.people import Rules
from keywright.services.sign_on.provider import ClientSettings, Provider

if TYPE_CHECKING:
    from keywright.core.ports import Clock
    from keywright.ops.metrics import Metrics
    from keywright.services.sessions import SessionKeeper
    from keywright.services.tools import Tools
    from keywright.settings import Settings


def provider_of(settings: Settings, clock: Clock) -> Provider | None:
    """The provider that the settings name; None where they name none."""
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    secret = settings.oidc_client_secret
    client = ClientSettings(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=None if secret is None else secret.reveal(),
        scopes=settings.oidc_scopes,
    )
    return Provider(client, clock)


def sign_on_of(settings: Settings, tools: Tools, metrics: Metrics, sessions: SessionKeeper) -> SignOn | None:
    """Single sign-on by the provider that the settings name; None where they name none."""
    provider = provider_of(settings, tools.clock)
    if provider is None:
        return None
    rules = Rules(
        groups_claim=settings.oidc_groups_claim,
        roles=tuple(RoleRule(one.group, one.role, one.tenant, one.variables) for one in settings.oidc_roles),
        create_users=settings.oidc_create_users,
        link_by_email=settings.oidc_link_by_email,
    )
    return SignOn(tools, metrics, sessions=sessions, provider=provider, rules=rules)
