"""What a server with some settings would meet, found out without changing anything."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keywright.app.opening import StartError, database_of, mailer_of, sentences
from keywright.core.errors import SignOnUnavailable
from keywright.core.instants import SystemClock
from keywright.services.mail import MailProblem
from keywright.services.sign_on import provider_of
from keywright.storage import SchemaMismatch
from keywright.storage.counters import RemoteAway, redis_answers
from keywright.storage.migrate import require_current, revision

if TYPE_CHECKING:
    from keywright.services.mail import Mailer
    from keywright.services.sign_on import Provider
    from keywright.settings import Settings
    from keywright.storage import Database

MAX_CLOCK_APART = 5.0
_MAIL_PROBLEMS = {
    MailProblem.UNREACHABLE: "the server of smtp_url does not answer",
    MailProblem.NOT_SECURE: "the server offers no encryption, or its certificate does not hold",
    MailProblem.LOGIN_REFUSED: "the server does not accept the user name and password of smtp_url",
    MailProblem.REFUSED: "the server refuses to talk to this host",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check of `diagnose` found."""

    name: str
    ok: bool
    detail: str


async def diagnose(settings: Settings) -> list[Finding]:
    """Look at what a server with these settings would meet, changing nothing."""
    findings = [_data_folder(settings)] if settings.database_url is None else []
    try:
        with sentences(settings):
            database = database_of(settings)
            try:
                findings += await _database_findings(database)
            finally:
                await database.close()
    except StartError as error:
        findings.append(Finding("database", ok=False, detail=str(error)))
    if settings.redis_url is not None:
        findings.append(await _redis_finding(settings.redis_url.reveal()))
    if settings.smtp_url is not None:
        findings.append(await _mail_finding(mailer_of(settings)))
    if (provider := provider_of(settings, SystemClock())) is not None:
        findings.append(await _sign_on_finding(provider))
    return findings


async def _redis_finding(url: str) -> Finding:
    try:
        await redis_answers(url)
    except RemoteAway as away:
        cause = type(away.__cause__).__name__
        detail = f"It cannot be used ({cause}), so that each node counts alone. Check redis_url."
        return Finding("redis", ok=False, detail=detail)
    return Finding("redis", ok=True, detail="It answers, and counts.")


async def _mail_finding(mailer: Mailer) -> Finding:
    problem = await mailer.probe()
    mailer.close()
    if problem is None:
        return Finding(
            "mail", ok=True, detail="The mail server answers, and accepts the login if one is set."
        )
    return Finding("mail", ok=False, detail=f"No mail can be sent: {_MAIL_PROBLEMS[problem]}.")


async def _sign_on_finding(provider: Provider) -> Finding:
    try:
        await provider.probe()
    except SignOnUnavailable as error:
        return Finding("sign-on", ok=False, detail=f"{error} Check oidc_issuer.")
    finally:
        await provider.close()
    return Finding("sign-on", ok=True, detail="The identity provider answers as it should.")


async def _database_findings(database: Database) -> list[Finding]:
    if database.dialect == "sqlite" and not database.exists():
        return [Finding("database", ok=True, detail="There is none yet; the first start makes it.")]
    found = await revision(database)
    findings = [Finding("database", ok=True, detail=f"It answers ({database.dialect}).")]
    try:
        await require_current(database)
        findings.append(Finding("schema", ok=True, detail=f"It is at {found}, as this version needs."))
    except SchemaMismatch as mismatch:
        findings.append(Finding("schema", ok=False, detail=str(mismatch)))
        return findings
    async with database.read() as transaction:
        apart = abs((await transaction.now() - SystemClock().now()).total_seconds())
    findings.append(
        Finding("clock", ok=apart < MAX_CLOCK_APART, detail=f"Database and host differ by {apart:.1f} s.")
    )
    return findings


def _data_folder(settings: Settings) -> Finding:
    folder = settings.data
    place = folder if folder.exists() else folder.absolute().parent
    usable = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    detail = f"{folder} can be written." if usable else f"{folder} cannot be written: choose another DATA."
    return Finding("data folder", ok=usable, detail=detail)
