"""The picker of permissions and the summary of what they come to: what is picked is what is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from keywright.console.forms import Form
from keywright.console.picker import Holder, Lexicon, Pick, picker_of, policy_in_words, said, same, summary_of
from keywright.console.picker.offered import plural
from keywright.console.picker.own import NARROWED, OWN_GROUPS
from keywright.console.picker.summary import pattern_in_words
from keywright.core.catalog import parse
from keywright.core.own_actions import OWN_ACTIONS
from keywright.core.permissions import InvalidPattern, Policy
from keywright.core.roles import PolicyTemplate

BLOG: dict[str, Any] = {
    "actions": [
        {"name": "article:read", "group": "Articles", "description": "Read articles"},
        {"name": "article:publish", "group": "Articles", "description": "Publish an article"},
        {
            "name": "article:delete",
            "group": "Articles",
            "description": "Delete an article. It cannot be undone.",
        },
        {"name": "deploy:run", "group": "Deployments", "description": "SSH into machines"},
        {"name": "thing:poke"},
    ],
    "resource_types": [{"name": "article", "segments": ["language", "id"]}],
    "entities": {
        "language": [{"id": "cs", "label": "Czech"}, {"id": "en", "label": "English"}, {"id": "de"}],
        "project": [{"id": "acme", "label": "Acme"}],
    },
}
LEXICON = Lexicon.of(parse(BLOG))
IN_CZECH = Policy.parse(["article:read"], ["article:cs:**"])


def form(*pairs: tuple[str, str]) -> Form:
    return Form(list(pairs))


def lines(*policies: Policy | PolicyTemplate, owner: Holder | None = None) -> list[tuple[str, str]]:
    found = summary_of(LEXICON, policies, owner).lines
    where = ("*" if one.everywhere else one.named or ", ".join(one.raw) for one in found)
    return [(f"{one.lead} {one.words}".strip(), place) for one, place in zip(found, where, strict=True)]


def test_every_action_of_keywrights_own_is_there_once() -> None:
    named = [action for group in OWN_GROUPS for action, _ in group.actions]
    assert sorted(named) == sorted(OWN_ACTIONS)
    assert NARROWED < OWN_ACTIONS


def test_the_catalogs_groups_stand_first_and_actions_without_one_get_their_first_word() -> None:
    assert [group.name for group in LEXICON.groups if not group.own] == ["Articles", "Deployments", "Thing"]


@pytest.mark.parametrize(
    ("action", "in_a_sentence"),
    [
        ("article:publish", "publish an article"),
        ("article:delete", "delete an article"),
        ("deploy:run", "SSH into machines"),
        ("thing:poke", "thing:poke"),
        ("never:heard", "never:heard"),
    ],
)
def test_an_action_in_a_sentence(action: str, in_a_sentence: str) -> None:
    assert LEXICON.verb(action).words == in_a_sentence


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("article:cs:**", "Czech"),
        ("article:cs", "Czech"),
        ("article:de:**", "de"),
        ("article:cs:42", "Czech, id 42"),
        ("article:*:42", "id 42"),
        ("article:**", "every article"),
        ("article:${language}:**", "each language it is given for"),
        ("project:acme:**", "Acme"),
        ("**", "everything"),
        # What the catalog cannot say stays a pattern.
        ("article:c*:**", "article:c*:**"),
        ("article:cs:42:comment", "article:cs:42:comment"),
        ("article", "every article"),
        ("video:1", "video:1"),
        ("*:cs", "*:cs"),
    ],
)
def test_a_place_in_words(pattern: str, text: str) -> None:
    place = LEXICON.place(pattern)
    assert place.text == text
    assert place.everything == (pattern == "**")


def test_entities_are_found_by_id_and_label() -> None:
    assert [one.pattern for one in LEXICON.suggest("article:read", "CZ")] == ["article:cs:**"]
    assert [one.id for one in LEXICON.suggest("article:read", "e")] == ["en", "cs", "de"]
    assert LEXICON.suggest("keys:read", "") == ()
    assert LEXICON.written("article:read", "czech") == "article:cs:**"
    assert LEXICON.written("article:read", "article:x") == "article:x"
    # An action that names no kind of resource may be done on any.
    assert {one.kind for one in LEXICON.suggest("deploy:run", "")} == {"article", "language", "project"}


def test_a_form_becomes_policies_and_they_the_same_form() -> None:
    pick = Pick.of_form(
        form(
            ("may", "list"),
            ("do", "article:read"),
            ("where.article:read", "some"),
            ("on.article:read", "article:cs:**"),
            ("add.article:read", "English, article:xx:**"),
            ("do", "article:publish"),
            ("where.article:publish", "all"),
            ("on.article:publish", "article:cs:**"),
            ("do", "deploy:run"),
            ("hand.actions", "video:* photo:read"),
            ("hand.resources", ""),
            ("hand.actions", ""),
            ("hand.resources", ""),
        ),
        LEXICON,
    )
    assert pick.scope == (
        (("article:read",), ("article:cs:**", "article:en:**", "article:xx:**")),
        (("article:publish", "deploy:run"), None),
        (("video:*", "photo:read"), None),
    )
    assert same(pick.scope, Pick.of_policies(pick.scope, LEXICON).scope, LEXICON)
    assert not same(pick.scope, pick.policies[:-1], LEXICON)
    assert not same(pick.scope, None, LEXICON)


def test_the_owners_rights_are_no_scope_and_nothing_picked_is_an_empty_one() -> None:
    assert Pick.of_form(form(("may", "all"), ("do", "article:read")), LEXICON).scope is None
    assert Pick.of_form(form(("may", "list")), LEXICON).scope == ()
    assert Pick.of_policies(None, LEXICON).every


def test_only_in_no_place_is_not_everywhere() -> None:
    pick = Pick.of_form(form(("do", "article:read"), ("where.article:read", "some")), LEXICON)
    assert pick.policies == ((("article:read",), ()),)


def test_an_action_of_two_policies_is_picked_in_the_places_of_both() -> None:
    policies = ((("article:read",), ("article:cs:**",)), (("article:read",), ("article:en:**",)))
    assert Pick.of_policies(policies, LEXICON).on == {"article:read": ("article:cs:**", "article:en:**")}
    assert Pick.of_policies((*policies, (("article:read",), ("**",))), LEXICON).on == {"article:read": None}


def test_many_actions_are_as_many_policies_as_they_must_be() -> None:
    pick = Pick(on={f"a:{number}": None for number in range(250)})
    assert [len(actions) for actions, _ in pick.policies] == [100, 100, 50]


@pytest.mark.parametrize(
    ("field", "spot"),
    [
        ("scope.0.actions.0", "article:read"),
        ("scope.1.actions.1", "deploy:run"),
        ("scope.1", "article:publish"),
        ("scope.1.resources.0", "article:publish"),
        ("scope.2.actions.1", "hand.0"),
        ("policies.2", "hand.0"),
        ("scope.7", None),
        ("scope", None),
        ("name", None),
        (None, None),
    ],
)
def test_an_error_is_said_where_its_policy_is(field: str | None, spot: str | None) -> None:
    policies = (
        (("article:read",), ("article:cs:**",)),
        (("article:publish", "deploy:run"), None),
        (("a:*", "b:*"), None),
    )
    assert Pick.of_policies(policies, LEXICON).spot(field) == spot


def test_what_is_picked_is_counted_by_group() -> None:
    policies = (
        (("article:read",), ("article:cs:**", "article:en:**")),
        (("article:publish",), ("article:cs:**",)),
    )
    counts = {
        one.group.name: one.count for one in picker_of(LEXICON, Pick.of_policies(policies, LEXICON)).offers
    }
    assert (counts["Articles"], counts["Deployments"]) == ("2 of 3, 2 languages", "none")
    assert (plural("category"), plural("box"), plural("day")) == ("categories", "boxes", "days")


def test_what_the_maker_does_not_hold_cannot_be_picked_and_what_the_owner_lacks_is_marked() -> None:
    maker = (Policy.parse(["article:read"], ["article:cs:**"]), Policy.parse(["article:publish"]))
    owner = Holder("search-indexer", (Policy.parse(["article:read"]),))
    shown = picker_of(LEXICON, Pick(), maker=maker, owner=owner)
    read, publish, delete = (
        next(row for offer in shown.offers for row in offer.rows if row.verb.name == name)
        for name in ("article:read", "article:publish", "article:delete")
    )
    assert (read.off, read.marks) == (False, ("You hold this only in Czech",))
    assert (publish.off, publish.marks) == (False, ("search-indexer does not hold this",))
    assert (delete.off, delete.marks) == (True, ("You do not hold this",))


def test_a_roles_variables_can_stand_where_entities_do() -> None:
    shown = picker_of(LEXICON, Pick(), variables=("language",))
    row = next(row for offer in shown.offers for row in offer.rows if row.verb.name == "article:read")
    assert "article:${language}:**" in [chip.pattern for chip in row.chips]


def test_a_summary_says_what_is_allowed_and_where() -> None:
    found = summary_of(
        LEXICON,
        [
            Policy.parse(["article:read"], ["article:cs:**", "article:en:**"]),
            Policy.parse(["article:publish"], ["article:cs:**"]),
        ],
    )
    assert [(one.words, one.named) for one in found.lines] == [
        ("read articles", "Czech and English"),
        ("publish an article", "Czech"),
    ]
    assert found.denial == (
        "delete an article, do anything in Deployments or Thing or manage Keywright itself"
    )


def test_a_summary_keeps_to_what_the_owner_holds() -> None:
    owner = Holder("search-indexer", (IN_CZECH, Policy.parse(["deploy:run"])))
    found = summary_of(LEXICON, [Policy.parse(["article:*"])], owner)
    assert [(one.words, one.named) for one in found.lines] == [("read articles", "Czech")]
    assert found.keeps
    found = summary_of(LEXICON, [IN_CZECH, Policy.parse(["article:delete"])], owner)
    assert found.lacking == ("delete an article",)
    everything = summary_of(LEXICON, None, owner)
    assert everything.everything
    assert [one.words for one in everything.lines] == ["read articles", "SSH into machines"]


def test_an_owner_of_whom_not_all_is_known_is_not_held_against_the_key() -> None:
    found = summary_of(LEXICON, [IN_CZECH], Holder("ada", (), whole=False))
    assert ([one.words for one in found.lines], found.lacking) == (["read articles"], ())


def test_patterns_are_said_beside_the_actions_that_they_match() -> None:
    assert lines(Policy.parse(["article:*"], ["article:cs:**"])) == [
        ("read articles", "Czech"),
        ("publish an article", "Czech"),
        ("delete an article", "Czech"),
        ("do all else that fits article:*", "Czech"),
    ]
    assert lines(Policy.parse(["**"])) == [("do everything, also what is added later", "*")]
    assert lines(Policy.parse(["video:play"], ["video:7"])) == [("video:play", "video:7")]
    assert lines(PolicyTemplate.of(["article:read"], ["article:${language}:**"])) == [
        ("read articles", "each language it is given for")
    ]


def test_many_actions_of_a_group_are_counted() -> None:
    actions = [
        {"name": f"a:{letter}", "group": "Many", "description": f"Do {letter}"} for letter in "abcdefghijkl"
    ]
    lexicon = Lexicon.of(parse({"actions": actions}))
    some = summary_of(lexicon, [Policy.parse([f"a:{letter}" for letter in "abcdefghi"])])
    assert [one.words for one in some.lines] == [
        *("do a", "do b", "do c", "do d", "do e"),
        "and 4 more actions in Many",
    ]
    whole = summary_of(lexicon, [Policy.parse([f"a:{letter}" for letter in "abcdefghijkl"], ["x:1"])])
    assert [(one.words, one.raw) for one in whole.lines] == [("do everything in Many (12 actions)", ("x:1",))]


def test_a_policy_as_a_part_of_a_sentence() -> None:
    assert policy_in_words(LEXICON, IN_CZECH) == "read articles in Czech"
    assert policy_in_words(LEXICON, Policy.parse(["video:*"])) == "do all that fits video:*"
    assert policy_in_words(LEXICON, Policy.parse(["article:delete", "deploy:run"])) == (
        "delete an article and SSH into machines"
    )


def test_what_is_still_being_typed_is_left_out() -> None:
    assert said(None) is None
    assert said(((("a:b", "not one:"), None), (("a:c",), ()), (("a:d",), ("x:",)), ((), None))) == (
        Policy.parse(["a:b"]),
    )


@pytest.mark.parametrize(
    ("pattern", "beginning"),
    [
        ("article:read", "just this one"),
        ("article:*", "all that has one more part behind article:"),
        ("article:**", "article and all that begins with article:"),
        ("**", "everything there is"),
        ("*:read", "each * stands for anything inside one part"),
    ],
)
def test_a_pattern_in_words(pattern: str, beginning: str) -> None:
    assert pattern_in_words(pattern).startswith(beginning)


def test_what_is_no_pattern_is_refused() -> None:
    with pytest.raises(InvalidPattern):
        pattern_in_words("a::b")
