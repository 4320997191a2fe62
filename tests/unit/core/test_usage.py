"""What of a scope was not needed: exactly the action patterns that match no action."""

from __future__ import annotations

import pytest

from keywright.core.checks import scope
from keywright.core.permissions import Policy
from keywright.core.usage import OTHER_ACTIONS, unexercised

SCOPE = scope(
    [
        (("article:read", "article:publish"), ("article:cs:**",)),
        (("comment:*",), None),
        (("user:read",), None),
    ]
)


@pytest.mark.parametrize(
    ("actions", "left"),
    [
        ((), list(SCOPE)),
        (("article:read",), [Policy.parse(["article:publish"], ["article:cs:**"]), *SCOPE[1:]]),
        (("article:read", "article:publish", "user:read"), [SCOPE[1]]),
        (
            ("comment:delete", "article:publish", "other"),
            [Policy.parse(["article:read"], ["article:cs:**"]), SCOPE[2]],
        ),
        (("article:read", "article:publish", "comment:x", "user:read"), []),
        ((OTHER_ACTIONS, "ARTICLE:READ", "comment", "comment:a:b"), list(SCOPE)),
    ],
)
def test_what_matched_no_action_is_left(actions: tuple[str, ...], left: list[Policy]) -> None:
    assert unexercised(SCOPE, actions) == tuple(left)


def test_nothing_is_left_of_nothing() -> None:
    assert unexercised((), ("article:read",)) == ()
