"""docs/gateways.md says what the code does. Its nginx configuration is run in tests/doors/rest/test_nginx.py."""

from __future__ import annotations

import re
from dataclasses import fields
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml

from keywright.api.rest import authorize, oauth
from keywright.core.decision import Code, Decision
from keywright.settings import load
from keywright.web.errors import METHOD_NOT_ALLOWED, OTHER_STATUS
from tests.support.facts import some_facts

PAGE = (Path(__file__).parents[2] / "docs" / "gateways.md").read_text("utf-8")


def rows(head: str) -> list[list[str]]:
    lines = PAGE.split(f"\n| {head} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def block(language: str, part: str = "") -> str:
    return PAGE.split(f"## {part}")[1].split(f"```{language}\n")[1].split("```")[0]


def sent() -> list[str]:
    """The headers of a valid decision."""
    facts = some_facts()
    return [name for name, _ in authorize._facts(Decision(Code.VALID, facts), facts, routed=True)]


def test_every_parameter_is_told() -> None:
    told = [row[0].strip("`") for row in rows("parameter | what it says")]
    assert sorted(told) == sorted(one.name for one in fields(authorize.Options))


def test_every_status_is_told() -> None:
    told = {int(row[0]) for row in rows("status | when")}
    assert told == {HTTPStatus.UNAUTHORIZED, *authorize._STATUS.values()}


def test_every_header_is_told() -> None:
    told = [row[0].strip("`") for row in rows("header | what it holds")]
    assert ["X-Keywright-Code", *told] == sent()


def test_each_configuration_takes_every_header_over() -> None:
    nginx = block("nginx", "nginx")
    for name in sent():
        variable = name.lower().replace("-", "_").removeprefix("x_")
        assert f"auth_request_set ${variable} $upstream_http_x_{variable};" in nginx
        assert f"proxy_set_header {name} ${variable};" in nginx
    traefik: Any = yaml.safe_load(block("yaml", "Traefik"))
    forward = traefik["http"]["middlewares"]["keywright"]["forwardAuth"]
    assert forward["authResponseHeaders"] == sent()
    caddy = re.search(r"copy_headers (.*)", block("caddyfile", "Caddy"))
    assert caddy is not None
    assert caddy[1].split() == sent()


def test_the_configuration_of_envoy() -> None:
    envoy: Any = yaml.safe_load(block("yaml", "Envoy"))
    (one,) = envoy["http_filters"]
    service = one["typed_config"]["http_service"]
    assert service["path_prefix"] == authorize.PATH
    assert one["typed_config"]["failure_mode_allow"] is False
    assert service["authorization_request"]["headers_to_add"] == [
        {"key": "Keywright-Tenant", "value": "my-blog"}
    ]


def test_every_error_of_oauth_is_told() -> None:
    told = {row[0].strip("`"): row[1] for row in rows("error | status | when")}
    assert told.keys() == {oauth._INVALID_REQUEST, oauth._UNSUPPORTED, *oauth._ERRORS.values()}
    for status, error in oauth._ERRORS.items():
        assert told[error] == str(status)
    assert told[oauth._INVALID_REQUEST] == f"400, {OTHER_STATUS[METHOD_NOT_ALLOWED]}"


def test_the_settings_that_are_named_are_there(tmp_path: Path) -> None:
    assert load({}, {"KEYWRIGHT_TRUSTED_PROXIES": "10.0.0.0/8"}, tmp_path).trusted_proxies
    assert "trusted_proxies" in PAGE
