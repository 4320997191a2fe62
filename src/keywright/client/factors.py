"""One's own second factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from keywright.client.resources import Resource, part
from keywright.client.values import Token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.client.values import Json

_PATH = "/v1/factors"


@dataclass(frozen=True, slots=True)
class TotpSetup:
    """What an authenticator app takes, in three forms: base32, an `otpauth://` address, and that as an SVG image."""

    secret: Token
    uri: Token
    qr_code: Token


class Factors(Resource):
    """The second factors of whoever the client's credential is the session of."""

    def get(self) -> Json:
        """Which there are, without anything secret."""
        answer = self._transport().send("GET", _PATH, retry=True)
        part(answer, "passkeys", self._url)
        return answer

    def begin_totp(self) -> TotpSetup:
        """Set up an authenticator app; it counts once a code of it was shown."""
        answer = self._transport().send("POST", f"{_PATH}/totp")
        return TotpSetup(*(Token(part(answer, name, self._url)) for name in ("secret", "uri", "qr_code")))

    def confirm_totp(self, code: str) -> tuple[Token, ...]:
        """Turn the app on with a code of it; gives recovery codes to who has none."""
        return self._codes(f"{_PATH}/totp/confirm", {"code": code})

    def remove_totp(self) -> None:
        """Take the app away."""
        self._transport().send("DELETE", f"{_PATH}/totp")

    def renew_recovery_codes(self) -> tuple[Token, ...]:
        """Make ten new recovery codes; those made before are good for nothing from then on."""
        return self._codes(f"{_PATH}/recovery-codes", None)

    def begin_passkey(self) -> Json:
        """Ask for a passkey: gives the `options` for a browser, and until when it may answer."""
        return self._transport().send("POST", f"{_PATH}/passkeys/options")

    def add_passkey(self, name: str, credential: Mapping[str, Any]) -> Json:
        """Add the passkey that a device made: `PublicKeyCredential.toJSON()`."""
        body = {"name": name, "credential": dict(credential)}
        return self._transport().send("POST", f"{_PATH}/passkeys", body=body)

    def rename_passkey(self, passkey_id: str, name: str) -> Json:
        """Call a passkey something else."""
        path = f"{_PATH}/passkeys/{quote(passkey_id, safe='')}"
        return self._transport().send("PATCH", path, body={"name": name})

    def remove_passkey(self, passkey_id: str) -> None:
        """Take a passkey away."""
        self._transport().send("DELETE", f"{_PATH}/passkeys/{quote(passkey_id, safe='')}")

    def _codes(self, path: str, body: Json | None) -> tuple[Token, ...]:
        answer = self._transport().send("POST", path, body=body)
        return tuple(Token(one) for one in part(answer, "recovery_codes", self._url))
