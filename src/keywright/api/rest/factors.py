"""`/v1/factors`: the second factors of whoever is logged in."""

from typing import Annotated

from fastapi import Path
from pydantic import Field

from keywright.api.rest.models import In, Moment, Out
from keywright.api.rest.routes import Door
from keywright.api.rest.sessions import (
    CREDENTIAL,
    Credential,
    PasskeyOptionsOut,
    read_nothing,
    show_options,
)
from keywright.core.passkeys import Passkey
from keywright.services import factors
from keywright.services.factors import (
    Factors,
    FirstCode,
    NewPasskey,
    NewRecoveryCodes,
    PasskeyId,
    PasskeyName,
    TotpBegun,
    TotpConfirmed,
)

_TAG = "Second factors"


class CodeIn(In):
    """The first code that an authenticator app shows."""

    code: str = Field(max_length=64, examples=["123456"])


class PasskeyIn(In):
    """A passkey that a device made in answer to a challenge."""

    name: str = Field(
        description="What the person calls the device.",
        json_schema_extra={"minLength": 1, "maxLength": 255, "examples": ["Laptop"]},
    )
    credential: Credential = Field(
        description="What the browser got from the device: `PublicKeyCredential.toJSON()`.",
        json_schema_extra=CREDENTIAL,
    )


class PasskeyNameIn(In):
    """What the passkey is to be called."""

    name: str = Field(json_schema_extra={"minLength": 1, "maxLength": 255, "examples": ["Desk"]})


class PasskeyOut(Out):
    """A passkey, by what a person knows it."""

    id: str
    name: str
    created_at: Moment
    last_used_at: Moment | None
    transports: list[str] = Field(description="How its device can be reached.", examples=[["internal"]])


class FactorsOut(Out):
    """The caller's second factors, without anything secret."""

    totp_since: Moment | None = Field(description="When an authenticator app was turned on; null: none is.")
    recovery_codes_left: int
    passkeys: list[PasskeyOut]


class TotpOut(Out):
    """What an authenticator app takes, in three forms; shown this once."""

    secret: str = Field(description="In base32, for typing.")
    uri: str = Field(description="As apps read it: an `otpauth://` address.")
    qr_code: str = Field(description="That address as an SVG image.")


class RecoveryCodesOut(Out):
    """Recovery codes; shown this once. None where there are some already."""

    recovery_codes: list[str]


PasskeyPath = Annotated[
    str, Path(description="The passkey's id.", examples=["pky_0193a0b1c2d37e4f8a9b0c1d2e3f4a5b"])
]


def read_code(body: CodeIn) -> FirstCode:
    """The first code of an app."""
    return FirstCode(body.code)


def read_new(body: PasskeyIn) -> NewPasskey:
    """A passkey to be added."""
    return NewPasskey(body.name, body.credential)


def read_one(id: PasskeyPath) -> PasskeyId:  # noqa: A002 - the name stands in the path
    """One passkey's id from the path."""
    return PasskeyId(id)


def read_name(id: PasskeyPath, body: PasskeyNameIn) -> PasskeyName:  # noqa: A002 - the name stands in the path
    """What a passkey is to be called."""
    return PasskeyName(id, body.name)


def show_passkey(passkey: Passkey) -> PasskeyOut:
    """A passkey."""
    return PasskeyOut(
        id=passkey.id,
        name=passkey.name,
        created_at=passkey.created_at,
        last_used_at=passkey.last_used_at,
        transports=list(passkey.transports),
    )


def _factors(found: Factors) -> FactorsOut:
    return FactorsOut(
        totp_since=found.totp_since,
        recovery_codes_left=found.recovery_codes_left,
        passkeys=[show_passkey(one) for one in found.passkeys],
    )


def _totp(begun: TotpBegun) -> TotpOut:
    """A secret for an app; here, and only here, it is revealed to REST."""
    return TotpOut(secret=begun.secret.reveal(), uri=begun.uri.reveal(), qr_code=begun.qr_code.reveal())


def _codes(made: TotpConfirmed | NewRecoveryCodes) -> RecoveryCodesOut:
    """Recovery codes; here, and only here, they are revealed to REST."""
    return RecoveryCodesOut(recovery_codes=[one.reveal() for one in made.recovery_codes])


def _nothing(_result: None) -> None:
    return None


def declare(door: Door) -> None:
    """Declare the routes of second factors."""
    door.route(
        "GET", "/factors", factors.list_factors, read=read_nothing, show=_factors, model=FactorsOut, tag=_TAG
    )
    door.route(
        "POST",
        "/factors/totp",
        factors.begin_totp,
        read=read_nothing,
        show=_totp,
        model=TotpOut,
        refusals=(409,),
        tag=_TAG,
    )
    door.route(
        "POST",
        "/factors/totp/confirm",
        factors.confirm_totp,
        read=read_code,
        show=_codes,
        model=RecoveryCodesOut,
        refusals=(404, 409),
        tag=_TAG,
    )
    door.route(
        "DELETE",
        "/factors/totp",
        factors.remove_totp,
        read=read_nothing,
        show=_nothing,
        status=204,
        refusals=(404,),
        tag=_TAG,
    )
    door.route(
        "POST",
        "/factors/recovery-codes",
        factors.renew_recovery_codes,
        read=read_nothing,
        show=_codes,
        model=RecoveryCodesOut,
        refusals=(404,),
        tag=_TAG,
    )
    _declare_passkeys(door)


def _declare_passkeys(door: Door) -> None:
    door.route(
        "POST",
        "/factors/passkeys/options",
        factors.begin_passkey,
        read=read_nothing,
        show=show_options,
        model=PasskeyOptionsOut,
        refusals=(409,),
        tag=_TAG,
    )
    door.route(
        "POST",
        "/factors/passkeys",
        factors.add_passkey,
        read=read_new,
        show=show_passkey,
        model=PasskeyOut,
        refusals=(409,),
        tag=_TAG,
    )
    door.route(
        "PATCH",
        "/factors/passkeys/{id}",
        factors.rename_passkey,
        read=read_name,
        show=show_passkey,
        model=PasskeyOut,
        refusals=(404,),
        tag=_TAG,
    )
    door.route(
        "DELETE",
        "/factors/passkeys/{id}",
        factors.remove_passkey,
        read=read_one,
        show=_nothing,
        status=204,
        refusals=(404,),
        tag=_TAG,
    )
