"""Signals: what a student learns from beside plain scores, a folder each behind one protocol (`signal.py`)."""
