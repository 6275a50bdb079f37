"""The folder of a run that is only planned: what is there is read, nothing is written or locked."""

import copy
from itertools import takewhile
from pathlib import Path

import numpy as np

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.base.processes import world_size
from distillir.collections import Collection, TextTable
from distillir.collections.joined import JoinedTable
from distillir.collections.table_writer import TableWriter
from distillir.composition.settled import Settled, settle, unsettled
from distillir.pipeline.facts import FactsInMemory
from distillir.pipeline.provenance import check
from distillir.pipeline.run_collection import asked_documents, query_generator
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.steps import OPENING, STEPS
from distillir.recipe import Recipe


class DryFolder(RunFolder):
    """A run's files as they are, for stages' code that reads and counts.

    Titles and sentences are made queries for real (a copy of the collection in the cache, as a run makes it). Queries
    of a language model are not paid for: where it has not made all of them before, the beginnings of their documents
    stand for them.

    Args:
        path: The folder of the run; it need not exist.
        recipe: What the run is made of.
        scratch: A folder of the caller's for what is made on the way.
        anew: As in `RunFolder`.

    Attributes:
        unanswered: Queries that a language model has still to make.

    Raises:
        DistillirError: The folder holds the run of another recipe, or something else than a run.
    """

    def __init__(self, path: Path, recipe: Recipe, scratch: Path, *, anew: bool = False) -> None:
        self.scratch, self.unanswered = scratch, 0
        scratch.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_dir():
            raise DistillirError("is no folder", where=path, remedy="choose another --output")
        super().__init__(path, recipe, anew=anew)
        self.facts = FactsInMemory(self.facts.file)
        if unsettled(self.recipe):  # whatever they are settled to, a step takes as long
            self.recipe = settle(self.recipe, Settled(1.0, 1.0, 1e-5))

    def _claim(self, anew: bool) -> None:
        self._check_owner(anew)

    def write_recipe(self) -> None:
        """Write nothing."""

    def _written(self, collection: Collection) -> list[tuple[str, str]]:
        """Queries of the recipe's language model where it has made all of them before; else none."""
        if not self.recipe.queries.generated:
            return []
        generator, documents = query_generator(self.recipe), asked_documents(self.recipe, collection)
        self.unanswered = generator.unanswered(collection, documents)
        return [] if self.unanswered else generator.make(collection, documents)

    def _open(self) -> tuple[Collection, Rows]:
        collection, made = super()._open()
        if not self.unanswered:
            return collection, made
        path = self.scratch / "queries"
        path.mkdir(exist_ok=True)
        writer = TableWriter(path, "query")
        for row in asked_documents(self.recipe, collection).tolist():
            beginning = " ".join(collection.corpus.text(row)[:200].split()[:10])
            writer.add(f"generated:{collection.corpus.id(row)}", beginning or "query")
        writer.close()
        wider = copy.copy(collection)
        wider.queries = JoinedTable(collection.queries, TextTable(path))
        first = len(collection.queries) - len(made)
        return wider, np.arange(first, len(wider.queries), dtype=np.int64)


def open_dry(path: Path, recipe: Recipe, scratch: Path, *, anew: bool = False) -> DryFolder:
    """A folder for a plan, of a recipe that a run would begin with.

    Args:
        path: The folder of the run; it need not exist.
        recipe: What the run is made of.
        scratch: As in `DryFolder`.
        anew: Whether what is there may be deleted: the plan is then of a run from nothing.

    Raises:
        DistillirError: What a run would refuse before its first stage, in the same words; or there are several
            processes.
    """
    if world_size() > 1:
        raise DistillirError(
            "a dry run times what one process does", where="--dry-run", remedy="start it without accelerate launch"
        )
    folder = DryFolder(path, recipe, scratch, anew=anew)
    if anew:
        folder = DryFolder(scratch / "anew", recipe, scratch)
    folder.collection  # noqa: B018  opened before anything else, as a run does
    folder.others  # noqa: B018
    if not folder.unanswered:  # what stands for queries is no reason to call products those of others
        check(folder, None)
    for step in (*OPENING, *takewhile(lambda step: not step.makes, STEPS)):
        if step.looks:
            step.run(folder)
    return folder
