"""The use cases of second factors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.ids import new_id
from keywright.services.factors import (
    FirstCode,
    NewPasskey,
    PasskeyId,
    PasskeyName,
    begin_passkey,
    begin_totp,
)
from tests.services.cases.sessions import me, somebody
from tests.support.authenticator import Authenticator
from tests.support.cases import Case, Place, nothing
from tests.support.factors import App, with_app, with_passkey
from tests.support.house import ORIGIN

if TYPE_CHECKING:
    from keywright.services.factors import NewRecoveryCodes, TotpBegun, TotpConfirmed
    from tests.support.house import House


async def app_begun(home: House, place: Place) -> None:
    await somebody(home, place)
    place.things["app"] = App(home, (await home.run(begin_totp, place.things["me"], None)).secret.reveal())


async def app_on(home: House, place: Place) -> None:
    await somebody(home, place)
    place.things["app"] = await with_app(home, place.things["me"])


async def passkey_begun(home: House, place: Place) -> None:
    await somebody(home, place)
    begun = await home.run(begin_passkey, place.things["me"], None)
    place.things["credential"] = Authenticator(ORIGIN).create(begun.options)


async def passkey_added(home: House, place: Place) -> None:
    await somebody(home, place)
    place.things["passkey"] = (await with_passkey(home, place.things["me"]))[1].id


def _of_app(begun: TotpBegun) -> list[str]:
    return [begun.secret.reveal(), begun.uri.reveal(), begun.qr_code.reveal()]


def _of_codes(made: TotpConfirmed | NewRecoveryCodes) -> list[str]:
    return [one.reveal() for one in made.recovery_codes]


CASES = {
    "factors.list": Case(nothing, nothing, prepare=app_on, who=me, yields=True),
    "factors.totp.begin": Case(
        nothing, nothing, ("factor.begin",), prepare=somebody, who=me, yields=True, secrets=_of_app
    ),
    "factors.totp.confirm": Case(
        lambda place: FirstCode(place.things["app"].code()),
        lambda: FirstCode(""),
        ("factor.add",),
        prepare=app_begun,
        who=me,
        secrets=_of_codes,
    ),
    "factors.totp.remove": Case(nothing, nothing, ("factor.remove",), prepare=app_on, who=me, yields=True),
    "factors.recovery_codes.renew": Case(
        nothing, nothing, ("factor.renew",), prepare=app_on, who=me, secrets=_of_codes
    ),
    "factors.passkeys.begin": Case(
        nothing, nothing, ("factor.begin",), prepare=somebody, who=me, yields=True
    ),
    "factors.passkeys.add": Case(
        lambda place: NewPasskey("Laptop", place.things["credential"]),
        lambda: NewPasskey("Laptop", {}),
        ("factor.add",),
        prepare=passkey_begun,
        who=me,
    ),
    "factors.passkeys.rename": Case(
        lambda place: PasskeyName(place.things["passkey"], "Desk"),
        lambda: PasskeyName(new_id("pky"), "Desk"),
        ("factor.update",),
        prepare=passkey_added,
        who=me,
    ),
    "factors.passkeys.remove": Case(
        lambda place: PasskeyId(place.things["passkey"]),
        lambda: PasskeyId(new_id("pky")),
        ("factor.remove",),
        prepare=passkey_added,
        who=me,
    ),
}
