"""Nodes without a database: what they say to a server, what it does for them, and what such a node is made of."""
