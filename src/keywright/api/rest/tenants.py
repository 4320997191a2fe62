"""`/v1/tenants`."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict

from keywright.api.rest import mapping, models
from keywright.api.rest.routes import Door
from keywright.core.listing import DEFAULT_PAGE
from keywright.services import tenants
from keywright.services.tenants import CreatedTenant, ListTenants, NewTenant, TenantSlug

_TAG = "Tenants"


class TenantFilters(BaseModel):
    """The query string of a list."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    limit: models.QueryCount = Query(
        DEFAULT_PAGE, description="1 to 200.", json_schema_extra={"minimum": 1, "maximum": 200}
    )
    cursor: str | None = Query(None, description="`next_cursor` of the page before.")


def read_new(body: models.TenantIn) -> NewTenant:
    """A tenant to be made."""
    return NewTenant(body.slug, body.name)


def read_list(filters: Annotated[TenantFilters, Query()]) -> ListTenants:
    """A list's question from the query string."""
    return ListTenants(limit=filters.limit, cursor=filters.cursor)


def read_one(
    slug: Annotated[str, Path(description="The tenant's slug.", examples=["my-blog"])],
) -> TenantSlug:
    """One tenant's slug from the path."""
    return TenantSlug(slug)


def _created(created: CreatedTenant) -> models.TenantOut:
    return mapping.tenant(created.tenant)


def declare(door: Door) -> None:
    """Declare the routes of tenants."""
    door.route(
        "POST",
        "/tenants",
        tenants.create_tenant,
        read=read_new,
        show=_created,
        model=models.TenantOut,
        status=201,
        refusals=(404, 409),
        tag=_TAG,
    )
    door.route(
        "GET",
        "/tenants",
        tenants.list_tenants,
        read=read_list,
        show=mapping.tenant_list,
        model=models.TenantListOut,
        tag=_TAG,
    )
    door.route(
        "GET",
        "/tenants/{slug}",
        tenants.get_tenant,
        read=read_one,
        show=mapping.tenant,
        model=models.TenantOut,
        refusals=(404,),
        tag=_TAG,
    )
