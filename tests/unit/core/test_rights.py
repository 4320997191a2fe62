"""What a key may do, with the roles that allow it, and what its scope leaves of each."""

from __future__ import annotations

import pytest

from keywright.core.checks import scope
from keywright.core.identities import Grant, role_set
from keywright.core.permissions import Policy
from keywright.core.rights import Kept, needed, other_rights, rights
from keywright.core.roles import PolicyTemplate, Role, Variable

EDITOR = Role(
    "editor", "", (Variable("language"),), (PolicyTemplate.of(["article:*"], ["article:${language}:**"]),)
)
READER = Role("reader", "", (), (PolicyTemplate.of(["article:read", "comment:read"]),))
IN_TWO = Grant("editor", "tnt", (("language", ("cs", "en")),), EDITOR)
READS = Grant("reader", "tnt", (), READER)
NOBODYS = Grant("nobodys", "tnt")
HELD = role_set((IN_TWO, NOBODYS))
BOTH = role_set((IN_TWO, READS))


def said(resources: object) -> object:
    return None if resources is None else [one.text for one in resources]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("policies", "kept", "left"),
    [
        (None, Kept.WHOLE, ["article:cs:**", "article:en:**"]),
        ([(["article:read"], None)], Kept.WHOLE, ["article:cs:**", "article:en:**"]),
        ([(["article:read"], ["article:**"])], Kept.WHOLE, ["article:cs:**", "article:en:**"]),
        ([(["**"], ["article:cs:**"])], Kept.NARROWED, ["article:cs:**"]),
        (
            [(["article:read"], ["article:cs:1"]), (["article:*"], ["article:en:2"])],
            Kept.NARROWED,
            ["article:cs:1", "article:en:2"],
        ),
        ([(["article:read"], ["article:de:**"])], Kept.NOTHING, []),
        ([(["article:publish"], None)], Kept.NOTHING, []),
        ([], Kept.NOTHING, []),
    ],
    ids=["no scope", "same", "wider", "narrower", "two policies", "elsewhere", "other action", "empty"],
)
def test_a_scope_keeps_narrows_or_leaves_out(policies: object, kept: Kept, left: object) -> None:
    narrowed = None if policies is None else scope(policies)  # type: ignore[arg-type]
    (right,) = rights(HELD, narrowed, ["article:read", "deploy:start"])
    (reason,) = right.reasons
    assert (reason.grant, reason.kept, said(reason.left)) == (IN_TWO, kept, left)
    assert said(reason.held) == ["article:cs:**", "article:en:**"]
    assert right.allowed is (kept is not Kept.NOTHING)
    assert said(right.resources) == left


def test_each_role_that_allows_something_is_a_reason() -> None:
    read, comment = rights(BOTH, None, ["article:read", "comment:read"])
    assert [one.grant.role for one in read.reasons] == ["editor", "reader"]
    assert read.resources is None
    assert [one.grant.role for one in comment.reasons] == ["reader"]
    (narrowed, _) = rights(BOTH, scope([(("*:read",), ("article:cs:**",))]), ["article:read", "comment:read"])
    assert [one.kept for one in narrowed.reasons] == [Kept.NARROWED, Kept.NARROWED]
    assert said(narrowed.resources) == ["article:cs:**"]


def test_what_is_not_known_by_name_is_told_as_it_is_written() -> None:
    found = {one.action: one for one in other_rights(BOTH, None, ["article:read"])}
    assert set(found) == {"article:*", "comment:read"}
    assert said(found["article:*"].resources) == ["article:cs:**", "article:en:**"]
    assert found["article:*"].reasons[0].kept is Kept.WHOLE
    narrowed = other_rights(BOTH, scope([(("article:*",), ("article:cs:**",))]), ["article:read"])
    (one,) = narrowed
    assert (one.action, one.reasons[0].kept, said(one.resources)) == (
        "article:*",
        Kept.NARROWED,
        ["article:cs:**"],
    )
    assert other_rights(BOTH, (), []) == ()


@pytest.mark.parametrize(
    ("policies", "exercised", "left"),
    [
        (None, ["b:read", "a:read"], [Policy.parse(["a:read", "b:read"])]),
        (None, [], []),
        ([(["a:*"], ["a:1"]), (["b:*"], None)], ["a:read", "c:read"], [Policy.parse(["a:read"], ["a:1"])]),
        ([(["a:read"], None), (["**"], None)], ["a:read"], [Policy.parse(["a:read"])]),
        ([(["a:*", "a:read"], None)], ["a:read", "a:write"], [Policy.parse(["a:read", "a:write"])]),
    ],
    ids=["no scope", "nothing", "patterns", "doubles", "overlap"],
)
def test_a_scope_is_narrowed_to_what_was_exercised(
    policies: object, exercised: list[str], left: list[Policy]
) -> None:
    before = None if policies is None else scope(policies)  # type: ignore[arg-type]
    assert list(needed(before, exercised)) == left
