"""Batches: texts as tokens, features of a batch, ragged lists as matrices, texts of all processes side by side."""
