"""A role as it stands in its form: its variables, and what is picked that it allows."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from keywright.console.picker import Pick
from keywright.core.permissions import EmptyPolicy, InvalidPattern
from keywright.core.roles import MAX_VARIABLES, PolicyTemplate
from keywright.services.roles import VariableInput

if TYPE_CHECKING:
    from keywright.console.forms import Form
    from keywright.console.picker import Lexicon
    from keywright.core.roles import Role
    from keywright.services.keys import PolicyInput

FIELDS: Final = (
    "name",
    "description",
    "variables",
    *(f"variables.{place}" for place in range(MAX_VARIABLES)),
)
"""The fields by which an error may name a part of the form."""
_NUMBERED: Final = re.compile(r"v(\d{1,2})\.name")


@dataclass(frozen=True, slots=True)
class VariableRow:
    """One variable: its name, the type of entity of its values, and what it is for."""

    name: str = ""
    entity: str = ""
    description: str = ""


@dataclass(slots=True)
class Draft:
    """What stands in the form; with `room` there is a row for one variable more."""

    name: str = ""
    description: str = ""
    variables: list[VariableRow] = field(default_factory=list)
    pick: Pick = field(default_factory=Pick)
    once: str = ""
    room: bool = False

    @property
    def given_variables(self) -> tuple[VariableInput, ...]:
        """The variables as the use cases take them."""
        return tuple(VariableInput(one.name, one.entity or None, one.description) for one in self.variables)

    @property
    def policies(self) -> tuple[PolicyInput, ...]:
        """The policies as the use cases take them."""
        return self.pick.policies

    @property
    def sound_policies(self) -> tuple[PolicyTemplate, ...]:
        """Those of the policies that can be read."""
        found = []
        for actions, resources in self.policies:
            try:
                found.append(PolicyTemplate.of(actions, resources))
            except (InvalidPattern, EmptyPolicy):
                continue
        return tuple(found)

    @property
    def shown_variables(self) -> list[VariableRow]:
        """The variables, with room for one more where it is wanted."""
        return [*self.variables, *[VariableRow()] * self.room]


def draft_of(role: Role, lexicon: Lexicon) -> Draft:
    """A role as it stands."""
    return Draft(
        role.name,
        role.description,
        [VariableRow(one.name, one.entity or "", one.description) for one in role.variables],
        Pick.of_policies([(one.actions, one.resources) for one in role.policies], lexicon),
    )


def asked(form: Form, lexicon: Lexicon, name: str | None = None) -> Draft:
    """What a form sent, as its buttons want it: with one more variable (`add`), or without one (`drop-2`)."""
    numbers = dict.fromkeys(int(match[1]) for one, _ in form if (match := _NUMBERED.fullmatch(one)))
    variables = []
    for one in numbers:
        row = VariableRow(
            form.get(f"v{one}.name"), form.get(f"v{one}.entity"), form.get(f"v{one}.description")
        )
        if row.name or row.description:
            variables.append(row)
    wanted = form.get("rows")
    if wanted.startswith("drop-") and wanted[5:].isdigit():
        del variables[int(wanted[5:]) : int(wanted[5:]) + 1]
    return Draft(
        name or form.get("name"),
        form.get("description"),
        variables,
        Pick.of_form(form, lexicon),
        form.get("once"),
        room=wanted == "add",
    )


def plain(draft: Draft) -> dict[str, Any]:
    """Variables and policies as REST takes them."""
    variables = {
        one.name: {"entity": one.entity or None, "description": one.description} for one in draft.variables
    }
    return {"variables": variables, "policies": [_policy(one) for one in draft.policies]}


def graphed(draft: Draft) -> dict[str, Any]:
    """Variables and policies as GraphQL takes them."""
    variables = [
        {"name": one.name, "entity": one.entity or None, "description": one.description}
        for one in draft.variables
    ]
    return {"variables": variables, "policies": [_policy(one) for one in draft.policies]}


def worded(draft: Draft, *, changing: bool = False) -> list[str]:
    """Description, variables and policies as options of the command line."""
    options = ["--description", draft.description] if draft.description or changing else []
    for variable in draft.variables:
        told = {"entity": variable.entity or None, "description": variable.description}
        text = json.dumps({variable.name: told}, ensure_ascii=False)
        if not variable.description:
            text = f"{variable.name}={variable.entity}" if variable.entity else variable.name
        options += ["--variable", text]
    for policy in draft.policies:
        options += ["--policy", _option(policy)]
    return options


def _option(policy: PolicyInput) -> str:
    actions, resources = policy
    parts = (*actions, *(resources or ()))
    if any(letter in part for part in parts for letter in ",;@"):
        return json.dumps(_policy(policy), ensure_ascii=False)
    text = f"actions={','.join(actions)}"
    return text if resources is None else f"{text};resources={','.join(resources)}"


def _policy(policy: PolicyInput) -> dict[str, Any]:
    actions, resources = policy
    found: dict[str, Any] = {"actions": list(actions)}
    return found if resources is None else {**found, "resources": list(resources)}
