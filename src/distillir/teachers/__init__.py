"""Teachers: models that score documents for queries, and the cache that keeps each score."""
