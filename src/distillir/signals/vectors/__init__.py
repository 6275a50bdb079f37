"""Vectors: the student's vectors of texts follow a dense model's (EmbedDistill, LEAF)."""
