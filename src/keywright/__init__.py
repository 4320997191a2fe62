"""Keywright: a self-hosted service that issues, checks, narrows and revokes API keys."""
