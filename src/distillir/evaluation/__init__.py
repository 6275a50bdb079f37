"""Evaluation: measures of a run, and whether a difference between two could be chance."""
