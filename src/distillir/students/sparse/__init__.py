"""Sparse students (SPLADE): a weight for each word of a vocabulary."""
