"""Until when a session lives."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from keywright.core import checks
from keywright.core.errors import InvalidValue
from keywright.core.sessions import (
    LONGEST_LIFE,
    NEVER,
    PASSKEY,
    PASSWORD,
    RECOVERY_CODE,
    SEEN_EVERY,
    SIGN_ON,
    SIGN_ON_MFA,
    TOTP,
    Lifetime,
    Session,
)
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


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("lifetime", "idle_at", "ends_at"),
    [
        (Lifetime(HOUR, 2 * HOUR), NOW + HOUR, NOW + 2 * HOUR),
        (Lifetime(2 * HOUR, HOUR), NOW + HOUR, NOW + HOUR),
        (Lifetime(None, HOUR), NOW + HOUR, NOW + HOUR),
        (Lifetime(HOUR, None), NOW + HOUR, NEVER),
        (Lifetime(None, None), NEVER, NEVER),
        (Lifetime(LONGEST_LIFE, LONGEST_LIFE), NOW + LONGEST_LIFE, NOW + LONGEST_LIFE),
        (Lifetime(LONGEST_LIFE + TICK, timedelta.max), NEVER, NEVER),
    ],
)
def test_a_lifetime_says_when_a_session_ends(
    lifetime: Lifetime, idle_at: datetime, ends_at: datetime
) -> None:
    assert lifetime.ends(NOW) == (idle_at, ends_at)
    assert checks.lifetime(lifetime) is lifetime


@pytest.mark.parametrize(
    ("lifetime", "field"),
    [
        (Lifetime(timedelta(), None), "idle_seconds"),
        (Lifetime(-TICK, HOUR), "idle_seconds"),
        (Lifetime(None, timedelta()), "longest_seconds"),
        (Lifetime(HOUR, timedelta.min), "longest_seconds"),
    ],
)
def test_a_session_lives_for_some_time(lifetime: Lifetime, field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        checks.lifetime(lifetime)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("session", "after", "idle_at"),
    [
        # Written down once a minute, or ten times in a shorter idle time.
        (SESSION, SEEN_EVERY - TICK, None),
        (SESSION, SEEN_EVERY, NOW + SEEN_EVERY + HOUR),
        (replace(SESSION, idle_at=NOW + timedelta(seconds=20)), timedelta(seconds=2) - TICK, None),
        (
            replace(SESSION, idle_at=NOW + timedelta(seconds=20)),
            timedelta(seconds=2),
            NOW + timedelta(seconds=22),
        ),
        # Never past the end; then only the use is written down.
        (SESSION, HOUR, SESSION.ends_at),
        (replace(SESSION, idle_at=SESSION.ends_at), SEEN_EVERY - TICK, None),
        (replace(SESSION, idle_at=SESSION.ends_at), SEEN_EVERY, SESSION.ends_at),
        (replace(SESSION, idle_at=SESSION.ends_at + HOUR), SEEN_EVERY, SESSION.ends_at + HOUR),
        # A window that slides without end, and no window at all.
        (replace(SESSION, ends_at=NEVER), HOUR / 2, NOW + HOUR / 2 + HOUR),
        (replace(SESSION, ends_at=NEVER, idle_at=NEVER), timedelta(days=9_999), NEVER),
    ],
)
def test_a_use_moves_the_idle_end_by_the_session_s_own_window(
    session: Session, after: timedelta, idle_at: datetime | None
) -> None:
    seen = session.seen(NOW + after)
    if idle_at is None:
        assert seen is session
    else:
        assert seen == replace(session, seen_at=NOW + after, idle_at=idle_at)
