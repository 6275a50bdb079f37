"""The stages of a run, each leaving files that the next one reads."""
