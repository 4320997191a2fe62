"""Second factors: authenticator apps, recovery codes and passkeys, and showing one at a login."""

from keywright.services.factors.listing import Factors, list_factors
from keywright.services.factors.passkeys import (
    NewPasskey,
    PasskeyId,
    PasskeyName,
    PasskeyOptions,
    add_passkey,
    begin_passkey,
    remove_passkey,
    rename_passkey,
)
from keywright.services.factors.recovery import NewRecoveryCodes, renew_recovery_codes
from keywright.services.factors.showing import AppCode, Factor, PasskeyAnswer, RecoveryCode, chosen
from keywright.services.factors.totp import (
    FirstCode,
    TotpBegun,
    TotpConfirmed,
    begin_totp,
    confirm_totp,
    remove_totp,
)

__all__ = [
    "AppCode",
    "Factor",
    "Factors",
    "FirstCode",
    "NewPasskey",
    "NewRecoveryCodes",
    "PasskeyAnswer",
    "PasskeyId",
    "PasskeyName",
    "PasskeyOptions",
    "RecoveryCode",
    "TotpBegun",
    "TotpConfirmed",
    "add_passkey",
    "begin_passkey",
    "begin_totp",
    "chosen",
    "confirm_totp",
    "list_factors",
    "remove_passkey",
    "remove_totp",
    "rename_passkey",
    "renew_recovery_codes",
]
