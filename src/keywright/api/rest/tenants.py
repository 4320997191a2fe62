"""`/v1/tenants`."""

from typing import Annotated, Any

from fastapi import Path, Query
from msgspec import UNSET
from pydantic import ConfigDict, Field

from keywright.api.rest import mapping
from keywright.api.rest.models import (
    In,
    LimitIn,
    LimitOut,
    Moment,
    Out,
    PageFilters,
    QueryBoolean,
    without_defaults,
)
from keywright.api.rest.receipts import Waiting
from keywright.api.rest.routes import Door
from keywright.core.identities import Tenant
from keywright.core.limits import MAX_LIMITS
from keywright.services import tenants
from keywright.services.tenants import (
    LONGEST_LIFETIME,
    SHORTEST_LIFETIME,
    CreatedTenant,
    ListTenants,
    NewTenant,
    SettingsChanges,
    TenantChanges,
    TenantDeletion,
    TenantList,
    TenantSlug,
)

_TAG = "Tenants"
_SLUG: dict[str, Any] = {"pattern": r"^[a-z0-9][a-z0-9_\-]{0,99}$", "examples": ["my-blog"]}
_NAME: dict[str, Any] = {"minLength": 1, "maxLength": 255, "examples": ["My blog"]}


class TenantIn(In):
    """A tenant to be made."""

    slug: str = Field(description="Unique; stands in headers.", json_schema_extra=_SLUG)
    name: str | None = Field(None, description="The slug unless given.", json_schema_extra=_NAME)


class TenantSettingsPatch(In):
    """What is to change of a tenant's settings; a field left out stays, and null clears it where it may be null."""

    model_config = ConfigDict(json_schema_extra=without_defaults)

    key_prefix: str | None = Field(
        None,
        description="The prefix of new tokens, where none is asked for.",
        json_schema_extra={"pattern": "^[a-z][a-z0-9_]{0,15}$", "examples": ["acme"]},
    )
    max_key_lifetime_seconds: int | None = Field(
        None,
        description="The longest that a new key may live; null: as long as it likes.",
        json_schema_extra={"minimum": SHORTEST_LIFETIME, "maximum": LONGEST_LIFETIME},
    )
    keys_must_expire: bool = Field(False, description="True refuses keys without an expiry.")  # noqa: FBT003 - the default
    two_factor_required: bool = Field(False, description="True closes it to logins without a second factor.")  # noqa: FBT003 - the default
    default_limits: list[LimitIn] = Field(
        [],
        description="Limits for each key that has none of its own; they replace those before.",
        json_schema_extra={"maxItems": MAX_LIMITS},
    )
    limits: list[LimitIn] = Field(
        [],
        description="Limits for all uses in the tenant together; they replace those before.",
        json_schema_extra={"maxItems": MAX_LIMITS},
    )


class TenantPatch(In):
    """What is to change; a field left out stays as it is."""

    model_config = ConfigDict(json_schema_extra=without_defaults)

    slug: str = Field("", description="Its new slug.", json_schema_extra=_SLUG)
    name: str = Field("", json_schema_extra=_NAME)
    active: bool = Field(
        True,  # noqa: FBT003 - the default
        description="False closes it, true opens it again; takes `tenants:update` over the whole installation.",
    )
    settings: TenantSettingsPatch = Field(default_factory=TenantSettingsPatch.model_construct)


class TenantSettingsOut(Out):
    """What a tenant asks of its keys and people."""

    key_prefix: str | None
    max_key_lifetime_seconds: int | None
    keys_must_expire: bool
    two_factor_required: bool
    default_limits: list[LimitOut] = Field(description="For each key that has none of its own.")
    limits: list[LimitOut] = Field(description="For all uses in the tenant together.")


class TenantOut(Out):
    """A tenant."""

    id: str
    slug: str
    name: str
    active: bool
    created_at: Moment
    settings: TenantSettingsOut


class TenantListOut(Out):
    """A page of tenants."""

    items: list[TenantOut]
    next_cursor: str | None


class TenantForce(Waiting):
    """The query string of a deletion."""

    force: QueryBoolean = Query(False, description="True deletes its keys too; otherwise it must have none.")  # noqa: FBT003 - the default


TenantPath = Annotated[str, Path(description="The tenant's slug.", examples=["my-blog"])]


def read_new(body: TenantIn) -> NewTenant:
    """A tenant to be made."""
    return NewTenant(body.slug, body.name)


def read_list(filters: Annotated[PageFilters, Query()]) -> ListTenants:
    """A list's question from the query string."""
    return ListTenants(limit=filters.limit, cursor=filters.cursor)


def read_one(slug: TenantPath) -> TenantSlug:
    """One tenant's slug from the path."""
    return TenantSlug(slug)


def read_deletion(slug: TenantPath, query: Annotated[TenantForce, Query()]) -> TenantDeletion:
    """Which tenant is to be deleted."""
    return TenantDeletion(slug, query.force)


def read_changes(slug: TenantPath, body: TenantPatch) -> TenantChanges:
    """The changes of a tenant: only the fields that were sent."""
    sent = body.model_fields_set
    return TenantChanges(
        slug=slug,
        new_slug=body.slug if "slug" in sent else UNSET,
        name=body.name if "name" in sent else UNSET,
        active=body.active if "active" in sent else UNSET,
        settings=_settings(body.settings),
    )


def _settings(given: TenantSettingsPatch) -> SettingsChanges:
    sent = given.model_fields_set
    return SettingsChanges(
        key_prefix=given.key_prefix if "key_prefix" in sent else UNSET,
        max_key_lifetime_seconds=(
            given.max_key_lifetime_seconds if "max_key_lifetime_seconds" in sent else UNSET
        ),
        keys_must_expire=given.keys_must_expire if "keys_must_expire" in sent else UNSET,
        two_factor_required=given.two_factor_required if "two_factor_required" in sent else UNSET,
        default_limits=mapping.limits(given.default_limits) if "default_limits" in sent else UNSET,
        limits=mapping.limits(given.limits) if "limits" in sent else UNSET,
    )


def show(tenant: Tenant) -> TenantOut:
    """A tenant."""
    settings = tenant.settings
    return TenantOut(
        id=tenant.id,
        slug=tenant.slug,
        name=tenant.name,
        active=tenant.active,
        created_at=tenant.created_at,
        settings=TenantSettingsOut(
            key_prefix=settings.key_prefix,
            max_key_lifetime_seconds=settings.max_key_lifetime_seconds,
            keys_must_expire=settings.keys_must_expire,
            two_factor_required=settings.two_factor_required,
            default_limits=mapping.shown_limits(settings.default_limits),
            limits=mapping.shown_limits(settings.limits),
        ),
    )


def _created(created: CreatedTenant) -> TenantOut:
    return show(created.tenant)


def _list(listed: TenantList) -> TenantListOut:
    return TenantListOut(items=[show(one) for one in listed.items], next_cursor=listed.next_cursor)


def _nothing(_result: None) -> None:
    return None


def declare(door: Door) -> None:
    """Declare the routes of tenants."""
    door.route(
        "POST",
        "/tenants",
        tenants.create_tenant,
        read=read_new,
        show=_created,
        model=TenantOut,
        status=201,
        refusals=(404, 409),
        tag=_TAG,
    )
    door.route(
        "GET",
        "/tenants",
        tenants.list_tenants,
        read=read_list,
        show=_list,
        model=TenantListOut,
        tag=_TAG,
    )
    _declare_more(door)


def _declare_more(door: Door) -> None:
    one = "/tenants/{slug}"
    door.route(
        "GET",
        one,
        tenants.get_tenant,
        read=read_one,
        show=show,
        model=TenantOut,
        refusals=(404,),
        tag=_TAG,
    )
    door.route(
        "PATCH",
        one,
        tenants.update_tenant,
        read=read_changes,
        show=show,
        model=TenantOut,
        refusals=(404, 409),
        tag=_TAG,
    )
    door.route(
        "DELETE",
        one,
        tenants.delete_tenant,
        read=read_deletion,
        show=_nothing,
        refusals=(404, 409),
        tag=_TAG,
    )
