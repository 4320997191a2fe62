"""The rules that values must keep, one function a field; each returns the value in its stored form.

Doors check types; what a value may be is decided here, so that every door refuses alike. Nothing here
repeats a refused value in its error.
"""

from __future__ import annotations

import ipaddress
import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from keywright.core import errors
from keywright.core.agents import MAX_LABEL, MAX_LABELS
from keywright.core.identities import is_slug
from keywright.core.instants import LATEST
from keywright.core.limits import (
    LONGEST_WINDOW,
    MAX_COST,
    MAX_LIMITS,
    MAX_USES,
    Credits,
    Every,
    Limit,
    Refill,
)
from keywright.core.permissions import MAX_PATTERNS, MAX_POLICIES, InvalidPattern, Pattern, Policy, valid_name
from keywright.core.tokens import RESERVED_PREFIXES, find_tokens, is_prefix, parse_digest_hex

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keywright.core.sessions import Lifetime

MAX_TEXT = 255
MAX_DESCRIPTION = 2_000
MAX_METADATA_BYTES = 16_384
MAX_METADATA_DEPTH = 16
MAX_CIDRS = 100
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_MAPPED_LENGTH = 96
_HANDLE = re.compile(r"[A-Za-z0-9_-]{1,100}")


def name(text: str, field: str = "name") -> str:
    """1 to 255 characters on one line, not only spaces; spaces around it are cut off."""
    trimmed = text.strip()
    if not trimmed:
        raise errors.InvalidValue("A name needs at least one character.", field=field)
    if len(trimmed) > MAX_TEXT:
        raise errors.InvalidValue(f"A name has at most {MAX_TEXT} characters.", field=field)
    if _CONTROL.search(trimmed):
        raise errors.InvalidValue("A name is one line of text, without control characters.", field=field)
    return without_tokens(trimmed, field)


def short_line(text: str, longest: int, field: str) -> str:
    """1 to `longest` characters on one line, not only spaces; spaces around it are cut off."""
    trimmed = text.strip()
    if not 1 <= len(trimmed) <= longest or _CONTROL.search(trimmed):
        raise errors.InvalidValue(
            f"This is one line of 1 to {longest} characters, without control characters.", field=field
        )
    return without_tokens(trimmed, field)


def labels(texts: Sequence[str], field: str = "labels") -> tuple[str, ...]:
    """Up to 50 labels of 1 to 100 characters, without doubles, in the given order."""
    if len(texts) > MAX_LABELS:
        raise errors.InvalidValue(f"At most {MAX_LABELS} labels.", field=field)
    found = [short_line(text, MAX_LABEL, f"{field}.{index}") for index, text in enumerate(texts)]
    return tuple(dict.fromkeys(found))


def name_prefix(text: str, field: str = "name_prefix") -> str:
    """The beginning of a name, to search by."""
    if len(text) > MAX_TEXT or _CONTROL.search(text):
        raise errors.InvalidValue(
            f"The beginning of a name is at most {MAX_TEXT} characters of text.", field=field
        )
    return text


def search(text: str, field: str = "search") -> str:
    """What lists are searched for; spaces around it, and the dots that show where a hint was cut off, do not count.

    A whole token is refused: it is looked up by its digest, and has no place in a search.
    """
    trimmed = text.strip().removesuffix("…").removesuffix("...")
    if len(trimmed) > MAX_TEXT or _CONTROL.search(trimmed):
        raise errors.InvalidValue(f"A search is at most {MAX_TEXT} characters of text.", field=field)
    if find_tokens(trimmed):
        raise errors.SecretInText(
            "This holds an API key, which is not searched for by its text.", field=field
        )
    return trimmed


def description(text: str, field: str = "description") -> str:
    """Up to 2,000 characters; line breaks are allowed."""
    if len(text) > MAX_DESCRIPTION:
        raise errors.InvalidValue(f"A description has at most {MAX_DESCRIPTION} characters.", field=field)
    if _CONTROL_BUT_LINES.search(text):
        raise errors.InvalidValue("A description is text, without control characters.", field=field)
    return without_tokens(text, field)


def handle(text: str, field: str = "handle") -> str:
    """1 to 100 letters, digits, underscores and hyphens; letter case counts."""
    if not _HANDLE.fullmatch(text):
        raise errors.InvalidValue(
            "A handle has 1 to 100 letters, digits, underscores and hyphens.", field=field
        )
    return without_tokens(text, field)


def slug(text: str, field: str = "slug") -> str:
    """1 to 100 lower-case letters, digits, underscores and hyphens, beginning with a letter or digit."""
    if not is_slug(text):
        raise errors.InvalidValue(
            "A slug has 1 to 100 lower-case letters, digits, _ and -, and begins with a letter or digit.",
            field=field,
        )
    return without_tokens(text, field)


def prefix(text: str, field: str = "prefix") -> str:
    """A token prefix, `[a-z][a-z0-9_]{0,15}`; those of session and invitation tokens are reserved."""
    if not is_prefix(text):
        raise errors.InvalidValue(
            "A prefix has 1 to 16 lower-case letters, digits and underscores, and begins with a letter.",
            field=field,
        )
    if text in RESERVED_PREFIXES:
        raise errors.InvalidValue("This prefix is kept for tokens that are no API keys.", field=field)
    return text


def token_hash(text: str, field: str = "token_hash") -> bytes:
    """The 32 bytes of a SHA-256 given as 64 lower-case hexadecimal digits."""
    digest = parse_digest_hex(text)
    if digest is None:
        raise errors.InvalidTokenHash(
            "A token hash is a SHA-256 as exactly 64 lower-case hexadecimal digits.", field=field
        )
    return digest


def moment(value: datetime, field: str) -> datetime:
    """An instant as UTC; a date-time without an offset is refused, because its zone would be a guess."""
    if value.utcoffset() is None:
        raise errors.InvalidValue("A date-time needs an offset, such as Z or +02:00.", field=field)
    try:
        instant = value.astimezone(UTC)
    except (OverflowError, ValueError):
        raise errors.InvalidValue("This date-time is out of range.", field=field) from None
    if not datetime(1970, 1, 1, tzinfo=UTC) <= instant <= LATEST:
        raise errors.InvalidValue("A date-time lies between the years 1970 and 9999.", field=field)
    return instant


def window(not_before: datetime | None, expires_at: datetime | None) -> None:
    """A key that ends must end after it begins."""
    if not_before is not None and expires_at is not None and expires_at <= not_before:
        raise errors.ExpiryBeforeStart("The expiry must be later than not_before.", field="expires_at")


def future(expires_at: datetime | None, now: datetime, field: str = "expires_at") -> None:
    """An expiry that is set must lie ahead; to end a key now, disable or delete it."""
    if expires_at is not None and expires_at <= now:
        raise errors.ExpiryInPast(
            "The expiry lies in the past. To end a key now, disable or delete it.", field=field
        )


def cidrs(
    texts: Sequence[str], field: str = "allowed_cidrs"
) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Address ranges such as `10.0.0.0/8`, `2001:db8::/32` or one address; without doubles, in the given order.

    Bits set behind the mask are refused: `10.0.0.1/8` is more often a slip than a wish. So is a zone
    (`fe80::%eth0/64`), which is free text. IPv4 ranges in IPv6 clothing count as the IPv4 ranges they are.
    """
    if not texts:
        raise errors.InvalidCidr(
            "An empty list would refuse every address; leave it null for any.", field=field
        )
    if len(texts) > MAX_CIDRS:
        raise errors.InvalidCidr(f"At most {MAX_CIDRS} address ranges.", field=field)
    found: dict[ipaddress.IPv4Network | ipaddress.IPv6Network, None] = {}
    for index, text in enumerate(texts):
        try:
            found[_network(text)] = None
        except ValueError:
            raise errors.InvalidCidr(
                "An address range looks like 10.0.0.0/8 or 2001:db8::/32, with no bits set behind the mask.",
                field=f"{field}.{index}",
            ) from None
    return tuple(found)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    if "%" in text:
        raise ValueError
    network = ipaddress.ip_network(text)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is not None and network.prefixlen >= _MAPPED_LENGTH:
        return ipaddress.IPv4Network((mapped, network.prefixlen - _MAPPED_LENGTH))
    return network


def scope(
    items: Sequence[tuple[Sequence[str], Sequence[str] | None]], field: str = "scope"
) -> tuple[Policy, ...]:
    """Policies from pairs of actions and resources; an empty list is a key that may do nothing at all."""
    if len(items) > MAX_POLICIES:
        raise errors.InvalidPolicy(f"A scope has at most {MAX_POLICIES} policies.", field=field)
    policies = []
    for index, (actions, resources) in enumerate(items):
        at = f"{field}.{index}"
        _patterns(actions, f"{at}.actions")
        if resources is not None:
            _patterns(resources, f"{at}.resources")
        policies.append(Policy.parse(actions, resources))
    return tuple(policies)


def _patterns(texts: Sequence[str], field: str) -> None:
    if not texts:
        raise errors.InvalidPolicy("At least one pattern is needed here.", field=field)
    if len(texts) > MAX_PATTERNS:
        raise errors.InvalidPolicy(f"At most {MAX_PATTERNS} patterns.", field=field)
    for index, text in enumerate(texts):
        try:
            Pattern.parse(text)
        except InvalidPattern as wrong:
            raise errors.InvalidPolicy(str(wrong), field=f"{field}.{index}") from None
        without_tokens(text, f"{field}.{index}")


def action(text: str, field: str = "action") -> str:
    """One exact action or resource, without wildcards."""
    if not valid_name(text):
        raise errors.InvalidValue(
            "This is one exact name: segments joined by colons, without spaces and wildcards.", field=field
        )
    return text


def limits(items: Sequence[tuple[str, int, int]], field: str = "limits") -> tuple[Limit, ...]:
    """Up to 10 limits from names, numbers of uses and windows in seconds; each name is there once."""
    if len(items) > MAX_LIMITS:
        raise errors.InvalidValue(f"At most {MAX_LIMITS} limits.", field=field)
    found: dict[str, Limit] = {}
    for index, (called, uses, seconds) in enumerate(items):
        at = f"{field}.{index}"
        found_name = handle(called, f"{at}.name")
        if found_name in found:
            raise errors.InvalidValue("Another limit has this name.", field=f"{at}.name")
        if not 1 <= uses <= MAX_USES:
            raise errors.InvalidValue(f"A limit is 1 to {MAX_USES} uses.", field=f"{at}.limit")
        if not 1 <= seconds <= LONGEST_WINDOW:
            raise errors.InvalidValue(
                f"A window is 1 to {LONGEST_WINDOW} seconds.", field=f"{at}.window_seconds"
            )
        found[found_name] = Limit(found_name, uses, seconds)
    return tuple(found.values())


def credit(remaining: int, refill: tuple[int, str] | None = None, field: str = "credits") -> Credits:
    """Credits from the uses left, and the number and period of a refill."""
    if not 0 <= remaining <= MAX_USES:
        raise errors.InvalidValue(f"Credits are 0 to {MAX_USES} uses.", field=f"{field}.remaining")
    if refill is None:
        return Credits(remaining)
    amount, every = refill
    if not 1 <= amount <= MAX_USES:
        raise errors.InvalidValue(f"A refill is 1 to {MAX_USES} uses.", field=f"{field}.refill.amount")
    try:
        period = Every(every)
    except ValueError:
        raise errors.InvalidValue(
            "Credits are filled up every hour, day, week or month.", field=f"{field}.refill.every"
        ) from None
    return Credits(remaining, Refill(amount, period))


def cost(value: int, field: str = "cost") -> int:
    """What a use takes of limits and credits: 0 to 1,000,000."""
    if not 0 <= value <= MAX_COST:
        raise errors.InvalidValue(f"A cost is 0 to {MAX_COST}.", field=field)
    return value


def metadata(value: dict[str, object], field: str = "metadata") -> str:
    """The canonical JSON text of an object of at most 16 KiB and 16 levels."""
    try:
        if _deeper(value, MAX_METADATA_DEPTH):
            raise errors.InvalidValue(f"Metadata has at most {MAX_METADATA_DEPTH} levels.", field=field)
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
        size = len(text.encode())
    except (ValueError, TypeError):
        raise errors.InvalidValue(
            "Metadata is a JSON object of text keys, valid Unicode and finite numbers.", field=field
        ) from None
    if size > MAX_METADATA_BYTES:
        raise errors.InvalidValue(f"Metadata has at most {MAX_METADATA_BYTES} bytes as JSON.", field=field)
    return without_tokens(text, field)


def address(text: str, field: str = "ip") -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An IP address; an IPv4 address in IPv6 clothing (`::ffff:10.0.0.1`) counts as the IPv4 address it is.

    A zone (`fe80::1%eth0`) is left out: it means something on one machine only, and is free text.
    """
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        raise errors.InvalidValue("This is not an IP address.", field=field) from None
    if isinstance(ip, ipaddress.IPv6Address):
        return ip.ipv4_mapped or ipaddress.IPv6Address(int(ip))
    return ip


def _deeper(value: object, limit: int) -> bool:
    """Whether containers are nested deeper than the limit, found without recursion of our own depth.

    Raises TypeError for a key that is no text, which JSON would turn into one.
    """
    level: list[object] = [value]
    for _ in range(limit):
        level = [
            child for item in level for child in _children(item) if isinstance(child, dict | list | tuple)
        ]
    return bool(level)


def _children(value: object) -> Iterable[object]:
    if not isinstance(value, dict):
        return cast("Iterable[object]", value)
    if not all(isinstance(key, str) for key in value):
        raise TypeError
    return value.values()


def without_tokens(text: str, field: str) -> str:
    """Any text that is stored and shown, without a token in it. Raises `SecretInText`."""
    if find_tokens(text):
        raise errors.SecretInText(
            "This text holds an API key. It would be stored and shown: leave it out, and revoke the key if it leaked.",
            field=field,
        )
    return text


def lifetime(given: Lifetime) -> Lifetime:
    """How long a session is to live: for some time, or without end."""
    for one, field in ((given.idle, "idle_seconds"), (given.longest, "longest_seconds")):
        if one is not None and one <= timedelta():
            raise errors.InvalidValue("A session lives for some time.", field=field)
    return given
