"""Idempotent creation: the same request under the same key makes one thing, within a day."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

from keywright.core.errors import IdempotencyKeyReused, InvalidValue
from keywright.storage.idempotency import Replay

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from keywright.services.work import Work

LIFETIME = timedelta(hours=24)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


async def find(work: Work, name: str, data: DataclassInstance) -> str | None:
    """The id of what this request made before, or None when it is new or came without an idempotency key.

    Raises `IdempotencyKeyReused` when the key was used for another request.
    """
    key = work.call.idempotency_key
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise InvalidValue(
            "An idempotency key is 1 to 255 visible ASCII characters.", field="Idempotency-Key"
        )
    made = await work.transaction.replays.find(
        work.caller.credential_id, work.tenant_id, _stored(key), work.now - LIFETIME
    )
    if made is None:
        return None
    if made.fingerprint != _fingerprint(name, data):
        raise IdempotencyKeyReused(
            "This idempotency key was used for a different request within the last 24 hours.",
            field="Idempotency-Key",
        )
    return made.result_id


async def remember(work: Work, name: str, data: DataclassInstance, result_id: str) -> None:
    """Remember what this request made, if it came with an idempotency key."""
    key = work.call.idempotency_key
    if key is not None:
        await work.transaction.replays.add(
            Replay(
                caller_id=work.caller.credential_id,
                tenant_id=work.tenant_id,
                key=_stored(key),
                fingerprint=_fingerprint(name, data),
                result_id=result_id,
                created_at=work.now,
            )
        )


def gone() -> IdempotencyKeyReused:
    """The answer when what was made has been deleted since; to make it again would be another request."""
    return IdempotencyKeyReused(
        "What was made under this idempotency key has been deleted since.", field="Idempotency-Key"
    )


def _stored(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _fingerprint(name: str, data: DataclassInstance) -> bytes:
    """What tells one request from another; empty for one that cannot be written down, and so never succeeded."""
    try:
        text = json.dumps([name, asdict(data)], sort_keys=True, default=str)
    except (RecursionError, TypeError, ValueError):
        return b""
    return hashlib.sha256(text.encode()).digest()
