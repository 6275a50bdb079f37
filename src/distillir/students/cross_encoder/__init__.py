"""Cross-encoder students: query and document read together, one score."""
