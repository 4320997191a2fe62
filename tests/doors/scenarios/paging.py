"""Going through a whole list on each door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.doors.scenarios.door import Refused

if TYPE_CHECKING:
    from tests.doors.scenarios.cli_door import CliDoor
    from tests.doors.scenarios.graphql_door import GraphqlDoor
    from tests.doors.scenarios.rest_door import RestDoor


def rest_list(door: RestDoor, path: str, **filters: Any) -> list[dict[str, Any]]:
    """All items of a list, `page` of them at once."""
    params = {"limit": filters.pop("page", 200), **filters}
    found: list[dict[str, Any]] = []
    while True:
        answer = door.call("GET", path, params=params)
        found += answer["items"]
        if answer["next_cursor"] is None:
            return found
        params["cursor"] = answer["next_cursor"]


def graphql_list(
    door: GraphqlDoor, field: str, node: str, kind: str | None = None, **filters: Any
) -> list[dict[str, Any]]:
    """All nodes of a connection; `kind` is the type of its filter, where it has one."""
    first = filters.pop("page", 100)
    declared = f", $filter: {kind}" if kind else ""
    given = ", filter: $filter" if kind else ""
    document = f"""query ($first: Int, $after: String{declared}) {{
        {field}(first: $first, after: $after{given}) {{
            edges {{ cursor }} nodes {{ {node} }} pageInfo {{ hasNextPage endCursor }}
        }}
    }}"""
    more: dict[str, Any] = {"filter": filters} if kind else {}
    found: list[dict[str, Any]] = []
    after = None
    while True:
        answer = door.call(document, first=first, after=after, **more)
        assert len(answer["edges"]) == len(answer["nodes"])
        found += answer["nodes"]
        after = answer["pageInfo"]["endCursor"]
        if not answer["pageInfo"]["hasNextPage"]:
            return found


def graphql_one(door: GraphqlDoor, field: str, argument: str, kind: str, value: str, shape: str) -> Any:
    """One thing by its id or name; null is refused as not found."""
    document = f"query ($it: {kind}!) {{ {field}({argument}: $it) {{ {shape} }} }}"
    found = door.call(document, it=value)
    if found is None:
        raise Refused("not_found")
    return found


def cli_list(door: CliDoor, *command: str, page: int = 200, **filters: Any) -> list[dict[str, Any]]:
    """All items of a list, `page` of them at once."""
    options = [f"--limit={page}", *(f"--{name}={value}" for name, value in filters.items())]
    found: list[dict[str, Any]] = []
    cursor: list[str] = []
    while True:
        answer = door.run(*command, *options, *cursor)
        found += answer["items"]
        if answer["next_cursor"] is None:
            return found
        cursor = [f"--cursor={answer['next_cursor']}"]
