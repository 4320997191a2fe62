"""The names of what is on the server, while the line is not finished: quick, silent, or not at all."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from click.shell_completion import CompletionItem

from keywright.cli.common import given
from keywright.cli.connection import chosen_url, open_client, required_credential
from keywright.cli.text import printable
from keywright.client import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import click

    from keywright.client import Client

SECONDS: Final = 1.0
"""For so long names are looked for; then there are none."""
_PAGE: Final = 200
_MOST: Final = 1_000


@dataclass(frozen=True, slots=True)
class Named:
    """What may stand on the line as `word`, the name by which people know it, and more about it."""

    word: str
    name: str
    about: str = ""


def offered(kind: str, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The words for a place on the line, each with what people know it by.

    What was begun is a word or a name. A name is completed as far as it is that of several, and then stands for
    the word of its one thing.
    """
    before = ctx.params.get(param.name or "")
    taken = set(before) if isinstance(before, tuple) else set()
    found = [one for one in _within_time(kind, ctx, incomplete) if one.word not in taken]
    clean = [one for one in found if one.word and printable(one.word) == one.word]
    by_word = [one for one in clean if one.word.startswith(incomplete)]
    if by_word:
        return [CompletionItem(one.word, help=_help(one)) for one in by_word]
    begun = incomplete.casefold()
    by_name = [one for one in clean if one.name.casefold().startswith(begun)]
    exact = [one for one in by_name if one.name.casefold() == begun]
    chosen = exact or by_name
    if len({one.name for one in chosen}) > 1 and all(printable(one.name) == one.name for one in chosen):
        return [CompletionItem(one.name, help=one.word) for one in chosen]
    return [CompletionItem(one.word, help=_help(one)) for one in chosen]


def _help(one: Named) -> str:
    parts = [part for part in (one.name, one.about) if part and part != one.word]
    return printable(", ".join(parts))


def _within_time(kind: str, ctx: click.Context, incomplete: str) -> list[Named]:
    """What there is of a kind. What goes wrong or takes too long gives nothing.

    It is looked for in a thread, which is left behind: a name that is being resolved, say, cannot be broken off.
    """
    found: list[Named] = []

    def look() -> None:
        with ctx.scope(cleanup=False):
            found.extend(_found(kind, incomplete))

    thread = Thread(target=_silently, args=(look,), daemon=True)
    thread.start()
    thread.join(SECONDS)
    return [] if thread.is_alive() else found


def _silently(look: Callable[[], None]) -> None:
    """Whatever fails, nobody has asked to be told while typing."""
    with suppress(Exception):
        look()


def _found(kind: str, incomplete: str) -> list[Named]:
    if kind == "dialects":
        from keywright.app.dialects import DIALECTS  # noqa: PLC0415 - all doors take long to load

        return [Named(one.name, one.title) for one in DIALECTS]
    if given("key") == "-":  # standard input is for the command
        return []
    with open_client(chosen_url(), required_credential(), timeout=SECONDS, tries=1) as client:
        return list(dict.fromkeys(_SOURCES[kind](client, incomplete)))


def _some(items: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    return islice(items, _MOST)


def _tenants(client: Client, _incomplete: str) -> Iterator[Named]:
    for one in _some(client.tenants.list(limit=_PAGE)):
        yield Named(one["slug"], one["name"])


def _begun(calls: Any, incomplete: str, ids: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any calls that list and search
    """What an index finds by its name, and the first of all where an id may have been begun."""
    if incomplete and not incomplete.startswith(ids):
        yield from calls.page(search=incomplete, limit=_PAGE).items
    if incomplete.startswith(ids) or ids.startswith(incomplete):
        yield from _some(calls.list(limit=_PAGE))


def _keys(client: Client, incomplete: str, *, by_handle: bool = True) -> Iterator[Named]:
    for one in _begun(client.keys, incomplete, "key_"):
        yield from _key(one, by_handle=by_handle and not incomplete.startswith("key_"))


def _key(key: dict[str, Any], *, by_handle: bool) -> Iterator[Named]:
    word = key["handle"] if by_handle and key["handle"] else key["id"]
    yield Named(word, key["name"], "" if key["state"] == "active" else key["state"])


def _key_ids(client: Client, incomplete: str) -> Iterator[Named]:
    return _keys(client, incomplete, by_handle=False)


def _users(client: Client, incomplete: str) -> Iterator[Named]:
    for one in _begun(client.users, incomplete, "idn_"):
        yield Named(one["id"], one["login"] or one["name"], "" if one["active"] else "disabled")


def _logins(client: Client, incomplete: str) -> Iterator[Named]:
    for one in _begun(client.users, incomplete, "idn_"):
        yield Named(one["login"] or "", one["name"])


def _accounts(client: Client, incomplete: str) -> Iterator[Named]:
    for one in _begun(client.service_accounts, incomplete, "idn_"):
        yield Named(one["id"], one["name"], "" if one["active"] else "disabled")


def _account_names(client: Client, incomplete: str) -> Iterator[Named]:
    for one in _accounts(client, incomplete):
        yield one if incomplete.startswith("idn_") else Named(one.name, one.name, one.word)


def _together(*sources: Callable[[Client, str], Iterable[Named]]) -> Callable[[Client, str], Iterator[Named]]:
    """Things of several kinds; one who may not list some of them sees the others."""

    def look(client: Client, incomplete: str) -> Iterator[Named]:
        for source in sources:
            try:
                yield from source(client, incomplete)
            except ApiError:
                continue

    return look


def _roles(client: Client, _incomplete: str) -> Iterator[Named]:
    for one in client.roles.page().items:
        yield Named(one["name"], "", one["description"])


def _own_roles(client: Client, _incomplete: str) -> Iterator[Named]:
    for one in client.roles.page().items:
        if not one["built_in"]:
            yield Named(one["name"], "", one["description"])


def _actions(client: Client, _incomplete: str) -> Iterator[Named]:
    for one in client.catalog.get()["document"].get("actions", ()):
        yield Named(one["name"], "", one.get("description", ""))


def _templates(client: Client, _incomplete: str) -> Iterator[Named]:
    for name in client.catalog.get()["document"].get("key_templates", {}):
        yield Named(name, "")


def _own_actions(_client: Client, _incomplete: str) -> Iterator[Named]:
    from keywright.core.own_actions import OWN_ACTIONS  # noqa: PLC0415 - needed here alone

    for name in sorted(OWN_ACTIONS):
        yield Named(name, "")


def _memberships(client: Client, _incomplete: str) -> Iterator[Named]:
    for one in _some(client.memberships.list(limit=_PAGE)):
        yield Named(one["id"], one["identity"]["name"], one["role"])


def _invitations(client: Client, _incomplete: str) -> Iterator[Named]:
    for one in _some(client.invitations.list(limit=_PAGE)):
        yield Named(one["id"], one["name"] or one["login"] or "")


def _sessions(client: Client, _incomplete: str) -> Iterator[Named]:
    for one in _some(client.sessions.list(limit=_PAGE)):
        yield Named(one["id"], "", "this one" if one["current"] else one["user_agent"] or "")


def _passkeys(client: Client, _incomplete: str) -> Iterator[Named]:
    for one in client.factors.get()["passkeys"]:
        yield Named(one["id"], one["name"])


def _agents(client: Client, _incomplete: str) -> Iterator[Named]:
    for one in _some(client.agents.list(limit=_PAGE)):
        yield Named(one["id"], one["name"], one["kind"])


_SOURCES: Final[Mapping[str, Callable[[Client, str], Iterable[Named]]]] = {
    "actions": _together(_actions, _own_actions),
    "accounts": _accounts,
    "account_names": _account_names,
    "agents": _agents,
    "identities": _together(_users, _accounts),
    "invitations": _invitations,
    "keys": _keys,
    "key_ids": _key_ids,
    "logins": _logins,
    "memberships": _memberships,
    "passkeys": _passkeys,
    "roles": _roles,
    "own_roles": _own_roles,
    "sessions": _sessions,
    "targets": _together(_users, _accounts, _key_ids),
    "templates": _templates,
    "tenants": _tenants,
    "users": _users,
}
