"""Tokens: made, recognised, hashed and hidden as `keywright.core.tokens` promises."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import inspect
import json
import logging
import pickle
import pprint
import random
import re
import secrets
import string
import traceback
from binascii import crc32
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core import tokens
from keywright.core.tokens import (
    DEFAULT_PREFIX,
    INVITATION_PREFIX,
    MAX_LENGTH,
    SESSION_PREFIX,
    Form,
    InvalidPrefix,
    Token,
    digest,
    find_tokens,
    form_of,
    hint,
    is_prefix,
    last_seven,
    mint,
    parse_digest_hex,
    redact,
)

if TYPE_CHECKING:
    from collections.abc import Callable

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
PREFIX = re.compile(r"[a-z][a-z0-9_]{0,15}")
OUR_FORM = re.compile(r"[a-z][a-z0-9_]{0,15}_[0-9A-Za-z]{37}")

prefixes = st.from_regex(PREFIX, fullmatch=True)
digits = st.lists(st.integers(0, 61), min_size=31, max_size=31)


@st.composite
def minted(draw: st.DrawFn, prefix: st.SearchStrategy[str] = prefixes) -> str:
    return mint(draw(prefix), random=iterate(draw(digits))).reveal()


own = minted(st.sampled_from([DEFAULT_PREFIX, SESSION_PREFIX, INVITATION_PREFIX]))


def iterate(values: list[int]) -> Callable[[int], int]:
    rest = iter(values)
    return lambda _limit: next(rest)


def slow_checksum(body: str) -> str:
    value = crc32(body.encode("ascii"))
    written = ""
    for _ in range(6):
        value, digit = divmod(value, 62)
        written = BASE62[digit] + written
    return written


def slow_form(text: str) -> Form:
    prefix, bar, tail = text.rpartition("_")
    if bar and is_prefix(prefix) and len(tail) == 37 and set(tail) <= set(BASE62):
        return Form.CHECKED if tail[31:] == slow_checksum(text[:-6]) else Form.MALFORMED
    wrong = not text or len(text) > 512 or any(not 0x21 <= ord(char) <= 0x7E for char in text)
    return Form.MALFORMED if wrong or text.startswith(("kw_", "kws_")) else Form.FOREIGN


def bar_of(token: str) -> int:
    return token.rindex("_")


class TestMint:
    @given(prefixes, digits)
    def test_any_prefix_gives_a_checked_token(self, prefix: str, values: list[int]) -> None:
        text = mint(prefix, random=iterate(values)).reveal()
        body = prefix + "_" + "".join(BASE62[value] for value in values)
        assert text == body + slow_checksum(body)
        assert form_of(text) is Form.CHECKED

    def test_a_default_token_is_forty_word_characters(self) -> None:
        text = mint().reveal()
        assert len(text) == 40
        assert re.fullmatch(r"\w+", text, re.ASCII)
        assert text.startswith("kw_")

    @pytest.mark.parametrize("prefix", ["", "1a", "_a", "Kw", "a-b", "é", "a" * 17, "kw\n", "kw "])
    def test_other_prefixes_are_refused_without_an_echo(self, prefix: str) -> None:
        assert not is_prefix(prefix)
        with pytest.raises(InvalidPrefix) as caught:
            mint(prefix)
        assert (prefix or "none") not in str(caught.value)

    @pytest.mark.parametrize("prefix", ["a", "kw", "kws", "a_", "a0_9", "a" * 16])
    def test_prefixes_in_the_form_are_taken(self, prefix: str) -> None:
        assert is_prefix(prefix)
        assert mint(prefix).reveal().startswith(prefix + "_")

    def test_randomness_comes_from_the_operating_system(self) -> None:
        assert inspect.signature(mint).parameters["random"].default is secrets.randbelow

    def test_the_random_part_is_asked_for_digit_by_digit_without_bias(self) -> None:
        limits = []

        def first(limit: int) -> int:
            limits.append(limit)
            return 0

        assert mint(random=first).reveal()[3:34] == "0" * 31
        assert limits == [62] * 31

    def test_every_character_appears_at_every_place(self) -> None:
        source = random.Random(20)  # a fixed seed, so that the test cannot fail by chance
        bodies = [mint(random=source.randrange).reveal()[3:34] for _ in range(1500)]
        for place in range(31):
            assert {body[place] for body in bodies} == set(BASE62)


class TestSlips:
    """What CRC-32 guarantees: every change of up to 32 neighbouring bits in what it covers is noticed."""

    @given(minted(), st.data())
    def test_no_change_of_one_character_is_accepted(self, token: str, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(token) - 1))
        char = data.draw(
            st.one_of(st.sampled_from(BASE62 + "_"), st.characters()).filter(token[place].__ne__)
        )
        changed = token[:place] + char + token[place + 1 :]
        assert form_of(changed) is not Form.CHECKED
        if OUR_FORM.fullmatch(changed):
            assert form_of(changed) is Form.MALFORMED

    @given(own, st.data())
    def test_under_our_own_prefixes_the_change_is_told(self, token: str, data: st.DataObject) -> None:
        place = data.draw(st.integers(bar_of(token) + 1, len(token) - 1))
        char = data.draw(
            st.one_of(st.sampled_from(BASE62 + "_"), st.characters()).filter(token[place].__ne__)
        )
        assert form_of(token[:place] + char + token[place + 1 :]) is Form.MALFORMED

    @given(own)
    def test_every_change_to_another_digit_is_told(self, token: str) -> None:
        for place in range(bar_of(token) + 1, len(token)):
            for char in set(BASE62) - {token[place]}:
                assert form_of(token[:place] + char + token[place + 1 :]) is Form.MALFORMED

    @given(minted())
    def test_no_swap_of_neighbours_is_accepted(self, token: str) -> None:
        for place in range(len(token) - 1):
            left, right = token[place], token[place + 1]
            if left != right:
                assert form_of(token[:place] + right + left + token[place + 2 :]) is not Form.CHECKED

    def test_no_swap_across_the_border_of_the_checksum_can_be_accepted(self) -> None:
        """The border is outside of what CRC-32 promises, so the argument is made here.

        Swapping the last random and first checksum character adds a multiple of 62**5, divisible by 32, to the
        written value. The change of the true value is a sum of its flipped bits, of which one is below 32.
        """
        leading = range(2**32 // 62**5 + 1)
        for first in leading:
            for second in leading:
                flipped = crc32(BASE62[first].encode()) ^ crc32(BASE62[second].encode())
                assert first == second or flipped & 31

    @given(minted(), st.data())
    def test_no_deletion_behind_the_prefix_is_accepted(self, token: str, data: st.DataObject) -> None:
        place = data.draw(st.integers(bar_of(token) + 1, len(token) - 1))
        assert form_of(token[:place] + token[place + 1 :]) is not Form.CHECKED

    @given(minted(), st.data())
    def test_no_insertion_behind_the_prefix_is_accepted(self, token: str, data: st.DataObject) -> None:
        place = data.draw(st.integers(bar_of(token) + 2, len(token)))
        char = data.draw(st.one_of(st.sampled_from(BASE62 + "_"), st.characters()))
        assert form_of(token[:place] + char + token[place:]) is not Form.CHECKED

    @given(minted(), prefixes)
    def test_another_prefix_is_told_unless_the_two_share_a_checksum(self, token: str, prefix: str) -> None:
        bar = bar_of(token)
        same = crc32(token[: bar + 1].encode()) == crc32(f"{prefix}_".encode())
        assert (form_of(prefix + token[bar:]) is Form.CHECKED) is same

    @pytest.mark.parametrize("prefix", [DEFAULT_PREFIX, SESSION_PREFIX, INVITATION_PREFIX])
    def test_no_deletion_or_insertion_in_our_own_prefixes_is_accepted(self, prefix: str) -> None:
        token = mint(prefix).reveal()
        start = f"{prefix}_"
        edited = {start[:place] + start[place + 1 :] for place in range(len(start))}
        for char in BASE62 + "_":
            edited |= {start[:place] + char + start[place:] for place in range(len(start) + 1)}
        for beginning in edited:
            assert form_of(beginning + token[len(start) :]) is not Form.CHECKED


class TestForm:
    @given(
        st.one_of(
            st.text(),
            st.text(string.printable, max_size=60),
            st.from_regex(OUR_FORM, fullmatch=True),
            st.from_regex(r"kws?_[!-~]{0,60}", fullmatch=True),
            minted(),
        )
    )
    def test_agrees_with_the_definition(self, text: str) -> None:
        assert form_of(text) is slow_form(text)

    @pytest.mark.parametrize(
        "text",
        [
            "eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
            "a",
            "x" * MAX_LENGTH,
            "!~",
            "KW_abc",
            "kwx_abc",
            "sk-live-1",
            "kw",
            "kws",
        ],
    )
    def test_texts_made_elsewhere_are_foreign(self, text: str) -> None:
        assert form_of(text) is Form.FOREIGN

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "x" * (MAX_LENGTH + 1),
            "a b",
            "a\n",
            "\x7f",
            "\x00",
            "naïve",
            "\ud800",
            "kw_",
            "kws_x",
            "kw_ x",
        ],
    )
    def test_what_can_be_no_token_is_malformed(self, text: str) -> None:
        assert form_of(text) is Form.MALFORMED

    def test_a_prefix_that_begins_with_ours_is_no_mistake(self) -> None:
        assert form_of(mint("kw_").reveal()) is Form.CHECKED
        assert form_of(mint("kw_live").reveal()) is Form.CHECKED

    def test_a_trailing_line_break_is_no_part_of_a_token(self) -> None:
        assert form_of(mint().reveal() + "\n") is Form.MALFORMED


class TestDigest:
    @given(st.text(st.characters(exclude_categories=["Cs"])))
    def test_is_sha_256_of_utf_8(self, text: str) -> None:
        assert digest(text) == hashlib.sha256(text.encode()).digest()

    def test_is_defined_for_lone_surrogates_too(self) -> None:
        assert len({digest("\ud800"), digest("\ud801"), digest("?"), digest("")}) == 4

    @given(st.binary(min_size=32, max_size=32))
    def test_hex_is_read_back(self, raw: bytes) -> None:
        assert parse_digest_hex(raw.hex()) == raw

    @pytest.mark.parametrize(
        "text", ["", "a" * 63, "a" * 65, "A" * 64, "g" * 64, "a" * 64 + "\n", " " + "a" * 63, "\u0660" * 64]
    )
    def test_anything_else_is_no_digest(self, text: str) -> None:
        assert parse_digest_hex(text) is None


class TestWhatMayBeShown:
    @given(minted())
    def test_of_our_tokens_prefix_four_characters_and_the_end(self, token: str) -> None:
        bar = bar_of(token)
        assert hint(token) == token[: bar + 5]
        assert last_seven(token) == token[-7:]

    @pytest.mark.parametrize("length", range(1, 80))
    def test_of_other_texts_less_than_half(self, length: int) -> None:
        text = (string.punctuation + BASE62)[:length]
        assert hint(text) == text[: min(4, length // 8)]
        assert last_seven(text) == text[length - min(7, length // 4) :]

    @pytest.mark.parametrize("text", ["", "x" * 513, "secret secret secret secret", "geheim\n" * 9, "é" * 40])
    def test_of_what_can_be_no_token_nothing(self, text: str) -> None:
        assert hint(text) == ""
        assert last_seven(text) == ""


@dataclasses.dataclass
class Holder:
    token: Token


def refuse(token: Token) -> None:
    raise ValueError(token)


class TestTokenHidesItself:
    @pytest.fixture(params=["kw", "acme", None])
    def token(self, request: pytest.FixtureRequest) -> Token:
        return Token("made-elsewhere-" + "Zq" * 12) if request.param is None else mint(request.param)

    def assert_hidden(self, token: Token, shown: str) -> None:
        secret = token.reveal()
        assert secret not in shown
        assert secret[len(hint(secret)) :] not in shown
        assert secret[len(hint(secret)) : -7] not in shown

    def test_in_every_way_to_make_it_text(self, token: Token) -> None:
        shown = f"Token({token.hint}…)"
        assert repr(token) == str(token) == f"{token}" == format(token) == "%s" % token == shown  # noqa: UP031
        assert f"{token:>60}" == shown.rjust(60)
        for text in (
            f"{token!r}",
            f"{token!a}",
            pprint.pformat({"t": [token]}),
            repr(Holder(token)),
            ascii(token),
        ):
            self.assert_hidden(token, text)

    def test_in_logs_and_tracebacks(self, token: Token, caplog: pytest.LogCaptureFixture) -> None:
        with pytest.raises(ValueError, match="Token") as caught:
            refuse(token)
        logging.getLogger("test").error("failed with %s %r", token, [token], exc_info=caught.value)
        shown = "".join(
            traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
        )
        assert token.hint in caplog.text
        self.assert_hidden(token, caplog.text)
        self.assert_hidden(token, shown)

    def test_in_json(self, token: Token) -> None:
        with pytest.raises(TypeError) as caught:
            json.dumps({"token": token})
        self.assert_hidden(token, str(caught.value))
        self.assert_hidden(token, json.dumps({"token": token}, default=str))

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_it_cannot_be_pickled(self, token: Token, protocol: int) -> None:
        with pytest.raises(TypeError) as caught:
            pickle.dumps([token], protocol)
        self.assert_hidden(token, str(caught.value))

    @pytest.mark.parametrize(
        "act",
        [
            copy.copy,
            copy.deepcopy,
            vars,
            lambda token: dataclasses.asdict(Holder(token)),
            lambda token: token.__getstate__(),
            dict,
            list,
        ],
    )
    def test_it_cannot_be_copied_or_taken_apart(self, token: Token, act: Callable[[Token], object]) -> None:
        with pytest.raises(TypeError) as caught:
            act(token)
        self.assert_hidden(token, str(caught.value))

    def test_it_cannot_be_changed(self, token: Token) -> None:
        before = token.reveal()
        for name in ("_text", "other"):
            with pytest.raises(AttributeError, match="cannot be changed"):
                setattr(token, name, "x")
            with pytest.raises(AttributeError, match="cannot be changed"):
                delattr(token, name)
        assert token.reveal() == before

    def test_it_equals_nothing_but_itself(self, token: Token) -> None:
        assert token == token  # noqa: PLR0124 - the promise is about the operator
        assert token != Token(token.reveal())
        text: object = token.reveal()
        assert token != text

    def test_it_gives_what_may_be_stored(self, token: Token) -> None:
        secret = token.reveal()
        assert token.digest == digest(secret)
        assert token.hint == hint(secret)
        assert token.last_seven == last_seven(secret)

    def test_a_presented_text_that_can_be_no_token_is_not_shown_at_all(self) -> None:
        assert repr(Token("pass word pass word pass word")) == "Token(…)"


around = st.one_of(st.text(max_size=40), st.text(BASE62 + "_", max_size=60), st.just("_" * 50))


class TestFindAndRedact:
    @given(around, minted(), around, minted(), around)
    def test_tokens_are_found_in_any_surroundings(
        self, before: str, first: str, between: str, second: str, after: str
    ) -> None:
        text = before + first + between + second + after
        start = len(before) + len(first) + len(between)
        spans = find_tokens(text)
        assert (len(before), len(before) + len(first)) in spans
        assert (start, start + len(second)) in spans
        assert spans == sorted(spans, key=lambda span: span[1])
        cleaned = redact(text)
        assert first[-37:] not in cleaned
        assert second[-37:] not in cleaned
        assert find_tokens(cleaned) == []
        assert redact(cleaned) == cleaned

    @given(st.text(), own)
    def test_text_without_tokens_stays_as_it_is(self, text: str, token: str) -> None:
        mistyped = token[:-1] + ("0" if token[-1] != "0" else "1")
        for clean in (text, text + mistyped, mistyped + text):
            assert find_tokens(clean) == []
            assert redact(clean) == clean

    def test_what_stays_is_the_hint(self) -> None:
        first, second = mint().reveal(), mint("acme").reveal()
        text = f"Bearer {first}, and ({second}) again {first}"
        expected = f"Bearer {first[:7]}…, and ({second[:9]}…) again {first[:7]}…"
        assert redact(text) == expected
        assert [text[start:end] for start, end in find_tokens(text)] == [first, second, first]

    def test_a_token_whose_prefix_is_the_end_of_another_is_found_and_hidden_too(self) -> None:
        first = next(t for t in (mint().reveal() for _ in iter(int, 1)) if is_prefix(t[-2:]))
        second = mint(first[-2:]).reveal()
        text = first + second[2:]
        assert find_tokens(text) == [(0, 40), (38, 78)]
        assert redact(text) == f"{first[:7]}…{second[2:7]}…"

    @pytest.mark.parametrize(
        "unit", ["_", "a_" + "b" * 37, "_" + "a" * 37, "abcdefghijklmnop_" + "a" * 37, "a", "a_", "0" * 37]
    )
    def test_the_work_grows_with_the_text_alone(self, unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
        judged = []

        def counted(text: str) -> Form:
            judged.append(len(text))
            return form_of(text)

        monkeypatch.setattr(tokens, "form_of", counted)
        text = unit * (200_000 // len(unit))
        assert find_tokens(text) == []
        assert len(judged) <= 16 * len(text) / 38 + 16
        assert all(length <= 54 for length in judged)
