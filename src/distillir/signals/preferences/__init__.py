"""Pairs: which two candidates a pairwise teacher is asked about, and what it says (PairDistill)."""
