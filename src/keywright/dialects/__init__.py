"""The API-key calls of other systems, answered over the same use cases as our own doors: one folder for each."""
