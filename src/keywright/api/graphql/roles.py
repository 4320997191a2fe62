"""The fields of roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from keywright.api.graphql import mapping
from keywright.api.graphql.fields import lists, runs
from keywright.core.roles import is_built_in
from keywright.services import roles
from keywright.services.roles import NewRole, RoleChanges, RoleName, VariableInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from keywright.api.graphql.fields import RootField
    from keywright.api.graphql.mapping import Args, Shape
    from keywright.services.keys import PolicyInput
    from keywright.services.roles import CreatedRole, RoleView


def _named(args: Args) -> RoleName:
    return RoleName(args["name"])


def _deletion(args: Args) -> RoleName:
    return RoleName(args["input"]["name"])


def _variables(given: Sequence[Mapping[str, Any]] | None) -> tuple[VariableInput, ...]:
    return tuple(
        VariableInput(one["name"], one.get("entity"), one.get("description") or "") for one in given or ()
    )


def _policies(given: Sequence[Mapping[str, Any]] | None) -> tuple[PolicyInput, ...]:
    return mapping.policies(given) or ()


def new_role(args: Args) -> NewRole:
    """What a definition asks for."""
    given = args["input"]
    return NewRole(
        name=given["name"],
        description=given.get("description") or "",
        variables=_variables(given.get("variables")),
        policies=_policies(given.get("policies")),
    )


_CHANGES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "description": str,
    "variables": _variables,
    "policies": _policies,
}


def role_changes(args: Args) -> RoleChanges:
    """What a change asks for: only the fields that were sent. Raises `InvalidType` for null."""
    given = args["input"]
    return RoleChanges(
        name=given["name"],
        **{
            name: read(mapping.never_null(name)(given[name])) if name in given else UNSET
            for name, read in _CHANGES.items()
        },
    )


def role(view: RoleView) -> Shape:
    """A role."""
    it, defined = view.role, view.defined
    return {
        "name": it.name,
        "description": it.description,
        "variables": [
            {"name": one.name, "entity": one.entity, "description": one.description} for one in it.variables
        ],
        "policies": [
            {
                "actions": list(one.actions),
                "resources": None if one.resources is None else list(one.resources),
            }
            for one in it.policies
        ],
        "builtIn": is_built_in(it.name),
        "byCatalog": defined is not None and defined.by_catalog,
        "createdAt": None if defined is None else defined.created_at,
        "updatedAt": view.updated_at,
    }


def created_role(created: CreatedRole) -> Shape:
    """A role that was defined."""
    return {"role": role(created.view), "replayed": created.replayed}


def changed_role(view: RoleView) -> Shape:
    """A changed role."""
    return {"role": role(view)}


def _all(views: Sequence[RoleView]) -> list[Shape]:
    return [role(view) for view in views]


def deleted_role(_result: None, asked: RoleName) -> Shape:
    """A role that was deleted."""
    return {"deletedName": asked.name}


QUERIES: Final[Mapping[str, RootField]] = {
    "roles": runs(roles.list_roles, mapping.no_input, _all),
    "role": runs(roles.get_role, _named, role, or_null=True),
}
MUTATIONS: Final[Mapping[str, RootField]] = {
    "createRole": runs(roles.create_role, new_role, created_role),
    "updateRole": runs(roles.update_role, role_changes, changed_role),
    "deleteRole": lists(roles.delete_role, _deletion, deleted_role),
}
