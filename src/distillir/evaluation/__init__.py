"""Evaluation: measures of a run, and significance of the difference between two runs."""
