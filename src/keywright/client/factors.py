"""One's own second factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keywright.client.calls import Call, S, call, nothing
from keywright.client.resources import Resource, part, path_of
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


class Factors(Resource[S]):
    """The second factors of whoever the client's credential is the session of."""

    @call
    def get(self) -> Call[Json]:
        """Which there are, without anything secret."""
        return Call("GET", _PATH, self._having("passkeys"), retry=True)

    @call
    def begin_totp(self) -> Call[TotpSetup]:
        """Set up an authenticator app; it counts once a code of it was shown."""

        def read(answer: Json) -> TotpSetup:
            return TotpSetup(*(Token(part(answer, name, self._url)) for name in ("secret", "uri", "qr_code")))

        return Call("POST", f"{_PATH}/totp", read)

    @call
    def confirm_totp(self, code: str) -> Call[tuple[Token, ...]]:
        """Turn the app on with a code of it; gives recovery codes to who has none."""
        return self._codes(f"{_PATH}/totp/confirm", {"code": code})

    @call
    def remove_totp(self) -> Call[None]:
        """Take the app away."""
        return Call("DELETE", f"{_PATH}/totp", nothing)

    @call
    def renew_recovery_codes(self) -> Call[tuple[Token, ...]]:
        """Make ten new recovery codes; those made before are good for nothing from then on."""
        return self._codes(f"{_PATH}/recovery-codes", None)

    @call
    def begin_passkey(self) -> Call[Json]:
        """Ask for a passkey: gives the `options` for a browser, and until when it may answer."""
        return Call("POST", f"{_PATH}/passkeys/options")

    @call
    def add_passkey(self, name: str, credential: Mapping[str, Any]) -> Call[Json]:
        """Add the passkey that a device made: `PublicKeyCredential.toJSON()`."""
        body = {"name": name, "credential": dict(credential)}
        return Call("POST", f"{_PATH}/passkeys", body=body)

    @call
    def rename_passkey(self, passkey_id: str, name: str) -> Call[Json]:
        """Call a passkey something else."""
        path = path_of(f"{_PATH}/passkeys", passkey_id)
        return Call("PATCH", path, body={"name": name})

    @call
    def remove_passkey(self, passkey_id: str) -> Call[None]:
        """Take a passkey away."""
        return Call("DELETE", path_of(f"{_PATH}/passkeys", passkey_id), nothing)

    def _codes(self, path: str, body: Json | None) -> Call[tuple[Token, ...]]:
        def read(answer: Json) -> tuple[Token, ...]:
            return tuple(Token(one) for one in part(answer, "recovery_codes", self._url))

        return Call("POST", path, read, body=body)
