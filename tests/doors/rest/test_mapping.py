"""Nothing is lost or made up between the shapes of REST and the values of the services."""

from __future__ import annotations

import json
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from keywright.api.rest import mapping, models
from keywright.core.identities import Identity, IdentityKind, Tenant
from keywright.core.instants import LATEST, from_us, to_us
from keywright.core.keys import Key
from keywright.core.limits import MAX_USES, Credits, Every, Limit, Refill
from keywright.core.permissions import Policy
from keywright.services.keys import KeyQuestion, KeyTransfer, KeyView
from keywright.services.memberships import RoleInput

names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=10)
moments = st.integers(0, to_us(LATEST) - 1).map(from_us)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
metadata = st.dictionaries(names, json_values, max_size=3)
patterns = st.lists(st.sampled_from(["a", "a:*", "**", "b:c:**"]), min_size=1, max_size=3)
policies = st.tuples(patterns, st.none() | patterns)
networks = st.one_of(
    st.builds(lambda n: IPv4Network((n << 8, 24)), st.integers(0, 2**24 - 1)),
    st.builds(lambda n: IPv6Network((n << 64, 64)), st.integers(0, 2**64 - 1)),
)
given_roles = st.fixed_dictionaries(
    {"role": names},
    optional={"variables": st.dictionaries(names, st.lists(names, max_size=2), max_size=2)},
)
plain_policies = policies.map(lambda one: {"actions": one[0], "resources": one[1]})

numbers = st.integers(1, MAX_USES)
given_limits = st.lists(
    st.fixed_dictionaries({"name": names, "limit": numbers, "window_seconds": numbers}), max_size=2
)
given_refills = st.none() | st.fixed_dictionaries({"amount": numbers, "every": st.sampled_from(Every)})
given_credits = st.fixed_dictionaries({"remaining": numbers}, optional={"refill": given_refills})

FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "name": names,
    "description": names,
    "handle": st.none() | names,
    "scope": st.none() | st.lists(plain_policies, max_size=2),
    "not_before": st.none() | moments.map(datetime.isoformat),
    "expires_at": st.none() | moments.map(datetime.isoformat),
    "allowed_cidrs": st.none() | st.lists(networks.map(str), max_size=2),
    "metadata": st.none() | metadata,
    "limits": st.none() | given_limits,
    "credits": st.none() | given_credits,
    "active": st.booleans(),
}
AT_CREATION = {
    **{name: values for name, values in FIELDS.items() if name not in {"name", "active"}},
    "tenant": st.none() | names,
    "prefix": st.none() | names,
    "token_hash": st.none() | names,
    "identity_id": st.none() | names,
    "memberships": st.none() | st.lists(given_roles, max_size=2),
    "template": st.none() | names,
}


def given_uses(value: Any) -> Any:
    """Address ranges, limits or credits as the services take them."""
    if isinstance(value, list):
        return tuple(
            one if isinstance(one, str) else (one["name"], one["limit"], one["window_seconds"])
            for one in value
        )
    refill = value.get("refill")
    return (value["remaining"], refill and (refill["amount"], refill["every"]))


def given_value(name: str, value: Any) -> Any:
    """A JSON value as the services take it."""
    match name, value:
        case _, None:
            return None
        case "scope", _:
            return tuple(
                (tuple(one["actions"]), None if one["resources"] is None else tuple(one["resources"]))
                for one in value
            )
        case "not_before" | "expires_at", _:
            return datetime.fromisoformat(value)
        case "allowed_cidrs" | "limits" | "credits", _:
            return given_uses(value)
        case "memberships", _:
            return tuple(
                RoleInput(one["role"], {name: tuple(held) for name, held in one.get("variables", {}).items()})
                for one in value
            )
    return value


@given(st.fixed_dictionaries({}, optional=FIELDS))
def test_a_change_holds_the_fields_that_were_sent_and_no_others(sent: dict[str, Any]) -> None:
    changes = mapping.key_changes("key_1", models.KeyPatch.model_validate(json.loads(json.dumps(sent))))
    assert changes.id == "key_1"
    for name in FIELDS:
        expected = given_value(name, sent[name]) if name in sent else UNSET
        assert getattr(changes, name) == expected


@given(st.fixed_dictionaries({"name": names}, optional=AT_CREATION))
def test_a_creation_holds_what_was_sent(sent: dict[str, Any]) -> None:
    new = mapping.new_key(models.KeyIn.model_validate(json.loads(json.dumps(sent))))
    assert new.name == sent["name"]
    for name in AT_CREATION:
        missing = "" if name == "description" else None
        assert getattr(new, name) == (given_value(name, sent[name]) if name in sent else missing)


def test_a_change_of_owner_is_looked_at_unless_it_is_confirmed() -> None:
    body = models.KeyTransferIn.model_validate({"identity_id": "idn_1"})
    assert mapping.key_transfer("key_1", body) == KeyTransfer("key_1", "idn_1")
    body = models.KeyTransferIn.model_validate({"identity_id": "idn_1", "confirm": True})
    assert mapping.key_transfer("key_1", body) == KeyTransfer("key_1", "idn_1", confirm=True)


def test_a_question_about_a_key_holds_what_was_sent() -> None:
    assert mapping.key_question("key_1", models.KeyQuestionIn()) == KeyQuestion(id="key_1")
    body = models.KeyQuestionIn(action="a", resource="r", ip="i", tenant="t")
    expected = KeyQuestion(id="key_1", action="a", resource="r", ip="i", where="t")
    assert mapping.key_question("key_1", body) == expected


keys = st.builds(
    Key,
    id=names,
    tenant_id=st.none() | names,
    identity_id=names,
    name=names,
    handle=st.none() | names,
    description=names,
    prefix=names,
    hint=st.none() | names,
    last_seven=st.none() | names,
    created_at=moments,
    created_by=st.none() | names,
    not_before=st.none() | moments,
    expires_at=st.none() | moments,
    active=st.booleans(),
    scope=st.none() | st.lists(policies.map(lambda one: Policy.parse(*one)), max_size=2).map(tuple),
    allowed_cidrs=st.none() | st.lists(networks, max_size=2).map(tuple),
    metadata=metadata.map(json.dumps),
    last_used_at=st.none() | moments,
    last_used_ip=st.none() | names,
    deleted_at=st.none(),
    limits=st.none() | st.lists(st.builds(Limit, names, numbers, numbers), max_size=2).map(tuple),
    credits=st.none()
    | st.builds(
        Credits,
        numbers,
        st.none() | st.builds(Refill, numbers, st.sampled_from(Every)),
        st.none() | moments,
    ),
)
tenants = st.builds(Tenant, id=names, slug=names, name=names, active=st.booleans(), created_at=moments)
owners = st.builds(
    Identity,
    id=names,
    kind=st.sampled_from(IdentityKind),
    name=names,
    active=st.booleans(),
    tenant_id=st.none() | names,
    created_at=moments,
)


def moment(text: str | None) -> datetime | None:
    assert text is None or text.endswith("Z")
    return None if text is None else datetime.fromisoformat(text)


def credits_of(told: dict[str, Any]) -> Credits:
    refill = told["refill"]
    every = None if refill is None else Refill(refill["amount"], Every(refill["every"]))
    return Credits(told["remaining"], every, moment(told["refill_at"]))


@given(keys, st.none() | tenants, st.none() | owners, moments)
def test_a_key_can_be_read_back_from_its_answer(
    key: Key, tenant: Tenant | None, owner: Identity | None, now: datetime
) -> None:
    view = KeyView(key, key.state(now), tenant, owner)
    told = json.loads(mapping.key(view).model_dump_json())
    assert told["tenant"] == (None if tenant is None else tenant.slug)
    assert told["identity"] == (
        None if owner is None else {"id": owner.id, "kind": owner.kind.value, "name": owner.name}
    )
    assert told["state"] == view.state
    assert json.loads(key.metadata) == told["metadata"]
    scope, cidrs = told["scope"], told["allowed_cidrs"]
    limits, credits_ = told["limits"], told["credits"]
    assert key == Key(
        id=told["id"],
        tenant_id=key.tenant_id,
        identity_id=told["identity_id"],
        name=told["name"],
        handle=told["handle"],
        description=told["description"],
        prefix=told["prefix"],
        hint=told["hint"],
        last_seven=told["last_seven"],
        created_at=datetime.fromisoformat(told["created_at"]),
        created_by=told["created_by"],
        not_before=moment(told["not_before"]),
        expires_at=moment(told["expires_at"]),
        active=told["active"],
        scope=None
        if scope is None
        else tuple(Policy.parse(one["actions"], one["resources"]) for one in scope),
        allowed_cidrs=None if cidrs is None else tuple(map(ip_network, cidrs)),
        metadata=key.metadata,
        last_used_at=moment(told["last_used_at"]),
        last_used_ip=told["last_used_ip"],
        limits=None if limits is None else tuple(Limit(**one) for one in limits),
        credits=None if credits_ is None else credits_of(credits_),
    )
