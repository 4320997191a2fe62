"""The calls of users on themselves: logging in, a session for an organization, and who one is. No API key may."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from keywright.core.errors import NotFound
from keywright.core.identities import grants_in, role_set
from keywright.core.listing import MAX_PAGE
from keywright.core.roles import ADMIN
from keywright.dialects.cycloid import bodies, mapping
from keywright.dialects.cycloid.asked import Asked, tenant_named
from keywright.dialects.cycloid.errors import DENIED, Declined, invalid
from keywright.services.factors import AppCode, RecoveryCode
from keywright.services.sessions import end_session
from keywright.services.tenants import ListTenants, list_tenants
from keywright.services.whoami import whoami
from keywright.services.work import Call
from keywright.web.asking import Asking

if TYPE_CHECKING:
    from keywright.dialects.cycloid.mapping import Plain
    from keywright.services.factors import Factor

_is_app_code = re.compile(r"[0-9]{6}").fullmatch
_spaces = re.compile(r"[\s-]+")
_NO_ORGANIZATION = "organization_canonical should be an organization of the user"


async def log_in(asked: Asked) -> Plain:
    """Start a session for who shows e-mail address or user name, password, and the second factor where there is one."""
    wanted = bodies.login(asked.body)
    services, visit = asked.services, asked.visit
    logged_in = await services.log_in(
        wanted.email,
        wanted.password,
        factor=_factor(wanted.mfa_token),
        ip=visit.ip_text,
        request_id=visit.request_id,
    )
    token = logged_in.token.reveal()
    caller = await services.authenticate(token, visit.ip)
    known = Asked(
        services=services,
        visit=visit,
        asking=Asking(services, Call(caller=caller, ip=visit.ip_text, request_id=visit.request_id)),
        only=asked.only,
    )
    try:
        return await _session(known, token, asked.path.get("organization_canonical") or wanted.organization)
    except NotFound:
        # Nobody has seen the token, so that the session would be of no use to anybody.
        await known.known.run(end_session, None)
        raise invalid(_NO_ORGANIZATION) from None


def _factor(text: str | None) -> Factor | None:
    """The second factor that a text is: six digits are what an app shows, all else is a recovery code."""
    if text is None:
        return None
    return AppCode(text) if _is_app_code(_spaces.sub("", text)) else RecoveryCode(text)


async def refresh_token(asked: Asked) -> Plain:
    """The session as it is in an organization. The token stays: a session of ours is good for each of them."""
    query = dict(asked.query)
    wanted = query.get("child_canonical") or query.get("organization_canonical")
    assert asked.token is not None  # noqa: S101 - the caller was known by it
    return await _session(asked, asked.token, wanted or None)


async def _session(asked: Asked, token: str, canonical: str | None) -> Plain:
    """Cycloid's UserSession, in an organization or (None) in none. Raises `NotFound`."""
    tenant_id = None if canonical is None else (await tenant_named(asked, canonical)).id
    policies = role_set(grants_in(asked.caller.grants, tenant_id)).policies.policies
    return {"token": token, "owns": await _owned(asked), "permissions": mapping.permissions(policies)}


async def _owned(asked: Asked) -> list[str]:
    """The organizations that the caller administers as a member of them."""
    owned = {one.tenant_id for one in asked.caller.grants if one.role == ADMIN and one.tenant_id is not None}
    if not owned:
        return []
    tenants: list[Any] = await asked.walk(
        list_tenants, lambda cursor: ListTenants(limit=MAX_PAGE, cursor=cursor)
    )
    return [one.slug for one in tenants if one.id in owned]


async def get_user(asked: Asked) -> Plain:
    """Who is logged in."""
    holder = await asked.known.run(whoami, None)
    if holder.user is None or holder.session is None:
        raise Declined(DENIED)
    return mapping.account(holder.user, holder.session.created_at)


async def sign_up(_asked: Asked) -> Plain:
    """Nobody makes an account of their own here."""
    raise Declined(DENIED, ("People are invited to Keywright by who administers it; nobody signs up.",))
