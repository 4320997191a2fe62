"""What somebody does in the console, as a program would do it: GraphQL, curl and the command line.

None of the three ever holds a secret: each reads the address and the credential from the environment.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Rest:
    """One call of the REST door."""

    method: str
    path: str
    body: Any = None


@dataclass(frozen=True, slots=True)
class Graph:
    """One request to the GraphQL door: a document, and the values of its variables."""

    document: str
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Code:
    """One action in three forms, each ready to be pasted into a shell, or for GraphQL into the explorer too."""

    graphql: str
    variables: str
    graphql_curl: str
    curl: str
    cli: str


def code_of(tenant: str | None, *, rest: Rest, graph: Graph, cli: Sequence[str]) -> Code:
    """An action in its three forms. `tenant` is the slug that it concerns, `cli` the words after `keywright`.

    The command line is given the tenant by itself, and must not be given it in `cli`.
    """
    variables = json.dumps(graph.variables, indent=2, ensure_ascii=False)
    body = {"query": graph.document.strip(), "variables": graph.variables}
    return Code(
        graphql=graph.document.strip(),
        variables=variables,
        graphql_curl=_curl(tenant, Rest("POST", "/graphql", body)),
        curl=_curl(tenant, rest),
        cli=shlex.join(["keywright", *_within(tenant, cli)]),
    )


def _within(tenant: str | None, cli: Sequence[str]) -> list[str]:
    """The words of a command, with the tenant that it concerns before a `--`, behind which all are arguments."""
    end = cli.index("--") if "--" in cli else len(cli)
    return [*cli[:end], *([] if tenant is None else ["--tenant", tenant]), *cli[end:]]


def _curl(tenant: str | None, rest: Rest) -> str:
    method = [] if rest.method == ("GET" if rest.body is None else "POST") else [f"-X {rest.method}"]
    lines = [
        " ".join(["curl", *method, f'"$KEYWRIGHT_URL{_quoted(rest.path)}"']),
        '-H "Authorization: Bearer $KEYWRIGHT_API_KEY"',
    ]
    if tenant is not None:
        lines.append(f"-H {shlex.quote(f'Keywright-Tenant: {tenant}')}")
    if rest.body is not None:
        lines.append(f"--json {shlex.quote(json.dumps(rest.body, indent=2, ensure_ascii=False))}")
    return " \\\n  ".join(lines)


def _quoted(path: str) -> str:
    """A path between double quotes of a shell."""
    return "".join(f"\\{letter}" if letter in '"\\$`' else letter for letter in path)
