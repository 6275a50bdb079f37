"""Fixed lists that measure a cross-encoder in training: of another split's queries, or of queries held out."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xxhash

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.seeds import TEACHER_DEV_QUERIES
from distillir.collections import Collection, Qrels
from distillir.collections.run import Run
from distillir.collections.text_identity import text_key

WHERE = "--select"
#: Queries that are measured on at most, and candidates that are re-ranked of each: a measure is 3,200 pairs at most.
QUERIES, CANDIDATES = 160, 20
#: The split in whose place training queries are held out, where a collection has none of this name.
DEV = "dev"


@dataclass(frozen=True)
class DevLists:
    """Candidates of queries that are not learnt from.

    Attributes:
        name: What people call the queries.
        run: Candidates of each query, as mined.
        qrels: The judgements of its queries.
        leave_out: Query rows of the trained split that must not be learnt from.
    """

    name: str
    run: Run
    qrels: Qrels
    leave_out: Rows

    @property
    def fingerprint(self) -> str:
        """Hash of queries, candidates and judgements (hex)."""
        parts = (self.run.queries, self.run.offsets, self.run.documents, self.qrels.documents, self.qrels.grades)
        return xxhash.xxh3_128_hexdigest(b"".join(part.tobytes() for part in parts))

    def relevant(self) -> list[npt.NDArray[np.bool_]]:
        """Masks of each query's candidates that are judged relevant."""
        return [np.isin(d, self.qrels.relevant(int(q))) for q, d in zip(self.run.queries, self.run.lists, strict=True)]


def dev_lists(
    collection: Collection, split: str, select: str, mine: Callable[[Rows, int], Run], *, seed: int = 0
) -> DevLists:
    """Draw queries with a relevant document, and mine their candidates once.

    Args:
        collection: Texts and judgements.
        split: The split that is learnt from; queries of it, and of the same text, are not measured on.
        select: Another split; ``dev`` where there is none: a fifth of the trained split's queries, at most `QUERIES`,
            is held out of training, and whatever has the text of one.
        mine: Ranks documents for query rows to a depth.
        seed: Of the draw.

    Raises:
        DistillirError: It is the trained split, there is no such split, or no relevant document is among the
            candidates.
    """
    if select == split:
        raise DistillirError(
            f"{select!r} is the split that is learnt from", where=WHERE, remedy="name another, or leave it out"
        )
    held_out = select == DEV and DEV not in collection.splits
    qrels, trained = collection.qrels(split if held_out else select), collection.qrels(split).query_rows
    rows = np.unique(qrels.queries[qrels.grades > 0])
    keys = {row: text_key(collection.queries.text(row)) for row in {*rows.tolist(), *trained.tolist()}}
    if not held_out:
        learnt = {keys[row] for row in trained.tolist()}
        rows = np.array([row for row in rows.tolist() if keys[row] not in learnt], dtype=np.int64)
    most = min(QUERIES, len(rows) // 5 if held_out else len(rows))
    if most < 1:
        why = (
            "has fewer than five queries: none can be held out" if held_out else "has no query that is not learnt from"
        )
        raise DistillirError(f"split {split if held_out else select!r} {why}", where=WHERE, remedy="leave it out")
    chosen = np.sort(np.random.default_rng([seed, TEACHER_DEV_QUERIES]).choice(rows, most, replace=False))
    run = mine(chosen, CANDIDATES).select(chosen).top(CANDIDATES)
    out = np.empty(0, dtype=np.int64)
    if held_out:
        kept = {keys[row] for row in chosen.tolist()}
        out = np.array([row for row in trained.tolist() if keys[row] in kept], dtype=np.int64)
    mine_too = np.isin(qrels.queries, chosen)
    own = Qrels(qrels.queries[mine_too], qrels.documents[mine_too], qrels.grades[mine_too])
    name = f"queries held out of {split}" if held_out else f"queries of {select}"
    lists = DevLists(name, run, own, out)
    if not any(flags.any() and not flags.all() for flags in lists.relevant()):
        raise DistillirError(
            f"no relevant document is among the first {CANDIDATES} candidates of any of {most} {name}",
            where=WHERE,
            remedy="mine with another --negatives-from, or leave it out",
        )
    return lists
