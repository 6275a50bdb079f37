"""The template of signals that have none of their own."""
