"""A client for Keywright's REST API, in two kinds, without any other part of Keywright.

    with Client("http://127.0.0.1:8300", token) as keywright:
        made = keywright.keys.create("Nightly export")
        if keywright.verify(made.token, action="article:read"):
            ...

`AsyncClient` has the same calls, to be awaited. Whatever goes wrong is a `ClientError`. Answers are the JSON objects
of the API as dictionaries; verdicts, and what holds a secret, are small classes of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.client.both import Question
from keywright.client.client import Client
from keywright.client.errors import (
    ApiError,
    BadInput,
    ClientError,
    Conflict,
    ConnectionFailed,
    NotFound,
    PermissionDenied,
    TooManyAttempts,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
)
from keywright.client.factors import TotpSetup
from keywright.client.resources import KeyChanges, KeyFields, KeyFilters, KeyQuestion
from keywright.client.sessions import SecondFactor
from keywright.client.sign_on import Flow
from keywright.client.users import Invited
from keywright.client.values import CreatedKey, LoggedIn, Page, Readiness, Token, normal_url
from keywright.client.verdict import HeldRole, Identity, LimitState, Verdict

if TYPE_CHECKING:
    from keywright.client.client_async import AsyncClient

__all__ = [
    "ApiError",
    "AsyncClient",
    "BadInput",
    "Client",
    "ClientError",
    "Conflict",
    "ConnectionFailed",
    "CreatedKey",
    "Flow",
    "HeldRole",
    "Identity",
    "Invited",
    "KeyChanges",
    "KeyFields",
    "KeyFilters",
    "KeyQuestion",
    "LimitState",
    "LoggedIn",
    "NotFound",
    "Page",
    "PermissionDenied",
    "Question",
    "Readiness",
    "SecondFactor",
    "Token",
    "TooManyAttempts",
    "TotpSetup",
    "Unauthenticated",
    "Unavailable",
    "UnexpectedAnswer",
    "Verdict",
    "normal_url",
]


def __getattr__(name: str) -> object:
    """Load the client that is awaited when it is asked for, since asyncio takes long to load."""
    if name != "AsyncClient":
        raise AttributeError(f"module 'keywright.client' has no attribute {name!r}")
    from keywright.client.client_async import AsyncClient  # noqa: PLC0415 - that is what this is for

    return AsyncClient
