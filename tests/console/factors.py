"""Second factors of people in the tests of the console: an app's codes, and a device of the browser."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pyotp

from tests.support.keywright import PASSWORD

if TYPE_CHECKING:
    from tests.console.reader import Reader
    from tests.support.keywright import Keywright

STEP = 30


class App:
    """An authenticator app with one secret, which never shows a code twice."""

    def __init__(self, secret: str) -> None:
        self._totp = pyotp.TOTP(secret.replace(" ", ""))
        self._step = -1

    def code(self) -> str:
        """A code that the server takes for another half a minute: of this step or the next, so two without waiting."""
        now = int(time.time()) // STEP
        self._step = max(now, self._step + 1)
        assert self._step <= now + 1, "all codes of this moment are spent"
        return self.shown()

    def shown(self) -> str:
        """The code that was shown last."""
        return self._totp.generate_otp(self._step)


def with_app(keywright: Keywright, login: str) -> tuple[App, list[str]]:
    """Set up an authenticator app for somebody; gives it, and the recovery codes."""
    token = keywright.session(login)
    app = App(keywright.rest("POST", "/v1/factors/totp", token=token)["secret"])
    made = keywright.rest("POST", "/v1/factors/totp/confirm", {"code": app.code()}, token=token)
    keywright.rest("DELETE", "/v1/sessions/current", token=token)
    return app, made["recovery_codes"]


def device(reader: Reader) -> tuple[Any, str]:
    """A device that is there, agrees to everything, and makes passkeys; what steers it, and its id."""
    steering = reader.context.new_cdp_session(reader.page)
    steering.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    added = steering.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return steering, added["authenticatorId"]


def fill_in(reader: Reader, login: str, password: str = PASSWORD) -> None:
    """Fill in the first step of the login, and send it."""
    reader.page.get_by_label("Login name").fill(login)
    reader.page.get_by_label("Password", exact=True).fill(password)
    reader.button("Log in", exact=True).click()


def logged_in_long_ago(reader: Reader, keywright: Keywright, person: str) -> None:
    """Give a reader a session of somebody in which nothing was shown for long, so that much asks to confirm."""
    token = keywright.rest("POST", f"/v1/users/{person}/sessions", {})["token"]
    reader.context.add_cookies([{"name": "kw_session", "value": token, "url": keywright.url}])
