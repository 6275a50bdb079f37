"""Training: batches of distinct documents, the loss, and a thin subclass of sentence-transformers' trainer."""
