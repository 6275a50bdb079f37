"""Kept documents of sparse students: weights of words that stay."""
