"""REST at `/v1`: the use cases as JSON over HTTP, described by `/openapi.json`."""
