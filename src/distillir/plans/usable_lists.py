"""Lists that teach nothing: reported, and left out of the objectives that compare on them."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from distillir.base.arrays import Flags
from distillir.base.progress import say
from distillir.retrieval.ties import all_tied
from distillir.teaching.lists import Lists
from distillir.teaching.text_lists import TextLists

#: Signals that come of the teacher's scores; ``layers`` and ``pairs`` are a teacher's answers of their own.
SCORED = frozenset({"teacher", "labels"})


@dataclass(frozen=True)
class UsableLists:
    """The lists that an objective can learn from, and counts of the others by the reason.

    Attributes:
        usable: Whether a list [Q] is learnt from.
        alone: How many have fewer than two candidates, and so nothing to compare.
        tied: How many others have one score throughout. As a target that says "all alike", which is not what a teacher
            means that tells nothing apart: to learn from it takes away what the student knows.
    """

    usable: Flags
    alone: int
    tied: int

    def __len__(self) -> int:
        return int(self.usable.sum())

    def say(self) -> None:
        """Print how many lists are not learnt from, and why."""
        total = len(self.usable)
        if self.tied:
            say(f"{self.tied} of {total} lists have one teacher score throughout: left out, since they order nothing")
        if self.alone:
            say(f"{self.alone} of {total} lists have fewer than two candidates: left out, there is nothing to compare")


def usable_lists(
    lists: Lists,
    needs: Collection[str],
    *,
    pseudo_positives: bool | str = False,
    in_batch: bool | str = False,
) -> UsableLists:
    """Find the lists that an objective can learn from.

    Args:
        lists: Queries with their candidates and signals.
        needs: The signals that it compares with.
        pseudo_positives: Whether the teacher's best stands for a positive: of a list of one score it is none.
        in_batch: Whether other queries' documents join a list: then one judged positive alone is compared with them,
            where nothing of a teacher is.
    """
    count = len(lists.queries)
    if isinstance(lists, TextLists):  # nothing is compared within a list
        return UsableLists(np.ones(count, dtype=bool), 0, 0)
    compares = bool(SCORED & set(needs))
    joined = bool(in_batch) and set(needs) == {"positive"}
    usable = np.ones(count, dtype=bool)
    alone = tied = 0
    for index in range(count):
        size = len(lists.documents(index))
        if size < 2:
            usable[index] = joined and size == 1 and bool(lists.relevant(index).any())
            alone += not usable[index]
        elif (compares or pseudo_positives) and all_tied(lists.scores(index)):
            # Judgements alone go on, where there are any and they are asked for.
            usable[index] = not compares and pseudo_positives is True and bool(lists.relevant(index).any())
            tied += not usable[index]
    return UsableLists(usable, alone, tied)
