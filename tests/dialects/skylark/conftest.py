"""Two accounts of one server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.dialects.skylark.speaker import Speaker

if TYPE_CHECKING:
    from tests.support.keywright import Keywright


@pytest.fixture(scope="module")
def here(keywright: Keywright) -> Speaker:
    """Speaks for an administrator of an account."""
    speaker = Speaker(keywright, "account-here")
    speaker.prepare()
    return speaker


@pytest.fixture(scope="module")
def there(keywright: Keywright) -> Speaker:
    """Speaks for an administrator of another account."""
    speaker = Speaker(keywright, "account-there")
    speaker.prepare()
    return speaker
