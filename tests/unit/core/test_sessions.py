"""Until when a session lives."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from keywright.core.sessions import Session
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
