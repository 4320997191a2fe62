"""The use cases of sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.identities import Grant
from keywright.core.ids import new_id
from keywright.core.roles import ADMIN
from keywright.services.sessions import Confirmation, ListSessions, PasswordChange, SessionFor, SessionId
from tests.support.cases import Case, Place, nothing

if TYPE_CHECKING:
    from keywright.services.callers import Caller
    from tests.support.house import House

PASSWORD = "correct horse"
NEW = "wandering battery"


async def somebody(home: House, place: Place) -> None:
    """An administrator of the place, who has just logged in."""
    login = place.things["login"] = new_id("idn")
    await home.person(login, PASSWORD, Grant(ADMIN, place.tenant.id))
    place.things["me"] = await home.logged_in(login, PASSWORD)


async def me(_home: House, place: Place) -> Caller:
    return place.things["me"]  # type: ignore[no-any-return] # `somebody` has put a caller there


async def logged_in_twice(home: House, place: Place) -> None:
    await somebody(home, place)
    other = await home.logged_in(place.things["login"], PASSWORD)
    place.things["other"] = other.credential_id


async def another(home: House, place: Place) -> None:
    """Somebody who holds nothing, to be logged in."""
    place.things["other"] = await home.person(new_id("idn"), PASSWORD)


CASES = {
    "sessions.create_for": Case(
        lambda place: SessionFor(id=place.things["other"].id),
        lambda: SessionFor(id=new_id("idn")),
        ("session.create_for",),
        prepare=another,
        secrets=lambda made: [made.token.reveal()],
    ),
    "sessions.end": Case(nothing, nothing, ("session.end",), prepare=somebody, who=me, yields=True),
    "sessions.list": Case(lambda _: ListSessions(), ListSessions, prepare=somebody, who=me, yields=True),
    "sessions.end_one": Case(
        lambda place: SessionId(place.things["other"]),
        lambda: SessionId(new_id("ses")),
        ("session.end",),
        prepare=logged_in_twice,
        who=me,
    ),
    "sessions.end_others": Case(
        nothing, nothing, ("session.end_others",), prepare=logged_in_twice, who=me, yields=True
    ),
    "sessions.confirm": Case(
        lambda _: Confirmation(PASSWORD),
        lambda: Confirmation(PASSWORD),
        ("session.confirm",),
        prepare=somebody,
        who=me,
        yields=True,
        secrets=lambda _: [PASSWORD],
    ),
    "sessions.change_password": Case(
        lambda _: PasswordChange(PASSWORD, NEW),
        lambda: PasswordChange(PASSWORD, NEW),
        ("user.change_password",),
        prepare=somebody,
        who=me,
        yields=True,
        secrets=lambda _: [PASSWORD, NEW],
    ),
}
