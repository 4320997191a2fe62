"""Usage on every door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.doors.scenarios.door import Operation, Refused
from tests.doors.scenarios.graphql_door import deep_snake

if TYPE_CHECKING:
    from tests.doors.scenarios.cli_door import CliDoor
    from tests.doors.scenarios.graphql_door import GraphqlDoor
    from tests.doors.scenarios.rest_door import RestDoor

_COUNTS = "counts { since until by total totals { code count } buckets { at total counts { code count } } }"


def _key_rest(door: RestDoor, fields: dict[str, Any]) -> Any:
    params = {name: value for name, value in fields.items() if name != "id"}
    return door.call("GET", f"/v1/keys/{fields['id']}/usage", params=params)


def _key_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    found = door.call(
        f"""query ($id: ID!, $span: UsageSpan) {{ keyUsage(id: $id, span: $span) {{
            keyId name lastUsedAt lastUsedIp {_COUNTS} exercised {{ action count lastAt }}
            unexercised {{ actions resources }}
        }} }}""",
        id=fields["id"],
        span=_span(fields),
    )
    if found is None:
        raise Refused("not_found")
    return _flat(found)


def _key_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    return door.run("keys", "usage", *_options(fields), "--", fields["id"])


def _tenant_rest(door: RestDoor, fields: dict[str, Any]) -> Any:
    return door.call("GET", "/v1/usage", params=fields)


def _tenant_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    found = door.call(
        f"""query ($span: UsageSpan, $top: Int) {{ tenantUsage(span: $span, top: $top) {{
            tenant {{ slug }} {_COUNTS} keys {{ id name count valid }}
        }} }}""",
        span=_span(fields),
        top=fields.get("top"),
    )
    return {**_flat(found), "tenant": found["tenant"] and found["tenant"]["slug"]}


def _tenant_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    return door.run("usage", *_options(fields))


def _options(fields: dict[str, Any]) -> list[str]:
    return [f"--{name}={value}" for name, value in fields.items() if name != "id"]


def _span(fields: dict[str, Any]) -> dict[str, Any] | None:
    names = ("since", "until", "by")
    span: dict[str, Any] = {name: value for name, value in fields.items() if name in names}
    return span and {**span, "by": span.get("by", "day").upper()}


def _flat(found: dict[str, Any]) -> Any:
    """An answer in the shape of REST, where counts are objects by code and stand beside the rest."""
    counts = found.pop("counts")
    buckets = [{**one, "counts": _by_code(one["counts"])} for one in counts["buckets"]]
    own = {"by": counts["by"].lower(), "totals": _by_code(counts["totals"]), "buckets": buckets}
    return {**deep_snake(found), **counts, **own}


def _by_code(found: list[dict[str, Any]]) -> dict[str, int]:
    return {one["code"]: one["count"] for one in found}


OPERATIONS = {
    "usage.key": Operation(_key_rest, _key_graphql, _key_cli),
    "usage.tenant": Operation(_tenant_rest, _tenant_graphql, _tenant_cli),
}
