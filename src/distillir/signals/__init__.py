"""What a teacher says beside its scores, a folder a signal."""
