"""One key, with all that is known of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from keywright.console import words
from keywright.console.code import Graph, Rest
from keywright.console.keys import editing, ownership, scoping, switching
from keywright.console.keys.overview import overview_of
from keywright.console.keys.subject import agents_of, subject_of, week_of
from keywright.console.keys.trail import trail_of
from keywright.console.keys.trying import tried, untried, was_asked
from keywright.console.picker import lexicon_of
from keywright.console.routing import page
from keywright.console.usage.chart import chart_of, when
from keywright.console.usage.spans import SPANS, USUAL, chosen, valid_share
from keywright.core.instants import rfc3339
from keywright.core.keys import State
from keywright.services.keys import KeyQuestion, explain_key
from keywright.services.usage import KeyUsageQuestion, key_usage

if TYPE_CHECKING:
    from typing import Any

    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.code import Code
    from keywright.console.keys.overview import Overview
    from keywright.console.keys.subject import Subject
    from keywright.console.keys.trail import Trail
    from keywright.console.routing import Page
    from keywright.console.usage.spans import Span
    from keywright.services.usage import KeyUsage

SOON: Final = timedelta(days=14)
IDLE: Final = timedelta(days=90)
_SHOWN: Final = """
query ($id: ID!) {
  apiKey(id: $id) {
    id name state hint createdAt expiresAt lastUsedAt lastUsedIp
    owner { id name kind } scope { actions resources }
  }
}
"""
_USED: Final = """
query ($id: ID!, $span: UsageSpan!) {
  keyUsage(id: $id, span: $span) {
    counts { total totals { code count } buckets { at counts { code count } } }
    exercised { action count lastAt } unexercised { actions resources }
  }
}
"""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that one should know of a key, and what there is to do about it, where the reader can do it."""

    kind: str
    text: str
    link: str = ""
    href: str = ""


@page("/t/{tenant}/keys/{id}", needs="keys:read", own="keys:own:read")
async def details(ask: Ask) -> Response:
    """The page of a key."""
    subject = await subject_of(ask)
    return await shown(subject, await tried(subject) if was_asked(ask.query) else untried(subject))


@page("/t/{tenant}/keys/{id}/try", needs="keys:read", own="keys:own:read")
async def trying(ask: Ask) -> Response:
    """A decision about the key; where our script asks, the answer alone."""
    subject = await subject_of(ask)
    trial = await tried(subject)
    if ask.wants_part:
        return ask.part("keys/details_answer.html", ask.status, trial=trial)
    return await shown(subject, trial)


@page("/t/{tenant}/keys/{id}/usage", needs="keys:read", own="keys:own:read")
async def used(ask: Ask) -> Response:
    """The plot of the key's usage in another span, for our script; without one, the key's page with it."""
    subject = await subject_of(ask)
    if not ask.wants_part or not subject.may("usage:read"):
        return ask.to(subject.at(span=chosen(ask.query.get("span")).word))
    return ask.part("keys/details_usage.html", subject=subject, **await _usage(subject, None))


async def shown(subject: Subject, trial: object) -> Response:
    """The whole page, with what was tried on it."""
    ask, key = subject.ask, subject.key
    lexicon = await lexicon_of(ask)
    decision = await ask.run(explain_key, KeyQuestion(id=key.id))
    facts = decision.facts
    assert facts is not None  # noqa: S101 - a key that is found has facts
    week, trail = await week_of(subject), await trail_of(subject)
    overview = overview_of(
        lexicon, facts.held(key.tenant_id), key.scope, None if week is None else week.exercised
    )
    return ask.page(
        "keys/details.html",
        ask.status,
        subject=subject,
        key=key,
        overview=overview,
        notices=_notices(subject, overview),
        week=week,
        share=None if week is None else valid_share(week.counts.totals),
        agents=await agents_of(subject),
        trail=trail,
        maker=_maker(subject, trail),
        metadata=json.dumps(json.loads(key.metadata), indent=2, ensure_ascii=False),
        example=next(
            (
                name
                for one in overview.sections
                for name in (line.action for line in one.lines)
                if "*" not in name
            ),
            None,
        ),
        trial=trial,
        actions=[name for one in overview.sections for name in (line.action for line in one.lines)],
        tenants=len({one.tenant_id for one in facts.grants} - {None}) if key.tenant_id is None else 0,
        code=_code(subject),
        **(await _usage(subject, week) if week is not None else {}),
    )


def _maker(subject: Subject, trail: Trail | None) -> str | None:
    """Who made the key, as far as it can be told without asking for anybody."""
    key, owner, reader = subject.key, subject.owner, subject.ask.caller.identity
    if key.created_by == reader.id:
        return "you"
    if owner is not None and key.created_by == owner.id:
        return owner.name
    return next(
        (one.who for one in (() if trail is None else trail.entries) if one.action == "key.create"), None
    )


async def _usage(subject: Subject, week: KeyUsage | None) -> dict[str, Any]:
    """What the plot of the key's usage shows; `week` is what is known of the usual span already."""
    ask = subject.ask
    span = chosen(ask.query.get("span"))
    found = week if span is USUAL and week is not None else None
    if found is None:
        question = KeyUsageQuestion(id=subject.key.id, since=span.since(ask.now), by=span.by)
        found = await ask.run(key_usage, question)
    return {
        "span": span,
        "spans": SPANS,
        "usage": found,
        "chart": chart_of(found.counts, ask.zone),
        "when": when,
        "used_code": _used_code(subject, span, found),
    }


def _notices(subject: Subject, overview: Overview) -> list[Notice]:
    """What stands out of the key, the most pressing first."""
    return [*_about_state(subject), *_about_use(subject, overview)]


def _about_state(subject: Subject) -> list[Notice]:
    key, ask, may = subject.key, subject.ask, subject.may("keys:update")
    dates = ("Give it a later end", subject.at("edit", "dates")) if may else ("", "")
    found = []
    if subject.owner is not None and not subject.owner.active:
        found.append(
            Notice("bad", f"{subject.owner.name} is disabled, so this key is refused, whatever is asked.")
        )
    if subject.is_off:
        found.append(
            Notice("warn", "This key is disabled: whoever holds it is refused until it is enabled again.")
        )
    elif subject.view.state is State.EXPIRED and key.expires_at is not None:
        found.append(
            Notice(
                "bad",
                f"This key ended {words.relative(key.expires_at, ask.now)}, and is refused since.",
                *dates,
            )
        )
    elif subject.view.state is State.NOT_YET_VALID and key.not_before is not None:
        found.append(
            Notice(
                "info",
                f"This key begins {words.relative(key.not_before, ask.now)}. Until then it is refused.",
            )
        )
    elif key.expires_at is not None and key.expires_at - ask.now < SOON:
        exact = words.exact(key.expires_at, ask.zone)
        found.append(
            Notice(
                "warn",
                f"This key ends {words.relative(key.expires_at, ask.now)}, on {exact}, and is refused from then on.",
                *dates,
            )
        )
    return found


def _about_use(subject: Subject, overview: Overview) -> list[Notice]:
    key, now = subject.key, subject.ask.now
    if subject.view.state is not State.ACTIVE:
        return []
    since = key.last_used_at or key.created_at
    if now - since >= IDLE:
        said = "was last used" if key.last_used_at is not None else "was never used, and was made"
        disable = ("Disable it", subject.at("disable")) if subject.may("keys:update") else ("", "")
        return [
            Notice(
                "warn",
                f"This key {said} {words.relative(since, now)}. If nobody needs it, disable it: that can be undone.",
                *disable,
            )
        ]
    if overview.mostly_unused and overview.unused is not None:
        used = overview.rights - len(overview.unused)
        narrow = (
            ("Narrow it to what it uses", subject.at("edit", "scope", narrow="1"))
            if subject.may("keys:update")
            else ("", "")
        )
        return [
            Notice(
                "info",
                f"It used {used:,} of its {words.counted(overview.rights, 'right')}, as far back as usage is kept.",
                *narrow,
            )
        ]
    return []


def _code(subject: Subject) -> Code:
    key_id = subject.key.id
    return subject.ask.code(
        rest=Rest("GET", f"/v1/keys/{key_id}"),
        graph=Graph(_SHOWN, {"id": key_id}),
        cli=["keys", "show", key_id],
    )


def _used_code(subject: Subject, span: Span, found: KeyUsage) -> Code:
    key_id, since = subject.key.id, rfc3339(found.counts.since)
    return subject.ask.code(
        rest=Rest("GET", f"/v1/keys/{key_id}/usage?since={since}&by={span.by}"),
        graph=Graph(_USED, {"id": key_id, "span": {"since": since, "by": span.by.upper()}}),
        cli=["keys", "usage", key_id, "--since", since, "--by", span.by.value],
    )


PAGES: Final[tuple[Page, ...]] = (
    *switching.PAGES,
    *ownership.PAGES,
    *scoping.PAGES,
    *editing.PAGES,
    trying,
    used,
    details,
)
