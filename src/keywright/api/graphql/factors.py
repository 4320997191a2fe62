"""The fields of second factors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.api.graphql.fields import lists, runs
from keywright.api.graphql.sessions import nothing, passkey_options
from keywright.services import factors
from keywright.services.factors import FirstCode, NewPasskey, PasskeyId, PasskeyName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.api.graphql.fields import RootField
    from keywright.api.graphql.mapping import Args, Shape
    from keywright.core.passkeys import Passkey
    from keywright.services.factors import Factors, NewRecoveryCodes, TotpBegun, TotpConfirmed


def first_code(args: Args) -> FirstCode:
    """The first code of an app."""
    return FirstCode(args["input"]["code"])


def new_passkey(args: Args) -> NewPasskey:
    """A passkey to be added."""
    given = args["input"]
    return NewPasskey(given["name"], given["credential"])


def passkey_name(args: Args) -> PasskeyName:
    """What a passkey is to be called."""
    given = args["input"]
    return PasskeyName(given["id"], given["name"])


def one_passkey(args: Args) -> PasskeyId:
    """Which passkey is meant."""
    return PasskeyId(args["input"]["id"])


def passkey(found: Passkey) -> Shape:
    """A passkey."""
    return {
        "id": found.id,
        "name": found.name,
        "createdAt": found.created_at,
        "lastUsedAt": found.last_used_at,
        "transports": list(found.transports),
    }


def all_factors(found: Factors) -> Shape:
    """The caller's second factors."""
    return {
        "totpSince": found.totp_since,
        "recoveryCodesLeft": found.recovery_codes_left,
        "passkeys": [passkey(one) for one in found.passkeys],
    }


def begun_totp(begun: TotpBegun) -> Shape:
    """A secret for an app; here, and only here, it is revealed to GraphQL."""
    return {
        "secret": begun.secret.reveal(),
        "uri": begun.uri.reveal(),
        "qrCode": begun.qr_code.reveal(),
    }


def recovery_codes(made: TotpConfirmed | NewRecoveryCodes) -> Shape:
    """Recovery codes; here, and only here, they are revealed to GraphQL."""
    return {"recoveryCodes": [one.reveal() for one in made.recovery_codes]}


def changed_passkey(found: Passkey) -> Shape:
    """A passkey that was added or renamed."""
    return {"passkey": passkey(found)}


def removed(_result: None) -> Shape:
    """An app that was removed."""
    return {"removed": True}


def removed_passkey(_result: None, wanted: PasskeyId) -> Shape:
    """A passkey that was removed."""
    return {"removedId": wanted.id}


QUERIES: Final[Mapping[str, RootField]] = {
    "factors": runs(factors.list_factors, nothing, all_factors),
}
MUTATIONS: Final[Mapping[str, RootField]] = {
    "beginTotp": runs(factors.begin_totp, nothing, begun_totp),
    "confirmTotp": runs(factors.confirm_totp, first_code, recovery_codes),
    "removeTotp": runs(factors.remove_totp, nothing, removed),
    "renewRecoveryCodes": runs(factors.renew_recovery_codes, nothing, recovery_codes),
    "beginPasskey": runs(factors.begin_passkey, nothing, passkey_options),
    "addPasskey": runs(factors.add_passkey, new_passkey, changed_passkey),
    "renamePasskey": runs(factors.rename_passkey, passkey_name, changed_passkey),
    "removePasskey": lists(factors.remove_passkey, one_passkey, removed_passkey),
}
