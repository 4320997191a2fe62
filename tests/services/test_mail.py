"""Mail against a real mail server: how it gets there, and what is said when it does not."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from keywright.services import mail
from keywright.services.mail import Letter, Mailer, MailProblem
from keywright.settings.mail import Encryption, MailServer, mail_server
from tests.support.mail import PASSWORD, USER, certificate, post_office

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.anyio

SENDER = "Keywright <kw@example.com>"
SECRET = "kwi_this-is-the-token"
LETTER = Letter("ada@example.com", "You are invited: příjď in", f"Dear Ada,\n\nopen {SECRET}\n")
LOGIN = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@"


@asynccontextmanager
async def mailer(url: str | None) -> AsyncIterator[Mailer]:
    made = Mailer(None if url is None else mail_server(url), SENDER)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def server_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate that this host trusts."""
    context, file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return context


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level("DEBUG")
    return caplog


def facts(log: pytest.LogCaptureFixture) -> dict[str, object]:
    """The one line that was logged, certain to hold no secret and nothing of the letter."""
    (record,) = [one for one in log.records if one.name == "keywright.mail"]
    line = record.getMessage()
    for hidden in (SECRET, PASSWORD, USER, LETTER.to, "127.0.0.1"):
        assert hidden not in line
    assert record.exc_info is None
    assert isinstance(record.msg, dict)
    return {name: record.msg[name] for name in ("event", "problem", "error", "status")}


async def test_a_letter_arrives_as_it_was_written(log: pytest.LogCaptureFixture) -> None:
    async with post_office() as post, mailer(f"smtp://127.0.0.1:{post.port}?starttls=never") as sender:
        assert await sender.send(LETTER) is None
    (letter,) = post.letters
    assert post.recipients == [[LETTER.to]]
    assert (letter["From"], letter["To"], letter["Subject"]) == (SENDER, LETTER.to, LETTER.subject)
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Message-ID"].endswith("@example.com>")
    assert letter["Date"]
    assert letter.get_content().replace("\r\n", "\n") == LETTER.text
    assert not [one for one in log.records if one.name == "keywright.mail"]


@pytest.mark.parametrize("at_once", [False, True], ids=["starttls", "at-once"])
async def test_it_logs_in_on_an_encrypted_connection(
    server_context: ssl.SSLContext, *, at_once: bool
) -> None:
    scheme = "smtps" if at_once else "smtp"
    async with (
        post_office(server_context, at_once=at_once, login=True) as post,
        mailer(f"{scheme}://{LOGIN}127.0.0.1:{post.port}") as sender,
    ):
        assert await sender.probe() is None
        assert post.letters == []
        assert await sender.send(LETTER) is None
        assert len(post.letters) == 1
        assert post.logins == [USER, USER]


@pytest.mark.parametrize("at_once", [False, True], ids=["starttls", "at-once"])
async def test_a_certificate_that_does_not_hold_is_refused_before_the_login(
    tmp_path: Path, log: pytest.LogCaptureFixture, *, at_once: bool
) -> None:
    context, _ = certificate(tmp_path)
    scheme = "smtps" if at_once else "smtp"
    async with (
        post_office(context, at_once=at_once, login=True) as post,
        mailer(f"{scheme}://{LOGIN}127.0.0.1:{post.port}") as sender,
    ):
        assert await sender.send(LETTER) is MailProblem.NOT_SECURE
    assert (post.logins, post.letters) == ([], [])
    assert facts(log) == {
        "event": "mail_not_sent",
        "problem": "not_secure",
        "error": "SSLCertVerificationError",
        "status": None,
    }


async def test_a_certificate_for_another_host_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, file = certificate(tmp_path, host="127.0.0.2")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    async with post_office(context) as post, mailer(f"smtp://127.0.0.1:{post.port}") as sender:
        assert await sender.send(LETTER) is MailProblem.NOT_SECURE
    assert post.letters == []


async def test_a_server_without_encryption_is_refused(log: pytest.LogCaptureFixture) -> None:
    async with post_office() as post, mailer(f"smtp://{LOGIN}127.0.0.1:{post.port}") as sender:
        assert await sender.send(LETTER) is MailProblem.NOT_SECURE
    assert post.letters == []
    assert facts(log)["error"] == "SSLError"


async def test_a_login_that_is_refused(server_context: ssl.SSLContext, log: pytest.LogCaptureFixture) -> None:
    async with (
        post_office(server_context, login=True) as post,
        mailer(f"smtp://{LOGIN.replace('battery', 'stapler')}127.0.0.1:{post.port}") as sender,
    ):
        assert await sender.send(LETTER) is MailProblem.LOGIN_REFUSED
    assert post.letters == []
    assert facts(log) == {
        "event": "mail_not_sent",
        "problem": "login_refused",
        "error": "SMTPAuthenticationError",
        "status": 535,
    }


async def test_a_letter_that_is_refused(log: pytest.LogCaptureFixture) -> None:
    async with post_office() as post, mailer(f"smtp://127.0.0.1:{post.port}?starttls=never") as sender:
        post.refuses = f"554 no {SECRET} from {USER}"
        assert await sender.send(LETTER) is MailProblem.REFUSED
    assert facts(log)["status"] == 554


async def test_nobody_listens(log: pytest.LogCaptureFixture) -> None:
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        async with mailer(f"smtp://127.0.0.1:{held.getsockname()[1]}") as sender:
            assert await sender.send(LETTER) is MailProblem.UNREACHABLE
            log.clear()
            assert await sender.probe() is MailProblem.UNREACHABLE
    assert facts(log)["error"] == "ConnectionRefusedError"


async def test_a_server_that_hangs_up() -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with mailer(f"smtp://127.0.0.1:{port}") as sender:
        assert await sender.send(LETTER) is MailProblem.UNREACHABLE
    server.close()


async def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "WHOLE_SECONDS", 0.05)
    monkeypatch.setattr(mail, "STEP_SECONDS", 0.2)  # so that its thread ends with the test
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        async with mailer(f"smtp://127.0.0.1:{silent.getsockname()[1]}") as sender:
            assert await sender.send(LETTER) is MailProblem.UNREACHABLE


async def test_an_address_that_cannot_be_written_to_is_refused() -> None:
    for to in ("ada@example.com\nBcc: eve@example.com", "ada"):
        async with post_office() as post, mailer(f"smtp://127.0.0.1:{post.port}?starttls=never") as sender:
            post.refuses = "550 no"
            assert await sender.send(Letter(to, "Subject", "Text")) is MailProblem.REFUSED


async def test_without_a_server_it_says_so() -> None:
    async with mailer(None) as sender:
        assert await sender.send(LETTER) is MailProblem.NOT_SET_UP
        assert await sender.probe() is MailProblem.NOT_SET_UP


def test_neither_a_letter_nor_a_server_shows_its_secret() -> None:
    assert SECRET not in repr(LETTER)
    server = mail_server(f"smtps://{LOGIN}mail.example.com")
    assert server == MailServer("mail.example.com", 465, Encryption.AT_ONCE, USER, PASSWORD)
    assert PASSWORD not in repr(server)
    assert mail_server("smtp://mail?starttls=never") == MailServer("mail", 587, Encryption.NEVER)
