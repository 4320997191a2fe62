"""docs/gateways.md and examples/gateways say what the code does. Three of them are run in tests/gateways."""

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
from tests.support.gateways import EXAMPLES, TESTED

PAGE = (Path(__file__).parents[2] / "docs" / "gateways.md").read_text("utf-8")


def rows(head: str) -> list[list[str]]:
    lines = PAGE.split(f"\n| {head} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


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
    nginx = (EXAMPLES / "nginx" / "keywright.conf").read_text("utf-8")
    for name in sent():
        variable = name.lower().replace("-", "_").removeprefix("x_")
        assert f"auth_request_set ${variable} $upstream_http_x_{variable};" in nginx
        assert f"proxy_set_header {name} ${variable};" in nginx
    traefik: Any = yaml.safe_load((EXAMPLES / "traefik" / "dynamic.yaml").read_text("utf-8"))
    forward = traefik["http"]["middlewares"]["keywright"]["forwardAuth"]
    assert forward["authResponseHeaders"] == sent()
    assert forward["address"] == f"http://127.0.0.1:8300{authorize.PATH}?tenant=my-blog"
    (router,) = traefik["http"]["routers"].values()
    assert router["middlewares"][0] == "keywright"
    assert router["service"] in traefik["http"]["services"]
    caddy = re.search(r"copy_headers (.*)", (EXAMPLES / "caddy" / "Caddyfile").read_text("utf-8"))
    assert caddy is not None
    assert caddy[1].split() == sent()
    haproxy = (EXAMPLES / "haproxy" / "keywright.lua").read_text("utf-8")
    facts = haproxy.split("local facts = {")[1].split("}")[0]
    assert re.findall(r'"(.+?)"', facts) == [name.lower() for name in sent()]


def test_the_configuration_of_envoy() -> None:
    envoy: Any = yaml.safe_load((EXAMPLES / "envoy" / "envoy.yaml").read_text("utf-8"))
    (listener,) = envoy["static_resources"]["listeners"]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    lua, asking, router = manager["http_filters"]
    assert '"x-keywright-"' in lua["typed_config"]["default_source_code"]["inline_string"]
    assert router["name"] == "envoy.filters.http.router"
    service = asking["typed_config"]["http_service"]
    assert service["path_prefix"] == authorize.PATH
    assert asking["typed_config"]["failure_mode_allow"] is False
    assert service["authorization_request"]["headers_to_add"] == [
        {"key": "Keywright-Tenant", "value": "my-blog"}
    ]
    clusters = {cluster["name"] for cluster in envoy["static_resources"]["clusters"]}
    assert {service["server_uri"]["cluster"], "articles"} == clusters
    (host,) = manager["route_config"]["virtual_hosts"]
    assert not any(name.startswith("x-keywright-") for name in host["request_headers_to_remove"])


def test_the_states_of_the_examples_are_told() -> None:
    table = (EXAMPLES / "README.md").read_text("utf-8")
    told = dict(re.findall(r"^\| \w+ \| \[(\w+)\]\(.+?\) \| (.+?) \|$", table, re.MULTILINE))
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    assert told.keys() == folders
    assert {name for name, state in told.items() if "tested with the real program" in state} == set(TESTED)


def test_every_error_of_oauth_is_told() -> None:
    told = {row[0].strip("`"): row[1] for row in rows("error | status | when")}
    assert told.keys() == {oauth._INVALID_REQUEST, oauth._UNSUPPORTED, *oauth._ERRORS.values()}
    for status, error in oauth._ERRORS.items():
        assert told[error] == str(status)
    assert told[oauth._INVALID_REQUEST] == f"400, {OTHER_STATUS[METHOD_NOT_ALLOWED]}"


def test_the_settings_that_are_named_are_there(tmp_path: Path) -> None:
    assert load({}, {"KEYWRIGHT_TRUSTED_PROXIES": "10.0.0.0/8"}, tmp_path).trusted_proxies
    assert "trusted_proxies" in PAGE
