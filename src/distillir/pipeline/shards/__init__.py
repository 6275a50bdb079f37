"""Stages cut into shares, each done by a process that knows no other; they meet in the cache."""
