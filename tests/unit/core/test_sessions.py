"""Until when a session lives."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from keywright.core.sessions import PASSKEY, PASSWORD, RECOVERY_CODE, SIGN_ON, SIGN_ON_MFA, TOTP, Session
from tests.support.facts import NOW

TICK = timedelta(microseconds=1)
SESSION = Session(
    id="ses_one",
    identity_id="idn_somebody",
    created_at=NOW,
    seen_at=NOW,
    idle_at=NOW + timedelta(hours=1),
    ends_at=NOW + timedelta(hours=2),
    created_ip=None,
    proved_at=NOW,
)


@pytest.mark.parametrize(
    ("session", "now", "live"),
    [
        (SESSION, NOW, True),
        (SESSION, SESSION.idle_at - TICK, True),
        (SESSION, SESSION.idle_at, False),
        (replace(SESSION, idle_at=SESSION.ends_at + TICK), SESSION.ends_at - TICK, True),
        (replace(SESSION, idle_at=SESSION.ends_at + TICK), SESSION.ends_at, False),
        (replace(SESSION, ended_at=NOW), NOW, False),
        (replace(SESSION, ended_at=NOW + timedelta(days=9)), NOW, False),
    ],
)
def test_a_session_lives_until_it_idles_ages_or_is_ended(session: Session, now: datetime, live: bool) -> None:
    assert session.live(now) is live


@pytest.mark.parametrize(
    ("proofs", "two"),
    [
        (("password",), False),
        (("totp",), False),
        (("sign_on",), False),
        (("password", "totp"), True),
        (("password", "recovery_code"), True),
        (("passkey",), True),
        (("sign_on_mfa",), True),
    ],
)
def test_what_counts_as_two_factors(proofs: tuple[str, ...], two: bool) -> None:
    assert replace(SESSION, proofs=proofs).two_factor is two


@pytest.mark.parametrize(
    ("proofs", "two_factor"),
    [
        ((PASSWORD,), False),
        ((SIGN_ON,), False),
        ((PASSKEY,), True),
        ((PASSWORD, TOTP), True),
        ((PASSWORD, RECOVERY_CODE), True),
        ((PASSWORD, PASSKEY), True),
        ((SIGN_ON_MFA,), True),
        ((SIGN_ON, TOTP), True),
    ],
)
def test_two_factors_are_two_proofs_or_one_that_is_two_in_itself(
    proofs: tuple[str, ...], two_factor: bool
) -> None:
    assert replace(SESSION, proofs=proofs).two_factor is two_factor


def test_without_another_word_it_was_a_password() -> None:
    assert SESSION.proofs == (PASSWORD,)


@pytest.mark.parametrize(
    ("age", "fresh"),
    [
        (timedelta(), True),
        (timedelta(minutes=10), True),
        (timedelta(minutes=10) + TICK, False),
        (timedelta(hours=1), False),
        (-TICK, True),
    ],
)
def test_a_session_is_fresh_for_ten_minutes_after_the_proof(age: timedelta, fresh: bool) -> None:
    """Whenever it began, and however much it has been used since."""
    session = replace(SESSION, proved_at=NOW - age, created_at=NOW - timedelta(days=1), seen_at=NOW)
    assert session.fresh(NOW) is fresh
