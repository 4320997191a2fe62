"""The fields of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.api.graphql import mapping
from keywright.api.graphql.errors import field_name
from keywright.api.graphql.fields import lists, runs
from keywright.services import keys
from keywright.services.keys import KeyImport, KeyQuestion, KeyTransfer, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.api.graphql.fields import RootField
    from keywright.core.errors import KeywrightError
    from keywright.services.keys import ImportedKey, KeyImported, TransferredKey


def transfer(args: mapping.Args) -> KeyTransfer:
    """Which key is to speak for whom."""
    given = args["input"]
    return KeyTransfer(given["id"], given["identityId"], bool(given.get("confirm")))


def transferred_key(result: TransferredKey) -> mapping.Shape:
    """A key with its new owner, or as it would be."""
    return {
        "apiKey": mapping.key(result.view),
        "confirmed": result.confirmed,
        "gained": [mapping.policy(one) for one in result.gained],
        "lost": [mapping.policy(one) for one in result.lost],
    }


def key_import(args: mapping.Args) -> KeyImport:
    """What an import asks for."""
    given = args["input"]
    return KeyImport(tuple(map(mapping.any_new_key, given["apiKeys"])), bool(given.get("dryRun")))


def imported_keys(result: KeyImported) -> mapping.Shape:
    """What became of the keys of an import."""
    return {
        "apiKeys": [_outcome(one) for one in result.keys],
        "created": result.count(Outcome.CREATED),
        "present": result.count(Outcome.PRESENT),
        "refused": result.count(Outcome.REFUSED),
        "dryRun": result.dry_run,
    }


def _outcome(one: ImportedKey) -> mapping.Shape:
    return {
        "outcome": one.outcome.value.upper(),
        "id": one.id,
        "refusal": None if one.refusal is None else _refusal(one.refusal),
    }


def _refusal(why: KeywrightError) -> mapping.Shape:
    field = None if why.field is None else field_name(why.field)
    return {"code": why.code, "message": why.detail, "field": field}


def question(args: mapping.Args) -> KeyQuestion:
    """What is asked about a key."""
    given = args["input"]
    return KeyQuestion(
        id=given["id"],
        action=given.get("action"),
        resource=given.get("resource"),
        ip=given.get("ip"),
        where=given.get("tenant"),
    )


QUERIES: Final[Mapping[str, RootField]] = {
    "apiKey": runs(keys.get_key, mapping.key_id, mapping.key, or_null=True),
    "apiKeys": lists(keys.list_keys, mapping.list_keys, mapping.key_page),
    "explainApiKey": runs(keys.explain_key, question, mapping.verdict, or_null=True),
}
MUTATIONS: Final[Mapping[str, RootField]] = {
    "createApiKey": runs(keys.create_key, mapping.new_key, mapping.created_key),
    "updateApiKey": runs(keys.update_key, mapping.key_changes, mapping.changed_key),
    "transferApiKey": runs(keys.transfer_key, transfer, transferred_key),
    "importApiKeys": runs(keys.import_keys, key_import, imported_keys),
    "deleteApiKeys": runs(keys.delete_keys, mapping.key_ids, mapping.deleted_keys),
}
