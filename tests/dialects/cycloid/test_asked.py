"""A request as the calls see it: the bounds of what one may ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest

from keywright.core.errors import NotFound
from keywright.dialects.cycloid.asked import MAX_PAGES, Asked
from keywright.dialects.cycloid.errors import Declined
from keywright.services.cursors import Listed
from keywright.services.keys import list_keys
from keywright.web.visit import Visit

pytestmark = pytest.mark.anyio


@dataclass
class Endless:
    """A list of so many pages, with a number on each."""

    pages: int
    seen: int = 0

    async def run(self, _use: Any, cursor: str | None, *, tenant: str | None = None) -> Listed[int]:
        assert tenant == "acme"
        assert cursor == (f"after {self.seen}" if self.seen else None)
        self.seen += 1
        return Listed((self.seen,), (f"after {self.seen}",), self.seen < self.pages)


def asked(asking: Any = None, only: str | None = None, **path: str) -> Asked:
    return Asked(services=cast("Any", None), visit=Visit("1", None, []), asking=asking, path=path, only=only)


async def test_a_list_is_read_to_its_end() -> None:
    found = await asked(Endless(MAX_PAGES)).walk(list_keys, lambda cursor: cursor, tenant="acme")
    assert found == list(range(1, MAX_PAGES + 1))


async def test_what_is_not_wanted_is_left_out() -> None:
    even = await asked(Endless(5)).walk(
        list_keys, lambda cursor: cursor, tenant="acme", wanted=lambda one: one % 2 == 0
    )
    assert even == [2, 4]


async def test_a_list_that_is_too_long_is_refused() -> None:
    endless = Endless(MAX_PAGES + 1)
    with pytest.raises(Declined) as caught:
        await asked(endless).walk(list_keys, lambda cursor: cursor, tenant="acme")
    assert caught.value.kind[0] == 422
    assert endless.seen == MAX_PAGES


@pytest.mark.parametrize("canonical", ["*", "", "UPPER", "a b", "../acme"])
async def test_what_is_no_organization(canonical: str) -> None:
    with pytest.raises(NotFound):
        _ = asked(organization_canonical=canonical).organization


async def test_one_organization_alone() -> None:
    assert asked(organization_canonical="acme").organization == "acme"
    assert asked(only="acme", organization_canonical="acme").organization == "acme"
    with pytest.raises(NotFound):
        _ = asked(only="acme", organization_canonical="globex").organization
