"""The form of a tenant's settings: what its fields hold, and what they say is to change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keywright.core.errors import InvalidValue
from keywright.services.limits import LimitInput
from keywright.services.tenants import SettingsChanges, TenantChanges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.console.forms import Form
    from keywright.core.identities import Tenant
    from keywright.core.limits import Limit

UNITS: Final = (
    ("second", 1),
    ("minute", 60),
    ("hour", 3_600),
    ("day", 86_400),
    ("week", 604_800),
    ("year", 31_536_000),
)
"""The units in which a span of time is typed, with their seconds."""
LIFETIME: Final = "settings.max_key_lifetime_seconds"
LISTS: Final = ("default_limits", "limits")
_SIZES: Final = dict(UNITS)


@dataclass(frozen=True, slots=True)
class Row:
    """A limit as it is typed; `place` is what the names of its fields are numbered by."""

    place: int
    name: str = ""
    limit: str = ""
    number: str = "1"
    unit: str = "minute"

    @property
    def empty(self) -> bool:
        """Whether nothing was typed."""
        return not self.name and not self.limit


@dataclass(frozen=True, slots=True)
class Fields:
    """Every field of the form, as texts."""

    name: str
    key_prefix: str
    lifetime: str
    unit: str
    keys_must_expire: bool
    two_factor_required: bool
    default_limits: tuple[Row, ...]
    limits: tuple[Row, ...]

    @classmethod
    def of(cls, tenant: Tenant) -> Fields:
        """The fields of a tenant as it stands."""
        settings = tenant.settings
        number, unit = _in_unit(settings.max_key_lifetime_seconds, "day")
        return cls(
            name=tenant.name,
            key_prefix=settings.key_prefix or "",
            lifetime=number,
            unit=unit,
            keys_must_expire=settings.keys_must_expire,
            two_factor_required=settings.two_factor_required,
            default_limits=_rows(settings.default_limits),
            limits=_rows(settings.limits),
        )

    @classmethod
    def sent(cls, form: Form) -> Fields:
        """The fields as a form sent them."""
        return cls(
            name=form.get("name"),
            key_prefix=form.get("settings.key_prefix"),
            lifetime=form.get(LIFETIME),
            unit=form.get("unit", "day"),
            keys_must_expire=form.ticked("settings.keys_must_expire"),
            two_factor_required=form.ticked("settings.two_factor_required"),
            default_limits=_sent_rows(form, "default_limits"),
            limits=_sent_rows(form, "limits"),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the fields beside which an error can stand."""
        cells = [
            f"settings.{called}.{row.place}.{part}"
            for called in LISTS
            for row in getattr(self, called)
            for part in ("name", "limit", "window_seconds")
        ]
        return (
            "name",
            "settings.key_prefix",
            LIFETIME,
            "settings.keys_must_expire",
            "settings.two_factor_required",
            *cells,
            *(f"settings.{called}" for called in LISTS),
        )

    def changes(self, slug: str) -> TenantChanges:
        """What the fields say of the tenant with this slug. Raises `InvalidValue`."""
        settings = SettingsChanges(
            key_prefix=self.key_prefix or None,
            max_key_lifetime_seconds=_seconds(self.lifetime, self.unit, LIFETIME) if self.lifetime else None,
            keys_must_expire=self.keys_must_expire,
            two_factor_required=self.two_factor_required,
            default_limits=_limits(self.default_limits, "default_limits"),
            limits=_limits(self.limits, "limits"),
        )
        return TenantChanges(slug=slug, name=self.name, settings=settings)


def _in_unit(seconds: int | None, unit: str) -> tuple[str, str]:
    """A span as number and unit, in the largest unit that it is a multiple of."""
    if seconds is None:
        return "", unit
    return next((str(seconds // size), name) for name, size in reversed(UNITS) if seconds % size == 0)


def _rows(limits: Sequence[Limit]) -> tuple[Row, ...]:
    return tuple(
        Row(place, one.name, str(one.limit), *_in_unit(one.window_seconds, "minute"))
        for place, one in enumerate(limits)
    )


def _sent_rows(form: Form, called: str) -> tuple[Row, ...]:
    """The rows that are not empty, numbered anew, as the limits are that are made of them."""
    front = f"settings.{called}."
    places = sorted(
        {
            int(place)
            for field, _ in form
            if field.startswith(front) and (place := field[len(front) :].partition(".")[0]).isdecimal()
        }
    )
    typed = (
        Row(
            0,
            form.get(f"{front}{place}.name"),
            form.get(f"{front}{place}.limit"),
            form.get(f"{front}{place}.window_seconds"),
            form.get(f"{front}{place}.unit", "minute"),
        )
        for place in places
    )
    filled = [row for row in typed if not row.empty]
    return tuple(Row(at, one.name, one.limit, one.number, one.unit) for at, one in enumerate(filled))


def _limits(rows: Sequence[Row], called: str) -> tuple[LimitInput, ...]:
    return tuple(
        LimitInput(
            row.name,
            _whole(row.limit, f"settings.{called}.{row.place}.limit"),
            _seconds(row.number, row.unit, f"settings.{called}.{row.place}.window_seconds"),
        )
        for row in rows
    )


def _seconds(number: str, unit: str, field: str) -> int:
    if unit not in _SIZES:
        raise InvalidValue("This is not a unit of time.", field=field)
    return _whole(number, field) * _SIZES[unit]


def _whole(text: str, field: str) -> int:
    """A whole number of at most 18 digits. Raises `InvalidValue`."""
    digits = text.replace(",", "").replace(" ", "")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 18):
        raise InvalidValue("This is not a whole number.", field=field)
    return int(digits)
