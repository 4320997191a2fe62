"""Asking the chosen server: clients, and what a person is told when that goes wrong."""

from __future__ import annotations

import contextlib
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from keywright.cli.choice import chosen
from keywright.cli.exits import Exit, Failed
from keywright.cli.policies import in_words
from keywright.cli.steps import general_step
from keywright.cli.text import printable
from keywright.client import (
    ApiError,
    BadInput,
    Client,
    ClientError,
    Conflict,
    ConnectionFailed,
    NotFound,
    PermissionDenied,
    Unauthenticated,
    UnexpectedAnswer,
)
from keywright.client.wire import TRIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keywright.cli.choice import Credential

_CODES: Final = (
    (ConnectionFailed, Exit.NO_SERVER),
    (UnexpectedAnswer, Exit.NO_SERVER),
    (Unauthenticated, Exit.NOT_AUTHENTICATED),
    (PermissionDenied, Exit.DENIED),
    (NotFound, Exit.NOT_FOUND),
    (Conflict, Exit.CONFLICT),
    (BadInput, Exit.REFUSED),
)
_OTHER_SERVER: Final = "Name another server with --url or KEYWRIGHT_URL."
_IN_A_BROWSER: Final = "Your passkey works in a browser alone. Programs use an API key, which needs none."
_LOG_IN: Final = "Log in with `keywright login`, or set KEYWRIGHT_API_KEY."


def chosen_url() -> str:
    """The server's address. Raises `Failed` for one that cannot be asked."""
    return chosen().url


def chosen_credential() -> Credential | None:
    """The credential for the chosen server; None when there is none."""
    return chosen().credential


def required_credential() -> Credential:
    """The credential for the chosen server; raises `Failed` when there is none."""
    credential = chosen_credential()
    if credential is None:
        raise Failed(f"There is no credential for {chosen_url()}.", Exit.NOT_AUTHENTICATED, _LOG_IN)
    return credential


def open_client(
    url: str, credential: Credential | None, *, timeout: float = 10.0, tries: int = TRIES
) -> Client:
    """A client for a server. Raises `Failed` when credential or tenant can stand in no request."""
    token = None if credential is None else credential.token
    tenant = chosen().tenant()
    try:
        agent = f"keywright-cli/{version('keywright')}"
        return Client(url, token, tenant, timeout, tries=tries, user_agent=agent)
    except ValueError as error:
        raise Failed(str(error), Exit.USAGE) from None


@contextlib.contextmanager
def connected(options: Mapping[str, str] | None = None) -> Iterator[Client]:
    """A client for the chosen server and credential; what goes wrong in the block becomes a `Failed`.

    `options` say by which option a field of the request was given, so that an error can name it.
    """
    url = chosen_url()
    credential = required_credential()
    with open_client(url, credential) as client, told(credential, options):
        yield client


@contextlib.contextmanager
def told(credential: Credential | None = None, options: Mapping[str, str] | None = None) -> Iterator[None]:
    """Turn an error of the client into a `Failed` with the next step."""
    try:
        yield
    except ClientError as error:
        raise failure(error, credential, options) from None


def failure(
    error: ClientError, credential: Credential | None = None, options: Mapping[str, str] | None = None
) -> Failed:
    """An error of the client as a message, an exit code and the next step."""
    code = next((code for kind, code in _CODES if isinstance(error, kind)), Exit.UNAVAILABLE)
    if not isinstance(error, ApiError):
        return Failed(printable(str(error)), code, _elsewhere(error))
    message = printable(error.detail)
    place = _place(error.field, options or {})
    if place is not None:
        message = f"{place}: {message}"
    facts = error.code if error.request_id is None else f"{error.code}, request {error.request_id}"
    return Failed(f"{message} ({printable(facts)})", code, _next_step(error, credential))


def _place(field: str | None, options: Mapping[str, str]) -> str | None:
    """The option that a field was given by, or the field's own name."""
    if not isinstance(field, str):
        return None
    parts = field.split(".")
    named = (options.get(".".join(parts[:length])) for length in range(len(parts), 0, -1))
    return next((option for option in named if option is not None), printable(field))


def _elsewhere(error: ClientError) -> str:
    if isinstance(error, ConnectionFailed):
        return f"Start a server with `keywright serve`. {_OTHER_SERVER}"
    return _OTHER_SERVER


def _next_step(error: ApiError, credential: Credential | None) -> str | None:
    if error.code in _BY_CODE:
        by_code = _BY_CODE[error.code]
        return _IN_A_BROWSER if error.extras.get("factors") == ["passkey"] else by_code
    if error.code == "beyond_own_rights" and "policy" in error.extras:
        return printable(f"Not held: {in_words([error.extras['policy']])}.")
    if "nearest" in error.extras:
        return printable(f"The nearest known name is {error.extras['nearest']}.")
    if error.retry_after is not None:
        return f"Try again in {error.retry_after} seconds."
    if isinstance(error, Unauthenticated) and error.code == "unauthenticated":
        return _LOG_IN if credential is None else _HOW_TO_AUTHENTICATE[credential.found]
    return general_step(error)


_BY_CODE: Final = {
    "fresh_login_required": "Show again who you are: keywright sessions confirm",
    "second_factor_required": "Add --code with a code of your authenticator app, or with a recovery code.",
    "tenant_required": (
        "Name it with --tenant or KEYWRIGHT_TENANT; `keywright tenants list` shows those you may see."
    ),
}
_HOW_TO_AUTHENTICATE: Final = {
    "flag": f"The credential came from --key. {_LOG_IN}",
    "environment": "The credential came from KEYWRIGHT_API_KEY. Set another, or unset it and use `keywright login`.",
    "project": "The credential came from the project's .keywright.toml. `keywright status --verbose` says which.",
    "profile": "The credential came from the profile. `keywright status --verbose` says which.",
    "keyring": _LOG_IN,
    "login": _LOG_IN,
}


def stdin_is_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty()
