"""Second factors for people in an installation without doors: each set up with one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyotp

from keywright.services.factors import (
    FirstCode,
    NewPasskey,
    PasskeyAnswer,
    add_passkey,
    begin_passkey,
    begin_totp,
    confirm_totp,
)
from tests.support.authenticator import Authenticator
from tests.support.house import ORIGIN

if TYPE_CHECKING:
    from keywright.core.passkeys import Passkey
    from keywright.services.callers import Caller
    from tests.support.house import House


@dataclass(frozen=True, slots=True)
class App:
    """An authenticator app with a secret in it, and the recovery codes that came with it."""

    home: House
    secret: str
    recovery_codes: tuple[str, ...] = ()

    def code(self, *, steps: int = 0) -> str:
        """Give the code that it shows now, or so many steps from now."""
        totp = pyotp.TOTP(self.secret)
        return totp.generate_otp(totp.timecode(self.home.clock.now()) + steps)

    def wrong_code(self) -> str:
        """Give a code that it shows neither now nor just before or after."""
        right = {self.code(steps=steps) for steps in (-1, 0, 1)}
        return next(code for code in ("000000", "111111", "222222", "333333") if code not in right)


async def with_app(home: House, caller: Caller) -> App:
    """Turn an authenticator app on, and let the code pass that this took."""
    begun = await home.run(begin_totp, caller, None)
    app = App(home, begun.secret.reveal())
    confirmed = await home.run(confirm_totp, caller, FirstCode(app.code()))
    home.clock.advance(seconds=30)
    return App(home, app.secret, tuple(one.reveal() for one in confirmed.recovery_codes))


async def with_passkey(
    home: House, caller: Caller, name: str = "Laptop", *, counts: bool = True
) -> tuple[Authenticator, Passkey]:
    """Register a device."""
    device = Authenticator(ORIGIN, counts=counts)
    begun = await home.run(begin_passkey, caller, None)
    credential = device.create(begun.options)
    return device, await home.run(add_passkey, caller, NewPasskey(name, credential))


async def answered(home: House, device: Authenticator, ip: str | None = None) -> PasskeyAnswer:
    """Ask for a challenge and have a device answer it."""
    return PasskeyAnswer(device.get((await home.services.passkey_options(ip=ip)).options))
