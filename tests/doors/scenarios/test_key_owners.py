"""For whom keys speak: service accounts, identities of their own, changes of owner, and global keys, on every door."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.doors.scenarios.rest_door import RestDoor
from tests.doors.scenarios.test_scenarios import later, refused

if TYPE_CHECKING:
    from tests.doors.scenarios.conftest import Installation
    from tests.doors.scenarios.door import Door, Made

    Kind = type[Door]

EDITOR = {
    "name": "editor",
    "variables": {"language": {}},
    "policies": [{"actions": ["article:*"], "resources": ["article:${language}:**"]}],
}
WRITER = {"name": "writer", "policies": [{"actions": ["article:*"]}]}
READER = {"name": "reader", "policies": [{"actions": ["article:read"]}]}
CZECH = {"role": "editor", "variables": {"language": ["cs"]}}


@dataclass(frozen=True)
class Place:
    """A tenant with three roles of its own, set up over REST: `editor`, which has a variable, `writer` and `reader`."""

    installation: Installation
    slug: str
    rest: RestDoor

    def account(self, *roles: dict[str, Any] | str) -> str:
        """The id of a new service account with roles."""
        memberships = [{"role": role} if isinstance(role, str) else role for role in roles]
        made = self.rest.call(
            "POST", "/v1/service-accounts", json={"name": "Account", "memberships": memberships}
        )
        return str(made["id"])

    def door(self, kind: Kind, made: Made) -> Door:
        """The door of a key's holder."""
        assert made.token is not None
        return kind(self.installation.url, made.token)


@pytest.fixture
def place(installation: Installation) -> Place:
    slug, token = installation.new_tenant()
    rest = RestDoor(installation.url, token)
    for role in (EDITOR, WRITER, READER):
        rest.call("POST", "/v1/roles", json=role)
    return Place(installation, slug, rest)


@pytest.fixture
def door(kind: Kind, place: Place) -> Door:
    return kind(place.installation.url, place.rest.token)


def token_of(made: Made) -> str:
    assert made.token is not None
    return made.token


def test_a_key_for_a_service_account_outlives_its_maker(kind: Kind, place: Place, door: Door) -> None:
    place.account("admin")  # who stays, since the last administrator may not go
    maker, jobs = place.account("admin"), place.account("reader")
    makers = place.door(kind, door.create(name="Maker's", identity_id=maker))
    made = makers.create(name="Nightly", identity_id=jobs)
    assert made.key["identity"] == {"id": jobs, "kind": "service_account", "name": "Account"}
    assert made.key["created_by"] == maker
    assert [key["id"] for key in door.list(identity_id=jobs)] == [made.id]

    place.rest.call("DELETE", f"/v1/service-accounts/{maker}")
    assert refused(makers.whoami) == "unauthenticated"
    assert door.verify(token_of(made), action="article:read")["valid"] is True

    place.rest.call("DELETE", f"/v1/service-accounts/{jobs}")
    assert door.verify(token_of(made))["code"] == "NOT_FOUND"
    assert refused(lambda: door.get(made.id)) == "not_found"


def test_a_key_with_roles_of_its_own(kind: Kind, place: Place, door: Door) -> None:
    made = door.create(name="On its own", memberships=[CZECH, {"role": "reader"}])
    assert made.key["identity"]["kind"] == "key"
    verdict = door.verify(token_of(made), action="article:publish", resource="article:cs:1")
    assert verdict["valid"] is True
    assert sorted(verdict["roles"], key=str) == sorted([CZECH, {"role": "reader", "variables": {}}], key=str)
    assert sorted(place.door(kind, made).whoami()["roles"], key=str) == sorted(verdict["roles"], key=str)
    elsewhere = door.verify(token_of(made), action="article:publish", resource="article:en:1")
    assert elsewhere["code"] == "INSUFFICIENT_PERMISSIONS"

    several = door.create(
        name="Two", memberships=[{"role": "editor", "variables": {"language": ["cs", "en"]}}]
    )
    asked = {"action": "article:publish", "resource": "article:en:1"}
    assert door.verify(token_of(several), **asked)["valid"] is True
    door.delete(made.id)
    owned = place.rest.call("GET", f"/v1/memberships?identity_id={made.key['identity_id']}")
    assert owned["items"] == []


@pytest.mark.parametrize(
    ("roles", "code"),
    [
        ([{"role": "nobody"}], "unknown_role"),
        ([{"role": "editor"}], "missing_variable"),
        ([{"role": "editor", "variables": {"language": [""]}}], "invalid_value"),
        ([{"role": "editor", "variables": {"language": ["cs"], "color": ["red"]}}], "unknown_variable"),
        ([{"role": "super_admin"}], "unknown_role"),
    ],
)
def test_roles_that_cannot_be_given_make_no_key(door: Door, roles: list[dict[str, Any]], code: str) -> None:
    assert refused(lambda: door.create(name="Wrong", memberships=roles)) == code
    assert door.list(name_prefix="Wrong") == []


def test_nobody_gives_a_key_roles_beyond_its_own(kind: Kind, place: Place, door: Door) -> None:
    makers = place.door(
        kind,
        door.create(
            name="Maker", identity_id=place.account("admin"), scope=[{"actions": ["keys:*", "article:read"]}]
        ),
    )
    assert (
        refused(lambda: makers.create(name="More", memberships=[{"role": "writer"}])) == "beyond_own_rights"
    )
    writer = place.account("writer")
    assert refused(lambda: makers.create(name="More", identity_id=writer)) == "beyond_own_rights"
    made = makers.create(name="Less", memberships=[{"role": "reader"}], scope=[{"actions": ["article:read"]}])
    assert door.verify(token_of(made), action="article:read")["valid"] is True


def test_a_role_taken_away_narrows_all_keys_of_the_identity_at_once(place: Place, door: Door) -> None:
    account = place.account("reader", "writer")
    made = [door.create(name=f"Key {number}", identity_id=account) for number in range(2)]
    for one in made:
        assert door.verify(token_of(one), action="article:publish")["valid"] is True
    held = place.rest.call("GET", f"/v1/memberships?identity_id={account}&role=writer")["items"]
    place.rest.call("DELETE", f"/v1/memberships/{held[0]['id']}")
    for one in made:
        assert door.verify(token_of(one), action="article:publish")["code"] == "INSUFFICIENT_PERMISSIONS"
        assert door.verify(token_of(one), action="article:read")["valid"] is True


def test_a_change_of_owner_is_looked_at_and_then_confirmed(kind: Kind, place: Place, door: Door) -> None:
    before, after = place.account("reader"), place.account(CZECH)
    made = door.create(name="Moved", identity_id=before)
    looked = door.do("keys.transfer", id=made.id, identity_id=after)
    assert looked["confirmed"] is False
    assert looked["key"]["identity_id"] == after
    assert looked["gained"] == [{"actions": ["article:*"], "resources": ["article:cs:**"]}]
    assert looked["lost"] == [{"actions": ["article:read"], "resources": None}]
    assert door.get(made.id)["identity_id"] == before
    assert door.verify(token_of(made), action="article:read", resource="article:en:1")["valid"] is True

    done = door.do("keys.transfer", id=made.id, identity_id=after, confirm=True)
    assert done["confirmed"] is True
    assert (done["gained"], done["lost"]) == (looked["gained"], looked["lost"])
    assert door.get(made.id)["identity_id"] == after
    assert door.verify(token_of(made), action="article:publish", resource="article:cs:1")["valid"] is True
    asked = {"action": "article:read", "resource": "article:en:1"}
    assert door.verify(token_of(made), **asked)["code"] == "INSUFFICIENT_PERMISSIONS"

    nobody = "idn_00000000000000000000000000000000"
    assert refused(lambda: door.do("keys.transfer", id=made.id, identity_id=nobody)) == "not_found"
    other = Place(place.installation, *_another(place.installation)).account("admin")
    assert refused(lambda: door.do("keys.transfer", id=made.id, identity_id=other)) == "not_found"
    itself = door.create(name="Itself")
    assert refused(lambda: place.door(kind, itself).do("keys.transfer", id=itself.id, identity_id=after)) == (
        "own_key"
    )


def _another(installation: Installation) -> tuple[str, RestDoor]:
    slug, token = installation.new_tenant()
    return slug, RestDoor(installation.url, token)


def test_an_explanation_names_the_role_or_what_is_missing(place: Place, door: Door) -> None:
    made = door.create(
        name="Asked about",
        identity_id=place.account(CZECH, "reader"),
        scope=[{"actions": ["article:read", "article:publish", "comment:read"]}],
    )

    def explained(**asked: Any) -> tuple[str, str, str | None]:
        verdict = door.do("keys.explain", id=made.id, **asked)
        assert verdict["key_id"] == made.id
        found = verdict["explanation"]
        return verdict["code"], found["check"], found["source"]

    refusal = "INSUFFICIENT_PERMISSIONS"
    published = {"action": "article:publish", "resource": "article:cs:1"}
    assert explained() == ("VALID", "state", None)
    assert explained(**published) == ("VALID", "permission", "role:editor")
    assert explained(action="article:read") == ("VALID", "permission", "role:reader")
    elsewhere = {**published, "resource": "article:en:1"}
    assert explained(**elsewhere) == (refusal, "variable", "role:editor")
    assert explained(action="comment:read")[:2] == (refusal, "identity")
    assert explained(action="article:list", resource="article:cs:1")[:2] == (refusal, "scope")
    assert explained(**published, tenant="default") == ("TENANT_MISMATCH", "tenant", None)
    assert door.get(made.id)["last_used_at"] is None

    whole = door.do("keys.explain", id=made.id, **published)
    assert whole["valid"] is True
    assert (whole["name"], whole["tenant"]) == ("Asked about", place.slug)
    assert whole["identity"]["kind"] == "service_account"
    assert whole["explanation"]["policy"] == {"actions": ["article:*"], "resources": ["article:cs:**"]}
    assert "editor" in whole["explanation"]["detail"]

    door.update(made.id, allowed_cidrs=["192.0.2.0/24"])
    assert explained(**published)[:2] == ("IP_NOT_ALLOWED", "address")
    assert explained(**published, ip="192.0.2.7")[0] == "VALID"
    nothing = "key_00000000000000000000000000000000"
    assert refused(lambda: door.do("keys.explain", id=nothing)) == "not_found"
    assert refused(lambda: door.do("keys.explain", id=made.id, resource="article:cs:1")) == "missing_field"


def test_a_member_has_keys_of_its_own_and_sees_no_others(kind: Kind, place: Place, door: Door) -> None:
    account = place.account("member")
    theirs = door.create(name="Theirs")
    first = door.create(name="First", identity_id=account)
    member = place.door(kind, first)
    own = member.create(name="Second", scope=[{"actions": ["keys:own:read"]}])
    assert own.key["identity_id"] == account
    assert {key["id"] for key in member.list()} == {first.id, own.id}
    assert member.list(identity_id=theirs.key["identity_id"]) == []
    assert member.get(own.id)["name"] == "Second"
    assert member.update(own.id, name="Renamed")["name"] == "Renamed"
    assert member.do("keys.explain", id=own.id, action="keys:own:read")["valid"] is True

    for key_id in (theirs.id, "key_00000000000000000000000000000000"):
        assert refused(lambda key_id=key_id: member.get(key_id)) == "not_found"  # type: ignore[misc]
        assert refused(lambda key_id=key_id: member.update(key_id, name="Mine")) == "not_found"  # type: ignore[misc]
        assert refused(lambda key_id=key_id: member.delete(key_id)) == "not_found"  # type: ignore[misc]
        assert refused(lambda key_id=key_id: member.do("keys.explain", id=key_id)) == "not_found"  # type: ignore[misc]
        with_owner = {"id": key_id, "identity_id": account}
        assert refused(lambda given=with_owner: member.do("keys.transfer", **given)) == "permission_denied"  # type: ignore[misc]
    for fields in ({"identity_id": theirs.key["identity_id"]}, {"memberships": [{"role": "member"}]}):
        assert refused(lambda fields=fields: member.create(name="No", **fields)) == "permission_denied"  # type: ignore[misc]
    member.delete(own.id)
    assert [key["id"] for key in member.list()] == [first.id]
    assert door.get(theirs.id)["name"] == "Theirs"


def test_a_key_made_with_a_key_outlives_it_and_does_not_end_it(kind: Kind, place: Place, door: Door) -> None:
    first = door.create(name="First", memberships=[{"role": "member"}])
    holder = place.door(kind, first)
    second, third = holder.create(name="Second"), holder.create(name="Third")
    assert second.key["identity_id"] == first.key["identity_id"]
    holder.delete(second.id)
    assert door.verify(token_of(first))["valid"] is True
    door.delete(first.id)
    assert door.verify(token_of(third))["valid"] is True


def test_a_global_key_is_good_wherever_its_roles_are(kind: Kind, place: Place) -> None:
    installation = place.installation
    root = kind(installation.url, installation.root, "*")
    made = root.create(name="Everywhere", memberships=[{"role": "project_creator"}])
    assert (made.key["tenant"], made.key["identity"]["kind"]) == (None, "key")
    here, elsewhere = place.slug, installation.new_tenant()[0]
    owner = {"identity_id": made.key["identity_id"], "role": "read_only"}
    RestDoor(installation.url, installation.root, here).call("POST", "/v1/memberships", json=owner)

    judge = kind(installation.url, installation.root)
    asked = {"action": "keys:read"}
    verdict = _verify(judge, token_of(made), here, **asked)
    assert (verdict["valid"], verdict["tenant"]) == (True, here)
    assert _verify(judge, token_of(made), elsewhere, **asked)["code"] == "INSUFFICIENT_PERMISSIONS"
    assert (
        root.do("keys.explain", id=made.id, tenant=here, **asked)["explanation"]["source"] == "role:read_only"
    )
    assert (
        root.do("keys.explain", id=made.id, tenant=elsewhere, **asked)["explanation"]["check"] == "identity"
    )
    assert root.do("keys.explain", id=made.id, tenant="no-such", **asked)["code"] == "TENANT_MISMATCH"

    # By their ids: when a key was last used is written in between.
    seen, there = (
        [key["id"] for key in door.list()]
        for door in (kind(installation.url, token_of(made), here), kind(installation.url, place.rest.token))
    )
    assert seen == there
    assert refused(kind(installation.url, token_of(made), elsewhere).list) == "not_found"
    assert refused(kind(installation.url, token_of(made), "*").list) == "permission_denied"

    assert made.id in [key["id"] for key in root.list()]
    assert made.id not in [key["id"] for key in kind(installation.url, place.rest.token).list()]
    assert refused(lambda: kind(installation.url, place.rest.token).get(made.id)) == "not_found"
    assert root.update(made.id, name="Anywhere")["name"] == "Anywhere"
    assert root.get(made.id)["name"] == "Anywhere"
    assert root.update(made.id, active=False)["state"] == "disabled"
    assert _verify(judge, token_of(made), here)["code"] == "DISABLED"
    root.delete(made.id)
    assert refused(lambda: root.get(made.id)) == "not_found"


def _verify(judge: Door, token: str, where: str, **asked: Any) -> dict[str, Any]:
    return type(judge)(judge.url, judge.token, where).verify(token, **asked)


def test_a_tenants_credential_reaches_no_global_key(kind: Kind, place: Place) -> None:
    installation = place.installation
    inside = kind(installation.url, place.rest.token, "*")
    assert refused(inside.list) == "permission_denied"
    assert refused(lambda: inside.create(name="Out")) == "permission_denied"
    named = kind(installation.url, installation.root)
    made = named.create(name="Named in the input", tenant="*", scope=[])
    assert made.key["tenant"] is None
    kind(installation.url, installation.root, "*").delete(made.id)


def test_a_template_says_what_a_key_does_not(place: Place, door: Door) -> None:
    template = {
        "description": "Reads articles",
        "scope": [{"actions": ["article:read"]}],
        "expires_in": "30d",
        "metadata": {"team": "search"},
        "prefix": "tpl",
    }
    document = {"key_templates": {"reading": template}}
    place.rest.call("PUT", "/v1/catalog", json={"document": document})
    made = door.create(name="Templated", template="reading")
    assert token_of(made).startswith("tpl_")
    assert (made.key["description"], made.key["metadata"]) == ("Reads articles", {"team": "search"})
    assert made.key["scope"] == [{"actions": ["article:read"], "resources": None}]
    assert datetime.fromisoformat(made.key["expires_at"]) > datetime.now(UTC) + timedelta(days=29)
    own = door.create(name="Own", template="reading", scope=[{"actions": ["article:list"]}], prefix="own")
    assert own.key["scope"] == [{"actions": ["article:list"], "resources": None}]
    assert token_of(own).startswith("own_")
    assert refused(lambda: door.create(name="No", template="writing")) == "invalid_value"


def test_a_tenants_settings_hold_for_its_keys(place: Place, door: Door) -> None:
    settings = {"key_prefix": "blog", "max_key_lifetime_seconds": 3_600, "keys_must_expire": True}
    early = door.create(name="Early")
    place.rest.call("PATCH", f"/v1/tenants/{place.slug}", json={"settings": settings})
    assert refused(lambda: door.create(name="Forever")) == "expiry_required"
    assert refused(lambda: door.create(name="Long", expires_at=later(hours=2))) == "lifetime_too_long"
    made = door.create(name="Short", expires_at=later(minutes=30))
    assert token_of(made).startswith("blog_")
    other = door.create(name="Other", expires_at=later(minutes=30), prefix=f"p{secrets.token_hex(3)}")
    assert not token_of(other).startswith("blog_")
    assert refused(lambda: door.update(made.id, expires_at=None)) == "expiry_required"
    assert refused(lambda: door.update(made.id, expires_at=later(hours=2))) == "lifetime_too_long"
    assert door.update(early.id, name="Still good")["expires_at"] is None
    assert door.verify(token_of(early))["valid"] is True
