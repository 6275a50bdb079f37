"""Training: lessons, batches of distinct documents, and a thin subclass of sentence-transformers' trainer."""
