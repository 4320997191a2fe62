"""API keys: create, read, list, change and delete."""

from keywright.services.keys.shapes import (
    CreatedKey,
    KeyChanges,
    KeyId,
    KeyIds,
    KeyList,
    KeyQuestion,
    KeyToken,
    KeyTransfer,
    KeyView,
    ListKeys,
    NewKey,
    PolicyInput,
    TransferredKey,
)
from keywright.services.keys.transfers import explain_key, transfer_key
from keywright.services.keys.use_cases import (
    MAX_AT_ONCE,
    create_key,
    delete_keys,
    find_key,
    get_key,
    list_keys,
    missing,
    update_key,
)

__all__ = [
    "MAX_AT_ONCE",
    "CreatedKey",
    "KeyChanges",
    "KeyId",
    "KeyIds",
    "KeyList",
    "KeyQuestion",
    "KeyToken",
    "KeyTransfer",
    "KeyView",
    "ListKeys",
    "NewKey",
    "PolicyInput",
    "TransferredKey",
    "create_key",
    "delete_keys",
    "explain_key",
    "find_key",
    "get_key",
    "list_keys",
    "missing",
    "transfer_key",
    "update_key",
]
