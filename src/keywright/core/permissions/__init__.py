"""Permissions: names of actions and resources, patterns over them, and policies that allow.

`patterns` says what a name and a pattern are, `policy` what one policy allows, `policies` compiles many of
them for decisions, and `covering` answers whether rights that are handed out are held. Everything allows;
there is no deny.
"""

from keywright.core.permissions.patterns import (
    MAX_NAME,
    MAX_SEGMENTS,
    MAX_WILDCARDS,
    InvalidPattern,
    Pattern,
    valid_name,
)
from keywright.core.permissions.policies import Match, Miss, Policies, compile_policies
from keywright.core.permissions.policy import MAX_PATTERNS, MAX_POLICIES, EmptyPolicy, Policy

__all__ = [
    "MAX_NAME",
    "MAX_PATTERNS",
    "MAX_POLICIES",
    "MAX_SEGMENTS",
    "MAX_WILDCARDS",
    "EmptyPolicy",
    "InvalidPattern",
    "Match",
    "Miss",
    "Pattern",
    "Policies",
    "Policy",
    "compile_policies",
    "valid_name",
]
