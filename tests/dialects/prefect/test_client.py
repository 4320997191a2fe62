"""Prefect's own clients: their command lines, agents and library; 1.4.1, and those for which API keys are tokens."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.dialects.clients import python_client
from tests.dialects.prefect.real import Client, printed
from tests.dialects.prefect.world import CREATE_ACCOUNT, DELETE_KEY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dialects.prefect.world import World

pytestmark = pytest.mark.xdist_group("prefect-client")

LIBRARY = """
import json
import prefect
from prefect.exceptions import AuthorizationError, ClientError

client = prefect.Client()
said = [client._get_auth_tenant()]
found = client.graphql({"query": {"tenant(order_by: {slug: asc})": {"id", "slug", "name"}}})
said += [found.data.tenant[0].slug, found.data.tenant[0].name]
made = client.graphql(
    {"mutation($input: create_api_key_input!)": {"create_api_key(input: $input)": {"id", "token"}}},
    variables={"input": {"name": "by-library", "user_id": USER}},
)
other = prefect.Client(api_key=made.data.create_api_key.token)
said.append(other._get_auth_tenant())
gone = client.graphql(
    {"mutation($input: delete_api_key_input!)": {"delete_api_key(input: $input)": {"success"}}},
    variables={"input": {"key_id": made.data.create_api_key.id}},
)
said.append(gone.data.delete_api_key.success)
for attempt in (lambda: other.graphql({"query": {"auth_api_key": {"id"}}}), lambda: client.graphql("{ flow { id } }")):
    try:
        attempt()
    except ClientError as refused:
        said.append(type(refused).__name__)
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def client(world: World, tmp_path_factory: pytest.TempPathFactory) -> Client:
    python = python_client("prefect/client", "3.9")
    return Client(python, tmp_path_factory.mktemp("home"), world.keywright.at("prefect"))


def service_key(world: World, name: str) -> tuple[str, str]:
    """A key of a service account that may what a member may: its id and its token."""
    (role,) = world.data('{ auth_role(where: {name: {_eq: "USER"}}) { id } }')["auth_role"]
    wanted = {"tenant_id": world.here, "name": name, "role_id": role["id"]}
    account = world.data(CREATE_ACCOUNT, {"input": wanted})["create_service_account"]["id"]
    made = world.made(name, user_id=account)
    return made["id"], made["key"]


def test_the_command_line(world: World, client: Client) -> None:
    refused = client.run("auth", "login", "--key", "nobody-made-this", exit_code=1)
    assert "Unauthorized. Invalid Prefect Cloud API key." in refused
    assert (
        client.run("auth", "login", "--key", world.admin.token)
        == "Logged in to Prefect Cloud tenant 'here' (here)"
    )
    assert f"You are logged in to tenant {world.here}" in client.run("auth", "status")
    tenants = client.run("auth", "list-tenants").splitlines()
    assert [line.split() for line in tenants[1:]] == [["here", "here", world.here, "*"]]
    switched = client.run("auth", "switch-tenants", "--slug", "here")
    assert switched == f"Tenant switched to {world.here}"
    refused = client.run("auth", "switch-tenants", "--id", world.there, exit_code=1)
    assert "Unauthorized. Your API key is not valid for that tenant." in refused
    restored = client.run("auth", "switch-tenants", "--default")
    assert restored == f"Tenant restored to the default tenant for your API key: {world.here}"


def test_keys_on_the_command_line(world: World, client: Client) -> None:
    own = {"PREFECT__CLOUD__API_KEY": world.admin.token}
    token = client.run("auth", "create-key", "-n", "laptop", "-e", "2099-01-01T12:00:00+02:00", "-q", **own)
    assert world.works(token)
    listed = client.run("auth", "list-keys", **own)
    assert token not in listed
    rows = [line.rsplit(maxsplit=2) for line in listed.splitlines()]
    assert ["A key", world.admin.key_id, "NEVER"] in rows
    (key_id,) = [row[1] for row in rows if row[0] == "laptop" and row[2] == "2099-01-01T10:00:00+00:00"]
    assert client.run("auth", "revoke-key", "--id", key_id, **own) == "Key successfully revoked!"
    assert not world.works(token)
    foreign = world.stranger.key_id
    assert f"Unable to revoke key '{foreign}'" in client.run(
        "auth", "revoke-key", "--id", foreign, exit_code=1, **own
    )
    assert world.works(world.stranger.token)


def test_a_reader_on_the_command_line(world: World, client: Client) -> None:
    """The key queries; whatever would change something ends in the client's own error."""
    own = {"PREFECT__CLOUD__API_KEY": world.reader.token}
    assert world.reader.key_id in client.run("auth", "list-keys", **own)
    refused = client.run("auth", "create-key", "-n", "more", exit_code=1, **own)
    last = refused.splitlines()[-1]
    assert last.startswith("prefect.exceptions.ClientError: ")
    assert "'message': 'Unauthorized', 'extensions': {'code': 'FORBIDDEN'" in last


def test_the_library(world: World, client: Client) -> None:
    text = LIBRARY.replace("USER", repr(world.admin.user_id))
    found = client.script(text, PREFECT__CLOUD__API_KEY=world.admin.token)
    assert json.loads(found) == [
        world.here,
        "here",
        "here",
        world.here,
        True,
        "AuthorizationError",
        "ClientError",
    ]


def test_agents_run_until_their_key_is_revoked(world: World, client: Client, tmp_path: Path) -> None:
    """With the key given by flag, environment and file: each starts, idles, is listed, and is refused afterwards."""
    keys = {name: service_key(world, name) for name in ("flag", "environment", "file")}
    config = tmp_path / "config.toml"
    config.write_text(f'[cloud]\napi_key = "{keys["file"][1]}"\n')
    with ExitStack() as stack:
        common = ("--name", "worker", "--label", "any", "--log-level", "DEBUG")
        started = {
            "flag": client.agent(*common, "--key", keys["flag"][1]),
            "environment": client.agent(*common, PREFECT__CLOUD__API_KEY=keys["environment"][1]),
            "file": client.agent(*common, PREFECT__USER_CONFIG_PATH=str(config)),
        }
        agents = {name: stack.enter_context(one) for name, one in started.items()}
        for process in agents.values():
            printed(process, lambda text: text.count("No ready flow runs found") >= 2)
        query = "{ agent(order_by: {name: asc}) { name type labels core_version api_key { id name } } }"
        listed = {one["api_key"]["name"]: one for one in world.data(query)["agent"]}
        for name, (key_id, _) in keys.items():
            assert listed[name] == {
                "name": "worker",
                "type": "LocalAgent",
                "labels": ["any"],
                "core_version": "1.4.1",
                "api_key": {"id": key_id, "name": name},
            }
        for key_id, _ in keys.values():
            assert world.data(DELETE_KEY, {"input": {"key_id": key_id}})["delete_api_key"]["success"]
        for name, (_, token) in keys.items():
            said = printed(agents[name], lambda text: "UNAUTHENTICATED" in text)
            assert "Failed to query for ready flow runs" in said
            assert "AuthorizationError" in said
            assert token not in said
    refused = client.run("agent", "local", "start", "--key", keys["flag"][1], exit_code=1)
    assert "AuthorizationError" in refused.splitlines()[-1]
    for _, token in keys.values():
        assert token not in world.keywright.process.errors()


def test_0_14(world: World, tmp_path: Path) -> None:
    """A token is made and listed, agents run with it however it is given, and it is revoked by its id."""
    client = Client(python_client("prefect/client-0.14", "3.8"), tmp_path, world.keywright.at("prefect"))
    assert client.run("auth", "login", "-t", world.admin.token) == "Login successful!"
    token = client.run("auth", "create-token", "-n", "runner", "-s", "RUNNER")
    listed = [line.rsplit(maxsplit=1) for line in client.run("auth", "list-tokens").splitlines()]
    (token_id,) = [row[1] for row in listed if row[0] == "runner"]
    config = tmp_path / "config.toml"
    config.write_text(f'[cloud.agent]\nauth_token = "{token}"\n')
    with (
        client.agent("-t", token) as flagged,
        client.agent(PREFECT__CLOUD__AGENT__AUTH_TOKEN=token) as named,
        client.agent(PREFECT__USER_CONFIG_PATH=str(config)) as configured,
    ):
        for process in (flagged, named, configured):
            printed(process, lambda text: "Waiting for flow runs" in text)
        assert client.run("auth", "revoke-token", "-i", token_id) == "Token successfully revoked"
        for process in (flagged, named, configured):
            printed(process, lambda text: "UNAUTHENTICATED" in text)
    again = client.run("auth", "revoke-token", "-i", token_id)
    assert again == f"Unable to revoke token with ID {token_id}"


def test_0_15(world: World, tmp_path: Path) -> None:
    """Between the two: it logs in with a key, and still knows tokens."""
    client = Client(python_client("prefect/client-0.15", "3.9"), tmp_path, world.keywright.at("prefect"))
    assert "Logged in to Prefect Cloud tenant 'here' (here)" in client.run(
        "auth", "login", "--key", world.admin.token
    )
    key = world.made("an-api-key")
    with client.agent("-t", key["key"]) as agent:
        printed(agent, lambda text: "Waiting for flow runs" in text)
        assert "Token successfully revoked" in client.run("auth", "revoke-token", "-i", key["id"])
        printed(agent, lambda text: "UNAUTHENTICATED" in text)
