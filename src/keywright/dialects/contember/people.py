"""People: those who log in. A person has the UUID of their identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keywright.core.errors import NotFound, PermissionDenied
from keywright.dialects.contember import identities
from keywright.dialects.contember.errors import UNSEEN, bad_input
from keywright.dialects.contember.fields import done, failed, inner, root
from keywright.dialects.contember.mapping import id_of, uuid_of
from keywright.services.places import EVERYWHERE
from keywright.services.users import (
    ListUsers,
    UserChanges,
    UserId,
    get_user,
    list_users,
    update_user,
)
from keywright.services.whoami import whoami

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keywright.dialects.contember.fields import Args, Request, Resolver
    from keywright.dialects.contember.identities import Shown
    from keywright.services.users import UserView

_PAGE: Final = 200
_UNLIMITED: Final = 2**31


@dataclass(frozen=True, slots=True)
class ShownPerson:
    """A person with the identity that they are shown as."""

    view: UserView
    shown: Shown

    @property
    def id(self) -> str:
        """The person's UUID."""
        return uuid_of(self.view.person.identity.id)

    @property
    def email(self) -> str | None:
        """The address, if there is one."""
        return self.view.person.email

    @property
    def name(self) -> str:
        """The name for people."""
        return self.view.person.identity.name

    @property
    def otpEnabled(self) -> bool:  # noqa: N802 - the schema's word
        """Whether the password alone does not do."""
        return self.view.two_factor


async def person_of(shown: Shown, request: Request) -> ShownPerson | None:
    """The person that an identity is; None for a key's, and for who may not know of the person."""
    if not shown.is_person:
        return None
    view = await _view(shown, request)
    return None if view is None else ShownPerson(view, shown)


async def _view(shown: Shown, request: Request) -> UserView | None:
    if identities.is_own(shown, request):
        return (await request.asking.run(whoami, None)).user
    if shown.place is not None:
        return (await people_in(request, shown.place.slug)).get(shown.identity.id)
    return await _user(request, shown.identity.id)


async def people_in(request: Request, slug: str) -> dict[str, UserView]:
    """The people of a project by id, looked up once in a request; none for who may not see them."""
    known = request.people.get(slug)
    if known is None:
        try:
            views = await request.asking.every(
                list_users, lambda cursor: ListUsers(limit=_PAGE, cursor=cursor), tenant=slug
            )
        except UNSEEN:
            views = []
        known = request.people[slug] = {one.person.identity.id: one for one in views}
    return known


async def _user(request: Request, identity_id: str) -> UserView | None:
    try:
        return await request.asking.run(get_user, UserId(identity_id), tenant=EVERYWHERE)
    except UNSEEN:
        return None


async def person_by_id(request: Request, args: Args) -> ShownPerson | None:
    """One person; null for who may not know of them."""
    wanted = id_of("idn", args["id"])
    if wanted is None:
        return None
    if wanted == request.caller.identity.id:
        return await person_of(identities.me(request), request)
    view = await _user(request, wanted)
    return None if view is None else _shown(view)


def _shown(view: UserView) -> ShownPerson:
    return ShownPerson(view, identities.found(view.person.identity))


async def persons(request: Request, args: Args) -> list[ShownPerson]:
    """People, the longest known first; none for who may not see all."""
    wanted = {name: one for name, one in (args.get("filter") or {}).items() if one is not None}
    ids = {id_of("idn", wanted[name]) for name in ("personId", "identityId") if name in wanted}
    try:
        if ids:
            views: Sequence[UserView] = await _among(request, ids)
        else:
            views = await request.asking.every(
                list_users,
                lambda cursor: ListUsers(login=wanted.get("email"), limit=_PAGE, cursor=cursor),
                tenant=EVERYWHERE,
            )
    except PermissionDenied:
        views = []
    email = wanted.get("email")
    # By a login name one finds somebody too, and that is no address.
    kept = [one for one in views if email is None or one.person.email == email.strip().casefold()]
    return [_shown(one) for one in sliced(kept, args)]


async def _among(request: Request, ids: set[str | None]) -> list[UserView]:
    """The one person whom all of the ids name."""
    wanted = next(iter(ids)) if len(ids) == 1 else None
    view = None if wanted is None else await _user(request, wanted)
    return [] if view is None else [view]


def sliced(items: Sequence[Any], args: Mapping[str, Any]) -> Sequence[Any]:
    """The part of a list that `limit` and `offset` ask for. Raises a `UserInputError` for negative ones."""
    limit, offset = args.get("limit"), args.get("offset") or 0
    if offset < 0 or (limit is not None and limit < 0):
        raise bad_input("limit and offset must not be negative.")
    return items[offset : offset + (_UNLIMITED if limit is None else limit)]


async def disable_person(request: Request, args: Args) -> dict[str, Any]:
    """Disable somebody, which ends their sessions."""
    wanted = UserId(id_of("idn", args["personId"]) or "")
    try:
        before = await request.asking.run(get_user, wanted, tenant=EVERYWHERE)
        if not before.person.identity.active:
            return failed("PERSON_ALREADY_DISABLED", "Person is already disabled")
        await request.asking.run(update_user, UserChanges(id=wanted.id, active=False))
    except NotFound:
        return failed("PERSON_NOT_FOUND", "Person was not found")
    return done()


QUERIES: Final[Mapping[str, Resolver]] = {"personById": root(person_by_id), "persons": root(persons)}
MUTATIONS: Final[Mapping[str, Resolver]] = {
    "disablePerson": root(disable_person, "You are not allowed to disable a person"),
}
FIELDS: Final[Mapping[str, Mapping[str, Resolver]]] = {
    "Identity": {"person": inner(person_of)},
    "Person": {
        "identity": inner(lambda person, _request: person.shown),
        "emailOtpEnabled": inner(lambda _person, _request: False),
        "emailVerified": inner(lambda _person, _request: True),
        "passwordlessEnabled": inner(lambda _person, _request: None),
    },
}
