"""Plans: the lists that the student sees, their order and their stages."""
