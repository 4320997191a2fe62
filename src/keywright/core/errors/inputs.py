"""Errors of what was sent: it can never be accepted as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keywright.core.errors.base import KeywrightError

if TYPE_CHECKING:
    from collections.abc import Sequence


class BadInput(KeywrightError):
    """The caller sent something that can never be accepted as it stands."""


class MalformedRequest(BadInput):
    """The body or a header cannot be read at all."""

    code = "malformed_request"


class BodyTooLarge(BadInput):
    """The body is larger than any request needs to be."""

    code = "body_too_large"


class MissingField(BadInput):
    """A required field is not there."""

    code = "missing_field"


class UnknownField(BadInput):
    """A field that the request does not have; refused, because ignoring it would hide a misspelling."""

    code = "unknown_field"


class InvalidType(BadInput):
    """A field holds another type of value than it takes."""

    code = "invalid_type"


class InvalidValue(BadInput):
    """A field holds a value outside of what it takes."""

    code = "invalid_value"


class ExpiryInPast(BadInput):
    """An expiry that has already been reached."""

    code = "expiry_in_past"


class ExpiryBeforeStart(BadInput):
    """An expiry that is not later than the moment from which the key would be valid."""

    code = "expiry_before_not_before"


class InvalidCidr(BadInput):
    """An address range that is none."""

    code = "invalid_cidr"


class InvalidTokenHash(BadInput):
    """A token hash that is not 64 lower-case hexadecimal digits."""

    code = "invalid_token_hash"


class InvalidPolicy(BadInput):
    """A policy whose actions or resources do not follow the grammar."""

    code = "invalid_policy"


class InvalidCursor(BadInput):
    """A paging cursor that was not handed out for this list."""

    code = "invalid_cursor"


class SecretInText(BadInput):
    """A token stands in a field that is stored and shown; it would be a leak to keep it."""

    code = "secret_in_text"


class TenantRequired(BadInput):
    """The caller belongs to no single tenant and named none."""

    code = "tenant_required"


class LifetimeTooLong(BadInput):
    """A key would live longer than its tenant allows."""

    code = "lifetime_too_long"


class ExpiryRequired(BadInput):
    """The tenant wants every key to end at some time."""

    code = "expiry_required"


class UnknownRole(BadInput):
    """No role of this name can be held there."""

    code = "unknown_role"


class UnknownVariable(BadInput):
    """The role has no variable of this name."""

    code = "unknown_variable"


class MissingVariable(BadInput):
    """A variable of the role is given no value, so that part of the role would allow nothing."""

    code = "missing_variable"


class UnknownAction(BadInput):
    """The tenant's catalog is strict and does not know this action. `nearest` is the known one most like it."""

    code = "unknown_action"

    def __init__(self, detail: str, *, field: str | None = None, nearest: str | None = None) -> None:
        super().__init__(detail, field=field)
        self.nearest = nearest

    @property
    def extras(self) -> dict[str, object]:
        """The known name most like the unknown one, where there is one."""
        return {} if self.nearest is None else {"nearest": self.nearest}


class UnknownEntity(UnknownAction):
    """The tenant's catalog is strict and does not know this resource type or entity."""

    code = "unknown_entity"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a document: where, as a path (`roles.editor.policies.0`), and what, in a sentence."""

    path: str
    code: str
    detail: str


class InvalidCatalog(BadInput):
    """A catalog cannot be accepted; `faults` says each place, in the order of the document."""

    code = "invalid_catalog"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"The catalog cannot be accepted: {faults[0].detail}", field=faults[0].path or None)
        self.faults = tuple(faults)

    @property
    def extras(self) -> dict[str, object]:
        """All faults."""
        return {"faults": [{"path": one.path, "code": one.code, "detail": one.detail} for one in self.faults]}


class WeakPassword(BadInput):
    """The password is too short, or one of those that everybody tries first."""

    code = "weak_password"
