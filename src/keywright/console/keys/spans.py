"""How long a new key may live: what is offered, and what was chosen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from keywright.console import words
from keywright.core.errors import InvalidValue

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from keywright.console.forms import Form
    from keywright.core.identities import TenantSettings

_DAY: Final = 86_400
_PRESETS: Final = ((30 * _DAY, "30 days"), (90 * _DAY, "90 days"), (365 * _DAY, "1 year"))
_USUAL: Final = 90 * _DAY
_STALE: Final = timedelta(hours=1)
NEVER, DATE = "never", "date"


@dataclass(frozen=True, slots=True)
class Span:
    """One choice: its value in the form, and what it is called."""

    value: str
    name: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Spans:
    """The choices, and why some are not among them."""

    choices: tuple[Span, ...]
    why: str


def spans_of(settings: TenantSettings, chosen: str) -> Spans:
    """What a tenant lets its keys live, beside what is chosen, such as what a template or another key says."""
    longest = settings.max_key_lifetime_seconds
    offered = [(seconds, name) for seconds, name in _PRESETS if longest is None or seconds <= longest]
    if longest is not None and longest not in dict(offered):
        offered.append((longest, words.span(longest)))
    if chosen.isdigit() and int(chosen) not in dict(offered) and (longest is None or int(chosen) < longest):
        offered.append((int(chosen), words.span(int(chosen))))
    pairs = [(str(seconds), name) for seconds, name in sorted(offered)]
    pairs.append((DATE, "On a date…"))
    if longest is None and not settings.keys_must_expire:
        pairs.append((NEVER, "Never"))
    why = ""
    if longest is not None:
        why = f"Keys of this tenant live at most {words.span(longest)}."
    elif settings.keys_must_expire:
        why = "Keys of this tenant must end at some time."
    return Spans(tuple(Span(value, name, value == chosen) for value, name in pairs), why)


def usual(settings: TenantSettings) -> str:
    """What is chosen at first: 90 days, or the longest that the tenant allows."""
    longest = settings.max_key_lifetime_seconds
    return str(_USUAL if longest is None else min(_USUAL, longest))


def expiry_of(form: Form, zone: ZoneInfo | None, now: datetime) -> datetime | None:
    """When the key of a form ends. Raises `InvalidValue`.

    A span counts from when the form was opened, so that who sends it twice asks for the same twice; unless that is
    long ago.
    """
    chosen = form.get("expires")
    if chosen in ("", NEVER):
        return None
    if chosen == DATE:
        found = form.moment("expires_at", zone)
        if found is None:
            raise InvalidValue("Say on which date it ends.", field="expires_at")
        return found
    if not chosen.isdigit() or len(chosen) > 12:
        raise InvalidValue("Choose when it ends.", field="expires_at")
    try:
        return _start(form, now) + timedelta(seconds=int(chosen))
    except OverflowError:
        raise InvalidValue("This lies beyond the calendar.", field="expires_at") from None


def _start(form: Form, now: datetime) -> datetime:
    try:
        opened = datetime.fromisoformat(form.get("opened"))
        fits = timedelta(0) <= now - opened <= _STALE
    except (ValueError, TypeError):
        return now.replace(microsecond=0)
    return opened if fits else now.replace(microsecond=0)
