"""Retrieval: a collection's candidates as a run, by BM25, by vectors, from a file, or by fusion of several."""
