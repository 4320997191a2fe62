"""All that the page of a new key shows, from what its form says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keywright.console import picker
from keywright.console.keys import speakers, terms
from keywright.console.keys.drafts import UNITS, Draft, draft_of, limit_rows
from keywright.console.keys.making_code import code_of_new
from keywright.console.keys.spans import spans_of
from keywright.console.keys.starting import settings_of
from keywright.console.picker import Lexicon
from keywright.console.picker.offered import FEW, Chip
from keywright.core.permissions import Policies

if TYPE_CHECKING:
    from keywright.console.asking import Ask
    from keywright.console.forms import Errors, Form
    from keywright.console.keys.speakers import Speaker
    from keywright.core.catalog import Catalog
    from keywright.core.errors import KeywrightError
    from keywright.core.roles import Role, Variable

_FIELDS: Final = (
    *("name", "description", "handle", "identity_id", "template", "not_before", "expires_at"),
    *("metadata", "credits.refill", "credits", "prefix", "token_hash", "memberships"),
)
_MORE: Final = frozenset(
    {"limits", "credits", "allowed_cidrs", "not_before", "handle", "prefix", "metadata", "token_hash"}
)


@dataclass(frozen=True, slots=True)
class Filling:
    """A variable of a role in the form: its field, and the values that can be picked."""

    variable: Variable
    field: str
    chips: tuple[Chip, ...]
    address: str


@dataclass(frozen=True, slots=True)
class RoleChoice:
    """A role that an identity of the key's own could hold; `off` where its maker could not hand it out."""

    role: Role
    picked: bool
    off: bool
    variables: tuple[Filling, ...]


@dataclass(frozen=True, slots=True)
class Making:
    """A form of a new key as it stands."""

    ask: Ask
    form: Form
    catalog: Catalog
    lexicon: Lexicon
    roles: tuple[Role, ...]
    speaker: Speaker
    draft: Draft

    def context(self, errors: Errors) -> dict[str, Any]:
        """What the templates of the page take."""
        ask, form = self.ask, self.form
        settings = settings_of(ask)
        return {
            "form": form,
            "errors": errors,
            "speaker": self.speaker,
            "may_choose": speakers.may_choose(ask),
            "roles": tuple(self._choice(role) for role in self.roles),
            "spans": spans_of(settings, form.get("expires")),
            "settings": settings,
            "templates": self.catalog.key_templates,
            "units": UNITS,
            "limit_rows": (*limit_rows(form), ("", "", "1", "1")),
            "more_open": self._more_open(errors),
            "usual_limits": terms.how_often(settings.default_limits),
            **self.picked(),
            **self.told(),
        }

    def _more_open(self, errors: Errors) -> bool:
        """Whether the fields that few need are shown: where something stands in them, or is wrong with them."""
        new = self.draft.whole
        used = (new.limits, new.credits, new.allowed_cidrs, new.not_before, new.handle, new.metadata)
        asked = any(one is not None for one in used) or bool(new.token_hash)
        return asked or any(name.split(".")[0] in _MORE for name in errors.fields)

    def picked(self) -> dict[str, Any]:
        """The picker."""
        holder = self.speaker.holder
        owner = holder if holder is not None and not holder.you else None
        maker = picker.reader(self.ask)
        shown = picker.picker_of(self.lexicon, self.draft.pick, maker=maker, owner=owner)
        return {"picker": shown, "choice": "It can do what its owner can, also what comes later."}

    def told(self) -> dict[str, Any]:
        """What follows everything that is typed: the summary, the terms, and the code."""
        new, now, zone = self.draft.whole, self.ask.now, self.ask.zone
        usual = settings_of(self.ask).default_limits
        undated = "expires_at" in self.draft.errors.fields
        limits = usual if new.limits is None else new.limits
        return {
            "summary": picker.summary_of(self.lexicon, picker.said(new.scope), self.speaker.holder),
            "nobody": self.speaker.choice == "other" and self.speaker.other is None,
            "terms": [
                *([] if undated else terms.when(new.not_before, new.expires_at, now, zone)),
                *terms.how_often(limits, new.credits),
                *terms.from_where(new.allowed_cidrs),
            ],
            "code": code_of_new(self.ask, self.draft.new),
        }

    def refused(self, error: KeywrightError) -> Errors:
        """An error of the making, beside the field that it is about."""
        counted = [f"limits.{index}" for index in range(10)]
        ranges = [f"allowed_cidrs.{index}" for index in range(100)]
        places = [f"memberships.{index}" for index in range(50)]
        errors = picker.refused_scope(
            self.ask,
            error,
            self.draft.pick,
            self.lexicon,
            *(*_FIELDS, *counted, *ranges, *places, "limits", "allowed_cidrs"),
        )
        for name, text in list(errors.fields.items()):
            head, _, index = name.partition(".")
            if head == "allowed_cidrs" and index:
                given = self.draft.new.allowed_cidrs or ()
                errors.fields[head] = f"{given[int(index)]}: {text}"
            elif head == "memberships" and index:
                role = self.speaker.roles[int(index)].role
                _, _, variable = (error.field or "").partition(".variables.")
                field = f"var.{role}.{variable.partition('.')[0]}" if variable else head
                errors.fields[field] = text if variable else f"{role}: {text}"
        return errors

    def _choice(self, role: Role) -> RoleChoice:
        held = Policies.compile(picker.reader(self.ask))
        picked = self.speaker.choice == "alone" and any(one.role == role.name for one in self.speaker.roles)
        beyond = not role.variables and held.first_uncovered(role.expand(())) is not None
        variables = tuple(self._filling(role, variable) for variable in role.variables)
        return RoleChoice(role, picked, beyond and not picked, variables)

    def _filling(self, role: Role, variable: Variable) -> Filling:
        field = f"var.{role.name}.{variable.name}"
        labels = self.lexicon.entities.get(variable.entity or "", {})
        given = next((one.variables for one in self.speaker.roles if one.role == role.name), {})
        picked = given.get(variable.name, ())
        shown = dict.fromkeys((*(labels if len(labels) <= FEW else ()), *picked))
        chips = tuple(Chip(one, labels.get(one) or one, one in picked, variable.entity) for one in shown)
        return Filling(variable, field, chips, self.ask.at("picker/entities", type=variable.entity))


async def making_of(ask: Ask, form: Form, catalog: Catalog, *, opening: bool = False) -> Making:
    """Read a form; one that is being opened has its policies put among the actions of the catalog."""
    lexicon = Lexicon.of(catalog)
    roles = await speakers.roles_to_give(ask)
    speaker = await speakers.speaker_of(ask, form, lexicon, roles)
    wanted = form.get("template")
    template = next((one for one in catalog.key_templates if one.name == wanted), None)
    draft = draft_of(form, lexicon, speaker, zone=ask.zone, now=ask.now, template=template)
    if opening:
        draft.pick = draft.pick.placed(lexicon)
    return Making(ask, form, catalog, lexicon, roles, speaker, draft)
