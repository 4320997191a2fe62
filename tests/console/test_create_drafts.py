"""What the form of a new key asks for, without a browser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from keywright.console.code import Graph, Rest, code_of
from keywright.console.forms import Form
from keywright.console.keys import terms
from keywright.console.keys.drafts import draft_of
from keywright.console.keys.spans import expiry_of, spans_of, usual
from keywright.console.keys.speakers import Speaker
from keywright.console.picker import Lexicon
from keywright.core.catalog import EMPTY
from keywright.core.errors import InvalidValue
from keywright.core.identities import TenantSettings
from keywright.core.limits import Limit
from keywright.services.limits import CreditsInput, LimitInput, RefillInput

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DAY = 86_400


def ends(**fields: str) -> datetime | None:
    return expiry_of(Form(list(fields.items())), ZoneInfo("Europe/Prague"), NOW)


def test_a_span_counts_from_when_the_form_was_opened() -> None:
    opened = NOW - timedelta(minutes=20)
    assert ends(expires=str(DAY), opened=opened.isoformat()) == opened + timedelta(days=1)


@pytest.mark.parametrize(
    "opened", ["", "yesterday", "2026-11-21T11:00:00", "2026-11-21T10:00:00Z", "2027-01-01T00:00:00Z"]
)
def test_a_span_counts_from_now_where_the_form_is_old_or_says_nothing_sound(opened: str) -> None:
    assert ends(expires=str(DAY), opened=opened) == NOW + timedelta(days=1)


def test_a_date_is_in_the_readers_zone() -> None:
    assert ends(expires="date", expires_at="2027-02-19T10:00") == datetime(2027, 2, 19, 9, tzinfo=UTC)
    assert ends(expires="never", expires_at="2027-02-19T10:00") is None
    assert ends() is None


@pytest.mark.parametrize(
    "fields", [{"expires": "date"}, {"expires": "soon"}, {"expires": "999999999999"}, {"expires": "9" * 30}]
)
def test_an_end_that_cannot_be_is_refused_beside_its_field(fields: dict[str, str]) -> None:
    with pytest.raises(InvalidValue) as refused:
        ends(**fields)
    assert refused.value.field == "expires_at"


@pytest.mark.parametrize(
    ("settings", "chosen", "offered"),
    [
        (TenantSettings(), "", ["30 days", "90 days", "1 year", "On a date…", "Never"]),
        (TenantSettings(keys_must_expire=True), "", ["30 days", "90 days", "1 year", "On a date…"]),
        (TenantSettings(max_key_lifetime_seconds=90 * DAY), "", ["30 days", "90 days", "On a date…"]),
        (TenantSettings(max_key_lifetime_seconds=3_600), "", ["1 hour", "On a date…"]),
        (TenantSettings(), str(7 * DAY), ["7 days", "30 days", "90 days", "1 year", "On a date…", "Never"]),
        (TenantSettings(max_key_lifetime_seconds=DAY), str(7 * DAY), ["1 day", "On a date…"]),
    ],
)
def test_what_a_tenant_lets_keys_live_is_offered(
    settings: TenantSettings, chosen: str, offered: list[str]
) -> None:
    assert [one.name for one in spans_of(settings, chosen).choices] == offered
    assert int(usual(settings)) <= (settings.max_key_lifetime_seconds or 90 * DAY)


def test_all_that_cannot_be_read_is_said_at_once() -> None:
    form = Form(
        [
            *(("speaks", "other"), ("expires", "date"), ("not_before", "soon"), ("metadata", "{")),
            *(("credits", "5"), ("refill", "x"), ("limits", "own")),
            *(("limit.name", ""), ("limit.uses", "5"), ("limit.window", "x"), ("limit.unit", "60")),
        ]
    )
    draft = draft_of(form, Lexicon.of(EMPTY), Speaker("other"), zone=None, now=NOW)
    assert set(draft.errors.fields) == {
        *("identity_id", "expires_at", "not_before", "metadata", "credits.refill", "limits.0")
    }


def test_limits_get_names_that_say_what_they_are() -> None:
    rows = [("7", "1", "1"), ("8", "5", "60"), ("9", "1", "1"), ("", "1", "1")]
    pairs = [("limits", "own")]
    for uses, window, unit in rows:
        pairs += [("limit.name", ""), ("limit.uses", uses), ("limit.window", window), ("limit.unit", unit)]
    draft = draft_of(Form(pairs), Lexicon.of(EMPTY), Speaker("me"), zone=None, now=NOW)
    assert draft.new.limits == (
        LimitInput("per_second", 7, 1),
        LimitInput("per_5_minutes", 8, 300),
        LimitInput("per_second_3", 9, 1),
    )
    none = draft_of(Form([("limits", "own")]), Lexicon.of(EMPTY), Speaker("me"), zone=None, now=NOW)
    assert none.new.limits == ()


def test_terms_in_sentences() -> None:
    assert terms.when(None, NOW + timedelta(days=90), NOW, None) == ["Ends on 19 February 2027."]
    assert terms.when(NOW + timedelta(days=1), None, NOW, None) == [
        "Begins on 22 Nov 2026, 12:00 UTC.",
        "Never ends.",
    ]
    assert terms.when(NOW - timedelta(days=1), NOW + timedelta(hours=5), NOW, None) == [
        "Ends on 21 Nov 2026, 17:00 UTC, in 5 hours."
    ]
    assert terms.how_often((Limit("a", 1, 3_600), Limit("b", 1_000, 90))) == [
        "At most 1 time an hour and 1,000 times in 90 seconds."
    ]
    assert terms.how_often((), CreditsInput(1, RefillInput(10, "week"))) == [
        "1 use in all, and 10 anew every week."
    ]
    assert terms.from_where(None) == []
    assert terms.from_where(["10.0.0.0/8", "::1", "a", "b", "c"]) == [
        "Only from 10.0.0.0/8, ::1, a and 2 other ranges."
    ]


def test_a_name_that_looks_like_an_option_is_none_on_the_command_line() -> None:
    code = code_of(
        "my-blog", rest=Rest("GET", "/"), graph=Graph("{ a }", {}), cli=["keys", "create", "--", "-x"]
    )
    assert code.cli == "keywright keys create --tenant my-blog -- -x"
