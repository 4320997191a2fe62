"""The fields of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.api.graphql import mapping
from keywright.api.graphql.fields import lists, runs
from keywright.services import keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.api.graphql.fields import RootField

QUERIES: Final[Mapping[str, RootField]] = {
    "apiKey": runs(keys.get_key, mapping.key_id, mapping.key, or_null=True),
    "apiKeys": lists(keys.list_keys, mapping.list_keys, mapping.key_page),
}
MUTATIONS: Final[Mapping[str, RootField]] = {
    "createApiKey": runs(keys.create_key, mapping.new_key, mapping.created_key),
    "updateApiKey": runs(keys.update_key, mapping.key_changes, mapping.changed_key),
    "deleteApiKeys": runs(keys.delete_keys, mapping.key_ids, mapping.deleted_keys),
}
