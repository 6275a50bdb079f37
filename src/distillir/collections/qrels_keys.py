"""The columns or keys of judgements by their names."""

from collections.abc import Sequence
from dataclasses import dataclass

from distillir.collections.grades import read_grade
from distillir.collections.key_names import (
    GRADES,
    ITERATIONS,
    JUDGED_DOCUMENTS,
    JUDGED_QUERIES,
    SUBTOPICS,
    plain_key,
)
from distillir.collections.text_keys import first_named


@dataclass(frozen=True)
class QrelsKeys:
    """The keys or columns of a judgement: query, second column of TREC (None: there is none), document and grade."""

    query: str
    second: str | None
    document: str
    grade: str

    @property
    def read(self) -> set[str]:
        """All of them."""
        return {key for key in (self.query, self.second, self.document, self.grade) if key is not None}


def header_names(first: Sequence[str]) -> list[str] | None:
    """The names of a header line; None where the line is a judgement.

    A header's last cell and, where its names tell the column, its grade are no grades.
    """
    names = [cell.strip() for cell in first]
    keys = find_qrels_keys(names)
    if keys is not None:
        return names if read_grade(keys.grade) is None else None
    is_known = plain_key(names[0]) in JUDGED_QUERIES
    return names if is_known and read_grade(names[-1]) is None else None


def is_out_of_order(first: Sequence[str]) -> bool:
    """Tell whether a first line is a header under which the columns do not stand as query, (0,) document, grade."""
    names = header_names(first)
    keys = None if names is None else find_qrels_keys(names)
    if names is None or keys is None:
        return False
    found = (keys.query, keys.document, keys.grade)
    wanted = {3: (0, 1, 2), 4: (0, 2, 3)}.get(len(names))
    return wanted is None or tuple(names.index(key) for key in found) != wanted


def find_qrels_keys(names: Sequence[str]) -> QrelsKeys | None:
    """Find the names of query, document and grade among names; None where one is missing."""
    query = first_named(names, JUDGED_QUERIES)
    document = first_named([name for name in names if name != query], JUDGED_DOCUMENTS)
    grade = first_named([name for name in names if name not in (query, document)], GRADES)
    if query is None or document is None or grade is None:
        return None
    rest = [name for name in names if name not in (query, document, grade)]
    return QrelsKeys(query, first_named(rest, (*SUBTOPICS, *ITERATIONS)), document, grade)


def names_grade_last(names: Sequence[str]) -> bool:
    """Tell whether the last name of a header, of which others are not known, is that of a grade."""
    return plain_key(names[-1]) in GRADES


def wanted_keys(names: Sequence[str]) -> dict[str, str | None]:
    """The names that judgements should have, each to the one among ``names`` that is known for it."""
    query = first_named(names, JUDGED_QUERIES)
    document = first_named([name for name in names if name != query], JUDGED_DOCUMENTS)
    grade = first_named([name for name in names if name not in (query, document)], GRADES)
    return {"query-id": query, "corpus-id": document, "score": grade}
