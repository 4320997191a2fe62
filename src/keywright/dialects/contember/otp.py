"""Second factors: one-time codes of an authenticator app, and the codes for when it is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keywright.core.errors import CodeReused, FactorExists, InvalidCode, NotFound
from keywright.dialects.contember.fields import done, failed, root
from keywright.dialects.contember.mapping import labelled
from keywright.services.factors import (
    FirstCode,
    begin_totp,
    confirm_totp,
    remove_totp,
    renew_recovery_codes,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keywright.core.hidden import Hidden
    from keywright.dialects.contember.fields import Args, Request, Resolver

_REFUSAL: Final = "You are not allowed to set up a second factor"


async def prepare(request: Request, args: Args) -> dict[str, Any]:
    """Begin to set up an app; it counts once a code of it was shown."""
    begun = await request.asking.run(begin_totp, None)
    uri = labelled(begun.uri.reveal(), args.get("label"))
    return done({"otpUri": uri, "otpSecret": begun.secret.reveal()})


async def confirm(request: Request, args: Args) -> dict[str, Any]:
    """Turn the app on by a code of it."""
    try:
        confirmed = await request.asking.run(confirm_totp, FirstCode(args["otpToken"]))
    except (InvalidCode, CodeReused):
        return failed("INVALID_OTP_TOKEN", "OTP token validation has failed")
    except (NotFound, FactorExists):
        return failed("NOT_PREPARED", "OTP setup was not initialized. Call prepareOtp first.")
    return done(_codes(confirmed.recovery_codes))


async def disable(request: Request, _args: Args) -> dict[str, Any]:
    """Take the app away."""
    try:
        await request.asking.run(remove_totp, None)
    except NotFound:
        return failed("OTP_NOT_ACTIVE", "OTP is not active")
    return done()


async def regenerate(request: Request, _args: Args) -> dict[str, Any]:
    """New codes for when the app is lost, in place of those there were."""
    try:
        renewed = await request.asking.run(renew_recovery_codes, None)
    except NotFound:
        return failed("OTP_NOT_ACTIVE", "OTP is not active")
    return done(_codes(renewed.recovery_codes))


def _codes(made: Iterable[Hidden]) -> dict[str, Any]:
    """The codes, which are shown this once."""
    return {"backupCodes": [one.reveal() for one in made]}


MUTATIONS: Final[Mapping[str, Resolver]] = {
    "prepareOtp": root(prepare, _REFUSAL),
    "confirmOtp": root(confirm, _REFUSAL),
    "disableOtp": root(disable, _REFUSAL),
    "regenerateBackupCodes": root(regenerate, _REFUSAL),
}
