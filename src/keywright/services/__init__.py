"""The use cases: one call is one transaction and, where something changes, its audit entries."""
