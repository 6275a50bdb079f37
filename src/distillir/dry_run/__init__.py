"""``--dry-run``: what a run would do, counted by the stages' own code, and how long each stage would take here."""
