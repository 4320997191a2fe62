"""What a client manages: what all such things share, and keys."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypedDict
from urllib.parse import quote, urlencode

from keywright.client.calls import Call, Described, Listing, S, T, call, listing, nothing, whole
from keywright.client.errors import UnexpectedAnswer
from keywright.client.values import CreatedKey, LoggedIn, Page, Token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Unpack

    from keywright.client.values import Json


class _Changeable(TypedDict, total=False):
    description: str
    handle: str | None
    scope: Sequence[Mapping[str, Any]] | None
    not_before: datetime | str | None
    expires_at: datetime | str | None
    allowed_cidrs: Sequence[str] | None
    metadata: Mapping[str, Any] | None
    limits: Sequence[Mapping[str, Any]] | None
    credits: Mapping[str, Any] | None


class KeyFields(_Changeable, total=False):
    """What may be said of a new key beside its name; the meaning of each field is that of the REST API."""

    tenant: str | None
    identity_id: str | None
    memberships: Sequence[Mapping[str, Any]] | None
    template: str | None
    prefix: str | None
    token_hash: str | None


class KeyChanges(_Changeable, total=False):
    """What may be changed of a key: what is not given stays, and None clears."""

    name: str
    active: bool


class KeyQuestion(TypedDict, total=False):
    """What may be asked about a key; `tenant` is where a global key is used. As in the REST API."""

    action: str | None
    resource: str | None
    ip: str | None
    tenant: str | None


class KeyFilters(TypedDict, total=False):
    """Which keys to list, in which order, and how many a page; as in the REST API."""

    state: Sequence[str]
    identity_id: str | None
    handle: str | None
    name_prefix: str | None
    search: str | None
    created_since: datetime | str | None
    created_until: datetime | str | None
    expires_since: datetime | str | None
    expires_until: datetime | str | None
    ends: bool | None
    last_used_since: datetime | str | None
    last_used_until: datetime | str | None
    used: bool | None
    sort: str | None
    order: str | None
    limit: int | None
    cursor: str | None


_NO_WAIT: Final = {"wait": False}


class Resource(Described[S]):
    """What all resources share: descriptions of what is done to a thing in the same way everywhere."""

    def _having(self, name: str) -> Callable[[Json], Json]:
        """Reads an answer that is given whole, on the condition that it has a part."""

        def read(answer: Json) -> Json:
            part(answer, name, self._url)
            return answer

        return read

    def _page(self, path: str, query: Mapping[str, Any]) -> Call[Page]:
        def read(answer: Json) -> Page:
            return Page(tuple(part(answer, "items", self._url)), part(answer, "next_cursor", self._url))

        return Call("GET", path, read, query=plain(query), retry=True)

    def _each(self, path: str, query: Mapping[str, Any]) -> Listing:
        """The items of a whole list."""

        def page(cursor: str | None) -> Call[Page]:
            return self._page(path, query if cursor is None else {**query, "cursor": cursor})

        return Listing(page)

    def _create(
        self,
        path: str,
        body: Json,
        idempotency_key: str | None,
        read: Callable[[Json], T] = whole,
        *,
        wait: bool = True,
    ) -> Call[T]:
        """Create a thing. The request may be sent twice, and makes one thing all the same."""
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        query = None if wait else _NO_WAIT
        return Call("POST", path, read, query=query, body=plain(body), headers=headers, retry=True)

    def _change(
        self, path: str, changes: Mapping[str, Any], *, wait: bool, no_tenant: bool = False
    ) -> Call[Json]:
        """Change a thing, and give it as it is then, with the receipt of the change as its `receipt`."""
        query = None if wait else _NO_WAIT
        return Call("PATCH", path, query=query, body=plain(changes), no_tenant=no_tenant)

    def _revoke(
        self,
        method: str,
        path: str,
        *,
        wait: bool,
        query: Mapping[str, Any] | None = None,
        no_tenant: bool = False,
    ) -> Call[Json]:
        """Take something away, and give the receipt."""

        def read(answer: Json) -> Json:
            found: Json = part(answer, "receipt", self._url)
            return found

        asked = {**(query or {}), **({} if wait else _NO_WAIT)}
        return Call(method, path, read, query=asked or None, no_tenant=no_tenant)

    def _logged_in(self, answer: Json) -> LoggedIn:
        """A login from the answer that made it."""
        return LoggedIn(
            id=part(answer, "id", self._url),
            token=Token(part(answer, "token", self._url)),
            identity=part(answer, "identity", self._url),
            expires_at=part(answer, "expires_at", self._url),
        )


class Keys(Resource[S]):
    """API keys."""

    @call
    def create(
        self, name: str, *, idempotency_key: str | None = None, **fields: Unpack[KeyFields]
    ) -> Call[CreatedKey]:
        """Make a key. Two calls with one `idempotency_key` make one key, and only the first gives its token."""
        return self._create("/v1/keys", {**fields, "name": name}, idempotency_key, self._created)

    @call
    def import_keys(self, items: Sequence[Mapping[str, Any]], *, dry_run: bool = False) -> Call[Json]:
        """Make up to 1,000 keys whose tokens are elsewhere already, each with its `name` and `token_hash`.

        Answers what became of each, as the REST API does; importing the same again changes nothing. With `dry_run` they
        are judged, and none is made.
        """
        body = {"items": [plain(item) for item in items], "dry_run": dry_run}
        return Call("POST", "/v1/keys/import", self._having("items"), body=body, retry=True)

    @call
    def page(self, **filters: Unpack[KeyFilters]) -> Call[Page]:
        """One page of a list."""
        return self._page("/v1/keys", filters)

    @listing
    def list(self, **filters: Unpack[KeyFilters]) -> Listing:
        """Go through a whole list; further pages are asked for as they are needed."""
        return self._each("/v1/keys", filters)

    @call
    def get(self, key_id: str) -> Call[Json]:
        """One key."""
        return Call("GET", path_of("/v1/keys", key_id), retry=True)

    @call
    def update(self, key_id: str, *, wait: bool = True, **changes: Unpack[KeyChanges]) -> Call[Json]:
        """Change a key, and give it as it is then, with the `receipt` of the change.

        Without `wait` the answer comes at once, and the receipt says by when the change is true on every node.
        """
        return self._change(path_of("/v1/keys", key_id), changes, wait=wait)

    @call
    def transfer(
        self, key_id: str, identity_id: str, *, confirm: bool = False, wait: bool = True
    ) -> Call[Json]:
        """Make a key speak for another identity, or without `confirm` show what it would gain and lose."""
        path = f"{path_of('/v1/keys', key_id)}/transfer"
        body = {"identity_id": identity_id, "confirm": confirm}
        query = None if wait else _NO_WAIT
        return Call("POST", path, self._having("confirmed"), query=query, body=body, retry=not confirm)

    @call
    def explain(self, key_id: str, **question: Unpack[KeyQuestion]) -> Call[Json]:
        """Why a key may or may not do something, without its token: a verdict, which always has an explanation."""
        path = f"{path_of('/v1/keys', key_id)}/explain"
        return Call("POST", path, self._having("valid"), body=plain(question), retry=True)

    @call
    def delete(self, key_id: str, *, wait: bool = True) -> Call[Json]:
        """Delete a key for good, and give the receipt: when this returns, no node accepts it any more.

        Without `wait` it returns at once, and `effective_by` in the receipt is when that is so.
        """
        return self._revoke("DELETE", path_of("/v1/keys", key_id), wait=wait)

    @call
    def revoke(self, token: Token | str) -> Call[None]:
        """Delete the key that has this token, for good; holding the token is all that it takes.

        When this returns, no node accepts it any more, also where it was not known.
        """
        held = token.reveal() if isinstance(token, Token) else token
        return Call(
            "POST",
            "/v1/revoke",
            nothing,
            body=urlencode({"token": held}).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            retry=True,
            anonymous=True,
        )

    def _created(self, answer: Json) -> CreatedKey:
        token = part(answer, "token", self._url)
        return CreatedKey(
            key=part(answer, "key", self._url),
            token=None if token is None else Token(token),
            replayed=part(answer, "replayed", self._url),
            note=part(answer, "note", self._url),
        )


def part(answer: Json, name: str, url: str) -> Any:  # noqa: ANN401 - a part of a JSON object may be anything
    """A part that every answer of Keywright has; raises `UnexpectedAnswer` when it is not there."""
    if name not in answer:
        raise UnexpectedAnswer(url, f"the answer has no part named {name}")
    return answer[name]


def path_of(collection: str, name: str) -> str:
    """The path of one thing. Dots are escaped too, since a lone dot in a path means another path."""
    return f"{collection}/{quote(name, safe='').replace('.', '%2E')}"


def plain(fields: Mapping[str, Any]) -> Json:
    """Fields as JSON has them: datetimes as RFC 3339 in UTC."""
    return {name: _instant(value) if isinstance(value, datetime) else value for name, value in fields.items()}


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
