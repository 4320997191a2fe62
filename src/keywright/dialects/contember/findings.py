"""What is wrong with the memberships of a mutation: `membershipValidation`, and the sentences and errors made of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keywright.core import errors
from keywright.core.roles import is_value
from keywright.dialects.contember.mapping import said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from keywright.core.roles import Role
    from keywright.dialects.contember.mapping import Wanted

ROLE_NOT_FOUND: Final = "ROLE_NOT_FOUND"
VARIABLE_NOT_FOUND: Final = "VARIABLE_NOT_FOUND"
VARIABLE_EMPTY: Final = "VARIABLE_EMPTY"
VARIABLE_INVALID: Final = "VARIABLE_INVALID"
INVALID_MEMBERSHIP: Final = "INVALID_MEMBERSHIP"

_SENTENCES: Final[Mapping[str, str]] = {
    ROLE_NOT_FOUND: "Role {role} is not defined in a schema",
    VARIABLE_NOT_FOUND: "Variable {variable} of role {role} is not defined in a schema",
    VARIABLE_EMPTY: "Variable {variable} of role {role} is empty",
    VARIABLE_INVALID: "Variable {variable} of role {role} contains invalid value",
}
_LEGACY: Final[Mapping[str, str]] = {
    ROLE_NOT_FOUND: "Given role not found",
    VARIABLE_NOT_FOUND: "Provided variable does not exist",
    VARIABLE_EMPTY: "Required variable is empty",
}
_CODES: Final[Mapping[type[errors.KeywrightError], str]] = {
    errors.UnknownRole: ROLE_NOT_FOUND,
    errors.UnknownVariable: VARIABLE_NOT_FOUND,
    errors.MissingVariable: VARIABLE_EMPTY,
    errors.InvalidValue: VARIABLE_INVALID,
    errors.UnknownEntity: VARIABLE_INVALID,
}
_PLACE = re.compile(r"memberships\.([0-9]+)(?:\.variables(?:\.([^.]+))?)?(?:\..*)?")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with one membership, which is the one at `at` of those that were sent."""

    code: str
    role: str
    variable: str | None = None
    at: int = 0

    @property
    def sentence(self) -> str:
        """It in words, without a full stop."""
        variable = "" if self.variable is None else said(self.variable)
        return _SENTENCES[self.code].format(role=said(self.role), variable=variable)

    def shown(self) -> dict[str, Any]:
        """It as an entry of `membershipValidation`."""
        variable = None if self.variable is None else said(self.variable)
        return {"code": self.code, "role": said(self.role), "variable": variable}


def findings(wanted: Iterable[Wanted], roles: Mapping[str, Role]) -> tuple[Finding, ...]:
    """What the definitions of a project's roles have against memberships.

    Each membership in its order: an unknown role, and nothing more then; else variables that it does not have,
    those that are missing, and those with a value that none can have.
    """
    return tuple(
        Finding(code, one.role, variable, at)
        for at, one in enumerate(wanted)
        for code, variable in _against(one, roles)
    )


def _against(one: Wanted, roles: Mapping[str, Role]) -> Iterator[tuple[str, str | None]]:
    role = roles.get(one.role)
    if role is None:
        yield ROLE_NOT_FOUND, None
        return
    known = [variable.name for variable in role.variables]
    yield from ((VARIABLE_NOT_FOUND, name) for name in one.variables if name not in known)
    yield from ((VARIABLE_EMPTY, name) for name in known if name not in one.variables)
    given = ((name, one.variables.get(name, ())) for name in known)
    yield from ((VARIABLE_INVALID, name) for name, values in given if not all(map(is_value, values)))


def finding_of(error: errors.KeywrightError, given: Sequence[Wanted]) -> Finding | None:
    """What a use case had against one of the memberships that it was given; None where it is about something else."""
    place = _PLACE.fullmatch(error.field or "")
    code = _CODES.get(type(error))
    if place is None or code is None:
        return None
    role, variable = given[int(place[1])], place[2]
    if code == ROLE_NOT_FOUND:
        return Finding(code, role.role)
    # The use case does not say which variable it does not know; callers find that out from the definitions.
    return Finding(code, role.role, variable or next(iter(role.variables), ""))


def invalid(found: Sequence[Finding]) -> dict[str, Any]:
    """The answer of a mutation whose memberships are wrong, with the older form of the same beside it."""
    sentences = ". ".join(one.sentence for one in found)
    error = {
        "code": INVALID_MEMBERSHIP,
        "developerMessage": f"Provided membership is invalid: {sentences}. "
        "You can also check membershipValidation field for structured details.",
        "membershipValidation": [one.shown() for one in found],
    }
    legacy = [
        {"code": one.code, "developerMessage": one.sentence, "endUserMessage": _LEGACY[one.code]}
        for one in found
        if one.code in _LEGACY
    ]
    return {"ok": False, "error": error, "errors": [error, *legacy]}
