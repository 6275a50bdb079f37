"""Candidates of a part of the queries, as one process mines them: what shards have found, and the rest."""

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.processes import first_decides, world_size
from distillir.base.progress import say
from distillir.collections.run import Run
from distillir.pipeline.mined_parts import MinedPart, mine_part
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.shards.encodings import encode_all, encodings_to_mine
from distillir.pipeline.shards.parts import MinedLists, keep_lists, parts_folder
from distillir.retrieval.retriever import QUERY_BLOCK
from distillir.retrieval.shared_search import searching_together

#: Queries of a product at least: one of fewer rows is computed in another order of sums, and its last bits may differ.
_LEAST = 32


def mine_merged(folder: RunFolder, part: MinedPart) -> Run:
    """Candidates of a part of the queries; those that shards have mined are taken from the cache.

    All processes go through it together, and share what is to be mined.

    Args:
        folder: The run's.
        part: Which queries.

    Raises:
        DistillirError: A source cannot be read or loaded.
    """
    with searching_together():
        return _merged(folder, part)


def _merged(folder: RunFolder, part: MinedPart) -> Run:
    own = first_decides(lambda: parts_folder(folder, part))
    names = first_decides(lambda: MinedLists(own).names)
    if not names:
        return mine_part(folder, part)
    lists = MinedLists(own, names)
    missing = part.rows[~lists.known(part.rows)]
    rest = f"; the other {len(missing)} are mined now" if len(missing) else ""
    say(f"Candidates of {len(part.rows) - len(missing)} of {len(part.rows)} {part.queries} come from shards{rest}")
    if not len(missing):
        return lists.run(part.rows)
    if world_size() == 1:
        encode_all(encodings_to_mine(folder))
    further = mine_rows(folder, part, missing)
    if world_size() == 1:
        keep_lists(own, further)
        return MinedLists(own).run(part.rows)
    known = lists.run(np.setdiff1d(part.rows, missing))
    return _joined(known, further).select(part.rows.tolist())


def mine_rows(folder: RunFolder, part: MinedPart, rows: Rows) -> Run:
    """Candidates of some query rows of a part, as they are where all are mined at once."""
    asked = calls(rows, part.rows)
    found = mine_part(folder, part, rows=asked[0])
    for more in asked[1:]:
        found = _joined(found, mine_part(folder, part, rows=more))
    return found if len(found) == len(rows) else found.select(rows.tolist())


def calls(rows: Rows, among: Rows) -> list[Rows]:
    """Query rows to mine for in each call, so that ``rows`` get the scores that they get among all.

    No product of vectors is left with few rows that has many where all are mined, or the other way round: few queries
    have others of their part beside them, and the short last block of all of them is a call of its own.

    Args:
        rows: Those that are wanted, in the order of ``among``.
        among: All of the part.
    """
    last = len(among) % QUERY_BLOCK
    tail = among[len(among) - last :] if 0 < last < _LEAST else among[:0]
    body, found = rows[~np.isin(rows, tail)], list[Rows]()
    if len(body):
        over, others = len(body) % QUERY_BLOCK, np.setdiff1d(among, [*tail, *body], assume_unique=True)
        if 0 < over < _LEAST:
            chosen = np.isin(among, [*body, *others[: _LEAST - over]])
            body = among[chosen]
        found.append(body)
    if np.isin(tail, rows).any():
        found.append(tail)
    return found


def _joined(first: Run, second: Run) -> Run:
    ends = np.concatenate([first.offsets, first.offsets[-1] + second.offsets[1:]])
    return Run(
        np.concatenate([first.queries, second.queries]),
        ends,
        np.concatenate([first.documents, second.documents]),
        np.concatenate([first.scores, second.scores]),
        first.name,
    )
