"""Several recipes on one teaching set, and the leaderboard that tells whether one helped."""
