"""Logging in and out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from keywright.core.audit import Actor, ActorKind, AuditEntry
from keywright.core.errors import InvalidCredentials, NotFound
from keywright.core.ids import new_id
from keywright.core.sessions import PASSWORD, Session
from keywright.core.tokens import SESSION_PREFIX, Token, digest, mint
from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from keywright.core.identities import Grant, Identity
    from keywright.core.ports import Clock
    from keywright.services.passwords import Passwords
    from keywright.services.throttle import Throttle
    from keywright.services.work import Work
    from keywright.storage import Database

_SEEN_EVERY = timedelta(minutes=1)
_HOME_NETWORK = 64


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A fresh session; the token is shown this once."""

    session: Session
    identity: Identity
    token: Token


class SessionKeeper:
    """Starts sessions and finds them again."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        passwords: Passwords,
        throttle: Throttle,
        *,
        idle: timedelta,
        longest: timedelta,
    ) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords
        self._throttle = throttle
        self._idle = idle
        self._longest = longest
        # A short idle time is not to run out while the session is in use.
        self._seen_every = min(_SEEN_EVERY, idle / 10)

    async def log_in(self, login: str, password: str, *, ip: str | None, request_id: str | None) -> LoggedIn:
        """Start a session for who knows this name and password.

        Raises `InvalidCredentials` in the same words and after the same work for an unknown name and a wrong
        password, and `TooManyAttempts` while the account or the address has to wait.
        """
        folded = fold_login(login)
        subjects = [f"login:{folded}", *([] if ip is None else [f"ip:{_neighbourhood(ip)}"])]
        self._throttle.check(subjects)
        async with self._database.read() as transaction:
            person = await transaction.people.by_login(folded)
        known = await self._passwords.check(None if person is None else person.password_hash, password)
        # Guesses sent at once are held back like guesses sent one after the other.
        self._throttle.check(subjects)
        if person is None or not known or not person.identity.active:
            self._throttle.failed(subjects)
            raise InvalidCredentials("Login name and password do not belong together.")
        self._throttle.succeeded(subjects[0])
        return await self._start(person.identity, ip=ip, request_id=request_id)

    async def find(self, token_digest: bytes) -> tuple[Session, Identity, tuple[Grant, ...]] | None:
        """The live session with this digest, its person and what that one may do; None once it has ended."""
        now = self._clock.now()
        async with self._database.read() as transaction:
            found = await transaction.sessions.by_digest(token_digest)
            if found is None or not found[0].live(now) or not found[1].active:
                return None
            session, identity = found
            grants = await transaction.all_memberships.grants(identity.id)
        if now - session.seen_at >= self._seen_every:
            async with self._database.write() as transaction:
                await transaction.sessions.seen(session.id, seen_at=now, idle_at=now + self._idle)
        return session, identity, grants

    async def _start(self, identity: Identity, *, ip: str | None, request_id: str | None) -> LoggedIn:
        now = self._clock.now()
        token = mint(SESSION_PREFIX)
        session = Session(
            id=new_id("ses"),
            identity_id=identity.id,
            created_at=now,
            seen_at=now,
            idle_at=now + self._idle,
            ends_at=now + self._longest,
            created_ip=ip,
            proved_at=now,
            proofs=(PASSWORD,),
        )
        entry = AuditEntry(
            id=new_id("aud"),
            at=now,
            tenant_id=None,
            actor=Actor(kind=ActorKind.SESSION, identity_id=identity.id, session_id=session.id),
            action="session.create",
            target_type="session",
            target_id=session.id,
            ip=ip,
            request_id=request_id,
            changes={},
        )
        async with self._database.write() as transaction:
            await transaction.sessions.add(session, digest(token.reveal()))
            await transaction.audit(None).add(entry)
        return LoggedIn(session, identity, token)


def _neighbourhood(ip: str) -> str:
    """By what an address is held back: itself, or for IPv6 the /64 network, all of which one caller has."""
    address = ip_address(ip)
    return str(ip_network((ip, _HOME_NETWORK), strict=False)) if isinstance(address, IPv6Address) else ip


def fold_login(login: str) -> str:
    """How login names are compared: letter case, and what cannot be seen, do not count."""
    return "".join(one for one in login.strip().casefold() if one.isprintable())[:255]


@use_case("sessions.end", permission=None, reach=Reach.SELF, changes=True)
async def end_session(work: Work, _nothing: None) -> None:
    """Log out: end the session that the call was made with. A call made with a key has none to end."""
    session = work.caller.session
    if session is None:
        raise NotFound("This call was made with an API key; there is no session to end.")
    await work.transaction.sessions.end(session.id, work.now)
    work.record("session.end", "session", session.id, {})
