"""Secrets that are no tokens show themselves to nobody who does not ask."""

from __future__ import annotations

import copy
import pickle
from dataclasses import asdict, dataclass

import pytest

from keywright.core.hidden import Hidden


def test_a_hidden_text_shows_itself_only_when_asked() -> None:
    hidden = Hidden("JBSWY3DPEHPK3PXP")
    assert hidden.reveal() == "JBSWY3DPEHPK3PXP"
    for text in (repr(hidden), str(hidden), f"{hidden}", f"{[hidden]}", "%s" % hidden):  # noqa: UP031 - that way too
        assert "JBSW" not in text


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, pickle.dumps], ids=lambda one: one.__name__)
def test_a_hidden_text_is_not_copied(take: object) -> None:
    with pytest.raises(TypeError):
        take(Hidden("secret"))  # type: ignore[operator] # each of them is called so


def test_a_hidden_text_is_not_walked_into() -> None:
    @dataclass
    class Holder:
        secret: Hidden

    with pytest.raises(TypeError):
        asdict(Holder(Hidden("secret")))


def test_hidden_texts_are_not_compared() -> None:
    assert Hidden("secret") != Hidden("secret")
