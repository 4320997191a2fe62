"""A device with passkeys, in software: what a browser and an authenticator do together, and what forgers would.

device = Authenticator("https://keys.example.com")
credential = device.create(options)          # the options that registering gave
answer = device.get(options)                 # the options that a login gave
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from typing import TYPE_CHECKING, Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Mapping

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def b64url(raw: bytes) -> str:
    """Write bytes as WebAuthn's JSON has them."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_b64url(text: str) -> bytes:
    """Read them again."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Authenticator:
    """One device with one passkey (ES256), used in a browser that shows a page of `origin`.

    `counts` says whether it counts its signatures; many do not, and always say 0.
    """

    def __init__(self, origin: str, *, counts: bool = True) -> None:
        self.origin = origin
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = secrets.token_bytes(32)
        self.user_handle = b""
        self.counts = counts
        self.sign_count = 0

    def create(
        self, options: Mapping[str, Any], *, flags: int = PRESENT | VERIFIED, **said: Any
    ) -> dict[str, Any]:
        """Answer `navigator.credentials.create()`; `said` are parts of the client data to say otherwise."""
        self.user_handle = from_b64url(options["user"]["id"])
        attested = b"".join(
            (
                bytes(16),
                struct.pack(">H", len(self.credential_id)),
                self.credential_id,
                self._public_key(),
            )
        )
        data = self._authenticator_data(options["rp"]["id"], flags | ATTESTED, attested)
        return self._credential(
            {
                "clientDataJSON": self._client_data("webauthn.create", options, said),
                "attestationObject": cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data}),
            },
            transports=["internal", "hybrid"],
        )

    def get(
        self,
        options: Mapping[str, Any],
        *,
        flags: int = PRESENT | VERIFIED,
        user_handle: bytes | None = None,
        **said: Any,
    ) -> dict[str, Any]:
        """Answer `navigator.credentials.get()`; `said` are parts of the client data to say otherwise."""
        client_data = self._client_data("webauthn.get", options, said)
        data = self._authenticator_data(options["rpId"], flags, b"")
        signed = data + hashlib.sha256(client_data).digest()
        return self._credential(
            {
                "clientDataJSON": client_data,
                "authenticatorData": data,
                "signature": self.key.sign(signed, ec.ECDSA(hashes.SHA256())),
                "userHandle": self.user_handle if user_handle is None else user_handle,
            }
        )

    def _client_data(self, kind: str, options: Mapping[str, Any], said: Mapping[str, Any]) -> bytes:
        data = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps({**data, **said}).encode()

    def _authenticator_data(self, rp_id: str, flags: int, attested: bytes) -> bytes:
        if self.counts:
            self.sign_count += 1
        rp_hash = hashlib.sha256(rp_id.encode()).digest()
        return rp_hash + struct.pack(">BI", flags, self.sign_count) + attested

    def _public_key(self) -> bytes:
        """The public key in COSE's form (RFC 9053, section 7.1.1)."""
        point = self.key.public_key().public_numbers()
        return cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        )

    def _credential(self, response: Mapping[str, bytes], **more: Any) -> dict[str, Any]:
        return {
            "id": b64url(self.credential_id),
            "rawId": b64url(self.credential_id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {**{name: b64url(value) for name, value in response.items()}, **more},
        }
