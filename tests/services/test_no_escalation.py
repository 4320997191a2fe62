"""Nobody gains what nobody could give: random sequences of use cases, by callers of all sorts.

After each call the machine looks at every identity and every key. Whatever one of them may do that it might not do
before, the caller itself was allowed.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)

from keywright.core.decision import Asked, decide
from keywright.core.errors import KeywrightError
from keywright.core.identities import Grant, grants_in, role_set
from keywright.core.roles import (
    ADMIN,
    DEPLOYER,
    MEMBER,
    PROJECT_ADMIN,
    READ_ONLY,
    PolicyTemplate,
    Role,
    Variable,
)
from keywright.core.tokens import digest
from keywright.services.callers import Caller
from keywright.services.catalog import NewCatalog, apply_catalog
from keywright.services.keys import (
    KeyChanges,
    KeyIds,
    KeyTransfer,
    NewKey,
    create_key,
    delete_keys,
    transfer_key,
    update_key,
)
from keywright.services.memberships import (
    MembershipChanges,
    MembershipId,
    NewMembership,
    RoleInput,
    create_membership,
    delete_membership,
    update_membership,
)
from keywright.services.roles import (
    NewRole,
    RoleChanges,
    RoleName,
    VariableInput,
    create_role,
    delete_role,
    update_role,
)
from keywright.services.service_accounts import (
    NewServiceAccount,
    ServiceAccountChanges,
    create_service_account,
    update_service_account,
)
from keywright.storage import Database
from keywright.storage.migrate import upgrade
from tests.support.house import House, ManualClock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PROBES = (
    ("keys:create", None),
    ("keys:update", "key:key_1"),
    ("keys:own:create", None),
    ("identities:create", None),
    ("identities:update", None),
    ("roles:update", None),
    ("catalog:update", None),
    ("article:read", "article:cs:1"),
    ("article:read", "article:en:1"),
    ("article:write", "article:cs:1"),
    ("article:write", None),
)
"""What is looked at: each an action, and a resource or none."""

ACTIONS = [
    *("**", "**:read", "keys:*", "keys:own:*", "keys:create", "identities:*", "roles:*"),
    *("catalog:*", "article:*", "article:read"),
]
RESOURCES = [None, "article:cs:**", "article:*:1", "article:en:1", "key:**"]
TEMPLATES = [*RESOURCES, "article:${language}:**", "article:${language}:1"]
ROLES = ["editor", "writer", ADMIN, MEMBER, READ_ONLY, "manager", "unknown"]
LANGUAGE = ({"name": "language"},)


def policies(resources: list[str | None]) -> st.SearchStrategy[tuple[Any, ...]]:
    one = st.tuples(
        st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=2, unique=True).map(tuple),
        st.sampled_from(resources).map(lambda found: None if found is None else (found,)),
    )
    return st.lists(one, max_size=3).map(tuple)


SCOPES = st.none() | policies(RESOURCES)
VALUES = st.sampled_from([{}, {"language": ("cs",)}, {"language": ("en",)}, {"language": ("cs", "en")}])
GIVEN = st.lists(st.builds(RoleInput, st.sampled_from(ROLES), VALUES), max_size=2).map(tuple)
FLAGS = st.booleans()

Rights = dict[str, frozenset[tuple[str, str | None]]]


class Escalation(RuleBasedStateMachine):
    """Callers, and what they do to each other."""

    template: Path
    keys = Bundle("keys")
    accounts = Bundle("accounts")
    memberships = Bundle("memberships")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.mkdtemp()
        shutil.copy(self.template, self.folder)
        self.home = House(Database.connect(f"sqlite:///{self.folder}/house.db"), ManualClock())
        self.tokens: dict[str, str] = {}

    def teardown(self) -> None:
        self.runner.run(self.home.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    @initialize(target=keys)
    def begin(self) -> Any:
        return multiple(*self.runner.run(self._begin()))

    async def _begin(self) -> list[str]:
        """An administrator, a manager without rights of its own to articles, a writer, a member, and two from above."""
        home = self.home
        self.tenant = await home.tenant("acme")
        manage = ("keys:*", "identities:*", "roles:*", "catalog:*")
        await home.role(self.tenant, Role("manager", policies=(PolicyTemplate(manage),)))
        editor = Role(
            "editor",
            variables=(Variable("language"),),
            policies=(PolicyTemplate.of(["article:*"], ["article:${language}:**"]),),
        )
        await home.role(self.tenant, editor)
        admin = await home.service_account(self.tenant, Grant(ADMIN, self.tenant.id))
        manager = await home.service_account(self.tenant)
        await home.give(self.tenant, manager, "manager")
        both = await home.service_account(self.tenant)
        await home.give(self.tenant, both, "manager")
        await home.give(self.tenant, both, "editor", {"language": ["cs"]})
        made = [
            await home.key(self.tenant, admin),
            await home.key(self.tenant, admin, scope=[(["keys:*", "roles:*", "identities:*"], None)]),
            await home.key(self.tenant, manager),
            await home.key(self.tenant, both),
            await home.key(
                self.tenant, await home.service_account(self.tenant, Grant(MEMBER, self.tenant.id))
            ),
        ]
        made += [
            await home.key(self.tenant, await home.identity(Grant(role)))
            for role in (PROJECT_ADMIN, DEPLOYER)
        ]
        self.tokens |= {one.id: one.token for one in made}
        return [one.id for one in made]

    # What callers do

    @rule(target=keys, who=keys, owner=st.none() | accounts, given=st.none() | GIVEN, scope=SCOPES)
    def make_a_key(self, who: str, owner: str | None, given: Any, scope: Any) -> Any:
        new = NewKey(name="New", identity_id=owner, memberships=given if owner is None else None, scope=scope)
        made = self.act(who, create_key, new)
        if made is None:
            return multiple()
        self.tokens[made.view.key.id] = made.token.reveal()
        return made.view.key.id

    @rule(who=keys, key=keys, scope=SCOPES, active=FLAGS)
    def change_a_key(self, who: str, key: str, scope: Any, active: bool) -> None:
        self.act(who, update_key, KeyChanges(id=key, scope=scope, active=active))

    @rule(who=keys, key=consumes(keys))
    def delete_a_key(self, who: str, key: str) -> None:
        self.act(who, delete_keys, KeyIds((key,)))

    @rule(who=keys, key=keys, owner=accounts)
    def give_a_key_away(self, who: str, key: str, owner: str) -> None:
        self.act(who, transfer_key, KeyTransfer(key, owner, confirm=True))

    @rule(target=accounts, who=keys, given=GIVEN)
    def make_an_account(self, who: str, given: Any) -> Any:
        made = self.act(who, create_service_account, NewServiceAccount(name="New", memberships=given))
        return multiple() if made is None else made.view.identity.id

    @rule(who=keys, account=accounts, active=FLAGS)
    def switch_an_account(self, who: str, account: str, active: bool) -> None:
        self.act(who, update_service_account, ServiceAccountChanges(id=account, active=active))

    @rule(target=memberships, who=keys, account=accounts, role=st.sampled_from(ROLES), values=VALUES)
    def give_a_role(self, who: str, account: str, role: str, values: Any) -> Any:
        made = self.act(
            who, create_membership, NewMembership(identity_id=account, role=role, variables=values)
        )
        return multiple() if made is None else made.view.membership.id

    @rule(who=keys, membership=memberships, values=VALUES)
    def change_a_membership(self, who: str, membership: str, values: Any) -> None:
        self.act(who, update_membership, MembershipChanges(membership, values))

    @rule(who=keys, membership=consumes(memberships))
    def take_a_role(self, who: str, membership: str) -> None:
        self.act(who, delete_membership, MembershipId(membership))

    @rule(who=keys, name=st.sampled_from(["writer", "editor"]), allowed=policies(TEMPLATES))
    def define_a_role(self, who: str, name: str, allowed: Any) -> None:
        self.act(
            who, create_role, NewRole(name=name, variables=(VariableInput("language"),), policies=allowed)
        )

    @rule(who=keys, name=st.sampled_from(["writer", "editor", "manager"]), allowed=policies(RESOURCES))
    def change_a_role(self, who: str, name: str, allowed: Any) -> None:
        self.act(who, update_role, RoleChanges(name=name, policies=allowed))

    @rule(who=keys, name=st.sampled_from(["writer", "editor", "manager"]))
    def delete_a_role(self, who: str, name: str) -> None:
        self.act(who, delete_role, RoleName(name))

    @rule(who=keys, name=st.sampled_from(["writer", "editor", "manager"]), allowed=policies(TEMPLATES))
    def apply_a_catalog(self, who: str, name: str, allowed: Any) -> None:
        plain = [
            {"actions": list(actions)} | ({} if resources is None else {"resources": list(resources)})
            for actions, resources in allowed
        ]
        role = {"variables": {"language": {}}, "policies": plain}
        self.act(who, apply_catalog, NewCatalog(document={"roles": {name: role}}))

    # What it comes to

    def act(self, who: str, use: Any, data: Any) -> Any:
        """Run a use case for the holder of a key, and compare what everybody may do before and after."""
        return self.runner.run(self._act(who, use, data))

    async def _act(self, who: str, use: Any, data: Any) -> Any:
        try:
            caller = await self.home.caller(self.tokens[who])
        except KeywrightError:
            return None
        held = frozenset(probe for probe in PROBES if caller.may(self.tenant.id, *probe))
        before = await self.rights()
        try:
            result = await self.home.run(use, caller, data)
        except KeywrightError as refused:
            event(f"{use.name}: {refused.code}")
            result = None
        else:
            event(f"{use.name}: done")
        for name, now in (await self.rights()).items():
            gained = now - before.get(name, frozenset())
            assert gained <= held, f"{use.name} gave {name} {sorted(map(str, gained - held))}"
            assert result is not None or not gained
        return result

    async def rights(self) -> Rights:
        """What each identity and each key may do now."""
        found: Rights = {}
        async with self.home.database.read() as transaction:
            page = await transaction.identities.accounts(self.tenant.id, limit=1_000)
            for identity in page.items:
                held = await transaction.all_memberships.grants(identity.id)
                allows = role_set(grants_in(held, self.tenant.id)).policies.allows
                found[identity.id] = frozenset(p for p in PROBES if identity.active and allows(*p))
        for key_id, token in self.tokens.items():
            facts = await self.home.database.lookup.by_digest(digest(token))
            if facts is not None:
                now = self.home.clock.now_us()
                found[key_id] = frozenset(
                    probe
                    for probe in PROBES
                    if decide(facts, Asked(action=probe[0], resource=probe[1]), now, None).valid
                )
        return found


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> type[Escalation]:
    """The machine, with an empty database to copy for each run."""
    path = tmp_path_factory.mktemp("template") / "house.db"

    async def migrate() -> None:
        database = Database.connect(f"sqlite:///{path}")
        await upgrade(database)
        await database.close()

    asyncio.run(migrate())
    return type("Machine", (Escalation,), {"template": path})


def run(machine: type[Escalation], examples: int, phases: Sequence[Phase] = tuple(Phase)) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call] # Hypothesis has not annotated it
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            phases=phases,
            report_multiple_bugs=False,
            print_blob=False,
        ),
    )


def test_no_sequence_of_permitted_calls_gives_anybody_more_than_its_caller_holds(
    machine: type[Escalation],
) -> None:
    run(machine, 40)


@pytest.mark.parametrize("rule_taken_out", ["require_holds", "require_covers"])
def test_without_a_rule_the_machine_finds_the_way_around_it(
    machine: type[Escalation], monkeypatch: pytest.MonkeyPatch, rule_taken_out: str
) -> None:
    monkeypatch.setattr(Caller, rule_taken_out, lambda *_args, **_more: None)
    with pytest.raises(AssertionError, match="gave"):
        run(machine, 200, [Phase.generate])
