"""Scores: objectives that compare the student's scores of lists with a teacher's, with labels and with judgements."""
