"""Mail: short letters by SMTP, in threads of their own, so that a slow server holds up nothing else."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from enum import StrEnum
from typing import TYPE_CHECKING

from keywright.ops.logging import get_logger
from keywright.settings.mail import Encryption, MailServer, sender_domain

if TYPE_CHECKING:
    from collections.abc import Callable

THREADS = 2
STEP_SECONDS = 10.0
"""How long the server may take for one step."""
WHOLE_SECONDS = 20.0
"""How long a letter may take in all, waiting for a thread included."""

log = get_logger("keywright.mail")


class MailProblem(StrEnum):
    """Why a letter was not sent; the values stand on every wire."""

    NOT_SET_UP = "not_set_up"
    """The settings name no mail server."""
    NO_ADDRESS = "no_address"
    """No address is known to send it to."""
    UNREACHABLE = "unreachable"
    """The server did not answer, or not in time; in time enough it may still send the letter."""
    NOT_SECURE = "not_secure"
    """The server's certificate does not hold, or it offers no encryption."""
    LOGIN_REFUSED = "login_refused"
    """The server did not accept the user name and password of the settings."""
    REFUSED = "refused"
    """The server did not take the letter."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to one address, on one subject. The text may hold a secret, and is in no `repr`."""

    to: str
    subject: str
    text: str = field(repr=False)


class Mailer:
    """Sends letters by the mail server of the settings; without one it says so."""

    def __init__(self, server: MailServer | None, sender: str = "") -> None:
        self._server = server
        self._sender = sender
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="mail")

    async def send(self, letter: Letter) -> MailProblem | None:
        """Send a letter; answers None once the server has taken it, and else why not."""
        return await self._run(lambda connection: connection.send_message(self._message(letter)))

    async def probe(self) -> MailProblem | None:
        """Connect and log in, and send nothing; answers as `send` does."""
        return await self._run(lambda connection: connection.noop())

    def close(self) -> None:
        """Give the threads back."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=sender_domain(self._sender))
        # So that no robot answers it with a note that somebody is on holiday: RFC 3834.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        return message

    async def _run(self, act: Callable[[smtplib.SMTP], object]) -> MailProblem | None:
        server = self._server
        if server is None:
            return MailProblem.NOT_SET_UP
        work = asyncio.get_running_loop().run_in_executor(
            self._pool, _visit, server, sender_domain(self._sender), act
        )
        try:
            await asyncio.wait_for(work, WHOLE_SECONDS)
        except (OSError, ValueError) as error:
            problem = _problem(error)
            # Neither its text nor its traceback: a server may repeat what it was sent.
            log.warning("mail_not_sent", problem=problem, error=type(error).__name__, status=_status(error))
            return problem
        return None


def _visit(server: MailServer, our_name: str, act: Callable[[smtplib.SMTP], object]) -> None:
    """Connect, encrypt and log in as the settings say, do something, and leave."""
    context = ssl.create_default_context()
    with _connected(server, our_name, context) as connection:
        if server.encryption is Encryption.STARTTLS:
            _encrypt(connection, context)
        if server.user is not None:
            connection.login(server.user, server.password)
        act(connection)


def _connected(server: MailServer, our_name: str, context: ssl.SSLContext) -> smtplib.SMTP:
    if server.encryption is Encryption.AT_ONCE:
        return smtplib.SMTP_SSL(server.host, server.port, our_name, timeout=STEP_SECONDS, context=context)
    return smtplib.SMTP(server.host, server.port, our_name, timeout=STEP_SECONDS)


def _encrypt(connection: smtplib.SMTP, context: ssl.SSLContext) -> None:
    try:
        connection.starttls(context=context)
    except (smtplib.SMTPNotSupportedError, smtplib.SMTPResponseException):
        raise ssl.SSLError("the server has no STARTTLS") from None


def _problem(error: Exception) -> MailProblem:
    match error:
        case ssl.SSLError():
            return MailProblem.NOT_SECURE
        case smtplib.SMTPAuthenticationError():
            return MailProblem.LOGIN_REFUSED
        case smtplib.SMTPServerDisconnected() | smtplib.SMTPConnectError():
            return MailProblem.UNREACHABLE
        case smtplib.SMTPException() | ValueError():
            return MailProblem.REFUSED
    return MailProblem.UNREACHABLE


def _status(error: Exception) -> int | None:
    """The status that the server gave, where it gave one."""
    return error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else None
