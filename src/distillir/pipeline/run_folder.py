"""The folder of a run: where every stage's files lie, and the guard that one recipe owns it."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from distillir.base.doing import doing
from distillir.base.errors import DistillirError
from distillir.base.files import atomic_file, read_json, write_json
from distillir.base.output_folder import error_files, is_empty
from distillir.base.processes import barrier, rank
from distillir.base.yaml_file import read_mapping
from distillir.collections import Collection
from distillir.methods.settled import adopt
from distillir.recipe import RECIPE_FILE, Recipe

if TYPE_CHECKING:
    from distillir.pipeline.other_collections import OtherCollection

#: Keys of a server that change no answer: a run goes on under others.
PAYMENT = ("budget", "price", "in_flight", "requests_per_minute", "timeout", "retries", "longest_wait", "api_key_env")

#: What is being done in a stage, for the message of an error that ends it.
STAGES = {
    "collection": "opening the collection",
    "mine": "mining candidates",
    "score": "scoring candidates",
    "dark": "making dark examples",
    "pairs": "asking about pairs",
    "layers": "scoring by layers",
    "train": "training",
    "evaluate before": "evaluating the student before training",
    "evaluate after": "evaluating the student after training",
    "also before": "evaluating the student before training on other collections",
    "also after": "evaluating the student after training on other collections",
    "evaluate teacher": "evaluating the teacher",
    "evaluate rounds": "evaluating the rounds",
    "layer quality": "measuring the layers",
}


#: Facts that are added to key by key.
DIVIDED = (
    *("seconds", "teacher_calls", "dark_calls", "pair_calls", "layer_calls"),
    *("diagnostics", "dark", "pairs", "layers", "gate", "rounds", "selection", "signals"),
)
#: Under what ``metrics.json`` has the facts of signals without keys of their own.
SIGNALS_FACT = "signals"
MEND_RECIPE = "mend it, or choose another --output"
MEND_FACTS = "mend it, or delete it: the report will lack the times and calls of the stages before"


class RunFolder:
    """A run's files.

    Args:
        path: The folder; made if it is missing.
        recipe: What the run is made of.
        anew: Whether the run of another recipe may be taken over: see `distillir.pipeline.provenance.check`.

    Attributes:
        recipe: The recipe, with what an earlier start has settled of its ``auto`` values.
        asked: The recipe as the user wrote it.
        changed: Dotted keys in which the recipe differs from the one that the folder holds; only with ``anew``.

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
        #: Rankings of other collections, ``NAME/before.trec`` and ``NAME/after.trec``.
        self.other_runs = self.runs / "also"
        self.teaching = path / "teaching"
        self.student = path / "student"
        self.metrics = path / "metrics.json"
        self.log = path / "log.jsonl"
        self.work = path / "work"
        self.initial_student = self.work / "initial-student"
        self.facts = self.work / "facts.json"
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
        file = self.path / RECIPE_FILE
        resolved = self.recipe.resolved()
        if file.is_file():
            before, _ = read_mapping(file, f"is no recipe; {MEND_RECIPE}")
            with suppress(ValueError, DistillirError):  # keys that are new since then stand at their defaults
                before = Recipe.model_validate(before).resolved()
            self.recipe = adopt(self.recipe, before)
            resolved = self.recipe.resolved()
            self.changed = _changed_keys(_without_payment(before), _without_payment(resolved))
            if self.changed and not anew:
                raise DistillirError(
                    f"holds the run of another recipe (differs in {difference(before, resolved)})",
                    where=self.path,
                    remedy=f"choose another --output, or give {self.anew_by} to make anew what depends on it",
                )
        elif self.path.exists() and (not self.path.is_dir() or not is_empty(self.path)):
            if self.provenance.is_file():
                raise DistillirError(
                    f"holds a run whose {RECIPE_FILE} is gone",
                    where=self.path,
                    remedy=f"copy your recipe there as {RECIPE_FILE}, or choose another --output",
                )
            raise DistillirError("is not empty and holds no run", where=self.path, remedy="choose another --output")

    def keep_recipe(self, recipe: Recipe) -> None:
        """Go on with a recipe in which what was ``auto`` is settled, and keep it for later starts."""
        self.recipe = recipe
        barrier()
        if rank() == 0:
            self.write_recipe()
        barrier()

    def write_recipe(self) -> None:
        """Keep the recipe, with every setting written out."""
        with atomic_file(self.path / RECIPE_FILE) as temporary:
            text = yaml.safe_dump(self.recipe.resolved(), sort_keys=False, allow_unicode=True)
            temporary.write_text(text, encoding="utf-8")

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
        with self.timed("collection"):
            return self._open()

    def _open(self) -> tuple[Collection, Any]:
        """The collection, and the rows of its generated queries."""
        import numpy as np

        from distillir.collections import load_collection
        from distillir.collections.generated import with_generated_queries

        collection = load_collection(self.recipe.collection)
        wanted = self.recipe.queries
        if not wanted.makes:
            return collection, np.empty(0, dtype=np.int64)
        return with_generated_queries(
            collection,
            titles=wanted.titles,
            sentences=wanted.sentences,
            further=self._generated(collection),
            seed=self.recipe.query_seed,
        )

    def _generated(self, collection: Collection) -> list[tuple[str, str]]:
        """Queries of the recipe's language model; the first process asks, the others read what it kept."""
        import numpy as np

        from distillir.language_models.query_generator import QueryGenerator
        from distillir.language_models.spec import read_generator_spec

        wanted = self.recipe.queries
        if not wanted.generated:
            return []
        generator = QueryGenerator(read_generator_spec(wanted.generator, "queries.generator"))
        order = np.random.default_rng([self.recipe.query_seed, 11]).permutation(len(collection.corpus))
        if rank() == 0:
            generator.make(collection, order[: wanted.generated])
        barrier()
        return generator.make(collection, order[: wanted.generated])

    @cached_property
    def others(self) -> "list[OtherCollection]":
        """The other collections that the recipe's student is measured on."""
        from distillir.pipeline.other_collections import open_others

        if not self.recipe.evaluation.also:
            return []
        own = self.collection
        with self.timed("collection"):
            return open_others(self.recipe, own)

    def note(self, **facts: Any) -> None:
        """Keep facts of a stage (numbers for the report) across restarts; later ones replace earlier ones."""
        if rank() == 0:
            write_json(self.facts, {**self.noted(), **facts})

    def noted(self) -> dict[str, Any]:
        """The facts noted so far.

        Raises:
            DistillirError: The file is damaged.
        """
        if not self.facts.is_file():
            return {}
        return check_facts(read_json(self.facts, MEND_FACTS), self.facts)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the seconds of the block to a stage's."""
        start = time.monotonic()
        with doing(STAGES.get(stage, stage)):
            yield
        spent = time.monotonic() - start
        seconds = self.noted().get("seconds", {})
        self.note(seconds={**seconds, stage: round(seconds.get(stage, 0.0) + spent, 2)})

    def need(self, path: Path, verb: str) -> None:
        """Refuse to go on without an earlier stage's file.

        Raises:
            DistillirError: It is missing; the message names the verb that makes it.
        """
        if not path.exists():
            raise DistillirError("is missing", where=path, remedy=f"run `distillir {verb}` with this recipe first")


def _without_payment(value: Any) -> Any:
    """A recipe without what says how a server is asked, and not what."""
    if isinstance(value, list):
        return [_without_payment(part) for part in value]
    if not isinstance(value, dict):
        return value
    left_out = PAYMENT if "server" in value else ()
    return {key: _without_payment(part) for key, part in value.items() if key not in left_out}


def check_facts(facts: dict[str, Any], file: Path) -> dict[str, Any]:
    """Facts as they are, where those that numbers are added to hold numbers.

    Raises:
        DistillirError: One of them holds something else.
    """
    for name, value in facts.items():
        counted = name == "seconds" or name.endswith("_calls")
        parts = value.values() if isinstance(value, dict) else ()
        if (name in DIVIDED and not isinstance(value, dict)) or any(
            counted and (isinstance(part, bool) or not isinstance(part, int | float)) for part in parts
        ):
            raise DistillirError(
                f"{name} is {str(value)[:60]!r} and no mapping to numbers", where=file, remedy=MEND_FACTS
            )
    return facts


def make_output(path: Path) -> None:
    """Make the folder that a user named for what a command writes.

    Raises:
        DistillirError: It cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DistillirError(
            f"cannot be made ({error.strerror})", where=path, remedy="choose another --output"
        ) from None


def _changed_keys(before: Any, after: Any, key: str = "") -> list[str]:
    """Dotted keys in which two resolved recipes differ."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return [] if before == after else [key]
    names = [*after, *(name for name in before if name not in after)]
    parts = [_changed_keys(before.get(name), after.get(name), f"{key}.{name}" if key else str(name)) for name in names]
    return [changed for part in parts for changed in part]


def difference(before: Any, after: Any, key: str = "") -> str:
    """The first key in which two resolved recipes differ, with both values."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*after, *(name for name in before if name not in after)]:
            if before.get(name) != after.get(name):
                return difference(before.get(name), after.get(name), f"{key}.{name}" if key else str(name))
    return f"{key}: {before!r} there, {after!r} now"
