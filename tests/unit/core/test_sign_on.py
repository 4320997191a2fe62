"""Single sign-on's rules: secrets of a flow, where people come back to, and what claims and groups mean."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.errors import InvalidValue
from keywright.core.identities import Grant, Membership
from keywright.core.sign_on import (
    FlowSecrets,
    MappedRole,
    RoleRule,
    claimed,
    difference,
    is_code,
    mapped_roles,
    multi_factor,
    redirect_uri,
    secrets_of,
)
from keywright.core.tokens import FLOW_PREFIX, RESERVED_PREFIXES, mint
from tests.support.facts import NOW

if TYPE_CHECKING:
    from keywright.core.roles import Values

PUBLIC = "https://keys.example.com"
FLOW = "kwf_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZa"


# The secrets of a flow


def test_a_flow_has_three_secrets_that_stay_the_same_and_tell_nothing_of_each_other() -> None:
    first, again, other = secrets_of(FLOW), secrets_of(FLOW), secrets_of(FLOW + "x")
    assert first == again
    texts = [FLOW, *(getattr(one, name) for one in (first, other) for name in ("state", "nonce", "verifier"))]
    assert len(set(texts)) == 7
    for one in (first, other):
        for text in (one.state, one.nonce, one.verifier, one.challenge):
            assert re.fullmatch(r"[A-Za-z0-9_-]{43}", text)
            assert text not in repr(one)


def test_the_challenge_is_that_of_the_standard() -> None:
    # RFC 7636, appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert FlowSecrets("", "", verifier).challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    digest = hashlib.sha256(secrets_of(FLOW).verifier.encode()).digest()
    assert base64.urlsafe_b64decode(secrets_of(FLOW).challenge + "=") == digest


def test_no_key_begins_like_a_flow() -> None:
    assert FLOW_PREFIX in RESERVED_PREFIXES
    assert mint(FLOW_PREFIX).reveal().startswith("kwf_")


@pytest.mark.parametrize(
    ("text", "sound"),
    [("a", True), ("0.AX~ -_/+=", True), ("x" * 4096, True), ("x" * 4097, False)]
    + [(text, False) for text in ("", "a\n", "é", "\0", "\ud800")],
)
def test_what_may_be_a_code(text: str, sound: bool) -> None:
    assert is_code(text) is sound


# Where people come back to


@pytest.mark.parametrize(
    "given",
    [
        f"{PUBLIC}/sign-on/callback",
        "http://127.0.0.1:1/",
        "http://127.0.0.1:65535/callback",
        "http://[::1]:8080/a/b.c-d_e~f",
    ],
)
def test_people_come_back_to_keywright_or_to_a_program_on_their_machine(given: str) -> None:
    assert redirect_uri(given, PUBLIC) == given


def test_without_a_wish_they_come_back_to_keywright() -> None:
    assert redirect_uri(None, PUBLIC) == "https://keys.example.com/sign-on/callback"


@pytest.mark.parametrize(
    "given",
    [
        "",
        PUBLIC,
        f"{PUBLIC}/sign-on/callback/",
        f"{PUBLIC}/sign-on/callback?x=1",
        f"{PUBLIC}.evil.example/sign-on/callback",
        "https://evil.example/sign-on/callback",
        "http://127.0.0.1/callback",
        "http://127.0.0.1:/callback",
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:65536/callback",
        "http://127.0.0.1:80",
        "http://127.0.0.1:080/callback",
        "https://127.0.0.1:8080/callback",
        "http://localhost:8080/callback",
        "http://127.0.0.2:8080/callback",
        "http://127.0.0.1:8080/callback?x=1",
        "http://127.0.0.1:8080/callback?",
        "http://127.0.0.1:8080/callback#x",
        "http://127.0.0.1:8080@evil.example/callback",
        "http://evil.example@127.0.0.1:8080/callback",
        "http://127.0.0.1:8080/call back",
        "http://127.0.0.1:8080/\n",
        "HTTP://127.0.0.1:8080/callback",
        "http://[::1:8080/callback",
        "http://127.0.0.1:٨٠/callback",
        "http://127.0.0.1:8080/" + "x" * 500,
        "\ud800",
    ],
)
def test_nobody_is_sent_elsewhere(given: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        redirect_uri(given, PUBLIC)
    assert refused.value.field == "redirect_uri"
    assert "evil" not in refused.value.detail


# What a provider says of somebody


def said(**claims: Any) -> Any:
    return claimed("https://id.example.com", {"sub": "ada-1", **claims}, "groups")


def test_a_person_with_everything() -> None:
    who = said(
        preferred_username="Ada.L",
        name=" Ada Lovelace ",
        email="Ada@Example.com",
        email_verified=True,
        groups=["staff", "writers"],
        amr=["pwd", "otp"],
    )
    assert (who.issuer, who.subject) == ("https://id.example.com", "ada-1")
    assert (who.login, who.name, who.email) == ("ada.l", "Ada Lovelace", "ada@example.com")
    assert (who.groups, who.multi_factor) == ({"staff", "writers"}, True)


def test_a_person_with_nothing_but_a_subject() -> None:
    who = said()
    assert (who.login, who.name, who.email) == ("user", "user", None)
    assert (who.groups, who.multi_factor) == (frozenset(), False)


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_an_address_counts_only_where_the_provider_verified_it(verified: object) -> None:
    who = said(email="ada@example.com", email_verified=verified)
    assert (who.login, who.email) == ("ada", None)


@pytest.mark.parametrize("email", ["no address", "a@b@c", 7, None, ["ada@example.com"], "ada@example.com\0"])
def test_what_is_no_address_is_none(email: object) -> None:
    assert said(email=email, email_verified=True).email is None


@pytest.mark.parametrize(
    ("username", "email", "login"),
    [
        ("ADA", "x@example.com", "ada"),
        ("ada@corp.example", None, "ada"),
        ("Ada Lovelace", None, "adalovelace"),
        ("", "ada@example.com", "ada"),
        ("@", "ada@example.com", "ada"),
        ("x" * 101, "ada@example.com", "ada"),
        (7, 8, "user"),
        ("\ud800", "\x07", "user"),
        (None, "@example.com", "user"),
    ],
)
def test_a_login_name_is_made_of_what_there_is(username: object, email: object, login: str) -> None:
    assert said(preferred_username=username, email=email).login == login


@pytest.mark.parametrize("name", ["", "  ", "x" * 256, "a\nb", 7, None])
def test_a_name_that_nobody_may_have_is_replaced(name: object) -> None:
    assert said(name=name, preferred_username="ada").name == "ada"


def test_a_name_with_a_key_in_it_is_replaced() -> None:
    assert said(name=mint().reveal(), preferred_username="ada").name == "ada"


@pytest.mark.parametrize(
    ("groups", "found"),
    [
        (["a", "b", "a"], {"a", "b"}),
        ("a", {"a"}),
        (["a", 1, None, ["b"], {"c": "d"}], {"a"}),
        ({"a": "b"}, set()),
        (None, set()),
        (7, set()),
    ],
)
def test_groups_are_texts(groups: object, found: set[str]) -> None:
    assert said(groups=groups).groups == found


def test_the_claim_of_groups_has_the_name_that_it_was_given() -> None:
    claims = {"sub": "ada-1", "https://example.com/groups": ["a"], "groups": ["b"]}
    assert claimed("x", claims, "https://example.com/groups").groups == {"a"}


@pytest.mark.parametrize(
    ("methods", "more_than_one"),
    [
        (["mfa"], True),
        (["pwd", "otp"], True),
        (["fpt", "hwk"], True),
        (["pin", "face"], True),
        (["pwd"], False),
        (["pwd", "pin", "kba"], False),
        (["otp", "sms", "hwk"], False),
        (["pwd", "user", "geo", "mca", "unheard-of"], False),
        ([], False),
    ],
)
def test_two_factors_are_of_two_kinds(methods: list[str], more_than_one: bool) -> None:
    assert multi_factor(methods) is more_than_one
    assert said(amr=methods).multi_factor is more_than_one


@given(
    st.dictionaries(
        st.sampled_from(["name", "email", "email_verified", "preferred_username", "groups", "amr"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=6,
        ),
    )
)
def test_whatever_is_said_makes_a_person_who_may_be(claims: dict[str, Any]) -> None:
    who = said(**claims)
    assert 1 <= len(who.login) <= 100
    assert "@" not in who.login
    assert 1 <= len(who.name) <= 255


# Roles by groups

RULES = (
    RoleRule("staff", "member", "blog"),
    RoleRule("staff", "monitor"),
    RoleRule("czech", "editor", "blog", (("language", ("cs",)),)),
    RoleRule("english", "editor", "blog", (("area", ("news",)), ("language", ("en", "cs")))),
    RoleRule("english", "editor", "shop", (("language", ("en",)),)),
)


def test_groups_give_the_roles_of_their_rules_and_values_add_up() -> None:
    assert mapped_roles(RULES, []) == ()
    assert mapped_roles(RULES, ["STAFF", "staff ", "nobody"]) == ()
    assert mapped_roles(RULES, ["staff"]) == (
        MappedRole("blog", "member", ()),
        MappedRole(None, "monitor", ()),
    )
    assert mapped_roles(RULES, {"english", "czech"}) == (
        MappedRole("blog", "editor", (("area", ("news",)), ("language", ("cs", "en")))),
        MappedRole("shop", "editor", (("language", ("en",)),)),
    )


def held(role: str, tenant: str | None, values: Values = (), *, by_sign_on: bool = True) -> Membership:
    return Membership(
        id=f"mem_{role}_{tenant}",
        identity_id="idn_1",
        grant=Grant(role, tenant, values),
        by_sign_on=by_sign_on,
        created_at=NOW,
    )


def test_what_sign_on_gave_becomes_what_it_should_give() -> None:
    stays = held("member", "ten_1")
    goes = held("admin", "ten_1")
    changes = held("editor", "ten_1", (("language", ("cs",)),))
    elsewhere = held("member", "ten_2")
    wanted = [
        Grant("editor", "ten_1", (("language", ("en",)),)),
        Grant("member", "ten_1"),
        Grant("member", None),
    ]
    found = difference([stays, goes, changes, elsewhere], wanted)
    assert found.add == (Grant("member", None),)
    assert found.change == ((changes, (("language", ("en",)),)),)
    assert found.remove == (goes, elsewhere)


def test_what_was_given_by_hand_stays_as_it_is() -> None:
    mine = held("editor", "ten_1", (("language", ("cs",)),), by_sign_on=False)
    assert difference([mine], []) == difference([mine], [Grant("editor", "ten_1")])
    assert difference([mine], []).remove == ()


_grants = st.builds(
    Grant,
    st.sampled_from(["admin", "member", "editor"]),
    st.sampled_from([None, "ten_1", "ten_2"]),
    st.sampled_from([(), (("language", ("cs",)),), (("language", ("en",)),)]),
)


def _places(grants: list[Grant]) -> dict[tuple[str | None, str], Grant]:
    return {(one.tenant_id, one.role): one for one in grants}


@given(st.lists(_grants), st.lists(_grants), st.sets(st.integers(0, 8)))
def test_afterwards_each_wanted_role_is_held_and_no_other_of_sign_on(
    before: list[Grant], after: list[Grant], by_hand: set[int]
) -> None:
    memberships = [
        held(one.role, one.tenant_id, one.variables, by_sign_on=number not in by_hand)
        for number, one in enumerate(_places(before).values())
    ]
    wanted = _places(after)
    change = difference(memberships, list(wanted.values()))
    result = {one.id: one.grant for one in memberships}
    for one in change.remove:
        del result[one.id]
    for one, values in change.change:
        result[one.id] = Grant(one.grant.role, one.grant.tenant_id, values)
    places = _places([*result.values(), *change.add])
    assert len(places) == len(result) + len(change.add)
    manual = _places([one.grant for one in memberships if not one.by_sign_on])
    assert places == {**wanted, **manual}
