"""Somebody to be chosen: a person or a service account of the page's tenant, found by how they are called.

A page reads what its form says with `choice_of`, and shows the field with macro `chooser` of `choosing/macros.html`.
With our script it is one field under which those who fit are offered; without, a search and a list of a few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keywright.console.routing import page
from keywright.core.errors import InvalidValue, NotFound, SecretInText
from keywright.core.identities import IdentityKind
from keywright.core.ids import is_id
from keywright.core.listing import beginnings, fold
from keywright.core.tokens import find_tokens
from keywright.services.service_accounts import (
    ListServiceAccounts,
    ServiceAccountId,
    get_service_account,
    list_service_accounts,
)
from keywright.services.users import ListUsers, UserId, get_user, list_users

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.forms import Form
    from keywright.core.identities import Identity, Membership
    from keywright.services.service_accounts import ServiceAccountView
    from keywright.services.users import UserView

SHOWN: Final = 12
"""How many are offered at once."""
_LOOKED: Final = 50
"""How many people, and how many service accounts, are put in order for that."""
_KINDS: Final = {IdentityKind.USER: "person", IdentityKind.SERVICE_ACCOUNT: "service account"}


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person or a service account, with the roles held where the page is; `also` is by what else one knows them."""

    identity: Identity
    memberships: tuple[Membership, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The id."""
        return self.identity.id

    @property
    def name(self) -> str:
        """The name."""
        return self.identity.name

    @property
    def kind(self) -> str:
        """What they are."""
        return _KINDS[self.identity.kind]

    @property
    def roles(self) -> tuple[str, ...]:
        """The names of the roles, each once."""
        return tuple(dict.fromkeys(one.grant.role for one in self.memberships))


@dataclass(frozen=True, slots=True)
class Found:
    """Some of those who fit a text, whether there are more, and who alone is called just so, where that is known."""

    those: tuple[Somebody, ...] = ()
    more: bool = False
    named: Somebody | None = None

    @property
    def only(self) -> Somebody | None:
        """Who alone fits, or is alone called just so."""
        return self.those[0] if len(self.those) == 1 and not self.more else self.named


@dataclass(frozen=True, slots=True)
class Choice:
    """What a form says of a field: whom it names, what was typed, and who is offered.

    `id` is what the field holds, also where nobody is known by it. `found` is None for who may know nobody here,
    and writes an id.
    """

    field: str
    id: str
    typed: str = ""
    somebody: Somebody | None = None
    found: Found | None = None
    searching: bool = False
    """Whether those who fit are asked for: whoever stands in the field is not chosen yet."""

    @property
    def made(self) -> str:
        """The id of whom the form names, empty as long as that is not clear."""
        return "" if self.searching else self.id


async def choice_of(ask: Ask, form: Form, field: str, *, without: str = "", loosely: bool = True) -> Choice:
    """Whom a form names in a field: by id, or by what was typed where one alone fits; `without` is never offered.

    Not `loosely`, it takes a whole name that nobody else here has, login name or e-mail address.
    """
    typed, wanted, searching = form.get(f"{field}_name"), form.get(field), form.get("find") == field
    if not ask.may("identities:read"):
        return Choice(field, wanted or typed)
    if find_tokens(typed):
        # A key that was pasted here is nobody's name, and not shown again.
        typed = ""
    if searching:
        wanted = ""
    elif not wanted and is_id(typed, "idn"):
        wanted = typed
    somebody = await with_id(ask, wanted) if wanted else None
    if somebody is not None:
        typed = ""
    # Our script asks for those who fit by itself.
    found = Found() if ask.wants_part and not typed else await find(ask, typed, without=without)
    if not wanted and typed:
        somebody = found.only if loosely or searching else found.named
    return Choice(field, wanted or (somebody.id if somebody else ""), typed, somebody, found, searching)


async def find(ask: Ask, text: str, *, without: str = "") -> Found:
    """Those of whom a search finds that they are called so; for no text a few, the reader first.

    Who is called just so comes before who is called so in the beginning, and they before all others.
    """
    try:
        alike, cut = await _alike(ask, text)
    except (InvalidValue, SecretInText):
        return Found()
    me, folded = ask.caller.identity, fold(text)
    fitting = [one for one in alike if one.id != without]
    fitting.sort(key=lambda one: (bool(text) or one.id != me.id, *_order(one, folded)))
    named = [one for one in fitting if folded in {fold(called) for called in (one.name, *one.also)}]
    return Found(
        tuple(fitting[:SHOWN]),
        cut or len(fitting) > SHOWN,
        named[0] if len(named) == 1 and not cut else None,
    )


async def with_id(ask: Ask, identity_id: str) -> Somebody | None:
    """Who has an id, None where there is nobody of whom the reader may know."""
    if not ask.may("identities:read"):
        return None
    if _has_accounts(ask):
        try:
            return _account(await ask.run(get_service_account, ServiceAccountId(identity_id)))
        except NotFound:
            pass
    try:
        return _person(await ask.run(get_user, UserId(identity_id)))
    except NotFound:
        return Somebody(ask.caller.identity) if identity_id == ask.caller.identity.id else None


@page("/t/{tenant}/identities", needs="identities:read")
async def offered(ask: Ask) -> Response:
    """Those who fit what is typed, for our script."""
    found = await find(ask, ask.query.get("q"), without=ask.query.get("without"))
    return ask.part("choosing/offered.html", found=found)


async def _alike(ask: Ask, text: str) -> tuple[list[Somebody], bool]:
    """The first of those who fit, and whether others do; the reader among them, who may hold no role here."""
    me = Somebody(ask.caller.identity)
    found = {me.id: me} if any(part.startswith(fold(text)) for part in beginnings(me.name)) else {}
    people = await ask.run(list_users, ListUsers(search=text, limit=_LOOKED))
    found |= {one.id: one for one in map(_person, people.items)}
    if not _has_accounts(ask):
        return list(found.values()), people.more
    accounts = await ask.run(list_service_accounts, ListServiceAccounts(search=text, limit=_LOOKED))
    return [*found.values(), *map(_account, accounts.items)], people.more or accounts.more


def _has_accounts(ask: Ask) -> bool:
    return ask.place is not None and ask.place.tenant is not None


def _person(view: UserView) -> Somebody:
    person = view.person
    also = (person.login,) if person.email is None else (person.email, person.login)
    return Somebody(person.identity, view.memberships, also)


def _account(view: ServiceAccountView) -> Somebody:
    return Somebody(view.identity, view.memberships)


def _order(one: Somebody, folded: str) -> tuple[bool, bool, str, str]:
    name = fold(one.name)
    return name != folded, not name.startswith(folded), name, one.id


PAGES = (offered,)
