"""The fields of sessions: logging in, which needs no credential, and looking after one's logins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from keywright.api.graphql import mapping
from keywright.api.graphql.fields import OpenField, lists, runs
from keywright.services import factors, sessions
from keywright.services.sessions import (
    Confirmation,
    ListSessions,
    PasswordChange,
    SessionFor,
    SessionId,
    SessionView,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.api.graphql.fields import Resolver, RootField
    from keywright.api.graphql.mapping import Args, Shape
    from keywright.core.sessions import Session
    from keywright.services.factors import Factor, PasskeyOptions
    from keywright.services.service import Services
    from keywright.services.sessions import LoggedIn, SessionList
    from keywright.web.visit import Visit


def factor(given: Args) -> Factor | None:
    """The second factor of an input. Raises `InvalidValue` for more than one."""
    return factors.chosen(given.get("code"), given.get("recoveryCode"), given.get("passkey"))


def nothing(_args: Args) -> None:
    """These take nothing."""


def asked(args: Args) -> ListSessions:
    """A question for a list of sessions."""
    return ListSessions(limit=mapping.page_size(args), cursor=args.get("after"))


def confirmation(args: Args) -> Confirmation:
    """What is shown to confirm a login."""
    given = args["input"]
    return Confirmation(given.get("password"), factor(given))


def password_change(args: Args) -> PasswordChange:
    """The old and the new password."""
    given = args["input"]
    return PasswordChange(given["oldPassword"], given["newPassword"])


def session_for(args: Args) -> SessionFor:
    """For whom a session is to be made; a span that was not sent is as in the settings, and null is without end."""
    given = args["input"]
    return SessionFor(
        id=given["userId"],
        idle_seconds=given.get("idleSeconds", UNSET),
        longest_seconds=given.get("longestSeconds", UNSET),
    )


def logged_in(made: LoggedIn) -> Shape:
    """A fresh session; here, and only here, its token is revealed to GraphQL."""
    return {
        "token": made.token.reveal(),
        "sessionId": made.session.id,
        "identity": mapping.identity(made.identity),
        "expiresAt": made.session.ends_at,
    }


def passkey_options(found: PasskeyOptions) -> Shape:
    """The options for a browser."""
    return {"options": dict(found.options), "expiresAt": found.expires_at}


def own_session(view: SessionView) -> Shape:
    """One of the caller's sessions."""
    it = view.session
    return {
        "id": it.id,
        "current": view.current,
        "createdAt": it.created_at,
        "createdIp": it.created_ip,
        "seenAt": it.seen_at,
        "idleAt": it.idle_at,
        "expiresAt": it.ends_at,
        "provedAt": it.proved_at,
        "proofs": list(it.proofs),
    }


def session_page(page: SessionList, wanted: ListSessions) -> Shape:
    """A page of sessions."""
    nodes = [own_session(one) for one in page.items]
    return mapping.connection(nodes, page.cursors, more=page.more, after=wanted.cursor)


def confirmed(session: Session) -> Shape:
    """A confirmed session."""
    return {"session": own_session(SessionView(session, current=True))}


def ended(_result: None) -> Shape:
    """The end of a login."""
    return {"ended": True}


def ended_one(_result: None, wanted: SessionId) -> Shape:
    """The end of one session."""
    return {"endedId": wanted.id}


def ended_many(count: int) -> Shape:
    """The end of some sessions."""
    return {"ended": count}


async def _create(services: Services, visit: Visit, args: Args) -> Shape:
    given = args["input"]
    made = await services.log_in(
        given.get("login"),
        given.get("password"),
        factor=factor(given),
        ip=visit.ip_text,
        request_id=visit.request_id,
    )
    return logged_in(made)


async def _ask(services: Services, visit: Visit, _args: Args) -> Shape:
    return passkey_options(await services.passkey_options(ip=visit.ip_text))


QUERIES: Final[Mapping[str, RootField]] = {
    "sessions": lists(sessions.list_sessions, asked, session_page),
}
MUTATIONS: Final[Mapping[str, Resolver]] = {
    "createSession": OpenField(_create),
    "askForPasskey": OpenField(_ask),
    "createSessionFor": runs(sessions.create_session_for, session_for, logged_in),
    "endSession": runs(sessions.end_session, nothing, ended),
    "endOneSession": lists(sessions.end_one_session, lambda args: SessionId(args["input"]["id"]), ended_one),
    "endOtherSessions": runs(sessions.end_other_sessions, nothing, ended_many),
    "confirmSession": runs(sessions.confirm_session, confirmation, confirmed),
    "changePassword": runs(sessions.change_password, password_change, ended_many),
}
