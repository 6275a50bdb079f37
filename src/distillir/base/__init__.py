"""Base of all rooms: errors, files, processes, progress, seeds. It imports nothing else of distillir."""
