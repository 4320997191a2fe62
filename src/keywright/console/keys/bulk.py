"""What is done with several keys at once: they are deleted together, and disabled or enabled one by one.

What remains to be done stands in the form that goes on, and nowhere else: any worker can go on with it, and a page
that is loaded again does nothing twice that would matter, since a key that is disabled already stays so.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from keywright.console import words
from keywright.console.keys.codes import delete_code, switch_code
from keywright.console.keys.owners import Owner, owner_of
from keywright.console.login import own_path
from keywright.console.routing import page
from keywright.core.errors import (
    FreshLoginRequired,
    KeywrightError,
    MalformedRequest,
    NotFound,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
)
from keywright.services.keys import (
    MAX_AT_ONCE,
    KeyChanges,
    KeyIds,
    delete_keys,
    keys_impact,
    update_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.forms import Form
    from keywright.core.changes import Receipt
    from keywright.services.keys import KeyImpact, KeyView

CHUNK: Final = 25
"""Keys that are disabled or enabled by one request."""
_NAME: Final = 60
"""Characters of a name that are carried along while keys are disabled or enabled."""
_TRIES: Final = 3
_DEEDS: Final = {"delete": "delete", "disable": "update", "enable": "update"}
GONE: Final = "It is not there any more: somebody has deleted it."


@dataclass(frozen=True, slots=True)
class Affected:
    """A key that something will be done to, and who will notice."""

    impact: KeyImpact
    owner: Owner


@page("/t/{tenant}/keys/bulk", needs="keys:read", own="keys:own:read", methods=("POST",))
async def ask_first(ask: Ask) -> Response:
    """Say what will happen to the keys that were picked, and who will notice."""
    deed = ask.form.get("do")
    if deed not in _DEEDS:
        raise MalformedRequest("The form cannot be read.")
    return await _dialog(ask, deed, _picked(ask.form))


async def _dialog(ask: Ask, deed: str, ids: tuple[str, ...], gone: int = 0) -> Response:
    back = _back(ask)
    if not ids:
        return ask.dialog("keys/bulk_none.html", back=back, deed=deed, most=MAX_AT_ONCE, many=False)
    if len(ids) > MAX_AT_ONCE:
        return ask.dialog("keys/bulk_none.html", back=back, deed=deed, most=MAX_AT_ONCE, many=True)
    impacts = await ask.run(keys_impact, KeyIds(ids))
    able = [one for one in impacts if _able(ask, deed, one.view)]
    shown = [Affected(one, owner_of(ask, one.view)) for one in sorted(able, key=_noticed, reverse=True)]
    named = [one.view.key.id for one in able]
    code = None
    if named:
        code = (
            delete_code(ask, named) if deed == "delete" else switch_code(ask, named, active=deed == "enable")
        )
    return ask.dialog(
        f"keys/bulk_{'delete' if deed == 'delete' else 'switch'}.html",
        deed=deed,
        back=back,
        affected=shown,
        kept=[one.view for one in impacts if not _able(ask, deed, one.view)],
        gone=gone + len(ids) - len(impacts),
        summary=_summary(able),
        code=code,
        cut=_cut,
    )


def _picked(form: Form) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form.all("id")))


def _able(ask: Ask, deed: str, view: KeyView) -> bool:
    """Whether the reader may do it to this key, as far as rights can say."""
    act, resource = _DEEDS[deed], f"key:{view.key.id}"
    owned = view.key.identity_id == ask.caller.identity.id
    return ask.may(f"keys:{act}", resource) or (owned and ask.may(f"keys:own:{act}", resource))


def _noticed(impact: KeyImpact) -> tuple[int, int, bool, float]:
    """What is noticed most stands first."""
    used = impact.view.key.last_used_at
    return (impact.agent_count or 0, impact.calls or 0, used is not None, used.timestamp() if used else 0.0)


def _summary(impacts: Iterable[KeyImpact]) -> str | None:
    """Which of some keys are in use, in a sentence; None where none is, as far as the reader may know."""
    found = list(impacts)
    busy = sum(bool(one.allowed) for one in found)
    carried = sum(bool(one.agent_count) for one in found)
    alone = len(found) == 1
    said = []
    if busy:
        count = "" if alone else f"{busy:,} "
        said.append(f"{count}{'was' if busy == 1 else 'were'} used in the last 7 days")
    if carried:
        count = "" if alone else f"{carried:,} "
        said.append(f"{count}{'is' if carried == 1 else 'are'} carried by agents")
    return f"{'It' if alone else 'Of these,'} {words.listed(said)}." if said else None


@page("/t/{tenant}/keys/bulk/delete", needs="keys:read", own="keys:own:read", methods=("POST",))
async def delete(ask: Ask) -> Response:
    """Delete keys in one transaction. Those that are gone by now, or may not be deleted, are left out and told of."""
    wanted = _picked(ask.form)
    ids = wanted
    for _ in range(_TRIES):
        if not ids:
            break
        try:
            changed = await ask.change(delete_keys, KeyIds(ids))
        except (NotFound, PermissionDenied):
            impacts = await ask.run(keys_impact, KeyIds(ids))
            ids = tuple(one.view.key.id for one in impacts if _able(ask, "delete", one.view))
            continue
        left = len(wanted) - len(ids)
        text = f"{words.counted(len(ids), 'key')} deleted."
        if left:
            text += f" {words.counted(left, 'other')} could not be: gone already, or not yours to delete."
        return ask.done(_back(ask), text, changed.receipt)
    return await _dialog(ask, "delete", wanted)


@dataclass(slots=True)
class Progress:
    """Keys that are disabled or enabled, as far as it has got: names by id of what is left, and what could not be."""

    active: bool
    back: str
    left: list[tuple[str, str]]
    done: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    receipt: Receipt | None = None

    @classmethod
    def of(cls, form: Form, back: str) -> Progress:
        """What the form says that goes on. Raises `MalformedRequest`."""
        ids, names = form.all("id"), form.all("name")
        told, why = form.all("failed"), form.all("why")
        done = form.number("done") or 0
        if len(ids) != len(names) or len(told) != len(why) or len(ids) > MAX_AT_ONCE or done < 0:
            raise MalformedRequest("The form cannot be read.")
        pairs = list(zip(ids, names, strict=True))
        return cls(form.get("do") == "enable", back, pairs, done, list(zip(told, why, strict=True)))

    @property
    def deed(self) -> str:
        """`enable` or `disable`."""
        return "enable" if self.active else "disable"

    @property
    def passed(self) -> int:
        """The keys that nothing more is done with."""
        return self.done + len(self.failed)

    @property
    def total(self) -> int:
        """All keys that it began with."""
        return self.passed + len(self.left)

    @property
    def said(self) -> str:
        """What has come of it, in a sentence."""
        verb = "enabled" if self.active else "disabled"
        text = f"{words.counted(self.done, 'key')} {verb}."
        if self.receipt is None or self.active:
            return text
        return f"{text} {words.receipt(self.receipt)}"


@page("/t/{tenant}/keys/bulk/switch", needs="keys:read", own="keys:own:read", methods=("POST",))
async def switch(ask: Ask) -> Response:
    """Disable or enable some of the keys, and show a page that goes on with the others by itself."""
    work = Progress.of(ask.form, _back(ask))
    await _switch_some(ask, work)
    if not work.left and not work.failed:
        return ask.done(work.back, work.said)
    if ask.wants_part:
        return ask.part("keys/bulk_progress.html", work=work)
    return ask.page("keys/bulk_switching.html", work=work)


async def _switch_some(ask: Ask, work: Progress) -> None:
    """Do it to the next few keys. Only the last waits until it is true on every node: then all before it are, too."""
    some, work.left = work.left[:CHUNK], work.left[CHUNK:]
    last = None
    for key_id, name in some:
        wait = key_id == some[-1][0]
        call = replace(ask.call, wait=wait)
        try:
            changed = await ask.services.change(update_key, call, KeyChanges(id=key_id, active=work.active))
        except (Unauthenticated, FreshLoginRequired, Unavailable):
            raise
        except KeywrightError as error:
            work.failed.append((name, GONE if isinstance(error, NotFound) else error.detail))
        else:
            work.done += 1
            last = key_id
            work.receipt = changed.receipt if wait else None
    if last is not None and work.receipt is None:
        # The one that was to wait could not be changed: what is so already is changed once more, which waits as well.
        # If it was deleted since, that answer has waited for all that was before.
        with suppress(NotFound):
            work.receipt = (await ask.change(update_key, KeyChanges(id=last, active=work.active))).receipt


def _back(ask: Ask) -> str:
    back = own_path(ask.form.get("back"))
    return back if back != "/" else ask.at("keys")


def _cut(name: str) -> str:
    """A name as it is carried along."""
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"


PAGES = (ask_first, delete, switch)
