"""The part of a form in which roles are given, each with values for its variables."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from keywright.console.people.wording import lexicon_of, sentence
from keywright.console.picker.offered import FEW, Chip
from keywright.core.errors import BeyondOwnRights
from keywright.services.memberships import MAX_ROLES, RoleInput
from keywright.services.roles import list_roles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keywright.console.asking import Ask
    from keywright.console.forms import Errors, Form
    from keywright.console.picker import Lexicon
    from keywright.core.roles import Role, Values, Variable

_ROLE: Final = re.compile(r"r(\d{1,3})\.role")


@dataclass(slots=True)
class Row:
    """One role as it is picked in a form, with what stands in the fields of its variables."""

    role: str = ""
    values: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """A role that can be picked. `beyond` says that the reader does not hold all of it, and cannot give it."""

    role: Role
    text: str
    beyond: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """The roles that can be held in a place, by name, and the words of its catalog."""

    roles: Mapping[str, Choice]
    lexicon: Lexicon

    def given(self, rows: Sequence[Row]) -> tuple[RoleInput, ...]:
        """What some rows ask for, as the use cases take it."""
        return tuple(RoleInput(row.role, {k: tuple(v) for k, v in self.values(row).items()}) for row in rows)

    def values(self, row: Row) -> dict[str, list[str]]:
        """The values of a row by the ids that they mean, without those that the role has no variable for."""
        choice = self.roles.get(row.role)
        if choice is None:
            return {}
        found = {}
        for one in choice.role.variables:
            meant = [
                value for text in row.values.get(one.name, ()) for value in self._meant(one.entity, text)
            ]
            if meant:
                found[one.name] = list(dict.fromkeys(meant))
        return found

    def chips(self, row: Row, variable: Variable) -> tuple[Chip, ...]:
        """What is picked for a variable, and beside it all that there is of its type where that is little."""
        picked = self.values(row).get(variable.name, [])
        known = self.lexicon.entities.get(variable.entity or "", {})
        offered = list(known) if len(known) <= FEW else [one for one in picked if one in known]
        return tuple(
            Chip(value, known.get(value) or value, value in picked, variable.entity)
            for value in dict.fromkeys([*offered, *picked])
        )

    def address(self, ask: Ask, variable: Variable) -> str:
        """Where the values of a variable are found while somebody types."""
        return ask.at("picker/entities", type=variable.entity)

    def _meant(self, kind: str | None, text: str) -> list[str]:
        """The ids that somebody meant who typed this: a label, or ids with spaces or commas between them."""
        known = self.lexicon.entities.get(kind or "", {})
        if text in known:
            return [text]
        labelled = [id_ for id_, label in known.items() if label.casefold() == text.casefold()]
        return labelled[:1] or text.replace(",", " ").split()

    def _label(self, kind: str | None, value: str) -> str:
        return self.lexicon.entities.get(kind or "", {}).get(value) or value

    def held(self, role: str, values: Values) -> list[tuple[str, list[str]]]:
        """The values of a role that is held, by variable, in the words of the catalog."""
        choice = self.roles.get(role)
        kinds = {} if choice is None else {one.name: one.entity for one in choice.role.variables}
        return [(name, [self._label(kinds.get(name), one) for one in given]) for name, given in values]


async def choices(ask: Ask) -> Choices:
    """What can be given in the page's tenant, as far as the reader may read of it."""
    lexicon = await lexicon_of(ask)
    if not ask.may("roles:read"):
        return Choices({}, lexicon)
    views = await ask.run(list_roles, None)
    place = None if ask.place is None else ask.place.id
    found = {}
    for view in views:
        try:
            # With variables it depends on the values.
            ask.caller.require_holds(place, () if view.role.variables else view.role.widest(), "role")
            beyond = False
        except BeyondOwnRights:
            beyond = True
        found[view.role.name] = Choice(view.role, sentence(view.role, lexicon), beyond)
    return Choices(found, lexicon)


def rows_of(form: Form) -> list[Row]:
    """The rows of a form, without those in which nothing is picked."""
    found = []
    numbers = [int(match[1]) for name, _ in form if (match := _ROLE.fullmatch(name))]
    for number in list(dict.fromkeys(numbers))[:MAX_ROLES]:
        row = Row(form.get(f"r{number}.role"))
        lead = f"r{number}.v."
        for name in dict.fromkeys(one.removeprefix("add.") for one, _ in form):
            if name.startswith(lead):
                row.values[name.removeprefix(lead)] = typed_values(form, name)
        if row.role:
            found.append(row)
    return found


def typed_values(form: Form, name: str) -> list[str]:
    """The values of one variable: those that are ticked, and those that were typed beside them."""
    return list(dict.fromkeys([*form.all(name), *form.all(f"add.{name}")]))


def only_rows(ask: Ask) -> bool:
    """Whether a form is only to be shown again, with other rows: nothing is to be made of it yet."""
    return "rows" in ask.form or (ask.wants_part and ask.target == "given")


def asked_rows(form: Form) -> list[Row]:
    """The rows as a button of the form wants them: with one more (`add`), or without one (`drop-2`)."""
    rows = rows_of(form)
    wanted = form.get("rows")
    if wanted.startswith("drop-") and wanted[5:].isdigit() and int(wanted[5:]) < len(rows):
        del rows[int(wanted[5:])]
    elif wanted == "add":
        rows.append(Row())
    return rows or [Row()]


def row_fields(rows: Sequence[Row], known: Choices) -> list[str]:
    """The fields by which an error may name a part of these rows."""
    fields = ["memberships"]
    for number, row in enumerate(rows):
        fields.append(f"memberships.{number}.role")
        choice = known.roles.get(row.role)
        variables = () if choice is None else choice.role.variables
        fields += [f"memberships.{number}.variables.{one.name}" for one in variables]
    return fields


def single(errors: Errors) -> Errors:
    """The errors of a form that gives one role, in the words of one that gives several."""
    errors.fields = {
        name if name.startswith("memberships") else f"memberships.0.{name}": text
        for name, text in errors.fields.items()
    }
    return errors


def plain(given: Sequence[RoleInput]) -> list[dict[str, Any]]:
    """Roles as REST takes them."""
    return [
        {"role": one.role, "variables": {name: list(values) for name, values in one.variables.items()}}
        for one in given
    ]


def worded(given: RoleInput) -> str:
    """A role as an option of the command line: `editor:language=cs,en`, or as JSON where a value holds a comma."""
    if not given.variables:
        return given.role
    if any("," in value for values in given.variables.values() for value in values):
        return json.dumps(plain([given])[0], ensure_ascii=False)
    return ":".join([given.role, *(f"{name}={','.join(values)}" for name, values in given.variables.items())])


def worded_values(values: Mapping[str, Sequence[str]]) -> list[str]:
    """Values of variables as options of the command line."""
    found = []
    for name, given in values.items():
        text = f"{name}={','.join(given)}"
        if any("," in one for one in given):
            text = json.dumps({name: list(given)}, ensure_ascii=False)
        found += ["--variable", text]
    return found


def graphed(given: Sequence[RoleInput]) -> list[dict[str, Any]]:
    """Roles as GraphQL takes them."""
    return [{"role": one.role, "variables": graphed_values(one.variables)} for one in given]


def graphed_values(values: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Values of variables as GraphQL takes them."""
    return [{"name": name, "values": list(given)} for name, given in values.items()]
