"""The folder of a run: where every step's files lie, whose it is, and what is noted in it."""

import shutil
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distillir.base.errors import DistillirError
from distillir.base.output_folder import error_files, is_empty, make_output
from distillir.base.processes import barrier, rank
from distillir.base.tracker import Tracker
from distillir.collections import Collection
from distillir.pipeline.facts import Facts
from distillir.pipeline.ownership import own_recipe, write_recipe
from distillir.recipe import RECIPE_FILE, Recipe

if TYPE_CHECKING:
    from distillir.pipeline.other_collections import OtherCollection


class RunFolder:
    """A run's files.

    Args:
        path: The folder; made if it is missing.
        recipe: What the run is made of.
        anew: Whether the run of another recipe may be taken over: see `distillir.pipeline.provenance.check`.
        anew_by: The flag, or the command with it, that allows this, for messages.

    Attributes:
        recipe: The recipe, with what an earlier start has settled of its ``auto`` values.
        asked: The recipe as the user wrote it.
        changed: Dotted keys in which the recipe differs from the one that the folder holds; only with ``anew``.
        facts: What the steps note.

    Raises:
        DistillirError: The folder holds the run of another recipe, or something else than a run.
    """

    def __init__(self, path: Path, recipe: Recipe, *, anew: bool = False, anew_by: str = "--anew") -> None:
        self.path, self.recipe, self.asked, self.anew_by = path, recipe, recipe, anew_by
        self.changed: list[str] = []
        self.runs = path / "runs"
        self.candidates = self.runs / "candidates.trec"
        self.evaluation_candidates = self.runs / "evaluation-candidates.trec"
        self.selection_candidates = self.runs / "selection-candidates.trec"
        self.teacher_run = self.runs / "teacher.trec"
        self.before_run = self.runs / "before.trec"
        self.after_run = self.runs / "after.trec"
        #: By the own query encoder of documents that are kept.
        self.documents_run = self.runs / "documents.trec"
        #: Rankings of other collections, ``NAME/before.trec`` and ``NAME/after.trec``.
        self.other_runs = self.runs / "also"
        self.teaching = path / "teaching"
        self.student = path / "student"
        self.metrics = path / "metrics.json"
        self.report = path / "report.html"
        self.log = path / "log.jsonl"
        self.work = path / "work"
        self.initial_student = self.work / "initial-student"
        self.facts = Facts(self.work / "facts.json")
        #: Fingerprints of what everything here was made from.
        self.provenance = path / "provenance.json"
        self._claim(anew)

    def _claim(self, anew: bool) -> None:
        barrier()
        self._check_owner(anew)
        barrier()
        if rank() == 0:
            make_output(self.path)
            if not (self.path / RECIPE_FILE).is_file():
                self.write_recipe()  # first: a folder without it is not known for a run's
            self.work.mkdir(exist_ok=True)
        barrier()

    def _check_owner(self, anew: bool) -> None:
        """Refuse a folder that holds something else than a run of this recipe; nothing is written."""
        self.recipe, self.changed = own_recipe(self.path, self.recipe, self.provenance, anew=anew, anew_by=self.anew_by)

    @cached_property
    def tracker(self) -> Tracker:
        """A run of the recipe's tracker for this folder, named after it; a comparison's runs after their cell."""
        whole, name, group = self.path.absolute(), self.path.absolute().name, None
        if whole.parent.parent.name == "cells":
            name, group = f"{whole.parent.name}/{name}", whole.parents[2].name
        to, state = self.recipe.training.report_to, self.work / "tracker.json"
        return Tracker(to, self.path, state, name=name, group=group, config=lambda: self.recipe.resolved())

    def close_tracker(self) -> None:
        """End the tracker's run, where one was opened."""
        if "tracker" in vars(self):
            self.tracker.close()

    def keep_recipe(self, recipe: Recipe) -> None:
        """Go on with a recipe in which what was ``auto`` is settled, and keep it for later starts."""
        self.recipe = recipe
        barrier()
        if rank() == 0:
            self.write_recipe()
        barrier()

    def write_recipe(self) -> None:
        """Keep the recipe, with every setting written out."""
        write_recipe(self.path, self.recipe)

    def release(self) -> None:
        """Give the folder back where the run has made nothing yet, so that a mended recipe finds it free."""
        if rank() == 0 and is_empty(self.path, RECIPE_FILE, self.work.name, self.provenance.name):
            shutil.rmtree(self.work, ignore_errors=True)
            for file in (self.path / RECIPE_FILE, self.provenance, *error_files(self.path)):
                file.unlink(missing_ok=True)

    @cached_property
    def collection(self) -> Collection:
        """The recipe's collection, with generated queries behind its own where the recipe wants them."""
        return self._opened[0]

    @property
    def generated(self) -> Any:
        """Rows of the generated queries."""
        return self._opened[1]

    @cached_property
    def _opened(self) -> tuple[Collection, Any]:
        with self.facts.timed("collection"):
            return self._open()

    def _open(self) -> tuple[Collection, Any]:
        """The collection, and the rows of its generated queries."""
        from distillir.pipeline.run_collection import open_collection, with_made_queries

        collection = open_collection(self.recipe)
        return with_made_queries(self.recipe, collection, self._written(collection))

    def _written(self, collection: Collection) -> list[tuple[str, str]]:
        """Queries that the recipe's language model writes."""
        from distillir.pipeline.run_collection import written_queries

        return written_queries(self.recipe, collection)

    @cached_property
    def others(self) -> "list[OtherCollection]":
        """The other collections that the recipe's student is measured on."""
        from distillir.pipeline.other_collections import open_others

        if not self.recipe.evaluation.also:
            return []
        own = self.collection
        with self.facts.timed("collection"):
            return open_others(self.recipe, own)

    def need(self, path: Path, verb: str) -> None:
        """Refuse to go on without an earlier step's file.

        Raises:
            DistillirError: It is missing; the message names the verb that makes it.
        """
        if not path.exists():
            raise DistillirError("is missing", where=path, remedy=f"run `distillir {verb}` with this recipe first")
