"""Inviting somebody, by a link that is shown once, and sent where there is a mail server."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.people import grants
from keywright.console.people.wording import refused
from keywright.console.routing import page
from keywright.core.errors import KeywrightError
from keywright.core.invitations import DEFAULT_DAYS
from keywright.services.invitations import NewInvitation, invite_user

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.code import Code
    from keywright.console.forms import Form

DAYS: Final = (1, 7, 14, 30)
PROBLEMS: Final = {
    "not_set_up": "No mail server is set up here, so nothing was sent. Hand the link over yourself.",
    "no_address": "No e-mail address is known, so nothing was sent. Hand the link over yourself.",
    "unreachable": "The mail server did not answer in time. The letter may still arrive; the link below is the same.",
    "not_secure": "The mail server's connection is not secure, so nothing was sent. Hand the link over yourself.",
    "login_refused": "The mail server refused our login, so nothing was sent. Hand the link over yourself.",
    "refused": "The mail server did not take the letter. Look at the address, or hand the link over yourself.",
}
"""Why a link was not sent, in words."""
_INVITE: Final = """
mutation InviteUser($input: InviteUserInput!) {
  inviteUser(input: $input) { invitation { id name } link mailed }
}
"""


@dataclass(slots=True)
class Draft:
    """What stands in the form."""

    name: str = ""
    login: str = ""
    email: str = ""
    days: str = str(DEFAULT_DAYS)
    rows: tuple[grants.Row, ...] = (grants.Row(),)
    once: str = ""

    @classmethod
    def of(cls, form: Form) -> Draft:
        """The draft that a form sent."""
        return cls(
            form.get("name"),
            form.get("login"),
            form.get("email"),
            form.get("days", str(DEFAULT_DAYS)),
            tuple(grants.asked_rows(form)),
            form.get("once"),
        )


@page("/t/{tenant}/people/invite", needs="identities:create")
async def form(ask: Ask) -> Response:
    """The empty form."""
    return await _form(ask, Draft(once=secrets.token_urlsafe(16)), Errors())


@page("/t/{tenant}/people/invite", needs="identities:create", methods=("POST",))
async def invite(ask: Ask) -> Response:
    """Invite, and show the link this once; or show the form again."""
    draft = Draft.of(ask.form)
    known = await grants.choices(ask)
    rows = [row for row in draft.rows if row.role]
    wanted = NewInvitation(
        name=draft.name,
        login=draft.login or None,
        email=draft.email or None,
        memberships=known.given(rows),
        expires_in_days=int(draft.days) if draft.days in map(str, DAYS) else DEFAULT_DAYS,
    )
    if grants.only_rows(ask) or ask.form.get("show"):
        return await _form(ask, draft, Errors(), _code(ask, wanted) if ask.form.get("show") else None)
    try:
        made = await ask.change(invite_user, wanted, once=draft.once or None)
    except KeywrightError as error:
        fields = ("name", "login", "email", "expires_in_days", *grants.row_fields(rows, known))
        return await _form(ask, draft, refused(ask, error, known.lexicon, *fields))
    problem = made.result.mail_problem
    return ask.page(
        "people/invited.html",
        made=made.result,
        problem=None if problem is None else PROBLEMS[problem.value],
        roles=[one.role for one in wanted.memberships],
    )


async def _form(ask: Ask, draft: Draft, errors: Errors, code: Code | None = None) -> Response:
    context: dict[str, Any] = {
        "draft": draft,
        "errors": errors,
        "choices": await grants.choices(ask),
        "code": code,
        "days": DAYS,
    }
    if ask.wants_part and not errors:
        if ask.target == "given":
            return ask.part("people/given_part.html", **context)
        if ask.target == "code":
            return ask.part("people/code_part.html", **context)
    return ask.page("people/invite.html", ask.status, **context)


def _code(ask: Ask, wanted: NewInvitation) -> Code:
    name = wanted.name or "NAME"
    told = {"login": wanted.login, "email": wanted.email}
    told = {field: value for field, value in told.items() if value is not None}
    options = [word for field, value in told.items() for word in (f"--{field}", str(value))]
    for one in wanted.memberships:
        options += ["--role", grants.worded(one)]
    return ask.code(
        rest=Rest(
            "POST",
            "/v1/invitations",
            {
                "name": name,
                **told,
                "memberships": grants.plain(wanted.memberships),
                "expires_in_days": wanted.expires_in_days,
            },
        ),
        graph=Graph(
            _INVITE,
            {
                "input": {
                    "name": name,
                    **told,
                    "memberships": grants.graphed(wanted.memberships),
                    "expiresInDays": wanted.expires_in_days,
                }
            },
        ),
        cli=["users", "invite", *options, "--days", str(wanted.expires_in_days), "--", name],
    )


PAGES = (form, invite)
