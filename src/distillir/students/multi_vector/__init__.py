"""Multi-vector students (late interaction, ColBERT): one vector a token."""
