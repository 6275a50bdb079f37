"""Plans: which lists the student sees, in which order, in which stages."""
