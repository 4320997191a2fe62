"""Logging in and out: sessions of people, each by a token that is used like a key's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keywright.core.errors import (
    BeyondOwnRights,
    CodeReused,
    IllegalTransition,
    InvalidCode,
    InvalidCredentials,
    InvalidValue,
    NotFound,
    PasskeyRefused,
    PermissionDenied,
    SecondFactorRequired,
    TooManyAttempts,
    WeakPassword,
)
from keywright.core.identities import IdentityKind
from keywright.dialects.contember import identities, mapping
from keywright.dialects.contember.errors import bad_input, forbidden
from keywright.dialects.contember.fields import done, failed, root
from keywright.dialects.contember.mapping import id_of
from keywright.dialects.contember.people import ShownPerson
from keywright.services.factors import AppCode, RecoveryCode
from keywright.services.sessions import (
    PasswordChange,
    SessionFor,
    SessionId,
    change_password,
    create_session_for,
    end_one_session,
    end_other_sessions,
    end_session,
)
from keywright.services.whoami import whoami
from keywright.web.asking import Asking
from keywright.web.calls import call_with

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.dialects.contember.fields import Args, Request, Resolver
    from keywright.services.factors import Factor
    from keywright.services.sessions import LoggedIn

_SECONDS: Final = 60


async def sign_in(request: Request, args: Args) -> dict[str, Any]:
    """Log somebody in. It asks for no right but that the request has a credential, as each one has here."""
    try:
        made = await request.services.log_in(
            args["email"],
            args["password"],
            factor=_factor(args),
            lifetime=mapping.lifetime(args.get("expiration")),
            ip=request.visit.ip_text,
            request_id=request.visit.request_id,
        )
    except InvalidCredentials:
        return failed("INVALID_CREDENTIALS", "Invalid credentials")
    except SecondFactorRequired:
        return failed("OTP_REQUIRED", "2FA is enabled. OTP token is required")
    except (InvalidCode, CodeReused, PasskeyRefused):
        return failed("INVALID_OTP_TOKEN", "OTP token validation has failed")
    except TooManyAttempts as limited:
        message = "Too many attempts, please try again later."
        return failed("RATE_LIMIT_EXCEEDED", message, retryAfter=limited.retry_after)
    return done(await _logged_in(request, made))


def _factor(args: Args) -> Factor | None:
    if args.get("otpToken"):
        return AppCode(args["otpToken"])
    return RecoveryCode(args["backupCode"]) if args.get("backupCode") else None


async def _logged_in(request: Request, made: LoggedIn) -> dict[str, Any]:
    """A fresh session; here, and only here, its token is revealed to this door."""
    token = made.token.reveal()
    call = await call_with(token, request.visit, request.services)
    user = (await Asking(request.services, call, request.asking.left).run(whoami, None)).user
    assert user is not None  # noqa: S101 - only a person has a session
    return {"token": token, "person": ShownPerson(user, identities.found(made.identity))}


async def create_session_token(request: Request, args: Args) -> dict[str, Any]:
    """Make a session for somebody who shows nothing for it, and may do no more than the caller."""
    email, uuid = args.get("email"), args.get("personId")
    if not email and not uuid:
        raise bad_input("Please provide either email or personId")
    wanted = SessionFor(
        id=None if email else id_of("idn", uuid or "") or "",
        login=email or None,
        idle_seconds=(args.get("expiration") or mapping.DEFAULT_MINUTES) * _SECONDS,
        longest_seconds=None,
    )
    try:
        made = await request.asking.run(create_session_for, wanted)
    except NotFound:
        if email:
            return failed("UNKNOWN_EMAIL", "Person with given email was not found")
        return failed("UNKNOWN_PERSON_ID", "Person with given id was not found")
    except IllegalTransition:
        return failed("PERSON_DISABLED", "Person is disabled")
    except BeyondOwnRights:
        raise forbidden("You are not allowed to create a session key for this person.") from None
    return done(await _logged_in(request, made))


async def sign_out(request: Request, args: Args) -> dict[str, Any]:
    """End the session that the call was made with, or all of the person."""
    caller = request.caller
    if caller.session is None:
        if caller.identity.kind is not IdentityKind.USER:
            return failed("NOT_A_PERSON", "Only a person can sign out")
        return failed(
            "NOT_POSSIBLE_SIGN_OUT_WITH_PERMANENT_API_KEY", "Cannot sign out with a permanent API key"
        )
    if args.get("all"):
        await request.asking.run(end_other_sessions, None)
    await request.asking.run(end_session, None)
    return done()


async def revoke_session(request: Request, args: Args) -> dict[str, Any]:
    """End one session of one's own."""
    if request.caller.session is None:
        return failed("NOT_A_PERSON", "Only a person can revoke a session")
    try:
        await request.asking.run(end_one_session, SessionId(id_of("ses", args["sessionId"]) or ""))
    except NotFound:
        return failed("SESSION_NOT_FOUND", "Session was not found")
    return done()


async def change_my_password(request: Request, args: Args) -> dict[str, Any]:
    """Change one's own password; all other sessions of the person end."""
    try:
        await request.asking.run(
            change_password, PasswordChange(args["currentPassword"], args["newPassword"])
        )
    except PermissionDenied:
        return failed("NOT_A_PERSON", "Only a person can change a password")
    except InvalidCredentials:
        return failed("INVALID_PASSWORD", "Password does not match")
    except (WeakPassword, InvalidValue) as weak:
        return failed("TOO_WEAK", weak.detail)
    return done()


MUTATIONS: Final[Mapping[str, Resolver]] = {
    "signIn": root(sign_in, "You are not allowed to sign in"),
    "createSessionToken": root(create_session_token, "You are not allowed to create a session key"),
    "signOut": root(sign_out),
    "revokeSession": root(revoke_session),
    "changeMyPassword": root(change_my_password),
}
