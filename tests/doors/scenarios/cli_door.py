"""The scenarios' operations on the command line, run as `keywright` runs them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast

from click.testing import CliRunner

from keywright.cli.exits import Exit, Failed
from keywright.cli.root import cli
from keywright.web.errors import STATUS
from tests.doors.scenarios.door import Door, Made, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.doors.scenarios.door import Operation

_EXITS = {
    401: Exit.NOT_AUTHENTICATED,
    403: Exit.DENIED,
    404: Exit.NOT_FOUND,
    409: Exit.CONFLICT,
    410: Exit.CONFLICT,
}
_OPTIONS = {
    "allowed_cidrs": "cidr",
    "expires_at": "expires",
    "token_hash": "token-hash",
    "not_before": "not-before",
    "identity_id": "for",
}
_SWITCHES = {"used": ("--never-used", "--used"), "ends": ("--never-ends", "--ends")}


class CliDoor(Door):
    def through(self, what: Operation, fields: dict[str, Any]) -> Any:
        return what.cli(self, fields)

    def run(self, *arguments: str, allow: frozenset[int] = frozenset({0}), typed: str | None = None) -> Any:
        tenant = [] if self.tenant is None else ["--tenant", self.tenant]
        command = arguments if self.wait else (*arguments[:2], "--no-wait", *arguments[2:])
        line = ["--json", "--url", self.url, *tenant, *command]
        environment = {"KEYWRIGHT_API_KEY": self.token, "NO_COLOR": "1"}
        done = CliRunner().invoke(
            cli, line, input=typed, env=environment, prog_name="keywright", standalone_mode=False
        )
        if done.exception is not None and not isinstance(done.exception, Failed):
            raise done.exception
        failed = done.exception if isinstance(done.exception, Failed) else None
        exit_code = done.return_value or Exit.OK if failed is None else failed.code
        if exit_code in allow:
            return self.keep_receipt(json.loads(done.stdout)) if done.stdout.strip() else None
        told = done.stderr if failed is None else failed.message
        code = re.search(r"\(([a-z_]+)(?:, [^)]*)?\)", told)
        assert code is not None, told
        assert exit_code == exit_of(code[1])
        not_held = re.fullmatch(r"Not held: (.*)\.", failed.hint or "") if failed is not None else None
        raise Refused(code[1], not_held and not_held[1])

    def create(self, *, idempotency_key: str | None = None, **fields: Any) -> Made:
        if "tenant" in fields:
            return CliDoor(self.url, self.token, fields.pop("tenant")).create(**fields)
        again = [] if idempotency_key is None else ["--idempotency-key", idempotency_key]
        made = self.run("keys", "create", *again, *_options(fields, "name"), "--", fields["name"])
        return Made(made["key"], made["token"], made["replayed"])

    def get(self, key_id: str) -> dict[str, Any]:
        return cast("dict[str, Any]", self.run("keys", "show", key_id))

    def list(self, *, page: int = 200, **filters: Any) -> Sequence[dict[str, Any]]:
        options = [f"--limit={page}"]
        for name, value in filters.items():
            if name in _SWITCHES:
                options.append(_SWITCHES[name][value])
                continue
            values = value if isinstance(value, list) else [value]
            option = {"identity_id": "identity"}.get(name, name.replace("_", "-"))
            options += [f"--{option}={one}" for one in values]
        found: list[dict[str, Any]] = []
        cursor: list[str] = []
        while True:
            answer = self.run("keys", "list", *options, *cursor)
            found += answer["items"]
            if answer["next_cursor"] is None:
                return found
            cursor = [f"--cursor={answer['next_cursor']}"]

    def update(self, key_id: str, **changes: Any) -> dict[str, Any]:
        found: Any = None
        if "active" in changes:
            found = self.run("keys", "enable" if changes.pop("active") else "disable", key_id)
        if changes:
            found = self.run("keys", "update", *_options(changes), key_id)
        return cast("dict[str, Any]", found)

    def delete(self, *key_ids: str) -> None:
        self.run("keys", "delete", "--yes", *key_ids)

    def verify(self, token: str, **asked: Any) -> dict[str, Any]:
        options = [f"--{name}={value}" for name, value in asked.items()]
        found = self.run("verify", *options, "-", allow=frozenset({0, 1}), typed=token)
        return cast("dict[str, Any]", found)

    def whoami(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self.run("whoami"))

    def create_tenant(self, slug: str, name: str) -> dict[str, Any]:
        return cast("dict[str, Any]", self.run("tenants", "create", slug, f"--name={name}"))

    def get_tenant(self, slug: str) -> dict[str, Any]:
        return cast("dict[str, Any]", self.run("tenants", "show", slug))

    def tenants(self) -> Sequence[str]:
        return [tenant["slug"] for tenant in self.run("tenants", "list", "--all")["items"]]


def exit_of(code: str) -> int:
    """The exit that belongs to a refusal's code, by the status that REST gives it."""
    statuses = {error.code: status for error, status in STATUS.items()}
    return _EXITS.get(statuses[code], Exit.REFUSED)


def given_role(role: dict[str, Any]) -> str:
    """A role to be given, as an option takes it."""
    return ":".join(
        [role["role"], *(f"{name}={','.join(v)}" for name, v in role.get("variables", {}).items())]
    )


def _options(fields: dict[str, Any], *left_out: str) -> list[str]:
    """The fields of a key as options; null becomes `--clear`."""
    found: list[str] = []
    for name, value in fields.items():
        option = _OPTIONS.get(name, name)
        if name in left_out:
            continue
        if name in {"limits", "credits"}:
            found += _uses(name, value)
        elif value is None:
            found.append(f"--clear={option}")
        elif name == "allowed_cidrs":
            found += [f"--cidr={one}" for one in value]
        elif name == "memberships":
            found += [f"--role={given_role(one)}" for one in value]
        else:
            found.append(f"--{option}={value if isinstance(value, str) else json.dumps(value)}")
    return found


def _uses(name: str, value: Any) -> list[str]:
    """Limits or credits of a key as options."""
    if value is None:
        return ["--clear=limit" if name == "limits" else "--clear=credits"]
    if name == "limits":
        return limit_options(value) or ["--no-limits"]
    refill = value.get("refill")
    more = [] if refill is None else [f"--refill={refill['amount']}/{refill['every']}"]
    return [f"--credits={value['remaining']}", *more]


def limit_options(limits: Sequence[dict[str, Any]], option: str = "--limit") -> list[str]:
    """Limits as options."""
    return [f"{option}={one['name']}={one['limit']}/{one['window_seconds']}" for one in limits]


def changed_limits(limits: Sequence[dict[str, Any]] | None) -> list[str]:
    """The limits that a change brings, as options; none of them for None."""
    return [] if limits is None else limit_options(limits) or ["--clear=limit"]
