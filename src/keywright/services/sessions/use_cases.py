"""What somebody who is logged in may do about logins: see them, end them, show anew who they are."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from keywright.core import passwords
from keywright.core.audit import Change
from keywright.core.errors import InvalidValue, NotFound, PermissionDenied
from keywright.core.listing import DEFAULT_PAGE
from keywright.services import cursors
from keywright.services.cursors import Listed
from keywright.services.factors.own import own_person, own_session
from keywright.services.sessions.proving import Claim, claim, prove, wrong_password
from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from keywright.core.sessions import Session
    from keywright.services.factors.showing import Factor
    from keywright.services.sessions.proving import Proven
    from keywright.services.tools import Tools
    from keywright.services.work import Call, Work
    from keywright.storage import Transaction
    from keywright.storage.people import Person

_ORDER = "sessions"


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session, and whether the call was made with it."""

    session: Session
    current: bool


SessionList = Listed[SessionView]
"""A page of sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSessions:
    """How many sessions to list, and after which cursor."""

    limit: int = DEFAULT_PAGE
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class SessionId:
    """One of the caller's sessions."""

    id: str


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What somebody shows to confirm a login: as at the login itself, without the name."""

    password: str | None = field(default=None, repr=False)
    factor: Factor | None = None


@dataclass(frozen=True, slots=True)
class PasswordChange:
    """The password that somebody has, and the one they want."""

    old_password: str = field(repr=False)
    new_password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _NewHash:
    """The person whose old password was right, as they were then, and the hash of the new one."""

    person: Person
    password_hash: str = field(repr=False)


@use_case("sessions.list", permission=None, reach=Reach.SELF)
async def list_sessions(work: Work, wanted: ListSessions) -> SessionList:
    """The caller's own sessions that are not over, the newest first. An API key has none."""
    session = own_session(work.caller)
    cursors.sound_limit(wanted.limit)
    after = cursors.after(_ORDER, wanted.cursor, type(None))
    page = await work.transaction.sessions.page(
        session.identity_id, work.now, limit=wanted.limit, after=after
    )
    return cursors.listed(_ORDER, page, (SessionView(one, one.id == session.id) for one in page.items))


@use_case("sessions.end", permission=None, reach=Reach.SELF, changes=True)
async def end_session(work: Work, _nothing: None) -> None:
    """Log out: end the session that the call was made with. A call made with a key has none to end."""
    session = work.caller.session
    if session is None:
        raise NotFound("This call was made with an API key; there is no session to end.")
    await _end(work, session)


@use_case("sessions.end_one", permission=None, reach=Reach.SELF, changes=True)
async def end_one_session(work: Work, wanted: SessionId) -> None:
    """End one of one's own sessions; its token is refused from then on."""
    own = own_session(work.caller)
    found = await work.transaction.sessions.by_id(own.identity_id, wanted.id)
    if found is None or not found.live(work.now):
        raise NotFound("You have no such session, or it has ended.")
    await _end(work, found)


@use_case("sessions.end_others", permission=None, reach=Reach.SELF, changes=True)
async def end_other_sessions(work: Work, _nothing: None) -> int:
    """End all of one's own sessions but the one that the call was made with; answers how many."""
    session = own_session(work.caller)
    ended = await work.transaction.sessions.end_others(session.identity_id, session.id, work.now)
    if ended:
        changes = {"ended": Change(None, ended)}
        work.record("session.end_others", "identity", session.identity_id, changes)
    else:
        work.nothing_changed = True
    return ended


async def _proofs(tools: Tools, call: Call, shown: Confirmation) -> tuple[str, ...]:
    """By what the person who is logged in shows it again."""
    person = await _named(tools, call)
    made = claim(
        login=person.login,
        identity_id=person.identity.id,
        password=shown.password,
        factor=shown.factor,
        ip=call.ip,
    )
    return (await prove(tools, made, _itself)).proofs


@use_case("sessions.confirm", permission=None, reach=Reach.SELF, changes=True, first=_proofs)
async def confirm_session(work: Work, _shown: Confirmation) -> Session:
    """Show again who one is, as at a login; what asks for a recent login is open for ten minutes then.

    Raises what a login raises.
    """
    session = own_session(work.caller)
    proofs: tuple[str, ...] = work.prepared
    confirmed = replace(session, proved_at=work.now, proofs=proofs)
    if session.two_factor and not confirmed.two_factor:
        # What the login showed beyond that was shown, for instance at an identity provider.
        confirmed = replace(confirmed, proofs=session.proofs)
    await work.transaction.sessions.prove(session.id, confirmed.proofs, work.now)
    work.record("session.confirm", "session", session.id, {"proofs": Change(None, list(proofs))})
    return confirmed


async def _new_hash(tools: Tools, call: Call, wanted: PasswordChange) -> _NewHash:
    person = await _named(tools, call)
    about = [text for text in (person.login, person.email, person.identity.name) if text is not None]
    if wanted.new_password == wanted.old_password:
        raise InvalidValue("The new password is the old one.", field="new_password")
    passwords.check(wanted.new_password, about=about, field="new_password")
    made = Claim(
        login=person.login,
        identity_id=person.identity.id,
        password=wanted.old_password,
        ip=call.ip,
        whole=False,
    )
    proven = await prove(tools, made, _itself)
    return _NewHash(proven.person, await tools.passwords.hash(wanted.new_password))


@use_case("sessions.change_password", permission=None, reach=Reach.SELF, changes=True, first=_new_hash)
async def change_password(work: Work, _wanted: PasswordChange) -> int:
    """Change one's own password, which the old one opens. All other sessions end; answers how many did.

    Raises `InvalidCredentials`, `WeakPassword`, and `TooManyAttempts` as a login does.
    """
    session = own_session(work.caller)
    new: _NewHash = work.prepared
    if await own_person(work) != new.person:
        raise wrong_password()
    await work.transaction.people.set_password(session.identity_id, new.password_hash)
    ended = await work.transaction.sessions.end_others(session.identity_id, session.id, work.now)
    changes = {"sessions_ended": Change(None, ended)}
    work.record("user.change_password", "identity", session.identity_id, changes)
    return ended


async def _end(work: Work, session: Session) -> None:
    await work.transaction.sessions.end(session.id, work.now)
    work.record("session.end", "session", session.id, {})


async def _named(tools: Tools, call: Call) -> Person:
    identity_id = own_session(call.caller).identity_id
    async with tools.database.read() as transaction:
        person = await transaction.people.by_id(identity_id)
    if person is None:
        raise PermissionDenied("Only a person who is logged in may do this.")
    return person


async def _itself(_transaction: Transaction, proven: Proven) -> Proven:
    return proven
