"""What the list of keys reads from an address, and how it says what a key may do; no browser is needed for that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keywright.console.forms import parsed
from keywright.console.keys.filters import Filters, as_rest
from keywright.console.keys.glance import Part, glance
from keywright.console.picker import Lexicon
from keywright.core.catalog import parse
from keywright.core.keys import State
from keywright.core.listing import Between, KeyQuery, KeySort
from keywright.core.permissions import Policy

NOW = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)
MINUTE = NOW.replace(second=0)
DAY = timedelta(days=1)
VERBS = ("read", "write", "publish", "delete")
LEXICON = Lexicon.of(
    parse(
        {
            "actions": [
                *(
                    {
                        "name": f"article:{verb}",
                        "group": "Articles",
                        "description": f"{verb.title()} articles",
                    }
                    for verb in VERBS
                ),
                {"name": "deploy:run", "group": "Deployments"},
                {"name": "deploy:undo", "group": "Deployments"},
                {"name": "report:read", "group": "Reports", "description": "Read reports"},
            ],
            "entities": {
                "language": [{"id": "cs", "label": "Czech"}, {"id": "en", "label": "English"}, {"id": "de"}]
            },
            "resource_types": [{"name": "article", "segments": ["language"]}],
        }
    )
)


def filters(query: str) -> Filters:
    return Filters.of(parsed(query))


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", KeyQuery()),
        ("q=+nightly+", KeyQuery(search="nightly", sort=KeySort.NAME, descending=False)),
        ("state=disabled", KeyQuery(states=frozenset({State.DISABLED}))),
        ("owner=idn_1&size=200", KeyQuery(identity_id="idn_1", limit=200)),
        ("created=7d", KeyQuery(created=Between(MINUTE - 7 * DAY))),
        ("created=over90d", KeyQuery(created=Between(None, MINUTE - 90 * DAY))),
        (
            "expires=14d",
            KeyQuery(expires=Between(NOW, NOW + 14 * DAY), sort=KeySort.EXPIRES_AT, descending=False),
        ),
        ("expires=past", KeyQuery(expires=Between(None, NOW), sort=KeySort.EXPIRES_AT)),
        ("expires=never", KeyQuery(ends=False, sort=KeySort.EXPIRES_AT)),
        ("used=1d", KeyQuery(last_used=Between(MINUTE - DAY), sort=KeySort.LAST_USED_AT)),
        (
            "used=not90d",
            KeyQuery(last_used=Between(None, MINUTE - 90 * DAY), sort=KeySort.LAST_USED_AT, descending=False),
        ),
        ("used=never", KeyQuery(used=False, sort=KeySort.LAST_USED_AT)),
        ("used=never&sort=created", KeyQuery(used=False, descending=False)),
        ("sort=-name", KeyQuery(sort=KeySort.NAME)),
        ("state=deleted&created=8d&expires=0&used=all&sort=hint&size=51", KeyQuery()),
    ],
)
def test_an_address_asks_for_a_list(query: str, asked: KeyQuery) -> None:
    assert filters(query).query(NOW) == asked


def test_an_address_is_said_again() -> None:
    found = filters("q=a&state=active&sort=-used&size=100&cursor=c")
    assert found.any
    said = {name: value for name, value in found.address().items() if value}
    assert said == {"q": "a", "state": "active", "sort": "-used", "size": 100}
    assert found.address(state="")["state"] == ""
    assert not filters("sort=name&size=200&cursor=c").any


def test_a_head_turns_the_order_round() -> None:
    newest = filters("")
    assert (newest.direction("created"), newest.direction("name")) == ("descending", None)
    assert newest.sorted_by("created")["sort"] == "created"
    assert newest.sorted_by("name")["sort"] == "name"
    assert newest.sorted_by("used")["sort"] == "-used"
    assert filters("sort=name").sorted_by("name")["sort"] == "-name"
    assert filters("sort=name").direction("name") == "ascending"


def test_a_list_in_the_words_of_the_other_doors() -> None:
    asked = as_rest(filters("q=a&state=expired&owner=idn_1&expires=past&used=never&created=7d").query(NOW))
    assert asked == {
        "search": "a",
        "state": "expired",
        "identity_id": "idn_1",
        "created_since": "2026-02-22T12:30:00Z",
        "expires_until": "2026-03-01T12:30:15Z",
        "used": False,
        "sort": "name",
        "order": "asc",
        "limit": 50,
    }


@pytest.mark.parametrize(
    ("scope", "doing", "on"),
    [
        (None, ["all that its owner may"], []),
        ([], ["nothing"], []),
        ([["**"]], ["everything"], []),
        ([["article:read"]], ["read articles"], []),
        ([["article:read", "article:write"], ["article:publish"]], ["3 actions in Articles"], []),
        ([["article:*"]], ["everything in Articles"], []),
        ([["deploy:run"]], [Part("deploy:run", code=True)], []),
        ([["deploy:run", "article:read", "report:read"]], ["read articles", "deploy:run", "1 more"], []),
        ([["*:read"]], ["read articles", "read reports", "5 more"], []),
        ([["sync:*", "other:one"]], [Part("sync:*", code=True), Part("other:one", code=True)], []),
        ([["keys:read", "keys:create"]], ["2 actions in Keys"], []),
        ([(["article:read"], ["article:cs:**", "article:en:**"])], ["read articles"], ["Czech", "English"]),
        (
            [(["article:read"], ["article:cs:**", "article:en:**", "article:de:**"])],
            ["read articles"],
            ["3 things"],
        ),
        ([(["article:read"], ["**"])], ["read articles"], []),
        ([(["other:one"], ["a:1"])], [Part("other:one", code=True)], [Part("a:1", code=True)]),
        (
            [["deploy:run"], (["article:read"], ["article:cs:**"])],
            ["read articles", Part("deploy:run", code=True)],
            ["Czech", "some of it everywhere"],
        ),
    ],
)
def test_a_scope_is_said_in_a_few_words(scope: Any, doing: list[Any], on: list[Any]) -> None:
    policies = None
    if scope is not None:
        policies = tuple(Policy.parse(*one) if isinstance(one, tuple) else Policy.parse(one) for one in scope)
    found = glance(policies, LEXICON)
    assert [one if isinstance(one, Part) else Part(one, _code(one)) for one in doing] == list(found.doing)
    assert [one if isinstance(one, Part) else Part(one) for one in on] == list(found.on)


def _code(text: str) -> bool:
    return text == "deploy:run"


def test_all_of_a_scope_stands_in_its_title() -> None:
    policies = [Policy.parse([f"a:{number}" for number in range(10)], ["b:1"]), Policy.parse(["c"])]
    title = glance(policies, LEXICON).title
    assert title == "a:0, a:1, a:2, a:3, a:4, a:5, a:6, a:7, 2 more on b:1\nc"
    assert glance([Policy.parse(["c"])] * 9, LEXICON).title.endswith("\nc\n…")
    # Without a catalog's words, Keywright's own are known.
    assert glance([Policy.parse(["keys:read"])], None).doing == (Part("look at keys"),)
