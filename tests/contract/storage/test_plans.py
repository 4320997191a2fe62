"""Plans: with thousands of rows, what must stay fast is answered from an index, in its order, without a sort.

The statements are those that the repositories send, taken down on their way to the driver.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, insert, text

from keywright.core.agents import Agent
from keywright.core.identities import IdentityKind
from keywright.core.ids import new_id
from keywright.core.keys import State
from keywright.core.listing import AuditQuery, Between, KeyQuery, KeySort, Position, beginnings
from keywright.core.usage import By
from keywright.storage import key_lists
from keywright.storage.lookup import KEY_SQL, TENANT_SQL
from keywright.storage.rows import key_values, role_values
from keywright.storage.schema import (
    agent,
    api_key,
    audit_entry,
    exercised,
    identity,
    identity_name,
    membership,
    person,
    role,
    tenant,
    usage,
)
from tests.contract.storage.making import (
    NOW,
    SECOND,
    Home,
    a_digest,
    a_key,
    a_role,
    a_tenant,
    an_identity,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from keywright.storage import Database, Transaction

pytestmark = pytest.mark.anyio

MANY = 2_000
BIG = Home(a_tenant("big"), an_identity())
BIG_TOO = Home(BIG.tenant, an_identity())
KINDS = (IdentityKind.SERVICE_ACCOUNT, IdentityKind.USER, IdentityKind.KEY, IdentityKind.KEY)
OTHERS = [Home(a_tenant(), an_identity(kind=KINDS[number % 4])) for number in range(500)]
INSTALLATION = Home(None, an_identity())
# Those that each speak for one key of the big tenant alone.
CROWD = [an_identity(kind=IdentityKind.KEY, tenant_id=BIG.tenant_id) for _ in range(MANY)]
ACCOUNTS = [an_identity(tenant_id=home.tenant_id) for home in (BIG, *OTHERS) for _ in range(4)]
PEOPLE = [an_identity(kind=IdentityKind.USER) for _ in range(2 * MANY)]
IDENTITY_FIELDS = ("id", "tenant_id", "kind", "name", "active", "created_at")
PLACES = {
    KeySort.CREATED_AT: Position(None, f"key_{700:032x}"),
    KeySort.NAME: Position("key 2", "key_7"),
    KeySort.EXPIRES_AT: Position(1772368215123456, "key_7"),
    KeySort.LAST_USED_AT: Position(1772368215123456, "key_7"),
}
INDEXES = {
    KeySort.CREATED_AT: "ix_api_key_newest",
    KeySort.NAME: "ix_api_key_by_name",
    KeySort.EXPIRES_AT: "ix_api_key_by_expiry",
    KeySort.LAST_USED_AT: "ix_api_key_by_last_use",
}


@pytest.fixture
async def filled(database: Database) -> Database:
    """A big tenant, many small ones, and global keys: some thousand keys in all, a tenth of them deleted."""
    homes = [BIG, BIG_TOO, INSTALLATION] * (MANY // 2) + [home for home in OTHERS for _ in range(6)]
    rows = []
    for number, home in enumerate(homes):
        key = a_key(
            home,
            id=f"key_{number:032x}",
            name=f"Key {number * 7919 % MANY}",
            handle=f"handle-{number}",
            hint=f"kw_{number:04}",
            expires_at=None if number % 3 else NOW + (number * 104729 % MANY) * SECOND,
            last_used_at=None if number % 4 == 0 else NOW + (number * 7 % MANY) * SECOND,
            deleted_at=NOW if number % 10 == 9 else None,
        )
        rows.append({**key_values(key), "digest": a_digest(number + 10**9)})
    homes_of_all = [BIG, BIG_TOO, INSTALLATION, *OTHERS]
    tenants = {home.tenant for home in homes_of_all if home.tenant is not None}
    async with database.writer.begin() as connection:
        await connection.execute(
            insert(tenant),
            [
                {name: getattr(one, name) for name in ("id", "slug", "name", "active", "created_at")}
                for one in tenants
            ],
        )
        await connection.execute(
            insert(identity),
            [
                {name: getattr(one, name) for name in IDENTITY_FIELDS}
                for one in (*(home.identity for home in homes_of_all), *CROWD, *ACCOUNTS, *PEOPLE)
            ],
        )
        await connection.execute(
            insert(identity_name),
            [
                {"identity_id": one.id, "tenant_id": one.tenant_id, "folded": folded}
                for one in (*(home.identity for home in homes_of_all), *ACCOUNTS, *PEOPLE)
                for folded in beginnings(one.name)
            ],
        )
        await connection.execute(
            insert(membership),
            [
                {
                    "id": f"mem_{number}-{role}",
                    "identity_id": home.identity.id,
                    "tenant_id": home.tenant_id,
                    "role": f"role {role}",
                    "created_at": NOW,
                }
                for number, home in enumerate(homes_of_all)
                for role in range(3)
            ],
        )
        await connection.execute(
            insert(role),
            [
                {
                    "id": one.id,
                    "tenant_id": one.tenant_id,
                    "by_catalog": False,
                    "created_at": NOW,
                    "updated_at": NOW,
                    **role_values(one.role),
                }
                for home in (BIG, *OTHERS)
                for one in (a_role(str(home.tenant_id), f"role {number}") for number in range(3))
            ],
        )
        await connection.execute(
            insert(person),
            [
                {
                    "identity_id": one.id,
                    "login": f"login {number}",
                    "email": f"{number}@example.org",
                }
                for number, one in enumerate([*(home.identity for home in homes_of_all), *PEOPLE])
            ],
        )
        await connection.execute(insert(api_key), rows)
        await connection.execute(
            insert(audit_entry),
            [
                {
                    "id": f"aud_{number:032x}",
                    "tenant_id": home.tenant_id,
                    "at": NOW,
                    "actor_kind": "system",
                    "action": "key.create",
                    "target_type": "key",
                    "target_id": f"key_{number // 3:032x}",
                    "changes": "{}",
                }
                for number, home in enumerate(homes)
            ],
        )
        if database.dialect == "postgresql":  # in production autovacuum does this; SQLite is never analysed
            await connection.execute(text("ANALYZE"))
    return database


Statement = tuple[str, Any]


@contextmanager
def taken_down(database: Database) -> Iterator[list[Statement]]:
    """The statements that are sent meanwhile, with their parameters."""
    sent: list[Statement] = []
    engine = database.writer.sync_engine

    def take(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith(("SELECT", "WITH", "UPDATE", "DELETE")):
            sent.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", take)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", take)


async def plans(database: Database, statement: Statement) -> list[Any]:
    """How the engine would run a statement.

    On PostgreSQL both with these values and with any, since it changes over to the latter after a few runs.
    """
    sql, parameters = statement
    async with database.writer.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        if database.dialect == "sqlite":
            async with raw.execute(f"EXPLAIN QUERY PLAN {sql}", parameters) as rows:
                return ["\n".join(row[3] for row in await rows.fetchall())]
        special = await raw.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *parameters)
        await raw.execute(f"SET plan_cache_mode = force_generic_plan; PREPARE asked AS {sql}")
        nulls = ", ".join(["NULL"] * len(parameters))
        general = await raw.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE asked({nulls})")
        await raw.execute("DEALLOCATE asked; RESET plan_cache_mode")
        return [special, general]


def faults(dialect: str, plan: Any, index: str, *, sorts: bool) -> list[str]:
    """What is wrong with a plan: rows read in no order, a sort, or another index than the one for this."""
    if dialect == "sqlite":
        bad = [
            line
            for line in plan.splitlines()
            if re.search(r"SCAN(?! head| anon_|.*subquery)" if sorts else r"SCAN(?! head)|B-TREE", line)
        ]
        return [*bad, plan] if bad or not re.search(index, plan) else []
    kinds, indexes = nodes(plan[0]["Plan"])
    bad = [kind for kind in kinds if re.search(r"Seq Scan" if sorts else r"Seq Scan|Sort", kind)]
    return [*bad, str(plan)] if bad or not re.search(index, " ".join(indexes)) else []


def nodes(plan: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The kinds of a plan's nodes, and the indexes that they use."""
    # The head is one row, and nobody here has a catalog: no index would find these sooner.
    kinds = [] if plan.get("Relation Name") in {"head", "catalog"} else [plan["Node Type"]]
    indexes = [plan["Index Name"]] if "Index Name" in plan else []
    for child in plan.get("Plans", ()):
        more_kinds, more_indexes = nodes(child)
        kinds += more_kinds
        indexes += more_indexes
    return kinds, indexes


async def check(
    database: Database,
    index: str,
    act: Callable[[Transaction], Awaitable[object]],
    *more: str,
    sorts: bool = False,
    last: bool = False,
) -> None:
    """That what is done is one statement, answered from the index of this pattern; `more` are those of others.

    `sorts` lets the few rows that an index has found be sorted. `last` looks at the last statement alone.
    """
    with taken_down(database) as sent:
        async with database.write() as transaction:
            await act(transaction)
    if last:
        del sent[:-1]
    for (sql, parameters), pattern in zip(sent, (index, *more), strict=True):
        one = parameters[0] if isinstance(parameters, list) else parameters
        for plan in await plans(database, (sql, one)):
            found = faults(database.dialect, plan, pattern, sorts=sorts)
            assert found == [], f"{sql}\n{found}"


async def test_every_list_order_has_its_index(filled: Database) -> None:
    for home in (BIG, INSTALLATION):
        for sort in KeySort:
            for descending in (False, True):
                first = KeyQuery(sort=sort, descending=descending, limit=50)
                for query in (first, replace(first, after=PLACES[sort])):
                    await check(filled, INDEXES[sort], listing(home, query))


def listing(home: Home, query: KeyQuery) -> Callable[[Transaction], Awaitable[object]]:
    return lambda transaction: transaction.keys(home.tenant_id).page(query, NOW)


async def test_filters_that_have_an_index(filled: Database) -> None:
    handle = KeyQuery(handle="handle-501")
    await check(filled, "uq_api_key_handle", listing(BIG, handle), sorts=True)
    await check(filled, "uq_api_key_(global_)?handle", listing(INSTALLATION, handle), sorts=True)
    owner = KeyQuery(identity_id=BIG.identity.id)
    for query in (owner, replace(owner, after=PLACES[KeySort.CREATED_AT])):
        await check(filled, "ix_api_key_by_owner", listing(BIG, query))
    for sort in KeySort:
        active = KeyQuery(states=frozenset({State.ACTIVE}), sort=sort)
        for query in (active, replace(active, after=PLACES[sort])):
            # Most keys are: that they are not few is seen at the first hundred, and then the list is walked.
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(key_lists, "FEW", 100)
                await check(filled, INDEXES[sort], listing(BIG, query), last=True)
    beginning = KeyQuery(name_prefix="key 19", sort=KeySort.NAME)
    for query in (beginning, replace(beginning, after=Position("key 195", "key_7"))):
        await check(filled, "ix_api_key_by_name", listing(BIG, query))


@pytest.mark.parametrize("sort", KeySort)
async def test_the_few_that_a_filter_leaves_are_found_from_its_index(filled: Database, sort: KeySort) -> None:
    queries = {
        "disabled": KeyQuery(states=frozenset({State.DISABLED})),
        "to_begin": KeyQuery(states=frozenset({State.NOT_YET_VALID})),
        "(by_expiry|sweep)": KeyQuery(states=frozenset({State.EXPIRED})),
        "(disabled|by_expiry|sweep)": KeyQuery(states=frozenset({State.DISABLED, State.EXPIRED})),
    }
    spans = {
        (KeySort.EXPIRES_AT, "by_expiry"): KeyQuery(expires=Between(NOW, NOW + 9 * SECOND)),
        (KeySort.LAST_USED_AT, "by_last_use"): KeyQuery(last_used=Between(NOW, NOW + 9 * SECOND)),
        (KeySort.CREATED_AT, "newest"): KeyQuery(created=Between(NOW + SECOND, NOW + 9 * SECOND)),
    }
    queries |= {index: query for (own, index), query in spans.items() if own is not sort}
    for index, query in queries.items():
        one = replace(query, sort=sort)
        for asked in (one, replace(one, after=PLACES[sort])):
            pattern = f"ix_api_key_{index}"
            await check(filled, pattern, listing(BIG, asked), pattern, sorts=True)


@pytest.mark.parametrize("sort", KeySort)
async def test_a_search_looks_up_what_names_a_key_exactly(filled: Database, sort: KeySort) -> None:
    for home in (BIG, INSTALLATION):
        query = KeyQuery(search="key 19", sort=sort)
        for one in (query, replace(query, after=PLACES[sort])):
            indexes = ["ix_api_key_by_hint", "uq_api_key_(global_)?handle"]
            for index in [*indexes, *(["ix_api_key_by_name"] if sort is KeySort.NAME else [])]:
                await check(filled, index, listing(home, one), sorts=True)


PRIMARY = r"pk_api_key|ix_api_key_newest|sqlite_autoindex_api_key_"
DIGEST = r"uq_api_key_digest|sqlite_autoindex_api_key_"


async def test_points_are_looked_up(filled: Database) -> None:
    key_id, mine = f"key_{501:032x}", BIG.tenant_id
    soon = NOW + 9 * SECOND
    await check(filled, DIGEST, lambda transaction: transaction.all_keys.by_digest(a_digest(10**9)))
    await check(filled, PRIMARY, lambda transaction: transaction.keys(mine).by_id(key_id, lock=True))
    await check(filled, PRIMARY, lambda transaction: transaction.all_keys.by_id(key_id))
    await check(filled, PRIMARY, lambda transaction: transaction.keys(mine).by_ids([key_id], lock=True))
    await check(
        filled,
        PRIMARY,
        lambda transaction: transaction.keys(mine).delete([key_id], NOW),
        "membership",
        "identity",
    )
    await check(filled, PRIMARY, lambda transaction: transaction.all_keys.touch([(key_id, NOW, None)]))
    await check(
        filled, "ix_api_key_sweep", lambda transaction: transaction.all_keys.expired_before(soon, 500)
    )


async def test_people_and_roles_are_looked_up(filled: Database) -> None:
    mine, who = str(BIG.tenant_id), BIG.identity.id
    looks: list[tuple[str, Callable[[Transaction], Awaitable[object]]]] = [
        (r"person", lambda transaction: transaction.people.by_login("login 7")),
        (r"person", lambda transaction: transaction.people.by_login("7@example.org")),
        (r"person", lambda transaction: transaction.people.page(None, login="login 7", limit=50)),
        (r"person", lambda transaction: transaction.people.page(mine, login="login 7", limit=50)),
        (r"person", lambda transaction: transaction.people.by_id(who, lock=True)),
        (
            r"membership_(identity_id|1)|membership",
            lambda transaction: transaction.people.in_tenant(mine, who),
        ),
        (r"identity", lambda transaction: transaction.identities.in_tenant(mine, who)),
        (r"identity", lambda transaction: transaction.identities.owned(mine, who, lock=True)),
        (r"membership", lambda transaction: transaction.all_memberships.grants(who)),
        (r"membership", lambda transaction: transaction.memberships(mine).of([who])),
        (r"membership", lambda transaction: transaction.memberships(mine).by_id("mem_0-1", lock=True)),
        (r"role", lambda transaction: transaction.roles(mine).by_name("role 1", lock=True)),
        (r"tenant", lambda transaction: transaction.tenants.by_slug("big")),
        (r"tenant", lambda transaction: transaction.tenants.by_id(mine, lock=True)),
        (r"tenant", lambda transaction: transaction.tenants.named({mine})),
    ]
    for index, act in looks:
        await check(filled, index, act, sorts=True)


async def test_lists_of_people_and_roles_have_their_indexes(filled: Database) -> None:
    mine = str(BIG.tenant_id)
    here = Position(None, CROWD[9].id)
    await check(filled, "ix_identity_by_kind", accounts(mine, None))
    # PostgreSQL may prefer to go on by id, when it does not know how many a tenant has.
    await check(filled, "ix_identity_by_kind|pk_identity", accounts(mine, here))
    await check(filled, "pk_person|sqlite_autoindex_person_", everybody(here))
    for where in (mine, None):
        for after in (None, Position(None, "mem_1")):
            await check(filled, "ix_membership_in_order", members(where, after))
    for after in (None, Position("role 1", "rol_1")):
        await check(filled, "uq_role_tenant_id_name|sqlite_autoindex_role_", roles(mine, after))


async def test_people_and_service_accounts_are_searched_by_their_indexes(filled: Database) -> None:
    here = Position(None, CROWD[9].id)
    for after in (None, here):
        await check(
            filled, "ix_identity_name_beginning", accounts(str(BIG.tenant_id), after, "iden"), sorts=True
        )
        for where in (str(BIG.tenant_id), None):
            for index in (
                "ix_identity_name_beginning",
                r"uq_person_login|sqlite_autoindex_person_",
                "uq_person_email",
            ):
                await check(filled, index, everybody(after, where, search="7@example"), sorts=True)


def accounts(
    tenant_id: str, after: Position | None, search: str | None = None
) -> Callable[[Transaction], Awaitable[object]]:
    return lambda transaction: transaction.identities.accounts(
        tenant_id, search=search, limit=50, after=after
    )


def everybody(
    after: Position | None, tenant_id: str | None = None, search: str | None = None
) -> Callable[[Transaction], Awaitable[object]]:
    return lambda transaction: transaction.people.page(tenant_id, search=search, limit=50, after=after)


def members(tenant_id: str | None, after: Position | None) -> Callable[[Transaction], Awaitable[object]]:
    return lambda transaction: transaction.memberships(tenant_id).page(limit=50, after=after)


def roles(tenant_id: str, after: Position | None) -> Callable[[Transaction], Awaitable[object]]:
    return lambda transaction: transaction.roles(tenant_id).page(limit=50, after=after)


async def test_an_audit_trail_is_read_from_an_index(filled: Database) -> None:
    target = f"key_{500:032x}"
    for tenant_id in (BIG.tenant_id, None):
        for after in (None, Position(1772368215123456, "aud_7")):
            for index, wanted in (("ix_audit_entry_newest", None), ("ix_audit_entry_target", target)):
                await check(filled, index, trail(tenant_id, wanted, after))


def trail(
    tenant_id: str | None, target_id: str | None, after: Position | None
) -> Callable[[Transaction], Awaitable[object]]:
    return lambda transaction: transaction.audit(tenant_id).page(
        AuditQuery(target_id=target_id), limit=50, after=after
    )


@pytest.fixture
async def used(filled: Database) -> Database:
    """The same, and each of many keys of two tenants and none used in the last hours."""
    owners = [BIG.tenant_id, OTHERS[0].tenant_id, None]
    keys = [(f"key_{number:032x}", owners[number % 3]) for number in range(MANY)]
    async with filled.writer.begin() as connection:
        await connection.execute(
            insert(usage),
            [
                {
                    "key_id": key_id,
                    "hour": NOW - hour * 3600 * SECOND,
                    "code": "VALID",
                    "tenant_id": tenant_id,
                    "count": 1,
                }
                for key_id, tenant_id in keys
                for hour in range(6)
            ],
        )
        await connection.execute(
            insert(exercised),
            [
                {
                    "key_id": key_id,
                    "action": f"article:{number}",
                    "tenant_id": tenant_id,
                    "count": 1,
                    "last_at": NOW - number * SECOND,
                }
                for key_id, tenant_id in keys
                for number in range(3)
            ],
        )
        if filled.dialect == "postgresql":
            await connection.execute(text("ANALYZE usage, exercised"))
    return filled


PK_USAGE = r"pk_usage|sqlite_autoindex_usage_"
PK_EXERCISED = r"pk_exercised|sqlite_autoindex_exercised_"


async def test_usage_is_read_from_indexes(used: Database) -> None:
    key_id, hour = f"key_{501:032x}", 3600 * SECOND
    short = Between(NOW - hour, NOW)
    for tenant_id in (BIG.tenant_id, None):
        for by in By:
            await check(used, PK_USAGE, usage_of(tenant_id, key_id, short, by), sorts=True)
            await check(used, "ix_usage_of_tenant", usage_of(tenant_id, None, short, by), sorts=True)
        await check(used, "ix_usage_of_tenant", busiest(tenant_id, short), sorts=True)
        await check(used, PK_EXERCISED, exercised_of(tenant_id, key_id), sorts=True)
        await check(used, PK_USAGE, usage_of_keys(tenant_id, [key_id], short), sorts=True)
    old = NOW - 5 * hour + SECOND
    await check(
        used,
        "ix_usage_hour",
        lambda transaction: transaction.all_usage.forget_counts_before(old, 9),
        PK_USAGE,
    )
    long_ago = NOW - 2 * SECOND + SECOND / 2
    await check(
        used,
        "ix_exercised_last_at",
        lambda transaction: transaction.all_usage.forget_exercised_before(long_ago, 9),
        PK_EXERCISED,
    )


def usage_of(
    tenant_id: str | None, key_id: str | None, span: Between, by: By
) -> Callable[[Transaction], Awaitable[object]]:
    if key_id is None:
        return lambda transaction: transaction.usage(tenant_id).of_all(span, by)
    return lambda transaction: transaction.usage(tenant_id).of_key(key_id, span, by)


def usage_of_keys(
    tenant_id: str | None, key_ids: list[str], span: Between
) -> Callable[[Transaction], Awaitable[object]]:
    return lambda transaction: transaction.usage(tenant_id).of_keys(key_ids, span)


def busiest(tenant_id: str | None, span: Between) -> Callable[[Transaction], Awaitable[object]]:
    return lambda transaction: transaction.usage(tenant_id).busiest(span, 10)


def exercised_of(tenant_id: str | None, key_id: str) -> Callable[[Transaction], Awaitable[object]]:
    return lambda transaction: transaction.usage(tenant_id).exercised(key_id)


@pytest.fixture
async def announced(filled: Database) -> Database:
    """The same, and agents of a big tenant and of small ones."""
    homes = [BIG] * MANY + OTHERS
    async with filled.writer.begin() as connection:
        await connection.execute(
            insert(agent),
            [
                {
                    "id": f"agt_{number:032x}",
                    "tenant_id": home.tenant_id,
                    "key_id": f"key_{number % 200 * 3:032x}" if home is BIG else None,
                    "identity_id": CROWD[number % 200].id,
                    "fingerprint": a_digest(number),
                    "kind": "LocalAgent",
                    "name": "agent",
                    "labels": "[]",
                    "registered_at": NOW,
                    "last_seen_at": NOW - number * SECOND,
                }
                for number, home in enumerate(homes)
            ],
        )
        if filled.dialect == "postgresql":
            await connection.execute(text("ANALYZE agent"))
    return filled


PK_AGENT = r"pk_agent|sqlite_autoindex_agent_"


async def test_agents_are_read_from_indexes(announced: Database) -> None:
    key_id, who = f"key_{3:032x}", CROWD[3].id
    for after in (None, Position(None, f"agt_{700:032x}")):
        await check(announced, PK_AGENT, agents(after))
        await check(announced, "ix_agent_of_key", agents(after, key_id=key_id))
        await check(announced, "ix_agent_of_identity", agents(after, identity_id=who))
    mine = str(BIG.tenant_id)
    await check(
        announced,
        "ix_agent_of_key",
        lambda transaction: transaction.agents(mine).carrying([key_id], named=3),
        sorts=True,
    )
    await check(announced, PK_AGENT, lambda transaction: transaction.agents(mine).by_id("agt_7"))
    await check(
        announced, PK_AGENT, lambda transaction: transaction.agents(mine).seen("agt_7", who, NOW, None)
    )
    await check(announced, PRIMARY, lambda transaction: transaction.agents(mine).keys([key_id]))
    long_ago = NOW - (MANY + 400) * SECOND
    await check(
        announced,
        "ix_agent_last_seen_at",
        lambda transaction: transaction.all_agents.forget_before(long_ago),
    )
    for key in (key_id, None):
        index = "ix_agent_of_key" if key else "ix_agent_of_(key|identity)"
        await check(announced, index, announcing(key), sorts=True)


def agents(after: Position | None, **which: str) -> Callable[[Transaction], Awaitable[object]]:
    return lambda transaction: transaction.agents(str(BIG.tenant_id)).page(limit=50, after=after, **which)


def announcing(key_id: str | None) -> Callable[[Transaction], Awaitable[object]]:
    new = Agent(
        id=new_id("agt"),
        tenant_id=str(BIG.tenant_id),
        key_id=key_id,
        identity_id=CROWD[3].id,
        kind="LocalAgent",
        name="new",
        labels=(),
        version=None,
        registered_at=NOW,
        last_seen_at=NOW,
        last_seen_ip=None,
    )
    return lambda transaction: transaction.agents(new.tenant_id).add(new)


async def test_a_verification_reads_by_indexes_alone(filled: Database) -> None:
    for statement, parameter, index in (
        (KEY_SQL, a_digest(10**9), DIGEST),
        (TENANT_SQL, "big", r"uq_tenant_slug|sqlite_autoindex_tenant_"),
    ):
        for plan in await plans(filled, (statement[filled.dialect], (parameter,))):
            assert faults(filled.dialect, plan, index, sorts=False) == []
