"""Logging in through an identity provider over GraphQL, which needs no credential."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.doors.graphql.conftest import Speaker, speaker
from tests.support.provider import IdentityProvider, identity_provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from keywright.api.graphql.documents import Documents

pytestmark = pytest.mark.anyio

START = """mutation ($input: StartSignOnInput!) { startSignOn(input: $input) { authorizationUrl flow expiresAt } }"""
FINISH = """mutation ($input: FinishSignOnInput!) {
    finishSignOn(input: $input) { token sessionId expiresAt identity { id name } }
}"""
VIEWER = "{ viewer { identity { id name } credential { kind id } } }"


@pytest.fixture(scope="module")
def idp() -> Iterator[IdentityProvider]:
    with identity_provider(client_secret=None) as provider:
        yield provider


@pytest.fixture(scope="module")
async def anybody(tmp_path_factory: pytest.TempPathFactory, idp: IdentityProvider) -> AsyncIterator[Speaker]:
    """Somebody without a credential, where single sign-on is set up."""
    settings = {"oidc_issuer": idp.issuer, "oidc_client_id": idp.client_id}
    async with speaker(tmp_path_factory.mktemp("sign-on"), **settings) as one:
        yield one.as_(None)


async def answer_of(anybody: Speaker, idp: IdentityProvider) -> dict[str, Any]:
    begun = await anybody.get(START, input={"redirectUri": "http://127.0.0.1:5123/back"})
    back = idp.log_in(begun["authorizationUrl"])
    return {"flow": begun["flow"], "state": back["state"], "code": back["code"]}


async def test_from_beginning_to_end(anybody: Speaker, idp: IdentityProvider) -> None:
    answer = await answer_of(anybody, idp)
    made = await anybody.get(FINISH, input=answer)
    assert made["identity"]["name"] == "Ada Lovelace"
    viewer = await anybody.as_(made["token"]).get(VIEWER)
    assert viewer["identity"] == made["identity"]
    assert viewer["credential"] == {"kind": "SESSION", "id": made["sessionId"]}
    assert (await anybody.refused(FINISH, input=answer))["code"] == "sign_on_failed"


async def test_a_credential_counts_for_nothing(anybody: Speaker, idp: IdentityProvider) -> None:
    for token in ("kw_made_up", "a b"):
        made = await anybody.as_(token).get(FINISH, input=await answer_of(anybody, idp))
        assert made["identity"]["name"] == "Ada Lovelace"


async def test_people_come_back_nowhere_else(anybody: Speaker) -> None:
    refused = await anybody.refused(START, input={"redirectUri": "https://evil.example/"})
    assert (refused["code"], refused["field"]) == ("invalid_value", "redirectUri")
    assert (await anybody.get(START, input={}))["flow"].startswith("kwf_")


async def test_beside_other_fields_a_credential_is_needed(anybody: Speaker) -> None:
    query = """mutation ($input: StartSignOnInput!) {
        startSignOn(input: $input) { flow }
        createTenant(input: {slug: "a"}) { replayed }
    }"""
    answer = await anybody.post({"query": query, "variables": {"input": {}}})
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["code"] == "unauthenticated"


async def test_a_query_in_which_a_flow_is_written_out_is_not_kept(
    anybody: Speaker, idp: IdentityProvider, documents: Documents
) -> None:
    answer = await answer_of(anybody, idp)
    documents.get(
        f'mutation {{ finishSignOn(input: {{flow: "{answer["flow"]}", state: "a", code: "b"}}) {{ token }} }}'
    )
    assert len(documents) == 0


async def test_without_a_provider_there_is_no_single_sign_on(root: Speaker) -> None:
    for query, given in ((START, {}), (FINISH, {"flow": "a", "state": "b", "code": "c"})):
        refused = await root.as_(None).refused(query, input=given)
        assert refused["code"] == "not_found"
