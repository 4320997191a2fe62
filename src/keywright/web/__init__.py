"""What all HTTP doors share: the edge that every request passes, credentials, addresses and errors."""
