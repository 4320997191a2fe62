"""Lists: walked page by page, they are what plain Python makes of all keys, whatever happens in between."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.instants import EPOCH, LATEST
from keywright.core.keys import Key, State
from keywright.core.listing import Between, KeyQuery, KeySort, fold
from keywright.storage import key_lists
from tests.contract.storage.making import (
    EXAMPLES,
    NASTY,
    NOW,
    SECOND,
    Home,
    a_key,
    add_home,
    add_keys,
    all_pages,
    an_identity,
)

if TYPE_CHECKING:
    from datetime import datetime

    from keywright.storage import Database

pytestmark = pytest.mark.anyio

# Few different values, so that keys agree in many of them and filters meet their edges.
MOMENTS = st.sampled_from([NOW + step * SECOND for step in (-2, -1, 0, 1, 2)])
ENDS = st.none() | MOMENTS | st.just(LATEST)
USES = st.none() | MOMENTS | st.just(EPOCH + timedelta(microseconds=1))
NAMES = st.sampled_from(["a", "A", "ab", "Ab", "b", *NASTY])
HANDLES = st.none() | st.sampled_from(["one", "One", "two"])
HINTS = st.none() | st.sampled_from(["kw_one", "kw_ONE", "a"])
SPANS = st.builds(Between, st.none() | MOMENTS, st.none() | MOMENTS)

_serial = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Draft:
    """A key to be made, but for what it has from its tenant; `place` decides where its id sorts."""

    place: int
    owner: int
    fields: dict[str, Any]


DRAFTS = st.builds(
    Draft,
    place=st.integers(0, 2**32 - 1),
    owner=st.integers(0, 1),
    fields=st.fixed_dictionaries(
        {
            "name": NAMES,
            "handle": HANDLES,
            "hint": HINTS,
            "created_at": MOMENTS,
            "not_before": st.none() | MOMENTS,
            "expires_at": ENDS,
            "active": st.booleans(),
            "last_used_at": USES,
        }
    ),
)
QUERIES = st.builds(
    KeyQuery,
    states=st.frozensets(st.sampled_from(State), max_size=3),
    identity_id=st.none() | st.sampled_from(["0", "1", "idn_absent"]),
    handle=HANDLES,
    name_prefix=st.none() | NAMES | st.just(""),
    search=st.none() | NAMES | HANDLES | HINTS | st.just(""),
    created=SPANS,
    expires=SPANS,
    ends=st.none() | st.booleans(),
    last_used=SPANS,
    used=st.none() | st.booleans(),
    sort=st.sampled_from(KeySort),
    descending=st.booleans(),
    limit=st.integers(1, 5) | st.just(200),
)
# With every filter at once next to nothing is left, so most questions have one of them, or none.
FEW_FILTERS = st.builds(
    lambda drawn, kept: replace(
        KeyQuery(sort=drawn.sort, descending=drawn.descending, limit=drawn.limit),
        **{name: getattr(drawn, name) for name in kept},
    ),
    QUERIES,
    st.lists(
        st.sampled_from(
            [
                "states",
                "identity_id",
                "handle",
                "name_prefix",
                "search",
                "created",
                "expires",
                "ends",
                "last_used",
                "used",
            ]
        ),
        max_size=2,
    ),
)


@dataclass(frozen=True, slots=True)
class Stock:
    """A tenant with two owners, and the keys that were made of drafts."""

    home: Home
    owners: tuple[str, str]
    keys: list[Key]

    def key(self, draft: Draft) -> Key:
        """A key with an id of its own; a handle that is in use is left out."""
        fields = dict(draft.fields)
        if fields["handle"] in {key.handle for key in self.keys}:
            fields["handle"] = None
        key = a_key(
            self.home,
            id=f"key_{draft.place:08x}{next(_serial):024x}",
            identity_id=self.owners[draft.owner],
            **fields,
        )
        self.keys.append(key)
        return key

    def asked(self, query: KeyQuery) -> KeyQuery:
        """The question with its owner, of whom it knows the number only."""
        if query.identity_id not in {"0", "1"}:
            return query
        return replace(query, identity_id=self.owners[int(query.identity_id)])


async def stock(database: Database, drafts: list[Draft]) -> Stock:
    home = await add_home(database)
    other = an_identity()
    made = Stock(home, (home.identity.id, other.id), [])
    async with database.write() as transaction:
        await transaction.identities.add(other)
        await add_keys(transaction, [made.key(draft) for draft in drafts])
    return made


def within(moment: datetime | None, span: Between) -> bool:
    if span == Between():
        return True
    return (
        moment is not None
        and (span.since is None or moment >= span.since)
        and (span.until is None or moment < span.until)
    )


def matches(key: Key, query: KeyQuery, now: datetime) -> bool:
    """Whether a list has this key, as `KeyQuery` says it."""
    return (
        (not query.states or key.state(now) in query.states)
        and query.identity_id in (None, key.identity_id)
        and query.handle in (None, key.handle)
        and fold(key.name).startswith(fold(query.name_prefix or ""))
        and found_by(key, query.search or "")
        and within(key.created_at, query.created)
        and within(key.expires_at, query.expires)
        and within(key.last_used_at, query.last_used)
        and query.ends in (None, key.expires_at is not None)
        and query.used in (None, key.last_used_at is not None)
    )


def found_by(key: Key, search: str) -> bool:
    return search in (key.id, key.handle, key.hint) or fold(key.name).startswith(fold(search))


def order(key: Key, sort: KeySort) -> tuple[Any, ...]:
    """Where a key stands in a list: never-ending after all that end, never used before all that were."""
    match sort:
        case KeySort.CREATED_AT:
            return (key.created_at, key.id)
        case KeySort.NAME:
            return (fold(key.name), key.id)
        case KeySort.EXPIRES_AT:
            return (key.expires_at is None, key.expires_at or NOW, key.id)
        case KeySort.LAST_USED_AT:
            return (key.last_used_at is not None, key.last_used_at or NOW, key.id)


def expected(keys: list[Key], query: KeyQuery, now: datetime = NOW) -> list[Key]:
    """The whole list, the plain way."""
    found = [key for key in keys if matches(key, query, now)]
    return sorted(found, key=lambda key: order(key, query.sort), reverse=query.descending)


@EXAMPLES
@given(
    drafts=st.lists(DRAFTS, max_size=12),
    queries=st.lists(FEW_FILTERS, min_size=3, max_size=8),
    few=st.sampled_from([0, key_lists.FEW]),
)
async def test_pages_make_up_the_list(
    database: Database, drafts: list[Draft], queries: list[KeyQuery], few: int
) -> None:
    made = await stock(database, drafts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_lists, "FEW", few)
        for query in map(made.asked, queries):
            assert await all_pages(database, made.home.tenant_id, query) == expected(made.keys, query)


@EXAMPLES
@given(
    drafts=st.lists(DRAFTS, min_size=1, max_size=12),
    queries=st.lists(QUERIES, min_size=3, max_size=8),
    few=st.sampled_from([0, 2, key_lists.FEW]),
)
async def test_filters_narrow_together(
    database: Database, drafts: list[Draft], queries: list[KeyQuery], few: int
) -> None:
    """Whether a filter leaves so few keys that they are found first, or they are met along the list."""
    made = await stock(database, drafts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_lists, "FEW", few)
        for query in map(made.asked, queries):
            assert await all_pages(database, made.home.tenant_id, query) == expected(made.keys, query)


@dataclass(frozen=True, slots=True)
class Step:
    """What happens between two pages: keys come, and the key at some place in the list goes."""

    come: list[Draft]
    goes: int | None


STEPS = st.builds(Step, st.lists(DRAFTS, max_size=2), st.none() | st.integers(0, 20))


@EXAMPLES
@given(
    drafts=st.lists(DRAFTS, min_size=2, max_size=12),
    query=FEW_FILTERS,
    steps=st.lists(STEPS, min_size=1, max_size=5),
)
async def test_nothing_is_skipped_or_doubled_while_keys_come_and_go(
    database: Database, drafts: list[Draft], query: KeyQuery, steps: list[Step]
) -> None:
    made = await stock(database, drafts)
    query = replace(made.asked(query), limit=min(query.limit, 3))
    throughout = {key.id for key in expected(made.keys, query)}
    seen: list[str] = []
    more, place = True, query
    for step in itertools.chain(steps, itertools.repeat(Step([], None))):
        async with database.read() as transaction:
            page = await transaction.keys(made.home.tenant_id).page(place, NOW)
        seen += [key.id for key in page.items]
        more = page.more
        if not more:
            break
        place = replace(query, after=page.positions[-1])
        async with database.write() as transaction:
            await add_keys(transaction, [made.key(draft) for draft in step.come])
            if step.goes is not None:
                gone = made.keys[step.goes % len(made.keys)].id
                await transaction.keys(made.home.tenant_id).delete([gone], NOW)
                throughout.discard(gone)
    assert len(seen) == len(set(seen))
    assert throughout <= set(seen)
    by_id = {key.id: order(key, query.sort) for key in made.keys}
    assert seen == sorted(seen, key=by_id.__getitem__, reverse=query.descending)


@EXAMPLES
@given(drafts=st.lists(DRAFTS, min_size=1, max_size=15), now=MOMENTS)
async def test_states_are_judged_as_the_core_judges_them(
    database: Database, drafts: list[Draft], now: datetime
) -> None:
    """Each key is in the list of one state, the one that `Key.state` gives it."""
    made = await stock(database, drafts)
    for state in State:
        query = KeyQuery(states=frozenset({state}), limit=200)
        found = await all_pages(database, made.home.tenant_id, query, now)
        assert {key.id for key in found} == {key.id for key in made.keys if key.state(now) is state}


async def test_a_place_outlives_its_row(database: Database) -> None:
    """A cursor is good for as long as somebody keeps it: the row it was taken from may be deleted or renamed."""
    home = await add_home(database)
    keys = [a_key(home, name=name) for name in "abcd"]
    async with database.write() as transaction:
        await add_keys(transaction, keys)
    query = KeyQuery(sort=KeySort.NAME, descending=False, limit=2)
    async with database.read() as transaction:
        page = await transaction.keys(home.tenant_id).page(query, NOW)
    async with database.write() as transaction:
        await transaction.keys(home.tenant_id).change(replace(keys[0], name="z"))
        await transaction.keys(home.tenant_id).delete([keys[1].id], NOW)
    rest = await all_pages(database, home.tenant_id, replace(query, after=page.positions[-1]))
    assert [key.name for key in rest] == ["c", "d", "z"]
