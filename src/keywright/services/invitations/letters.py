"""The links of invitations, and the letters by which they are sent once they stand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keywright.services.mail import Letter, MailProblem

if TYPE_CHECKING:
    from keywright.services.invitations.shapes import InvitationView, Invited
    from keywright.services.tools import Tools

PATH = "/invitations/accept"
_SUBJECT = "Your invitation to {place}"
_TEXT = """Hello {name},

{maker} invites you to {place}. To accept, open this link:

{link}

It works once, until {until} UTC. If you did not expect it, you need do nothing.
"""
_RESET_SUBJECT = "A new password for Keywright"
_RESET_TEXT = """Hello {name},

{maker} has made a link by which you can set a new password for the login name {login}:

{link}

It works once, until {until} UTC. When it is used, all your sessions end.
If you did not ask for it, tell your administrator, and do not pass it on.
"""


async def send(tools: Tools, made: Invited) -> Invited:
    """Add the link, and send it where there is an address to send it to. The invitation stands in any case."""
    if made.token is None:
        return made
    # In the fragment, which browsers send to no server, so that it stands in no log.
    link = f"{tools.public_url}{PATH}#{made.token.reveal()}"
    email = made.view.invitation.email
    problem = (
        MailProblem.NO_ADDRESS if email is None else await tools.mailer.send(_letter(email, made.view, link))
    )
    return replace(made, link=link, mailed=problem is None, mail_problem=problem)


def _letter(email: str, view: InvitationView, link: str) -> Letter:
    invitation = view.invitation
    reset = invitation.identity_id is not None
    words = {
        "name": invitation.name,
        "login": invitation.login,
        "maker": "Somebody" if view.maker is None else view.maker.name,
        "place": "Keywright" if view.tenant is None else f"{view.tenant.name} on Keywright",
        "link": link,
        "until": f"{invitation.expires_at:%Y-%m-%d %H:%M}",
    }
    subject, text = (_RESET_SUBJECT, _RESET_TEXT) if reset else (_SUBJECT, _TEXT)
    return Letter(email, subject.format(**words), text.format(**words))
