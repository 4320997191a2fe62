"""Keywright's own doors for programs: REST and GraphQL."""
