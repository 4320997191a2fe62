"""Login names and e-mail addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core import people
from keywright.core.errors import InvalidValue, KeywrightError, SecretInText
from keywright.core.tokens import mint


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("ada", "ada"),
        ("  Ada.Lovelace-1 ", "ada.lovelace-1"),
        ("STRASSE", "strasse"),
        ("straße", "strasse"),
        ("a\u200bda", "ada"),
        ("x" * 100, "x" * 100),
        ("Ž", "ž"),
    ],
)
def test_login_names_are_folded(text: str, stored: str) -> None:
    assert people.login_name(text) == stored


@pytest.mark.parametrize(
    "text",
    ["", "   ", "ada lovelace", "ada@example.com", "a\nb", "a\u00a0b", "\u200b", "x" * 101, "ß" * 51],
)
def test_other_login_names_are_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        people.login_name(text, "user.login")
    assert refused.value.field == "user.login"
    assert not text.strip() or text not in refused.value.detail


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        (" ada+keys@mail.example.org ", "ada+keys@mail.example.org"),
        ("root@localhost", "root@localhost"),
        ("žofie@příklad.cz", "žofie@příklad.cz"),
        ("o'neil@a-b.example", "o'neil@a-b.example"),
        ("a" * 64 + "@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 61, None),
    ],
)
def test_addresses_are_folded(text: str, stored: str | None) -> None:
    assert people.email(text) == (text if stored is None else stored)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada@@example.com",
        "ada@exam ple.com",
        "ada lovelace@example.com",
        "ada@example..com",
        "ada@.example.com",
        "ada@example.com.",
        "ada@-example.com",
        "ada@[127.0.0.1]",
        '"ada"@example.com',
        "ada@example.com\nBcc: eve@example.com",
        "ada@example.com,eve@example.com",
        "Ada <ada@example.com>",
        "a" * 65 + "@example.com",
        "ada@" + "b" * 64,
        "a" * 64 + "@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 62,
    ],
)
def test_other_addresses_are_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        people.email(text, "user.email")
    assert refused.value.field == "user.email"
    assert not text or text not in refused.value.detail


def test_tokens_are_no_names() -> None:
    token = mint().reveal()
    with pytest.raises(SecretInText):
        people.login_name(token)
    with pytest.raises(SecretInText):
        people.email(f"{token}@example.com")


@given(st.text(max_size=120), st.sampled_from((people.login_name, people.email)))
def test_what_is_stored_is_taken_again_and_stays(text: str, rule: object) -> None:
    assert callable(rule)
    try:
        stored = rule(text)
    except KeywrightError:
        return
    assert rule(stored) == stored
    assert people.fold_login(stored) == stored
