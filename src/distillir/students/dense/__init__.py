"""Dense students: one vector a text."""
