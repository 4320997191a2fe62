"""What all GraphQL doors share: the limits of a query, the documents they keep, and how one is run."""
