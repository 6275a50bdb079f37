"""Pairs of candidates with a pairwise teacher's preferences (PairDistill)."""
