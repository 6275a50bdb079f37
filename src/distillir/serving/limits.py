"""Limits of what the server takes and gives."""

import unicodedata

from distillir.base.errors import DistillirError

#: Bytes of a request's body.
BODY_BYTES = 256 * 1024
#: Seconds in which a body must have come.
BODY_SECONDS = 10.0
#: Characters of a query; those of ArguAna, whole arguments, have 6,000 at most.
QUERY_CHARACTERS = 10_000
#: Documents of an answer by each system.
MOST_DOCUMENTS = 100
#: Documents that a teacher is asked about at once.
TEACHER_DOCUMENTS = 10
#: Characters of a document's text that are sent.
DOCUMENT_CHARACTERS = 200_000
#: Evaluation queries of an answer.
MOST_QUERIES = 200
#: Searches that wait for a free thread; more are told to come again.
WAITING = 64
#: Seconds after which they may.
RETRY_SECONDS = 1


class BadQueryError(DistillirError):
    """A query that is not searched for."""


def clean_query(text: str) -> str:
    """A query as it is searched for: control characters are spaces, and none stand at its ends.

    Raises:
        BadQueryError: It is too long, or nothing is left of it.
    """
    if len(text) > QUERY_CHARACTERS:
        raise BadQueryError(
            f"the query has {len(text):,} characters, and at most {QUERY_CHARACTERS:,} are searched for"
        )
    kept = "".join(" " if unicodedata.category(letter) in ("Cc", "Cs") else letter for letter in text).strip()
    if not kept:
        raise BadQueryError("the query is empty")
    return kept
