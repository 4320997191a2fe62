"""What other use cases ask of the catalog of their tenant."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from keywright.core.catalog import LENIENT
from keywright.core.errors import InvalidValue, UnknownAction
from keywright.core.own_actions import OWN_ACTIONS
from keywright.core.permissions import Pattern, Policy
from keywright.services.catalog import NewCatalog, apply_catalog
from keywright.services.catalog.vocabulary import template_of, vocabulary_of
from keywright.services.decisions import VERIFY
from keywright.services.work import Call, Work
from tests.support.cases import use_cases
from tests.support.catalogs import BLOG, blog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def working(home: House, caller: Caller, place: Tenant | None) -> AsyncIterator[Work]:
    async with home.database.read() as transaction:
        yield Work(transaction=transaction, call=Call(caller=caller), now=home.clock.now(), place=place)


async def test_everything_passes_without_a_catalog(home: House, acme: Tenant, admin: Caller) -> None:
    for place in (acme, None):
        async with working(home, admin, place) as work:
            assert await vocabulary_of(work) is LENIENT


async def test_the_vocabulary_is_that_of_the_catalog_as_it_stands(
    home: House, acme: Tenant, admin: Caller
) -> None:
    other = await home.tenant("other")
    unknown = [Policy.parse(["article:list"])]
    await home.run(apply_catalog, admin, NewCatalog(BLOG))
    async with working(home, admin, acme) as work:
        with pytest.raises(UnknownAction) as caught:
            (await vocabulary_of(work)).check_policies(unknown)
        assert (caught.value.field, caught.value.nearest) == ("scope.0.actions.0", "article:publish")
    for place in (other, None):
        async with working(home, admin, place) as work:
            (await vocabulary_of(work)).check_policies(unknown)
    await home.run(apply_catalog, admin, NewCatalog(blog(strict=False)))
    async with working(home, admin, acme) as work:
        (await vocabulary_of(work)).check_policies(unknown)


async def test_a_key_template_is_found_by_its_name(home: House, acme: Tenant, admin: Caller) -> None:
    async with working(home, admin, acme) as work:
        with pytest.raises(InvalidValue) as caught:
            await template_of(work, "nightly")
        assert caught.value.field == "template"
    await home.run(apply_catalog, admin, NewCatalog(BLOG))
    async with working(home, admin, acme) as work:
        template = await template_of(work, "nightly")
        assert (template.name, template.expires_in) == ("nightly", 90 * 86_400)
        for name in ("weekly", "", "\ud800"):
            with pytest.raises(InvalidValue):
                await template_of(work, name)


def test_the_own_actions_are_those_that_use_cases_need() -> None:
    needed = {VERIFY} | {
        name for use in use_cases().values() for name in (use.permission, use.own) if name is not None
    }
    assert needed <= OWN_ACTIONS
    assert all(Pattern.parse(name).matches(name) for name in OWN_ACTIONS)
