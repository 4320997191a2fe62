"""What a password must be."""

from __future__ import annotations

import pytest

from keywright.core import passwords
from keywright.core.errors import InvalidValue, WeakPassword

ABOUT = ("ada", "ada.lovelace@example.com", "Ada Byron Lovelace")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "a long way to Tipperary",
        "tenletters",
        "8!dG,q_3Kf",
        "x" * 5 + "yzxyzyx",
        "Ünïcödé-wörds",
        "\ud800\ud801 surrogates too",
        "ada was here in 1843",
        "byron and his daughter",
        "abcd-efgh-" * 100 + "ijkl-mnop-qrst-uvwx-yz12",
    ],
    ids=str,
)
def test_long_and_uncommon_passwords_are_taken(password: str) -> None:
    passwords.check(password, about=ABOUT)


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "9 letters",
        "1234567890",
        "QwertyUiop",
        "basketball",
        "ｂａｓｋｅｔｂａｌｌ",  # noqa: RUF001 - full-width letters, which read the same
        "Password12!",
        "!!dragon!!1",
        "aaaaaaaaaaaaaaaa",
        "abababababab",
        "abcdabcdabcd",
        "DragonDragon",
        "dragon1dragon1",
        "\n" * 12,
    ],
    ids=str,
)
def test_short_common_and_repeated_passwords_are_weak(password: str) -> None:
    with pytest.raises(WeakPassword) as refused:
        passwords.check(password, field="new_password")
    assert refused.value.field == "new_password"
    assert len(password) < 3 or password not in refused.value.detail


@pytest.mark.parametrize(
    "password",
    [
        "ada.lovelace@example.com",
        "ADA.LOVELACE@EXAMPLE.COM",
        "AdaByronLovelace",
        "lovelace1843",
        "ada-lovelace-ada",
        "1234lovelace",
        "Ada Byron Lovelace",
    ],
)
def test_what_everybody_knows_of_a_person_is_weak_for_that_person_alone(password: str) -> None:
    with pytest.raises(WeakPassword, match="own name"):
        passwords.check(password, about=ABOUT)
    passwords.check(password, about=("grace", "Grace Hopper"))


def test_short_names_stand_in_many_words_and_do_not_count() -> None:
    passwords.check("o-o-o-rchids", about=("o", "al", ""))


def test_lengths_are_counted_in_characters_to_the_bounds() -> None:
    passwords.check("zebra-kiwi"[: passwords.MIN_LENGTH])
    longest = ("zebra-kiwi and " * 100)[: passwords.MAX_LENGTH - 1] + "!"
    passwords.check(longest)
    with pytest.raises(InvalidValue, match="at most 1024"):
        passwords.check(longest + "!")


def test_the_list_is_as_it_is_looked_up() -> None:
    common = passwords._common()
    assert len(common) > 20_000
    assert sum(len(one) >= passwords.MIN_LENGTH for one in common) > 2_000
    assert all(one == passwords._folded(one).strip() and len(one) >= 4 for one in common)
