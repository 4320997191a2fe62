"""What doors may know of how the services are set up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keywright.core.errors import NotFound
from tests.support.house import ORIGIN

if TYPE_CHECKING:
    from tests.support.house import House

pytestmark = pytest.mark.anyio


async def test_where_no_provider_is_set_up_there_is_no_single_sign_on(home: House) -> None:
    assert not home.services.offers_sign_on
    with pytest.raises(NotFound, match="not set up"):
        _ = home.services.sign_on


async def test_the_address_and_the_time_are_those_of_the_settings_and_the_clock(home: House) -> None:
    assert home.services.public_url == ORIGIN
    assert home.services.now() == home.clock.now()
    assert home.services.throttle is home.throttle
