"""Ids: their form, their order and what is none."""

from __future__ import annotations

import subprocess
import sys
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.ids import is_id, new_id, uuid7

KINDS = ("key", "idn", "ten", "mem", "ses", "aud")
HEX = "0192f0a1b2c37d4e8f90a1b2c3d4e5f6"


@given(st.integers(0, 2**48 * 1_000_000 - 1))
def test_an_id_holds_its_moment_as_rfc_9562_lays_it_out(nanoseconds: int) -> None:
    made = UUID(uuid7(nanoseconds))
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    assert made.int >> 80 == milliseconds
    assert (made.int >> 64) & 0xFFF == rest * 4096 // 1_000_000


@given(st.integers(0, 2**60), st.integers(250, 10**12))
def test_ids_sort_by_their_moments(first: int, later_by: int) -> None:
    assert uuid7(first) < uuid7(first + later_by)


def test_ids_of_one_moment_differ() -> None:
    assert len({uuid7(1) for _ in range(10_000)}) == 10_000


def test_processes_that_were_one_make_ids_of_their_own() -> None:
    program = """
import os
from keywright.core.ids import uuid7
uuid7()
reading, writing = os.pipe()
child = os.fork() == 0
made = " ".join(uuid7(1) for _ in range(300))
if child:
    os.write(writing, made.encode())
    os._exit(0)
os.close(writing)
print(made, open(reading).read())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert len(set(done.stdout.split())) == 600


@pytest.mark.parametrize("kind", KINDS)
def test_a_fresh_id_is_one_of_its_kind_and_of_no_other(kind: str) -> None:
    made = new_id(kind)
    assert [one for one in KINDS if is_id(made, one)] == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "key",
        "key_",
        HEX,
        f"key_{HEX[:-1]}",
        f"key_{HEX}0",
        f"key_{HEX.upper()}",
        f"KEY_{HEX}",
        f"key-{HEX}",
        f" key_{HEX}",
        f"key_{HEX}\n",
        f"key_{HEX}\0",
        f"key_{HEX[:-1]}g",
        f"key_{HEX[:-1]}٣",
        f"ten_{HEX}",
        "key_\ud800",
    ],
)
def test_what_has_another_form_names_no_key(text: str) -> None:
    assert not is_id(text, "key")


@given(st.text(st.characters(codec=None)))
def test_no_text_is_an_id_by_accident(text: str) -> None:
    assert not is_id(text, "key")
