"""What every room builds on: errors, files, processes, progress, seeds. Imports nothing else of distillir."""
