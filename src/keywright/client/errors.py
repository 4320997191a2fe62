"""What can go wrong between a client and a server, as one tree.

No error repeats what was sent, since that may be a secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class ClientError(Exception):
    """The root of the tree; the text is a sentence for a person."""


class ConnectionFailed(ClientError):
    """The server cannot be reached, or the connection broke before an answer came. `reason` says how."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"Cannot reach {url}: {reason}.")
        self.url = url
        self.reason = reason


class UnexpectedAnswer(ClientError):
    """Something answers at the address, and it is not Keywright. `reason` says how one can tell."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"What answers at {url} is not Keywright: {reason}.")
        self.url = url
        self.reason = reason


class ApiError(ClientError):
    """The server refused the request; `code` is stable and made to branch on.

    `field` names the part of the request that is at fault, where one is. `retry_after` is how many seconds
    to wait before another try, where the server says so, and `extras` what else it says, by the names of the
    REST API. Raised itself only for a status that has no class.
    """

    def __init__(
        self,
        code: str,
        status: int,
        detail: str,
        *,
        field: str | None = None,
        request_id: str | None = None,
        retry_after: int | None = None,
        extras: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.status = status
        self.detail = detail
        self.field = field
        self.request_id = request_id
        self.retry_after = retry_after
        self.extras = dict(extras or {})


class BadInput(ApiError):
    """The request can never be accepted as it stands (400, 405, 413, 422)."""


class Unauthenticated(ApiError):
    """No credential, one that is not accepted, or a login that does not fit (401)."""


class PermissionDenied(ApiError):
    """The caller may not do this (403)."""


class NotFound(ApiError):
    """There is no such thing, or the caller may not know of it (404)."""


class Conflict(ApiError):
    """The request clashes with what is there (409), or comes too late for it (410)."""


class TooManyAttempts(ApiError):
    """Attempts are limited; wait `retry_after` seconds (429)."""


class Unavailable(ApiError):
    """The server cannot answer now, and may be able to later (502, 503, 504)."""


BY_STATUS: Final[dict[int, type[ApiError]]] = {
    400: BadInput,
    401: Unauthenticated,
    403: PermissionDenied,
    404: NotFound,
    405: BadInput,
    409: Conflict,
    410: Conflict,
    413: BadInput,
    422: BadInput,
    429: TooManyAttempts,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}

CODES: Final[Mapping[str, type[ApiError]]] = {
    code: kind
    for kind, codes in {
        BadInput: (
            "malformed_request body_too_large missing_field unknown_field invalid_type "
            "invalid_value expiry_in_past expiry_before_not_before invalid_cidr "
            "invalid_token_hash invalid_policy invalid_cursor secret_in_text "
            "tenant_required lifetime_too_long expiry_required unknown_role "
            "unknown_variable missing_variable unknown_action unknown_entity "
            "invalid_catalog weak_password method_not_allowed"
        ),
        Conflict: (
            "login_taken role_taken role_in_use role_of_catalog membership_held "
            "last_administrator tenant_not_empty catalog_changed factor_exists "
            "invitation_expired invitation_used handle_taken token_hash_taken slug_taken "
            "idempotency_key_reused illegal_transition"
        ),
        Unauthenticated: (
            "second_factor_required invalid_code code_reused passkey_refused "
            "sign_on_failed unauthenticated invalid_credentials"
        ),
        PermissionDenied: (
            "fresh_login_required two_factor_required permission_denied beyond_own_rights own_key"
        ),
        Unavailable: ("sign_on_unavailable unavailable"),
        NotFound: ("not_found no_such_path"),
        TooManyAttempts: ("too_many_attempts"),
        ApiError: ("internal_error"),
    }.items()
    for code in codes.split()
}
"""The class of each code that the API has."""
