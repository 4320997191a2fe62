"""Starting sessions, and finding them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core import checks
from keywright.core.audit import Actor, ActorKind, AuditEntry, Change
from keywright.core.ids import new_id
from keywright.core.people import fold_login
from keywright.services import throttle
from keywright.services.factors.passkeys import PasskeyOptions
from keywright.services.factors.showing import LOGIN_PURPOSE
from keywright.services.relying_party import ANSWER_WITHIN, challenge_id, new_challenge
from keywright.services.sessions.opening import opened
from keywright.services.sessions.proving import claim, prove
from keywright.storage.challenges import Challenge

if TYPE_CHECKING:
    from keywright.core.identities import Grant, Identity
    from keywright.core.sessions import Lifetime, Session
    from keywright.services.factors.showing import Factor
    from keywright.services.sessions.opening import LoggedIn
    from keywright.services.sessions.proving import Proven
    from keywright.services.tools import Tools
    from keywright.storage import Transaction


class SessionKeeper:
    """Starts sessions and finds them again."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def log_in(
        self,
        login: str | None,
        password: str | None,
        *,
        factor: Factor | None = None,
        lifetime: Lifetime | None = None,
        ip: str | None,
        request_id: str | None,
    ) -> LoggedIn:
        """Start a session for who shows name and password, with a second factor where the person has one.

        A passkey alone will do. `lifetime` stands in place of what the settings say. Raises `MissingField`,
        `InvalidValue` for a lifetime that is none, and what `prove` raises; `InvalidCredentials` in the same
        words and after the same work for an unknown name and a wrong password.
        """
        lasting = self._tools.lifetime if lifetime is None else checks.lifetime(lifetime)

        async def start(transaction: Transaction, proven: Proven) -> LoggedIn:
            return await self.start(
                transaction,
                proven.person.identity,
                proven.proofs,
                lifetime=lasting,
                ip=ip,
                request_id=request_id,
            )

        named = None if login is None else fold_login(login)
        return await prove(self._tools, claim(login=named, password=password, factor=factor, ip=ip), start)

    async def passkey_options(self, *, ip: str | None) -> PasskeyOptions:
        """A challenge for a passkey, to be answered within five minutes; the same for everybody.

        Raises `TooManyAttempts` for an address that asks for many and answers none.
        """
        now = self._tools.clock.now()
        challenge = new_challenge()
        expires_at = now + ANSWER_WITHIN
        given = throttle.challenges(ip)
        async with self._tools.database.write() as transaction:
            await self._tools.throttle.check(transaction, (*given, *throttle.address(ip)))
            await self._tools.throttle.failed(transaction, given)
            await transaction.challenges.add(
                Challenge(
                    id=challenge_id(challenge),
                    purpose=LOGIN_PURPOSE,
                    identity_id=None,
                    payload="",
                    expires_at=expires_at,
                )
            )
        return PasskeyOptions(self._tools.relying_party.login_options(challenge), expires_at)

    async def find(self, token_digest: bytes) -> tuple[Session, Identity, tuple[Grant, ...], bool] | None:
        """The live session with this digest, its person, what that one may do, and whether the password was generated.

        None once it has ended.
        """
        now = self._tools.clock.now()
        async with self._tools.database.read() as transaction:
            found = await transaction.sessions.by_digest(token_digest)
            if found is None or not found[0].live(now) or not found[1].active:
                return None
            session, identity = found
            grants = await transaction.all_memberships.grants(identity.id)
            generated = await transaction.people.password_generated(identity.id)
        seen = session.seen(now)
        if seen is not session:
            async with self._tools.database.write() as transaction:
                await transaction.sessions.seen(seen.id, seen_at=seen.seen_at, idle_at=seen.idle_at)
        return session, identity, grants, generated

    async def start(
        self,
        transaction: Transaction,
        identity: Identity,
        proofs: tuple[str, ...],
        *,
        lifetime: Lifetime | None = None,
        ip: str | None,
        request_id: str | None,
    ) -> LoggedIn:
        """Start a session of somebody who showed who they are; `proofs` says how, in words of `core.sessions`.

        `lifetime` stands in place of what the settings say. Raises `InvalidValue` for one that is none.
        """
        lasting = self._tools.lifetime if lifetime is None else checks.lifetime(lifetime)
        now = self._tools.clock.now()
        logged_in = await opened(transaction, identity, proofs, lasting, now, ip=ip, proved_at=now)
        session = logged_in.session
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
            changes={"proofs": Change(None, list(proofs))},
        )
        await transaction.audit(None).add(entry)
        return logged_in
