"""Who an audit entry can name, and that an entry stays as it was made."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from keywright.core.audit import SYSTEM, Actor, ActorKind, AuditEntry, Change
from tests.support.facts import NOW


def test_keywright_itself_has_no_credential() -> None:
    assert Actor(kind=ActorKind.SYSTEM, identity_id=None, key_id=None, session_id=None) == SYSTEM
    assert [kind.value for kind in ActorKind] == ["key", "session", "system"]


def test_an_entry_cannot_be_changed() -> None:
    entry = AuditEntry(
        id="aud_one",
        at=NOW,
        tenant_id=None,
        actor=SYSTEM,
        action="key.delete",
        target_type="key",
        target_id="key_one",
        ip=None,
        request_id=None,
        changes={"state": Change("active", "deleted")},
    )
    with pytest.raises(FrozenInstanceError):
        entry.action = "key.create"  # type: ignore[misc] # that is what is forbidden
