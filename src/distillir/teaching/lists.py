"""Candidate lists as plans and signals read them."""

from typing import Protocol

from distillir.base.arrays import Flags, Rows, Scores


class Lists(Protocol):
    """Candidates of queries with what is known of them: a `TeachingSet`, or anything with the same few members."""

    @property
    def queries(self) -> Rows:
        """Query rows [Q]."""

    def documents(self, index: int) -> Rows:
        """Candidate rows of the ``index``-th query."""

    def scores(self, index: int) -> Scores:
        """Their teacher scores."""

    def relevant(self, index: int) -> Flags:
        """Mask [N] of the candidates that are judged relevant."""
