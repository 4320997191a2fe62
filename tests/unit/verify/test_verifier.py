"""The verifier: what it looks up, what it answers when it cannot, and what it remembers."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keywright.core.boottime import boottime
from keywright.core.decision import Asked, Code
from keywright.core.errors import Unavailable
from keywright.core.identities import Grant, Tenant
from keywright.core.limits import Credits
from keywright.core.roles import SUPER_ADMIN
from keywright.core.tokens import Form, digest, form_of, is_reserved, mint
from keywright.storage import Database
from keywright.verify import Strangers, UseLog, Verifier
from tests.support.facts import ACME, NOW, OTHER, some_facts
from tests.support.house import ManualClock
from tests.support.nodes import a_node
from tests.support.uncounted import uncounted

if TYPE_CHECKING:
    from pathlib import Path

    from keywright.core.ports import KeyFacts, KeyLookup

pytestmark = pytest.mark.anyio

TOKEN = mint(random=Random(1).randrange).reveal()  # the same in every process that collects the tests


class Drawer:
    """A look-up in memory, which notes what it was asked and can be away."""

    def __init__(self, *tenants: Tenant) -> None:
        self.keys: dict[bytes, KeyFacts] = {}
        self.tenants = {tenant.slug: tenant for tenant in tenants}
        self.asked: list[bytes | str] = []
        self.away = False

    async def by_digest(self, digest: bytes) -> KeyFacts | None:
        self.asked.append(digest)
        if self.away:
            raise Unavailable("Away.")
        return self.keys.get(digest)

    async def tenant(self, slug: str) -> tuple[Tenant, int] | None:
        self.asked.append(slug)
        if self.away:
            raise Unavailable("Away.")
        found = self.tenants.get(slug)
        return None if found is None else (found, 0)


def a_verifier(lookup: KeyLookup, clock: ManualClock, uses: UseLog) -> Verifier:
    """A verifier whose node has never asked for a lease, so that each decision is read anew."""
    return Verifier(lookup, clock, uses, node=a_node(clock), strangers=Strangers(boottime), **uncounted())


class Bench:
    """A verifier with all that it rests on."""

    def __init__(self) -> None:
        self.drawer = Drawer(ACME, OTHER)
        self.clock = ManualClock()
        self.uses = UseLog()
        self.verifier = a_verifier(self.drawer, self.clock, self.uses)

    def put(self, facts: KeyFacts, token: str = TOKEN) -> None:
        self.drawer.keys[digest(token)] = facts


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_key_is_found_by_its_token_and_by_its_digest(bench: Bench) -> None:
    facts = some_facts()
    bench.put(facts)
    for decision in (
        await bench.verifier.verify(TOKEN),
        await bench.verifier.verify_digest(digest(TOKEN)),
    ):
        assert (decision.code, decision.facts, decision.tenant) == (Code.VALID, facts, ACME)
    assert bench.drawer.asked == [digest(TOKEN)] * 2


async def test_a_key_made_elsewhere_is_found_by_its_digest_alone(bench: Bench) -> None:
    bench.put(some_facts(), "sk_live_of_somebody_else")
    assert (await bench.verifier.verify("sk_live_of_somebody_else")).valid


@pytest.mark.parametrize(
    "token",
    [
        "",
        " ",
        "kw_",
        "kws_",
        f"{TOKEN} ",
        TOKEN[:-1],
        TOKEN[:-1] + ("a" if TOKEN[-1] != "a" else "b"),
        "x" * 513,
        "clé",
        "a\0b",
        "\ud800",
        mint("kws", random=Random(2).randrange).reveal(),
        mint("kwi", random=Random(2).randrange).reveal(),
    ],
)
async def test_what_can_be_no_key_is_not_found_and_never_looked_up(bench: Bench, token: str) -> None:
    bench.drawer.away = True
    for asked in (Asked(), Asked(explain=True)):
        decision = await bench.verifier.verify(token, asked)
        assert (decision.code, decision.facts) == (Code.NOT_FOUND, None)
        assert (decision.explanation is not None) is asked.explain
    assert bench.drawer.asked == []


async def test_a_remembered_key_whose_credits_nobody_can_take_is_not_known(bench: Bench) -> None:
    node = a_node(bench.clock)
    await node.register()
    verifier = Verifier(
        bench.drawer, bench.clock, bench.uses, node=node, strangers=Strangers(boottime), **uncounted()
    )
    bench.put(some_facts(credits=Credits(5)))
    for asked in (Asked(), Asked(), Asked(explain=True)):
        decision = await verifier.verify(TOKEN, asked)
        assert (decision.code, decision.facts) == (Code.STALE, None)
    assert bench.drawer.asked == [digest(TOKEN)]
    assert bench.uses.take() == ()
    assert (await verifier.verify(TOKEN, charge=False)).valid


async def test_a_session_token_is_no_key_even_if_somebody_registered_its_digest(bench: Bench) -> None:
    session = mint("kws").reveal()
    bench.put(some_facts(), session)
    assert (await bench.verifier.verify(session)).code is Code.NOT_FOUND
    assert bench.drawer.asked == []


async def test_an_unknown_token_is_not_found(bench: Bench) -> None:
    decision = await bench.verifier.verify(TOKEN, Asked(explain=True))
    assert decision.code is Code.NOT_FOUND
    assert decision.explanation is not None
    assert decision.explanation.check == "token"


async def test_without_the_database_the_answer_is_not_known(bench: Bench) -> None:
    bench.drawer.away = True
    assert (await bench.verifier.verify(TOKEN)).code is Code.STALE
    decision = await bench.verifier.verify_digest(digest(TOKEN), Asked(explain=True))
    assert (decision.code, decision.facts) == (Code.STALE, None)
    assert decision.explanation is not None
    assert decision.explanation.check == "database"


async def test_a_real_database_that_is_not_there_is_stale_too(tmp_path: Path) -> None:
    database = Database.connect(f"sqlite:///{tmp_path}/nowhere/house.db")
    try:
        verifier = a_verifier(database.lookup, ManualClock(), UseLog())
        assert (await verifier.verify(TOKEN)).code is Code.STALE
        assert (await verifier.verify("kw_malformed")).code is Code.NOT_FOUND
    finally:
        await database.close()


async def test_a_database_that_goes_away_before_the_tenant_is_read_leaves_the_answer_unknown(
    bench: Bench,
) -> None:
    bench.put(some_facts(tenant=None))
    found = bench.drawer.by_digest

    async def then_away(digest: bytes) -> KeyFacts | None:
        facts = await found(digest)
        bench.drawer.away = True
        return facts

    bench.drawer.by_digest = then_away  # type: ignore[method-assign] # the moment between two reads
    assert (await bench.verifier.verify(TOKEN, Asked(tenant=ACME.slug))).code is Code.STALE


@pytest.mark.parametrize(
    ("asked", "code", "place"),
    [
        (None, Code.VALID, None),
        (ACME.slug, Code.VALID, ACME),
        (OTHER.slug, Code.VALID, OTHER),
        ("nowhere", Code.TENANT_MISMATCH, None),
    ],
)
async def test_a_global_key_is_used_where_the_question_says(
    bench: Bench, asked: str | None, code: Code, place: Tenant | None
) -> None:
    bench.put(some_facts(tenant=None, grants=[Grant(SUPER_ADMIN)]))
    decision = await bench.verifier.verify(TOKEN, Asked(tenant=asked))
    assert (decision.code, decision.tenant) == (code, place)


@pytest.mark.parametrize("slug", ["", "\0", "\ud800", "ACME", "a" * 101, "a b"])
async def test_what_is_no_slug_is_looked_for_nowhere(bench: Bench, slug: str) -> None:
    bench.put(some_facts(tenant=None))
    assert (await bench.verifier.verify(TOKEN, Asked(tenant=slug))).code is Code.TENANT_MISMATCH
    assert bench.drawer.asked == [digest(TOKEN)]


async def test_a_tenant_that_the_asker_does_not_see_does_not_exist(bench: Bench) -> None:
    def only_acme(tenant: Tenant) -> bool:
        return tenant == ACME

    foreign, everywhere = mint().reveal(), mint().reveal()
    bench.put(some_facts(tenant=ACME))
    bench.put(some_facts(tenant=OTHER), foreign)
    bench.put(some_facts(tenant=None, grants=[Grant(SUPER_ADMIN)]), everywhere)
    verify = bench.verifier.verify

    assert (await verify(TOKEN, Asked(), only_acme)).valid
    for asked in (Asked(), Asked(tenant=OTHER.slug), Asked(tenant=ACME.slug), Asked(explain=True)):
        hidden = await verify(foreign, asked, only_acme)
        assert hidden == await verify(mint().reveal(), asked, only_acme)
        assert hidden == await bench.verifier.verify_digest(digest(foreign), asked, only_acme)

    assert (await verify(everywhere, Asked(tenant=ACME.slug), only_acme)).valid
    hidden = await verify(everywhere, Asked(tenant=OTHER.slug), only_acme)
    missing = await verify(everywhere, Asked(tenant="nowhere"), only_acme)
    assert hidden == missing
    assert hidden.code is Code.TENANT_MISMATCH
    assert hidden.tenant is None


async def test_every_decision_about_a_known_key_is_noted(bench: Bench) -> None:
    bench.put(some_facts(id="key_one"))
    await bench.verifier.verify(TOKEN, Asked(ip=ip_address("192.0.2.7")))
    valid_at = bench.clock.now_us()
    bench.clock.advance(seconds=1)
    refusing = [
        (TOKEN, Asked(tenant=OTHER.slug)),
        (TOKEN, Asked(action="article:read")),
        (mint().reveal(), Asked()),
        ("malformed ", Asked()),
    ]
    for token, asked in refusing:
        assert not (await bench.verifier.verify(token, asked)).valid
    assert not (await bench.verifier.verify(TOKEN, Asked(), lambda _tenant: False)).valid
    bench.drawer.away = True
    assert not (await bench.verifier.verify(TOKEN)).valid
    (tally,) = bench.uses.take()
    use = tally.use()
    assert (use.key_id, use.at_us, use.ip) == ("key_one", valid_at, "192.0.2.7")
    assert {code: count for _, code, count in use.counts} == {
        "VALID": 1,
        "TENANT_MISMATCH": 1,
        "INSUFFICIENT_PERMISSIONS": 1,
    }


async def test_the_clock_is_asked_at_each_decision(bench: Bench) -> None:
    bench.put(some_facts(expires_at=NOW + timedelta(microseconds=1)))
    assert (await bench.verifier.verify(TOKEN)).valid
    bench.clock.advance(microseconds=1)
    assert (await bench.verifier.verify(TOKEN)).code is Code.EXPIRED


ANY_TEXT = st.text(st.characters(codec=None))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # nothing in the bench is kept
@given(
    st.one_of(
        ANY_TEXT,
        ANY_TEXT.map(lambda text: f"kw_{text}"),
        st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=600),
        st.from_regex(r"\A[a-z]{1,3}_[0-9A-Za-z]{37}\Z"),
    ),
    ANY_TEXT,
)
async def test_no_text_whatsoever_raises(bench: Bench, token: str, tenant: str) -> None:
    bench.drawer.asked.clear()
    decision = await bench.verifier.verify(token, Asked(tenant=tenant, action=tenant, resource=tenant))
    assert decision.code is Code.NOT_FOUND
    assert (bench.drawer.asked == []) is (form_of(token) is Form.MALFORMED or is_reserved(token))


@pytest.mark.parametrize("unit", ["x", "_", "kw_", "\ud800", "\0", "é", TOKEN, " "], ids=range(8))
async def test_a_megabyte_is_no_token_and_costs_no_look_up(bench: Bench, unit: str) -> None:
    token = unit * (1_000_000 // len(unit))
    assert (await bench.verifier.verify(token)).code is Code.NOT_FOUND
    assert bench.drawer.asked == []
    assert len(digest(token)) == 32
    assert form_of(token) is Form.MALFORMED
