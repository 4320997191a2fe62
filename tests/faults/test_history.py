"""The checker finds each violation, and nothing else."""

from __future__ import annotations

import itertools
import random

import pytest

from tests.support.history import Asked, Change, Event, Finding, History

CLOSED, OPENED = True, False


def close(began: float, returned: float | None, gate: str = "g") -> Change:
    return Change(gate, CLOSED, began, returned, "disabled", "node-1")


def reopen(began: float, returned: float | None, gate: str = "g") -> Change:
    return Change(gate, OPENED, began, returned, "enabled", "node-1")


def ask(sent: float, answered: float, code: str | None = "VALID", gate: str = "g") -> Asked:
    return Asked(gate, sent, answered, code, "node-2")


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ([close(1, 2)], ask(2.1, 2.2)),
        ([close(1, 2)], ask(900, 901)),
        ([close(1, 2), reopen(5, 6)], ask(3, 4)),
        ([reopen(0, 0.5), close(1, 2)], ask(3, 4)),
        ([close(1, 2), reopen(3, 4), close(5, 6)], ask(7, 8)),
        ([close(1, 2), close(1.5, None)], ask(3, 4)),
        ([close(1, 9), close(1.5, 2)], ask(3, 4)),
        ([reopen(1, 2), close(2, 3)], ask(4, 5)),
        ([close(1, 2), reopen(1, None, gate="h")], ask(3, 4)),
    ],
)
def test_a_valid_answer_to_a_question_sent_after_the_revocation_returned_is_a_violation(
    changes: list[Change], asked: Asked
) -> None:
    for order in itertools.permutations(changes):
        (found,) = History(list(order), [asked]).violations()
        assert found.asked is asked
        assert found.change is not None
        assert found.change.closes


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ([], ask(3, 4)),
        ([close(1, 2)], ask(1.5, 4)),
        ([close(1, 2)], ask(0, 9)),
        ([close(1, 2)], ask(2, 4)),
        ([close(1, None)], ask(3, 4)),
        ([close(1, 2, gate="h")], ask(3, 4)),
        ([close(1, 2)], ask(3, 4, "DISABLED")),
        ([close(1, 2)], ask(3, 4, "STALE")),
        ([close(1, 2)], ask(3, 4, None)),
        ([close(1, 2), reopen(3, 6)], ask(2.5, 4)),
        ([close(1, 2), reopen(3, 4)], ask(5, 6)),
        ([close(1, 2), reopen(3, None)], ask(500, 600)),
        ([reopen(0.5, 1.5), close(1, 2)], ask(3, 4)),
        ([reopen(0.5, None), close(1, 2)], ask(3, 4)),
        ([close(1, 2), reopen(3, None), close(5, 6)], ask(7, 8)),
        ([close(1, 2), reopen(3, 6), close(5, 5.5)], ask(7, 8)),
    ],
)
def test_what_may_have_been_allowed_is_no_violation(changes: list[Change], asked: Asked) -> None:
    for order in itertools.permutations(changes):
        assert History(list(order), [asked]).violations() == []


@pytest.mark.parametrize(
    ("changes", "asked", "found"),
    [
        ([], ask(1, 2, "NOT_FOUND"), True),
        ([close(3, 4)], ask(1, 2, "DISABLED"), True),
        ([close(1, 2), reopen(3, 4)], ask(5, 6, "DISABLED"), True),
        ([], ask(1, 2), False),
        ([], ask(1, 2, "STALE"), False),
        ([], ask(1, 2, None), False),
        ([close(1, 4)], ask(2, 3, "DISABLED"), False),
        ([close(1, None)], ask(2, 3, "DISABLED"), False),
        ([close(1, 2), reopen(3, 4)], ask(3.5, 6, "DISABLED"), False),
        ([close(1, 2), reopen(3, 4), close(5, 7)], ask(4.5, 6, "DISABLED"), False),
        ([close(1, None), reopen(3, 4)], ask(5, 6, "DISABLED"), False),
    ],
)
def test_a_refusal_is_found_only_where_the_gate_was_certainly_open(
    changes: list[Change], asked: Asked, found: bool
) -> None:
    assert bool(History(changes, [asked]).refusals()) is found


def certainly_closed(changes: list[Change], asked: Asked) -> bool:
    """The same by the words of the guarantee, for each pair of changes."""
    return any(
        change.closes
        and change.over < asked.sent
        and all(
            other.closes or other.over <= change.began or other.began >= asked.answered for other in changes
        )
        for change in changes
    )


@pytest.mark.parametrize("seed", range(20))
def test_the_search_agrees_with_the_words_of_the_guarantee_on_any_history(seed: int) -> None:
    chance = random.Random(seed)
    changes = []
    for _ in range(chance.randrange(1, 12)):
        began = chance.randrange(40) / 2
        returned = None if chance.random() < 0.1 else began + chance.randrange(1, 8) / 2
        changes.append(chance.choice((close, reopen))(began, returned))
    asked = [ask(sent / 2, (sent + length) / 2) for sent in range(60) for length in range(1, 6)]
    expected = [one for one in asked if certainly_closed(changes, one)]
    assert [finding.asked for finding in History(changes, asked).violations()] == expected


def test_the_history_around_a_violation_shows_its_gate_and_what_was_done_to_the_servers() -> None:
    history = History(
        [close(10, 10.5), close(10, 10.5, gate="other"), reopen(90, 91)],
        [ask(9.5, 9.6), ask(11, 11.25), ask(50, 51)],
        [Event(10.75, "node-2 goes on"), Event(80, "much later")],
    )
    (found, _) = history.violations()
    assert history.around(found).splitlines() == [
        "gate g",
        "   -1.500000  node-2    asked: VALID, answered -1.400000",
        "   -1.000000  node-1    disabled, returned -0.500000",
        "   -0.250000            node-2 goes on",
        "   +0.000000  node-2    asked: VALID, answered +0.250000  <-- this must not be",
    ]


def test_a_change_that_is_on_its_way_counts_as_one_of_which_nothing_is_known() -> None:
    history = History([close(1, 2)], [ask(3, 4)])
    end = history.begin(reopen(2.5, None))
    assert history.violations() == []
    end(reopen(2.5, 5))
    assert history.violations() == []
    end(close(2.5, 2.75))
    assert len(history.violations()) == 1


def test_a_finding_without_a_change_can_be_shown_too() -> None:
    history = History([], [ask(1, 2, "NOT_FOUND")])
    assert history.refusals() == [Finding(history.asked[0], None)]
    assert "NOT_FOUND" in history.around(history.refusals()[0])
