"""The shapes of REST, in and out. Types are checked here; what a value may be is for the core to say."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from keywright.core.instants import rfc3339
from keywright.core.limits import LONGEST_WINDOW, MAX_LIMITS, MAX_USES
from keywright.core.listing import DEFAULT_PAGE

# RFC 3339, section 5.6; an offset may be left out here, so that the core can say what is missing.
_is_date_time = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})?"
).fullmatch
_is_count = re.compile(r"[0-9]{1,9}").fullmatch
_BOOLEANS = {"true": True, "false": False}


def _moment(value: object) -> object:
    """A date-time from its RFC 3339 text; anything but a text is left for pydantic to refuse."""
    if not isinstance(value, str):
        return value
    try:
        if _is_date_time(value):
            return datetime.fromisoformat(value.upper())
    except ValueError:
        pass
    raise PydanticCustomError("date_time", "no date-time")


def _count(text: str) -> int:
    if not _is_count(text):
        raise PydanticCustomError("count", "no whole number")
    return int(text)


def _boolean(text: str) -> bool:
    if text not in _BOOLEANS:
        raise PydanticCustomError("boolean", "neither true nor false")
    return _BOOLEANS[text]


Timestamp = Annotated[datetime, BeforeValidator(_moment)]
# What stands in a query string comes as text.
QueryCount = Annotated[int, BeforeValidator(_count)]
QueryBoolean = Annotated[bool, BeforeValidator(_boolean)]
Moment = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]


def told(default: Any = ..., description: str | None = None, **schema: Any) -> Any:  # noqa: ANN401 - as pydantic's Field
    """A field whose limits stand in the OpenAPI document; the core enforces them, with codes of its own."""
    return Field(default, description=description, json_schema_extra=schema)


class In(BaseModel):
    """What callers send: unknown fields are refused, and types are not guessed at."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class PageFilters(BaseModel):
    """The query string of a list that is read page by page."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    limit: QueryCount = Query(
        DEFAULT_PAGE, description="1 to 200.", json_schema_extra={"minimum": 1, "maximum": 200}
    )
    cursor: str | None = Query(None, description="`next_cursor` of the page before.")


class Out(BaseModel):
    """What callers get."""

    model_config = ConfigDict(frozen=True)


class PolicyIn(In):
    """What may be done (`actions`) to what (`resources`; left out: everything)."""

    actions: list[str] = told(
        ..., "Patterns of actions.", minItems=1, maxItems=100, examples=[["article:read"]]
    )
    resources: list[str] | None = told(
        None,
        "Patterns of resources; null means everything.",
        minItems=1,
        maxItems=100,
        examples=[["article:cs:**"]],
    )


class LimitIn(In):
    """A limit: so many uses in so many seconds."""

    name: str = told(
        ..., "Unique among those beside it.", pattern=r"^[A-Za-z0-9_\-]{1,100}$", examples=["burst"]
    )
    limit: int = told(..., "How many uses.", minimum=1, maximum=MAX_USES, examples=[100])
    window_seconds: int = told(..., "In how many seconds.", minimum=1, maximum=LONGEST_WINDOW, examples=[1])


class RefillIn(In):
    """So many credits anew at the end of each period, however many were left."""

    amount: int = told(..., minimum=1, maximum=MAX_USES, examples=[1000])
    every: str = told(..., "A month has 30 days.", enum=["hour", "day", "week", "month"])


class CreditsIn(In):
    """Uses left, and what fills them up again. Whoever sets credits begins a new period."""

    remaining: int = told(..., minimum=0, maximum=MAX_USES, examples=[1000])
    refill: RefillIn | None = told(None, "Null: never.")


HASH = r"^[0-9a-f]{64}$"
_NAME: dict[str, Any] = {"minLength": 1, "maxLength": 255, "examples": ["Nightly export"]}
_DESCRIPTION: dict[str, Any] = {"maxLength": 2000}
_HANDLE: dict[str, Any] = {"pattern": r"^[A-Za-z0-9_\-]{1,100}$", "examples": ["nightly_export"]}
_SCOPE: dict[str, Any] = {"maxItems": 100}
_LIMITS: dict[str, Any] = {"maxItems": MAX_LIMITS}
_CIDRS: dict[str, Any] = {"minItems": 1, "maxItems": 100, "examples": [["10.0.0.0/8"]]}

_ABOUT_NAME = "For people; need not be unique."
_ABOUT_HANDLE = "A name for programs, unique in the tenant."
_ABOUT_SCOPE = "Narrows what the key may do; null leaves it all that its owner may."
_ABOUT_START = "Refused before this moment."
_ABOUT_END = "Refused from this moment on; null means never."
_ABOUT_CIDRS = "Address ranges from which the key may be used; null means any."
_ABOUT_METADATA = "A JSON object of at most 16 KiB, for you alone."
_ABOUT_LIMITS = (
    "The key's own limits; null means those that the tenant has for such keys, an empty list none."
)
_ABOUT_CREDITS = "Uses left; null means any number."


class GivenRoleIn(In):
    """A role to be given, with values for each of its variables."""

    role: str = told(..., "The role's name.", pattern=r"^[a-z0-9][a-z0-9_\-]{0,99}$", examples=["editor"])
    variables: dict[str, list[str]] = told(
        {}, "Values by the variable's name.", examples=[{"language": ["cs"]}]
    )


class NewKeyIn(In):
    """What may be said of every new key."""

    name: str = told(..., _ABOUT_NAME, **_NAME)
    description: str = told("", **_DESCRIPTION)
    handle: str | None = told(None, _ABOUT_HANDLE, **_HANDLE)
    identity_id: str | None = told(None, "For whom the key speaks, where it is not its maker.")
    memberships: list[GivenRoleIn] | None = told(
        None, "Roles for an identity that is made for this key alone; not with `identity_id`.", maxItems=50
    )
    template: str | None = told(None, "A key template of the catalog, which says what is not said here.")
    scope: list[PolicyIn] | None = told(None, _ABOUT_SCOPE, **_SCOPE)
    not_before: Timestamp | None = told(None, _ABOUT_START)
    expires_at: Timestamp | None = told(None, _ABOUT_END)
    allowed_cidrs: list[str] | None = told(None, _ABOUT_CIDRS, **_CIDRS)
    metadata: dict[str, Any] | None = told(None, _ABOUT_METADATA)
    limits: list[LimitIn] | None = told(None, _ABOUT_LIMITS, **_LIMITS)
    credits: CreditsIn | None = told(None, _ABOUT_CREDITS)
    prefix: str | None = told(
        None,
        "The token's prefix; the tenant's unless given, else `kw`.",
        pattern=r"^[a-z][a-z0-9_]{0,15}$",
        examples=["acme"],
    )


class KeyIn(NewKeyIn):
    """A key to be made. It speaks for its maker, for the identity that is named, or for itself alone."""

    tenant: str | None = told(
        None, "The tenant's slug, where the credential does not say it; `*` for a global key."
    )
    token_hash: str | None = told(
        None,
        "The SHA-256 of a token of your own, in hex; then no token is made and none is returned.",
        pattern=HASH,
    )


def without_defaults(schema: dict[str, Any]) -> None:
    """Take the defaults out of a schema of changes: what is left out there stays as it is."""
    for field in schema["properties"].values():
        field.pop("default", None)


class KeyPatch(In):
    """What is to change; a field left out stays, and null clears where it is allowed."""

    # What is left out stays as it is, so no field has a default to tell of.
    model_config = ConfigDict(json_schema_extra=without_defaults)

    name: str = told("", _ABOUT_NAME, **_NAME)
    description: str = told("", **_DESCRIPTION)
    handle: str | None = told(None, _ABOUT_HANDLE, **_HANDLE)
    scope: list[PolicyIn] | None = told(None, _ABOUT_SCOPE, **_SCOPE)
    not_before: Timestamp | None = told(None, _ABOUT_START)
    expires_at: Timestamp | None = told(None, _ABOUT_END)
    allowed_cidrs: list[str] | None = told(None, _ABOUT_CIDRS, **_CIDRS)
    metadata: dict[str, Any] | None = told(None, _ABOUT_METADATA)
    limits: list[LimitIn] | None = told(None, _ABOUT_LIMITS, **_LIMITS)
    credits: CreditsIn | None = told(None, _ABOUT_CREDITS)
    active: bool = told(True, "False disables the key, true enables it again.")  # noqa: FBT003 - the default


class IdentityOut(Out):
    """Whoever a key speaks for."""

    id: str
    kind: str
    name: str


class PolicyOut(Out):
    """One policy of a scope; `resources` null means everything."""

    actions: list[str]
    resources: list[str] | None


class LimitOut(Out):
    """A limit: so many uses in so many seconds."""

    name: str
    limit: int
    window_seconds: int


class RefillOut(Out):
    """So many credits anew at the end of each period."""

    amount: int
    every: str = Field(description="hour, day, week or month.")


class CreditsOut(Out):
    """Uses left, as far as the database knows: nodes hold some that they have taken from it, but not spent."""

    remaining: int
    refill: RefillOut | None
    refill_at: Moment | None = Field(description="When they are filled up again; null: never.")


class KeyOut(Out):
    """A key. The token is not in it, and cannot be had again."""

    id: str
    name: str
    description: str
    handle: str | None
    tenant: str | None = Field(description="The tenant's slug; null for a global key.")
    identity_id: str
    identity: IdentityOut | None
    state: str = Field(description="active, disabled, expired or not_yet_valid.")
    active: bool = Field(description="The switch alone; a key that is active can still be expired.")
    prefix: str
    hint: str | None = Field(description="The token's first characters; null when its hash was brought.")
    last_seven: str | None
    scope: list[PolicyOut] | None
    allowed_cidrs: list[str] | None
    metadata: dict[str, Any]
    limits: list[LimitOut] | None
    credits: CreditsOut | None
    not_before: Moment | None
    expires_at: Moment | None
    created_at: Moment
    created_by: str | None
    last_used_at: Moment | None
    last_used_ip: str | None


class CreatedKeyOut(Out):
    """A created key and its token, which is shown this once."""

    key: KeyOut
    token: str | None = Field(
        description="Null when token_hash was given, and when the creation is a replay."
    )
    replayed: bool = Field(description="True when this idempotency key had made the key before.")
    note: str | None = Field(description="Says why there is no token, where there is none.")


class KeyListOut(Out):
    """A page of keys."""

    items: list[KeyOut]
    next_cursor: str | None


class KeyTransferIn(In):
    """For whom a key is to speak from now on."""

    identity_id: str = told(..., "The identity's id.", examples=["idn_0193a0b1c2d37e4f8a9b0c1d2e3f4a5b"])
    confirm: bool = told(False, "False only shows what the key would gain and lose.")  # noqa: FBT003 - the default


class KeyTransferOut(Out):
    """A key with its new owner, or as it would be, and what it may do more and less than before."""

    key: KeyOut
    confirmed: bool = Field(description="Whether the owner was changed, or only looked at.")
    gained: list[PolicyOut] = Field(description="Policies that the key did not have before, 200 at most.")
    lost: list[PolicyOut] = Field(description="Policies that the key had before, 200 at most.")


class KeyQuestionIn(In):
    """What to ask about a key; nothing at all asks whether it is valid."""

    action: str | None = told(
        None, "What its holder wants to do.", minLength=1, maxLength=512, examples=["article:read"]
    )
    resource: str | None = told(
        None,
        "What that is done to; goes with an action.",
        minLength=1,
        maxLength=512,
        examples=["article:cs:42"],
    )
    ip: str | None = told(None, "The address from which the key is used.", examples=["192.0.2.7"])
    tenant: str | None = told(None, "The slug of the tenant in which a global key is used.")


class SessionOut(Out):
    """A session and its token, which is used like a key's: `Authorization: Bearer …`."""

    id: str
    token: str
    identity: IdentityOut
    expires_at: Moment = Field(description="It ends then, or earlier when it is idle or logged out.")


class RoleOut(Out):
    """A role that counts here."""

    role: str
    variables: dict[str, list[str]]


class WhoamiOut(Out):
    """The holder of the credential that was sent: never the credential itself."""

    identity: IdentityOut
    credential: str = Field(description="key or session")
    key: KeyOut | None
    session_id: str | None
    tenant: str | None = Field(description="The tenant that the credential is confined to; null: none.")
    roles: list[RoleOut]
    expires_at: Moment | None
    password_change_due: bool = Field(
        description="True for a person who still has a password that Keywright generated."
    )


class ProblemOut(Out):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    code: str = Field(description="Stable; branch on this.")
    detail: str
    field: str | None = None
    request_id: str
    policy: dict[str, list[str]] | None = Field(None, description="The policy that the caller does not hold.")
    factors: list[str] | None = Field(None, description="The second factors that are accepted.")
    nearest: str | None = Field(None, description="The known name most like the unknown one.")
    faults: list[dict[str, str]] | None = Field(None, description="All faults of a catalog.")
