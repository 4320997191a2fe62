"""Addresses, tokens, and what must not be shown."""

from __future__ import annotations

import copy
import pickle
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.client import Client, CreatedKey, LoggedIn, Token, normal_url

SECRET = "kw_secret0123456789"


@pytest.mark.parametrize(
    ("given_url", "url"),
    [
        ("http://127.0.0.1:8300", "http://127.0.0.1:8300"),
        ("HTTP://Keys.Example.com:80/", "http://keys.example.com"),
        ("https://keys.example.com:443", "https://keys.example.com"),
        ("https://keys.example.com:8443//", "https://keys.example.com:8443"),
        ("http://[::1]:8300", "http://[::1]:8300"),
        ("https://example.com/keywright/", "https://example.com/keywright"),
        (" http://127.0.0.1 ", "http://127.0.0.1"),
    ],
)
def test_an_address_is_written_in_one_way(given_url: str, url: str) -> None:
    assert normal_url(given_url) == url
    assert normal_url(url) == url
    assert Client(given_url).url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8300",
        "ftp://127.0.0.1",
        "http://",
        "http://:8300",
        "http://host:99999",
        "http://host:port",
        "http://a b",
        "http://host/\x00",
        "http://host\n",
        "http://[::1",
        f"http://user:{SECRET}@host",
        f"http://{SECRET}@host",
        f"http://host?key={SECRET}",
        f"http://host#{SECRET}",
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(url: str) -> None:
    if url == "http://host\n":
        assert normal_url(url) == "http://host"
        return
    with pytest.raises(ValueError, match="address") as refused:
        normal_url(url)
    assert SECRET not in str(refused.value)


@given(st.text())
def test_any_text_is_an_address_in_its_one_form_or_a_value_error(text: str) -> None:
    for url in (text, f"http://{text}"):
        with suppress(ValueError):
            assert normal_url(normal_url(url)) == normal_url(url)


def test_a_token_does_not_show_itself() -> None:
    token = Token(SECRET)
    assert token.reveal() == SECRET
    holders = (token, [token], CreatedKey({}, token, replayed=False, note=None), LoggedIn("i", token, {}, ""))
    shown = [form(holder) for holder in holders for form in (str, repr, "{}".format)]
    shown.append(repr(Client("http://host", token)))
    assert [text for text in shown if "secret" in text] == []


def test_a_token_cannot_be_copied_changed_or_compared() -> None:
    token = Token(SECRET)
    with pytest.raises(TypeError):
        pickle.dumps(token)
    with pytest.raises(TypeError):
        copy.copy(token)
    with pytest.raises(AttributeError):
        token._text = ""
    assert token != Token(SECRET)


@pytest.mark.parametrize("text", ["", "a b", "a\nb", "a\r\nX: y", "é", "\x7f", "\ud800"])
def test_what_can_stand_in_no_header_is_refused_before_anything_is_sent(text: str) -> None:
    with pytest.raises(ValueError, match=r"^A token is printable ASCII") as refused:
        Client("http://host", f"{SECRET}{text}" if text else text)
    assert SECRET not in str(refused.value)
    with pytest.raises(ValueError, match=r"^The slug of a tenant is printable ASCII"):
        Client("http://host", SECRET, tenant=text)
