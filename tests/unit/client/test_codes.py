"""Each code of the API has its place among the errors of the client."""

from __future__ import annotations

import pytest

from keywright.client import ApiError
from keywright.client.errors import BY_STATUS, CODES
from keywright.core.errors import concrete_errors
from keywright.web.errors import OTHER_STATUS, STATUS
from tests.unit.client.scripted import problem, scripted

ALL = {error.code: STATUS[error] for error in concrete_errors()} | dict(OTHER_STATUS)


def test_the_codes_are_those_of_the_api() -> None:
    assert set(CODES) == set(ALL)


@pytest.mark.parametrize("code", sorted(ALL))
def test_a_code_has_the_class_of_its_status(code: str) -> None:
    assert CODES[code] is BY_STATUS.get(ALL[code], ApiError)
    with scripted(problem(ALL[code], code)) as server, server.client(tries=1) as client:
        with pytest.raises(ApiError) as refused:
            client.whoami()
        assert type(refused.value) is CODES[code]
        assert refused.value.code == code
