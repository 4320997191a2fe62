"""The scalars of our own, and the enums, as Ariadne binds them to the schema."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ariadne import EnumType, ScalarType
from graphql import Undefined, value_from_ast_untyped

from keywright.core.audit import ActorKind
from keywright.core.catalog import Kind as CatalogChangeKind
from keywright.core.changes import NodeOutcome
from keywright.core.checks import moment
from keywright.core.decision import Code
from keywright.core.errors import InvalidType, InvalidValue
from keywright.core.identities import IdentityKind
from keywright.core.instants import rfc3339
from keywright.core.invitations import InvitationState
from keywright.core.keys import State
from keywright.core.limits import Every, Level
from keywright.core.listing import KeySort
from keywright.core.usage import By
from keywright.services.mail import MailProblem
from keywright.services.nodes import Standing

if TYPE_CHECKING:
    from enum import StrEnum

    from ariadne import SchemaBindable
    from graphql import ValueNode

# RFC 3339, section 5.6; the offset is wanted by `moment`, which says so in its own words.
_RFC_3339: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})?", re.ASCII
)


def parse_date_time(value: object) -> datetime:
    """A moment from its text, in UTC. Raises `InvalidType` or `InvalidValue`, which do not repeat it."""
    if not isinstance(value, str):
        raise InvalidType("A date-time is a text as in RFC 3339.")
    try:
        found = datetime.fromisoformat(value.upper() if _RFC_3339.fullmatch(value) else "")
    except ValueError:
        raise InvalidValue("This is not a date-time as in RFC 3339.") from None
    return moment(found, "")


def parse_json(value: object) -> dict[str, object]:
    """A JSON object. Raises `InvalidType`."""
    if not isinstance(value, dict):
        raise InvalidType("A JSON object is expected here.")
    return value


def parse_json_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> dict[str, object]:
    """A JSON object that stands in a query. Raises `InvalidType`."""
    return parse_json(_given(value_from_ast_untyped(node, variables)))


def _given(value: Any) -> Any:  # noqa: ANN401 - any literal
    """A literal without the variables that were not given: in an object left out, in a list null."""
    if isinstance(value, dict):
        return {name: _given(inner) for name, inner in value.items() if inner is not Undefined}
    if isinstance(value, list):
        return [_given(inner) for inner in value]
    return None if value is Undefined else value


def as_it_is(value: Any) -> Any:  # noqa: ANN401 - JSON that is encoded already
    """JSON goes out as it was stored."""
    return value


def _named(name: str, values: type[StrEnum], *, without: frozenset[StrEnum] = frozenset()) -> EnumType:
    """The enum whose words are the names of ours."""
    return EnumType(name, {value.name: value for value in values if value not in without})


def bindables() -> list[SchemaBindable]:
    """All scalars and enums of the schema."""
    return [
        ScalarType("DateTime", serializer=rfc3339, value_parser=parse_date_time),
        ScalarType("JSON", serializer=as_it_is, value_parser=parse_json, literal_parser=parse_json_literal),
        ScalarType("BigInt", serializer=as_it_is),
        _named("ApiKeyState", State, without=frozenset({State.DELETED})),
        _named("AgentKeyState", State),
        _named("ApiKeyOrderField", KeySort),
        _named("IdentityKind", IdentityKind),
        _named("VerdictCode", Code),
        _named("LimitLevel", Level),
        _named("RefillPeriod", Every),
        _named("ActorKind", ActorKind),
        _named("UsageStep", By),
        _named("InvitationState", InvitationState),
        _named("MailProblem", MailProblem),
        _named("CatalogChangeKind", CatalogChangeKind),
        _named("NodeStanding", Standing),
        _named("NodeOutcome", NodeOutcome),
    ]
