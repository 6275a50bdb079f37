"""Search engines that are filled with a student's vectors, asked and measured."""
