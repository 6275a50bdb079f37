"""Encoding: from texts to vectors, once, with the vectors kept on disk."""
