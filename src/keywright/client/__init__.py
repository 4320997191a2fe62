"""A client for Keywright's REST API: synchronous, and without any other part of Keywright.

    with Client("http://127.0.0.1:8300", token) as keywright:
        made = keywright.keys.create("Nightly export")
        verdict = keywright.verify(made.token, action="article:read")

Whatever goes wrong is a `ClientError`. Answers are the JSON objects of the API as dictionaries; what holds
a secret is a small class of its own that does not show it.
"""

from keywright.client.client import Client, Question
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

__all__ = [
    "ApiError",
    "BadInput",
    "Client",
    "ClientError",
    "Conflict",
    "ConnectionFailed",
    "CreatedKey",
    "Flow",
    "Invited",
    "KeyChanges",
    "KeyFields",
    "KeyFilters",
    "KeyQuestion",
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
    "normal_url",
]
