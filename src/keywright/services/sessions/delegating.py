"""Sessions that somebody makes for somebody else, who shows nothing for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from keywright.core.audit import Change
from keywright.core.errors import IllegalTransition, InvalidValue, MissingField
from keywright.core.instants import EPOCH, rfc3339
from keywright.core.people import fold_login
from keywright.core.sessions import DELEGATED, LONGEST_LIFE, Lifetime
from keywright.services.sessions.opening import opened
from keywright.services.users.rules import changeable, no_user
from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from keywright.services.sessions.opening import LoggedIn
    from keywright.services.tools import Tools
    from keywright.services.work import Call, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFor:
    """For whom a session is to be made, by id or else by login name or e-mail address; and for how long.

    A span that is left `UNSET` is that of the settings, and None is without end.
    """

    id: str | None = None
    login: str | None = None
    idle_seconds: int | UnsetType | None = UNSET
    longest_seconds: int | UnsetType | None = UNSET


async def _usual(tools: Tools, _call: Call, _wanted: SessionFor) -> Lifetime:
    return tools.lifetime


@use_case(
    "sessions.create_for",
    permission="sessions:create",
    reach=Reach.INSTALLATION,
    changes=True,
    fresh=True,
    first=_usual,
)
async def create_session_for(work: Work, wanted: SessionFor) -> LoggedIn:
    """Log somebody in who shows nothing for it. Only for who holds everything that the person holds.

    The login counts as made with one factor, and never as a recent one, before the person confirms it. What the person
    is given later, it has too. Raises `IllegalTransition` for somebody disabled.
    """
    usual: Lifetime = work.prepared
    lifetime = Lifetime(
        _span(wanted.idle_seconds, usual.idle, "idle_seconds"),
        _span(wanted.longest_seconds, usual.longest, "longest_seconds"),
    )
    person, _ = await changeable(work, await _whose(work, wanted))
    identity = person.identity
    if not identity.active:
        raise IllegalTransition("The person is disabled. Enable them first.")
    made = await opened(
        work.transaction,
        identity,
        (DELEGATED,),
        lifetime,
        work.now,
        ip=work.call.ip,
        proved_at=EPOCH,
    )
    changes = {
        "identity_id": Change(None, identity.id),
        "idle_at": Change(None, rfc3339(made.session.idle_at)),
        "ends_at": Change(None, rfc3339(made.session.ends_at)),
    }
    work.record("session.create_for", "session", made.session.id, changes)
    return made


async def _whose(work: Work, wanted: SessionFor) -> str:
    """The id of the person who was named. Raises `MissingField`, `InvalidValue` and `NotFound`."""
    if wanted.id is not None:
        if wanted.login is not None:
            raise InvalidValue("Name the person by id or by login name, not both.", field="login")
        return wanted.id
    if wanted.login is None:
        raise MissingField("Name the person, by id or by login name.", field="id")
    found = await work.transaction.people.by_login(fold_login(wanted.login))
    if found is None:
        raise no_user()
    return found.identity.id


def _span(seconds: int | UnsetType | None, usual: timedelta | None, field: str) -> timedelta | None:
    if seconds is UNSET:
        return usual
    if seconds is None or seconds > LONGEST_LIFE.total_seconds():
        return None
    if seconds < 1:
        raise InvalidValue("A session lives for one second at least.", field=field)
    return timedelta(seconds=seconds)
