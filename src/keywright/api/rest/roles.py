"""`/v1/roles`."""

from typing import Annotated, Any

from fastapi import Path
from msgspec import UNSET
from pydantic import ConfigDict, Field

from keywright.api.rest import mapping
from keywright.api.rest.models import In, Moment, Out, PolicyIn, PolicyOut, without_defaults
from keywright.api.rest.routes import Door
from keywright.core.roles import is_built_in
from keywright.services import roles
from keywright.services.roles import CreatedRole, NewRole, RoleChanges, RoleName, RoleView, VariableInput

_TAG = "Roles"
_VARIABLES: dict[str, Any] = {
    "maxProperties": 10,
    "propertyNames": {"pattern": "^[a-z][a-z0-9_]{0,39}$"},
    "examples": [{"language": {"entity": None, "description": "The languages that it is held for."}}],
}
_POLICIES: dict[str, Any] = {
    "maxItems": 100,
    "examples": [[{"actions": ["article:*"], "resources": ["article:${language}:**"]}]],
}
_ABOUT_VARIABLES = (
    "By name. A variable stands in the policies as `${name}`, for each value that a membership gives."
)
_ABOUT_POLICIES = "What the role allows; each policy must be held by the caller."


class VariableIn(In):
    """A variable of a role: its values are free, or (`entity`) ids of one type of entity in the catalog."""

    entity: str | None = Field(None, json_schema_extra={"pattern": "^[a-z][a-z0-9_]{0,39}$"})
    description: str = Field("", json_schema_extra={"maxLength": 2000})


class RoleIn(In):
    """A role to be defined."""

    name: str = Field(
        description="Unique in the tenant.",
        json_schema_extra={"pattern": r"^[a-z0-9][a-z0-9_\-]{0,99}$", "examples": ["editor"]},
    )
    description: str = Field("", json_schema_extra={"maxLength": 2000})
    variables: dict[str, VariableIn] = Field({}, description=_ABOUT_VARIABLES, json_schema_extra=_VARIABLES)
    policies: list[PolicyIn] = Field([], description=_ABOUT_POLICIES, json_schema_extra=_POLICIES)


class RolePatch(In):
    """What is to change; a field left out stays, and a list or an object replaces the one before."""

    model_config = ConfigDict(json_schema_extra=without_defaults)

    description: str = Field("", json_schema_extra={"maxLength": 2000})
    variables: dict[str, VariableIn] = Field({}, description=_ABOUT_VARIABLES, json_schema_extra=_VARIABLES)
    policies: list[PolicyIn] = Field([], description=_ABOUT_POLICIES, json_schema_extra=_POLICIES)


class VariableOut(Out):
    """A variable of a role; `entity` is the type of entity whose ids are its values, null for free ones."""

    entity: str | None
    description: str


class RoleDefinitionOut(Out):
    """A role: what it allows to whoever holds it."""

    name: str
    description: str
    variables: dict[str, VariableOut]
    policies: list[PolicyOut]
    built_in: bool = Field(description="True for the roles that are there in every tenant.")
    by_catalog: bool = Field(description="True when the tenant's catalog defines it; it is changed there.")
    created_at: Moment | None = Field(description="Null for a built-in role.")
    updated_at: Moment | None = Field(description="Null for a built-in role.")


class RoleListOut(Out):
    """All roles that can be held there, in one page."""

    items: list[RoleDefinitionOut]
    next_cursor: str | None = Field(description="Always null: a list of roles is short.")


RolePath = Annotated[str, Path(description="The role's name.", examples=["admin"])]


def _variables(given: dict[str, VariableIn]) -> tuple[VariableInput, ...]:
    return tuple(VariableInput(name, one.entity, one.description) for name, one in given.items())


def read_new(body: RoleIn) -> NewRole:
    """A role to be defined."""
    return NewRole(
        name=body.name,
        description=body.description,
        variables=_variables(body.variables),
        policies=mapping.policies(body.policies) or (),
    )


def read_nothing() -> None:
    """A list of roles takes nothing."""


def read_one(name: RolePath) -> RoleName:
    """One role's name from the path."""
    return RoleName(name)


def read_changes(name: RolePath, body: RolePatch) -> RoleChanges:
    """The changes of a role: only the fields that were sent."""
    sent = body.model_fields_set
    return RoleChanges(
        name=name,
        description=body.description if "description" in sent else UNSET,
        variables=_variables(body.variables) if "variables" in sent else UNSET,
        policies=mapping.policies(body.policies) or () if "policies" in sent else UNSET,
    )


def show(view: RoleView) -> RoleDefinitionOut:
    """A role."""
    role, defined = view.role, view.defined
    return RoleDefinitionOut(
        name=role.name,
        description=role.description,
        variables={
            one.name: VariableOut(entity=one.entity, description=one.description) for one in role.variables
        },
        policies=[PolicyOut.model_validate(mapping.plain(one.to_plain())) for one in role.policies],
        built_in=is_built_in(role.name),
        by_catalog=defined is not None and defined.by_catalog,
        created_at=None if defined is None else defined.created_at,
        updated_at=view.updated_at,
    )


def _created(created: CreatedRole) -> RoleDefinitionOut:
    return show(created.view)


def _list(views: tuple[RoleView, ...]) -> RoleListOut:
    return RoleListOut(items=[show(view) for view in views], next_cursor=None)


def _nothing(_result: None) -> None:
    return None


def declare(door: Door) -> None:
    """Declare the routes of roles."""
    door.route(
        "POST",
        "/roles",
        roles.create_role,
        read=read_new,
        show=_created,
        model=RoleDefinitionOut,
        status=201,
        refusals=(404, 409),
        tag=_TAG,
    )
    door.route(
        "GET",
        "/roles",
        roles.list_roles,
        read=read_nothing,
        show=_list,
        model=RoleListOut,
        refusals=(404,),
        tag=_TAG,
    )
    _declare_more(door)


def _declare_more(door: Door) -> None:
    one = "/roles/{name}"
    door.route(
        "GET",
        one,
        roles.get_role,
        read=read_one,
        show=show,
        model=RoleDefinitionOut,
        refusals=(404,),
        tag=_TAG,
    )
    door.route(
        "PATCH",
        one,
        roles.update_role,
        read=read_changes,
        show=show,
        model=RoleDefinitionOut,
        refusals=(404, 409),
        tag=_TAG,
    )
    door.route(
        "DELETE",
        one,
        roles.delete_role,
        read=read_one,
        show=_nothing,
        status=204,
        refusals=(404, 409),
        tag=_TAG,
    )
