"""A role as it stands in its form: its variables, and its policies as lists of actions and resources."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from keywright.console.roles.wording import rights_in
from keywright.core.permissions import MAX_POLICIES, EmptyPolicy, InvalidPattern
from keywright.core.roles import MAX_VARIABLES, PolicyTemplate, Role
from keywright.services.roles import VariableInput

if TYPE_CHECKING:
    from keywright.console.forms import Form
    from keywright.console.roles.wording import Lexicon, Right
    from keywright.services.keys import PolicyInput

FIELDS: Final = (
    "name",
    "description",
    "variables",
    "policies",
    *(f"variables.{place}" for place in range(MAX_VARIABLES)),
    *(f"policies.{place}.{part}" for place in range(MAX_POLICIES) for part in ("actions", "resources")),
    *(f"policies.{place}" for place in range(MAX_POLICIES)),
)
"""The fields by which an error may name a part of the form."""
_NUMBERED: Final = re.compile(r"([vp])(\d{1,3})\.(?:name|actions|resources)")


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One policy: actions and resources; no resources means everything."""

    actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VariableRow:
    """One variable: its name, the type of entity of its values, and what it is for."""

    name: str = ""
    entity: str = ""
    description: str = ""


@dataclass(slots=True)
class Draft:
    """What stands in the form; `rooms` are the rows beyond what is filled in."""

    name: str = ""
    description: str = ""
    variables: list[VariableRow] = field(default_factory=list)
    policies: list[PolicyRow] = field(default_factory=list)
    once: str = ""
    rooms: dict[str, int] = field(default_factory=dict)

    @property
    def given_variables(self) -> tuple[VariableInput, ...]:
        """The variables as the use cases take them."""
        return tuple(VariableInput(one.name, one.entity or None, one.description) for one in self.variables)

    @property
    def given_policies(self) -> tuple[PolicyInput, ...]:
        """The policies as the use cases take them."""
        return tuple((one.actions, one.resources or None) for one in self.policies)

    @property
    def shown_policies(self) -> list[PolicyRow]:
        """The policies with room for more: always one row."""
        room = max(self.rooms.get("policy", 0), 0 if self.policies else 1)
        return [*self.policies, *[PolicyRow()] * room]

    @property
    def shown_variables(self) -> list[VariableRow]:
        """The variables with room for more."""
        return [*self.variables, *[VariableRow()] * self.rooms.get("variable", 0)]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a draft comes to: rights by group, the variables they depend on, and what cannot be read."""

    rights: dict[str, list[Right]]
    variables: tuple[str, ...]
    wrong: tuple[str, ...]


def draft_of(role: Role) -> Draft:
    """A role as it stands."""
    return Draft(
        role.name,
        role.description,
        [VariableRow(one.name, one.entity or "", one.description) for one in role.variables],
        [PolicyRow(one.actions, one.resources or ()) for one in role.policies],
    )


def asked(form: Form, name: str | None = None) -> Draft:
    """What a form sent, as its buttons want it: with one more row (`add-policy`), or without one (`drop-policy-2`)."""
    variables, policies = [], []
    numbers: dict[str, dict[int, None]] = {letter: {} for letter in "vp"}
    for field_name, _ in form:
        if match := _NUMBERED.fullmatch(field_name):
            numbers[match[1]][int(match[2])] = None
    for one in numbers["v"]:
        row = VariableRow(
            form.get(f"v{one}.name"), form.get(f"v{one}.entity"), form.get(f"v{one}.description")
        )
        if row.name or row.description:
            variables.append(row)
    for one in numbers["p"]:
        policy = PolicyRow(_split(form, f"p{one}.actions"), _split(form, f"p{one}.resources"))
        if policy.actions or policy.resources:
            policies.append(policy)
    draft = Draft(name or form.get("name"), form.get("description"), variables, policies, form.get("once"))
    act, _, rest = form.get("rows").partition("-")
    what, _, place = rest.partition("-")
    if act == "add":
        draft.rooms[what] = 1
    elif act == "drop" and place.isdigit():
        rows: list[Any] = policies if what == "policy" else variables
        del rows[int(place) : int(place) + 1]
    return draft


def reading(draft: Draft, words: Lexicon) -> Reading:
    """What a draft comes to, as far as it can be read."""
    found, wrong = [], []
    for row in draft.policies:
        try:
            found.append(PolicyTemplate.of(row.actions, row.resources or None))
        except (InvalidPattern, EmptyPolicy) as error:
            wrong.append(str(error))
    names = sorted({name for one in found for name in one.variables})
    return Reading(rights_in(Role("draft", policies=tuple(found)), words), tuple(names), tuple(wrong))


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


def _option(policy: PolicyRow) -> str:
    parts = (*policy.actions, *policy.resources)
    if any(letter in part for part in parts for letter in ",;@"):
        return json.dumps(_policy(policy), ensure_ascii=False)
    text = f"actions={','.join(policy.actions)}"
    return f"{text};resources={','.join(policy.resources)}" if policy.resources else text


def _policy(row: PolicyRow) -> dict[str, Any]:
    found: dict[str, Any] = {"actions": list(row.actions)}
    return {**found, "resources": list(row.resources)} if row.resources else found


def _split(form: Form, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for text in form.all(name) for word in text.split()))
