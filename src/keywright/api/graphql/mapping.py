"""Between the shapes of GraphQL and the values of the services: pure functions, both ways.

What comes in is a dictionary of the arguments, already of the right types; a name that is not in it was left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from keywright.api.graphql import uses
from keywright.core.errors import InvalidType, InvalidValue
from keywright.core.keys import State
from keywright.core.listing import DEFAULT_PAGE, Between, KeyQuery, KeySort
from keywright.services.decisions import Question
from keywright.services.keys import KeyChanges, KeyId, KeyIds, ListKeys, NewKey
from keywright.services.memberships import RoleInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from keywright.core.decision import Decision, Explanation
    from keywright.core.identities import HeldRole, Identity, Tenant
    from keywright.core.permissions import Policy
    from keywright.core.roles import Values
    from keywright.services.keys import CreatedKey, KeyList, KeyView, PolicyInput
    from keywright.services.whoami import Holder

Args = dict[str, Any]
Shape = dict[str, Any]


def no_input(_args: Args) -> None:
    """For what takes no arguments."""
    return


def key_id(args: Args) -> KeyId:
    """The key that is asked for."""
    return KeyId(args["id"])


def list_keys(args: Args) -> ListKeys:
    """A question for a list of keys; null anywhere counts as left out."""
    wanted = args.get("filter") or {}
    order = args.get("orderBy") or {}
    sort = order.get("field", KeySort.CREATED_AT)
    direction = order.get("direction")
    query = KeyQuery(
        states=frozenset(State(one) for one in wanted.get("states") or ()),
        identity_id=wanted.get("identityId"),
        handle=wanted.get("handle"),
        name_prefix=wanted.get("namePrefix"),
        search=wanted.get("search"),
        created=_span(wanted.get("created")),
        expires=_span(wanted.get("expires")),
        ends=wanted.get("ends"),
        last_used=_span(wanted.get("lastUsed")),
        used=wanted.get("used"),
        sort=sort,
        descending=sort is KeySort.CREATED_AT if direction is None else direction == "DESC",
        limit=page_size(args),
    )
    return ListKeys(query=query, cursor=args.get("after"))


def _span(given: Mapping[str, Any] | None) -> Between:
    return Between() if given is None else Between(given.get("since"), given.get("until"))


def page_size(args: Args) -> int:
    """How many items a page is to have."""
    size = args.get("first")
    return DEFAULT_PAGE if size is None else size


def new_key(args: Args) -> NewKey:
    """What a creation asks for."""
    return any_new_key(args["input"])


def any_new_key(given: Args) -> NewKey:
    """What is said of a new key."""
    return NewKey(
        name=given["name"],
        description=given.get("description") or "",
        handle=given.get("handle"),
        tenant=given.get("tenant"),
        scope=policies(given.get("scope")),
        not_before=given.get("notBefore"),
        expires_at=given.get("expiresAt"),
        allowed_cidrs=as_tuple(given.get("allowedCidrs")),
        metadata=given.get("metadata"),
        limits=uses.given_limits(given.get("limits")),
        credits=uses.given_credits(given.get("credits")),
        prefix=given.get("prefix"),
        token_hash=given.get("tokenHash"),
        identity_id=given.get("identityId"),
        memberships=None if given.get("memberships") is None else given_roles(given["memberships"]),
        template=given.get("template"),
    )


def key_ids(args: Args) -> KeyIds:
    """The keys to be deleted."""
    return KeyIds(tuple(args["input"]["ids"]))


def question(args: Args) -> Question:
    """A question about one token."""
    given = args["input"]
    return Question(
        token=given.get("token"),
        token_hash=given.get("tokenHash"),
        tenant=given.get("tenant"),
        action=given.get("action"),
        resource=given.get("resource"),
        ip=given.get("ip"),
        explain=bool(given.get("explain")),
        cost=1 if given.get("cost") is None else given["cost"],
    )


def policies(given: Sequence[Mapping[str, Any]] | None) -> tuple[PolicyInput, ...] | None:
    """Policies as the services take them."""
    if given is None:
        return None
    return tuple((tuple(one["actions"]), as_tuple(one.get("resources"))) for one in given)


def as_tuple(given: Sequence[str] | None) -> tuple[str, ...] | None:
    """A list as the services take it."""
    return None if given is None else tuple(given)


def _same(value: Any) -> Any:  # noqa: ANN401 - any value
    return value


def never_null(name: str) -> Callable[[Any], Any]:
    """A reader of a value that cannot be null; it raises `InvalidType`."""

    def read(value: Any) -> Any:  # noqa: ANN401 - any value
        if value is None:
            raise InvalidType("This cannot be null. Leave it out to keep it as it is.", field=name)
        return value

    return read


# What an update can change: the field, its name in the services, how its value is read.
_CHANGES: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("name", "name", never_null("name")),
    ("description", "description", never_null("description")),
    ("active", "active", never_null("active")),
    ("handle", "handle", _same),
    ("scope", "scope", policies),
    ("notBefore", "not_before", _same),
    ("expiresAt", "expires_at", _same),
    ("allowedCidrs", "allowed_cidrs", as_tuple),
    ("metadata", "metadata", _same),
    ("limits", "limits", uses.given_limits),
    ("credits", "credits", uses.given_credits),
)


def key_changes(args: Args) -> KeyChanges:
    """What a change asks for: only the fields that were sent. Raises `InvalidType` for a null that clears nothing."""
    given = args["input"]
    return KeyChanges(
        id=given["id"],
        **{target: read(given[name]) if name in given else UNSET for name, target, read in _CHANGES},
    )


def identity(value: Identity) -> Shape:
    """An identity."""
    return {"id": value.id, "kind": value.kind, "name": value.name}


def tenant(value: Tenant) -> Shape:
    """A tenant as it stands beside other things: without its settings, which take `tenants:read`."""
    return {
        "id": value.id,
        "slug": value.slug,
        "name": value.name,
        "active": value.active,
        "createdAt": value.created_at,
        "settings": None,
    }


def policy(value: Policy) -> Shape:
    """A policy."""
    plain = value.to_plain()
    return {"actions": plain["actions"], "resources": plain.get("resources")}


def key(view: KeyView) -> Shape:
    """A key. Its metadata stays the JSON text that it is stored as."""
    it = view.key
    return {
        "id": it.id,
        "name": it.name,
        "description": it.description,
        "handle": it.handle,
        "prefix": it.prefix,
        "hint": it.hint,
        "lastSeven": it.last_seven,
        "state": view.state,
        "active": it.active,
        "owner": None if view.owner is None else identity(view.owner),
        "tenant": None if view.tenant is None else tenant(view.tenant),
        "scope": _scope(it.scope),
        "allowedCidrs": None if it.allowed_cidrs is None else [str(one) for one in it.allowed_cidrs],
        "notBefore": it.not_before,
        "expiresAt": it.expires_at,
        "createdAt": it.created_at,
        "createdBy": it.created_by,
        "lastUsedAt": it.last_used_at,
        "lastUsedIp": it.last_used_ip,
        "metadata": msgspec.Raw(it.metadata.encode()),
        "limits": None if it.limits is None else uses.limits(it.limits),
        "credits": None if it.credits is None else uses.credits_of(it.credits),
    }


def _scope(scope: Sequence[Policy] | None) -> list[Shape] | None:
    return None if scope is None else [policy(one) for one in scope]


def created_key(created: CreatedKey) -> Shape:
    """A created key; here, and only here, a token is revealed to GraphQL."""
    return {
        "apiKey": key(created.view),
        "token": None if created.token is None else created.token.reveal(),
        "replayed": created.replayed,
    }


def changed_key(view: KeyView) -> Shape:
    """A changed key."""
    return {"apiKey": key(view)}


def deleted_keys(ids: Sequence[str]) -> Shape:
    """Keys that were deleted."""
    return {"deletedIds": list(ids)}


def key_page(page: KeyList, asked: ListKeys) -> Shape:
    """A page of keys."""
    return connection([key(one) for one in page.items], page.cursors, more=page.more, after=asked.cursor)


def connection(nodes: Sequence[Shape], cursors: Sequence[str], *, more: bool, after: str | None) -> Shape:
    """A page in the form of Relay's connections. A cursor is handed out for an item, so before `after` stands one."""
    return {
        "edges": [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, nodes, strict=True)],
        "nodes": nodes,
        "pageInfo": {
            "hasNextPage": more,
            "hasPreviousPage": after is not None,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
    }


def viewer(holder: Holder) -> Shape:
    """The holder of a credential."""
    if holder.session is not None:
        credential: Shape = {
            "kind": "SESSION",
            "id": holder.session.id,
            "expiresAt": holder.session.ends_at,
            "apiKey": None,
        }
    else:
        assert holder.key is not None  # noqa: S101 - a holder has one of the two
        held = holder.key.key
        credential = {"kind": "KEY", "id": held.id, "expiresAt": held.expires_at, "apiKey": key(holder.key)}
    return {
        "identity": identity(holder.identity),
        "credential": credential,
        "tenant": None if holder.tenant is None else tenant(holder.tenant),
        "roles": roles(holder.roles),
        "passwordChangeDue": holder.user is not None and holder.user.password_change_due,
    }


def roles(held: Sequence[HeldRole]) -> list[Shape]:
    """Roles that count, with the values of their variables."""
    return [{"role": one.role, "variables": values(one.variables)} for one in held]


def values(given: Values) -> list[Shape]:
    """Variables of a role with their values."""
    return [{"name": name, "values": list(found)} for name, found in given]


def given_values(given: Sequence[Mapping[str, Any]] | None) -> dict[str, tuple[str, ...]]:
    """Values of variables, as the services take them. Raises `InvalidValue` for a variable that is there twice."""
    found = {one["name"]: tuple(one["values"]) for one in given or ()}
    if len(found) < len(given or ()):
        raise InvalidValue("A variable is there twice.", field="variables")
    return found


def given_roles(given: Sequence[Mapping[str, Any]] | None) -> tuple[RoleInput, ...]:
    """Roles to be given, as the services take them."""
    return tuple(RoleInput(one["role"], given_values(one.get("variables"))) for one in given or ())


def verdict(decision: Decision) -> Shape:
    """A decision: when it is not valid, only its code, where the key was found its id, and the limits."""
    shape: Shape = {
        "valid": decision.valid,
        "code": decision.code,
        "explanation": None if decision.explanation is None else explanation(decision.explanation),
        **uses.of_decision(decision),
    }
    facts = decision.facts
    if facts is None:
        return shape
    shape["keyId"] = facts.key.id
    if decision.valid:
        shape |= {
            "name": facts.key.name,
            "identity": identity(facts.identity),
            "tenant": None if decision.tenant is None else tenant(decision.tenant),
            "roles": roles(decision.roles),
            "scope": _scope(facts.key.scope),
            "expiresAt": facts.key.expires_at,
            "metadata": msgspec.Raw(facts.key.metadata.encode()),
        }
    return shape


def explanation(found: Explanation) -> Shape:
    """Why a decision was made."""
    return {
        "check": found.check,
        "detail": found.sentence,
        "policy": None if found.policy is None else policy(found.policy),
        "source": found.source,
    }
