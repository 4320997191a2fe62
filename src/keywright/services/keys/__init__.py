"""API keys: create, read, list, change and delete."""

from keywright.services.keys.shapes import (
    CreatedKey,
    KeyChanges,
    KeyId,
    KeyIds,
    KeyList,
    KeyView,
    ListKeys,
    NewKey,
    PolicyInput,
)
from keywright.services.keys.use_cases import (
    MAX_AT_ONCE,
    create_key,
    delete_keys,
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
    "KeyView",
    "ListKeys",
    "NewKey",
    "PolicyInput",
    "create_key",
    "delete_keys",
    "get_key",
    "list_keys",
    "missing",
    "update_key",
]
