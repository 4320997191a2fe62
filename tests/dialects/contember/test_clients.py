"""Contember's own clients, with the documents that they generate: the plain one, and the React one in a page."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyotp
import pytest

from tests.dialects.clients import node_client
from tests.dialects.contember.asking import BLOG, CS, as_ours, as_uuid
from tests.support.keywright import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.keywright import Keywright

EDITOR = [{"role": "editor", "variables": CS}]
UNKNOWN = "11111111-2222-4333-8444-555555555555"


@dataclass(frozen=True, slots=True)
class Client:
    """A program that makes calls by one of the clients."""

    process: subprocess.Popen[str]
    keywright: Keywright
    root: str = field(repr=False)

    def call(self, name: str, token: str | None = None, /, **variables: Any) -> Any:
        """What the client says to a call: `ok` with its data, or how it failed."""
        line = json.dumps({"call": name, "token": token or self.root, "variables": variables})
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, self.process.stderr and self.process.stderr.read()
        return json.loads(answer)

    def ok(self, name: str, token: str | None = None, /, **variables: Any) -> Any:
        """What a call that goes well gives."""
        answer = self.call(name, token, **variables)
        assert "ok" in answer, answer
        return answer["ok"]

    def result(self, name: str, token: str | None = None, /, **variables: Any) -> Any:
        """The result of a mutation that goes well."""
        answer = self.ok(name, token, **variables)
        assert answer["ok"], answer
        return answer.get("result")


@contextmanager
def speaking(program: str, keywright: Keywright) -> Iterator[Client]:
    """A client program, which ends with its input."""
    folder = node_client("contember/client")
    login = keywright.key(None, "login")["token"]
    with subprocess.Popen(
        ["node", program, keywright.at("contember"), login],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield Client(process, keywright, keywright.key(None, "super_admin")["token"])
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture(scope="module")
def plain(keywright: Keywright) -> Iterator[Client]:
    """`@contember/graphql-client-tenant` over `@contember/graphql-client`."""
    with speaking("documents.mjs", keywright) as client:
        yield client


@pytest.fixture(scope="module")
def page(keywright: Keywright) -> Iterator[Client]:
    """`@contember/react-client-tenant` in a page of another origin, whose fetch enforces CORS."""
    with speaking("react.mjs", keywright) as client:
        yield client


def test_a_key_of_a_project_from_its_creation_to_its_end(plain: Client) -> None:
    plain.keywright.tenant("plain", BLOG)
    made = plain.result("createApiKey", projectSlug="plain", description="Editor", memberships=EDITOR)[
        "apiKey"
    ]
    assert made["identity"]["description"] == "Editor"
    me = plain.ok("me", made["token"])
    assert me["id"] == made["identity"]["id"]
    assert me["projects"] == [
        {
            "project": me["projects"][0]["project"],
            "memberships": [{"role": "editor", "variables": CS}],
        }
    ]
    assert me["projects"][0]["project"]["slug"] == "plain"
    assert plain.keywright.verdict(made["token"], action="article:read", resource="article:cs:1") == "VALID"
    assert plain.ok("projectMemberships", projectSlug="plain", identityId=me["id"]) == EDITOR
    found = plain.ok("projectBySlug", slug="plain", input={"filter": {"memberType": "API_KEY"}})
    assert [one["identity"]["id"] for one in found["members"]] == [me["id"]]
    assert [one["name"] for one in found["roles"]] == ["admin", "editor", "viewer"]
    assert plain.ok("disableApiKey", id=made["id"])["ok"]
    refused = plain.call("me", made["token"])
    assert (refused["type"], refused["status"]) == ("unauthorized", 401)
    assert "Authorization failure: API key was disabled at 20" in refused["details"]


def test_what_is_wrong_with_memberships_comes_back_in_order(plain: Client) -> None:
    plain.keywright.tenant("wrong", BLOG)
    wanted = [{"role": "nobody", "variables": []}, {"role": "editor", "variables": []}]
    answer = plain.ok("createApiKey", projectSlug="wrong", description="", memberships=wanted)
    assert not answer["ok"]
    assert [one["code"] for one in answer["errors"]] == [
        "INVALID_MEMBERSHIP",
        "ROLE_NOT_FOUND",
        "VARIABLE_EMPTY",
    ]
    assert answer["error"]["membershipValidation"] == [
        {"code": "ROLE_NOT_FOUND", "role": "nobody", "variable": None},
        {"code": "VARIABLE_EMPTY", "role": "editor", "variable": "language"},
    ]


def test_global_keys_and_their_roles(plain: Client) -> None:
    made = plain.result("createGlobalApiKey", description="Deploys", roles=["entrypoint_deployer"])["apiKey"]
    identity = made["identity"]["id"]
    more = plain.result("addGlobalIdentityRoles", identityId=identity, roles=["login", "project_creator"])
    assert more["identity"]["roles"] == ["entrypoint_deployer", "login", "project_creator"]
    less = plain.result("removeGlobalIdentityRoles", identityId=identity, roles=["login", "project_creator"])
    assert less["identity"]["roles"] == ["entrypoint_deployer"]
    wrong = plain.ok("addGlobalIdentityRoles", identityId=identity, roles=["banana"])
    assert wrong["error"] == {"code": "INVALID_ROLE", "developerMessage": "Role banana is not valid"}
    unknown = plain.ok("addGlobalIdentityRoles", identityId=UNKNOWN, roles=["login"])
    assert unknown["error"]["code"] == "IDENTITY_NOT_FOUND"
    assert plain.ok("me", made["token"])["permissions"] == {
        "canCreateProject": False,
        "canDeployEntrypoint": True,
    }
    plain.result("disableApiKey", id=made["id"])
    gone = plain.ok("disableApiKey", id=UNKNOWN)
    assert gone["errors"] == [gone["error"]]
    assert gone["error"]["code"] == "KEY_NOT_FOUND"


def test_projects_and_their_members(plain: Client) -> None:
    made = plain.result("createProject", projectSlug="shop", name="Shop")["deployerApiKey"]
    assert plain.ok("me", made["token"])["projects"][0]["project"]["name"] == "Shop"
    again = plain.ok("createProject", projectSlug="shop")
    assert again["error"]["code"] == "ALREADY_EXISTS"
    plain.result("updateProject", projectSlug="shop", name="The shop")
    assert plain.ok("projectBySlug", slug="shop")["name"] == "The shop"
    person = as_uuid(plain.keywright.person("petra")["id"])
    wanted = {"projectSlug": "shop", "identityId": person}
    plain.result("addProjectMember", **wanted, memberships=[{"role": "read_only", "variables": []}])
    twice = plain.ok("addProjectMember", **wanted, memberships=[{"role": "member", "variables": []}])
    assert twice["error"]["code"] == "ALREADY_MEMBER"
    plain.result("updateProjectMember", **wanted, memberships=[{"role": "member", "variables": []}])
    assert plain.ok("projectMemberships", **wanted) == [{"role": "member", "variables": []}]
    plain.result("removeProjectMember", **wanted)
    assert plain.ok("removeProjectMember", **wanted)["error"]["code"] == "NOT_MEMBER"
    assert plain.ok("personById", id=person)["email"] == "petra@example.com"


def test_people_log_in_with_the_login_key_and_a_second_factor(plain: Client) -> None:
    plain.keywright.person("ota", "default", "read_only")
    wanted = {"email": "ota@example.com", "password": PASSWORD, "expiration": 60}
    login = plain.keywright.key(None, "login")["token"]
    first = plain.result("signIn", login, **wanted)
    assert (first["person"]["name"], first["person"]["otpEnabled"]) == ("Ota", False)
    session = first["token"]
    begun = plain.result("prepareOtp", session, label="My phone")
    assert begun["otpUri"].startswith("otpauth://totp/Keywright:My%20phone?secret=")
    code = pyotp.TOTP(begun["otpSecret"]).now()
    assert plain.ok("confirmOtp", session, otpToken="x")["error"]["code"] == "INVALID_OTP_TOKEN"
    plain.result("confirmOtp", session, otpToken=code)
    assert plain.ok("signIn", login, **wanted)["error"]["code"] == "OTP_REQUIRED"
    assert plain.ok("signIn", login, **wanted, otpToken=code)["error"]["code"] == "INVALID_OTP_TOKEN"
    plain.result("disableOtp", session)
    assert plain.ok("disableOtp", session)["error"]["code"] == "OTP_NOT_ACTIVE"
    made = plain.result("createSessionToken", email="ota@example.com")
    assert plain.ok("me", made["token"])["person"]["id"] == made["person"]["id"]
    plain.result("signOut", session)
    assert plain.call("me", session)["type"] == "unauthorized"
    assert plain.ok("signOut", login)["error"]["code"] == "NOT_A_PERSON"


def test_a_refusal_is_an_error_of_the_answer(plain: Client) -> None:
    plain.keywright.tenant("closed")
    reader = plain.keywright.key("closed", "read_only")["token"]
    refused = plain.call("createApiKey", reader, projectSlug="closed", description="", memberships=[])
    assert (refused["type"], refused["status"]) == ("response errors", 200)
    assert refused["errors"][0]["extensions"] == {"code": "ForbiddenError"}


# The React client


def test_a_page_of_another_origin_may_ask_this_door_and_no_other(page: Client) -> None:
    assert page.ok("identity")["state"] == "success"
    assert "CORS" in str(page.call("elsewhere")) or "Cross-Origin" in str(page.call("elsewhere"))


def test_a_page_makes_uses_and_disables_keys(page: Client) -> None:
    page.keywright.tenant("page", BLOG)
    made = page.result("createApiKey", projectSlug="page", description="Editor", memberships=EDITOR)["apiKey"]
    shown = page.ok("identity", made["token"])
    assert shown["state"] == "success"
    assert shown["identity"]["projects"] == [{"name": "page", "slug": "page", "roles": ["editor"]}]
    members = page.ok("projectMembers", projectSlug="page")
    assert [one["memberships"] for one in members] == [EDITOR]
    roles = {one["name"]: one["variables"] for one in page.ok("projectRoles", slug="page")}
    assert roles["editor"][0] == {
        "name": "language",
        "entityName": "language",
        "__typename": "RoleEntityVariableDefinition",
    }
    wrong = page.ok(
        "createApiKey", projectSlug="page", description="x", memberships=[{"role": "x", "variables": []}]
    )
    assert (wrong["ok"], wrong["error"]) == (False, "INVALID_MEMBERSHIP")
    page.result("disableApiKey", id=made["id"])
    assert page.ok("identity", made["token"])["state"] == "cleared"
    key = page.keywright.rest("GET", f"/v1/keys/{as_ours('key', made['id'])}", tenant="page")
    assert key["state"] == "disabled"
    everywhere = page.result("createGlobalApiKey", description="Login", roles=["login"])["apiKey"]
    assert page.ok("me", everywhere["token"])["roles"] == ["login"]


def test_a_page_logs_people_in_and_out(page: Client) -> None:
    page.keywright.person("pavla", "default", "read_only")
    made = page.result("signIn", email="pavla@example.com", password=PASSWORD)
    me = page.ok("identity", made["token"])["identity"]
    assert me["person"] == {
        "id": made["person"]["id"],
        "email": "pavla@example.com",
        "name": "Pavla",
        "otpEnabled": False,
    }
    wrong = page.ok("signIn", email="pavla@example.com", password="wrong")
    assert wrong == {"ok": False, "error": "INVALID_CREDENTIALS", "developerMessage": "Invalid credentials"}
    weak = page.ok("changeMyPassword", made["token"], currentPassword=PASSWORD, newPassword="short")
    assert weak["error"] == "TOO_WEAK"
    page.result("signOut", made["token"])
    assert page.ok("identity", made["token"])["state"] == "cleared"
