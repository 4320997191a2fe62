"""The relying party of WebAuthn: what devices are asked for, and whether what they answer holds.

A passkey is asked to be found without a login name and to check its holder (a finger, a face, a PIN), so that
it is two factors in itself. Attestation is not asked for: who made a device is nothing that is judged here.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import options_to_json_dict, parse_authentication_credential_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from keywright.core.errors import PasskeyRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keywright.core.passkeys import Passkey
    from keywright.storage.people import Person

NAME: Final = "Keywright"
ANSWER_WITHIN: Final = timedelta(minutes=5)
MAX_CREDENTIAL_ID: Final = 1023
"""Bytes of a credential's id: WebAuthn Level 3, section 4."""
_TRANSPORTS: Final = frozenset(one.value for one in AuthenticatorTransport)
_REFUSED: Final = "The passkey's answer does not hold. Ask for a new challenge and try again."


@dataclass(frozen=True, slots=True)
class Registered:
    """A credential that a device made, as it says itself."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a device answered to a challenge for logging in, not checked yet.

    `user_handle` is who it says that its credential belongs to, where it says so.
    """

    credential_id: bytes
    user_handle: bytes | None
    challenge: bytes
    credential: Mapping[str, Any] = field(repr=False)


class RelyingParty:
    """Keywright as devices know it: by the host of its address, and by the address itself as the origin."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.id = urlsplit(origin).hostname or ""

    def registration_options(
        self, person: Person, passkeys: Sequence[Passkey], challenge: bytes
    ) -> dict[str, Any]:
        """The options of `navigator.credentials.create()`, as JSON; no device with one of `passkeys` makes another.

        A person is known to the device by the identity's id, which says nothing of who it is.
        """
        return options_to_json_dict(
            generate_registration_options(
                rp_id=self.id,
                rp_name=NAME,
                user_id=person.identity.id.encode(),
                user_name=person.login,
                user_display_name=person.identity.name,
                challenge=challenge,
                timeout=_milliseconds(ANSWER_WITHIN),
                authenticator_selection=AuthenticatorSelectionCriteria(
                    resident_key=ResidentKeyRequirement.REQUIRED,
                    user_verification=UserVerificationRequirement.REQUIRED,
                ),
                exclude_credentials=[
                    PublicKeyCredentialDescriptor(
                        id=one.credential_id,
                        transports=[AuthenticatorTransport(way) for way in one.transports],
                    )
                    for one in passkeys
                ],
            )
        )

    def login_options(self, challenge: bytes) -> dict[str, Any]:
        """The options of `navigator.credentials.get()`, as JSON; they are the same for everybody."""
        return options_to_json_dict(
            generate_authentication_options(
                rp_id=self.id,
                challenge=challenge,
                timeout=_milliseconds(ANSWER_WITHIN),
                user_verification=UserVerificationRequirement.REQUIRED,
            )
        )

    def registered(self, credential: Mapping[str, Any], challenge: bytes) -> Registered:
        """What a device registered in answer to a challenge. Raises `PasskeyRefused`."""
        try:
            found = verify_registration_response(
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=self.origin,
                require_user_verification=True,
            )
        except Exception as wrong:  # what a forged answer makes the library raise is not listed
            raise refused() from wrong
        if len(found.credential_id) > MAX_CREDENTIAL_ID:
            raise refused()
        transports = credential["response"].get("transports")
        return Registered(
            found.credential_id,
            found.credential_public_key,
            found.sign_count,
            tuple(sorted(_TRANSPORTS.intersection(transports if isinstance(transports, list) else ()))),
        )

    def signed(self, answer: Answer, passkey: Passkey) -> int:
        """The count of signatures after an answer that this passkey gave. Raises `PasskeyRefused`."""
        try:
            return verify_authentication_response(
                credential=dict(answer.credential),
                expected_challenge=answer.challenge,
                expected_rp_id=self.id,
                expected_origin=self.origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=0,  # compared where it is written down, so that no two pass at once
                require_user_verification=True,
            ).new_sign_count
        except Exception as wrong:
            raise refused() from wrong


def new_challenge() -> bytes:
    """32 random bytes, to be signed by a device."""
    return secrets.token_bytes(32)


def challenge_id(challenge: bytes) -> str:
    """How a challenge is stored and found."""
    return hashlib.sha256(challenge).hexdigest()


def challenge_of(credential: Mapping[str, Any]) -> bytes:
    """The challenge that a device says it answers. Raises `PasskeyRefused`."""
    try:
        said = json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
        return base64url_to_bytes(said["challenge"])
    except Exception as wrong:
        raise refused() from wrong


def answer_of(credential: Mapping[str, Any]) -> Answer:
    """A device's answer for logging in, read but not checked. Raises `PasskeyRefused`."""
    challenge = challenge_of(credential)
    try:
        read = parse_authentication_credential_json(dict(credential))
    except Exception as wrong:
        raise refused() from wrong
    return Answer(read.raw_id, read.response.user_handle, challenge, credential)


def refused() -> PasskeyRefused:
    """The one refusal for whatever is wrong with an answer."""
    return PasskeyRefused(_REFUSED)


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
