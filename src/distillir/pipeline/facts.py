"""Facts that the steps of a run note, for later starts and the report; and ``metrics.json``, which is made of them."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distillir.base.doing import doing
from distillir.base.errors import DistillirError
from distillir.base.files import read_json, write_json
from distillir.base.processes import first_decides, rank
from distillir.composition.compose import Composition
from distillir.signals.registry import built_in
from distillir.teachers.counted import added

#: What is being done in a stage that is timed, for the message of an error that ends it.
STAGES = {
    "collection": "opening the collection",
    "mine": "mining candidates",
    "score": "scoring candidates",
    **{kind.folder: kind.doing for kind in built_in() if kind.doing},
    "train": "training",
    "evaluate before": "evaluating the student before training",
    "evaluate after": "evaluating the student after training",
    "also before": "evaluating the student before training on other collections",
    "also after": "evaluating the student after training on other collections",
    "evaluate documents": "evaluating the documents' own query encoder",
    "evaluate teacher": "evaluating the teacher",
    "evaluate rounds": "evaluating the rounds",
    "layer quality": "measuring the layers",
}
#: Facts that hold numbers by name, to which numbers are added, besides those that end in ``_calls``.
SECONDS = "seconds"
#: Facts that are added to key by key.
DIVIDED = (
    *(SECONDS, "teacher_calls", "diagnostics", "rounds", "selection", "signals"),
    *(fact for kind in built_in() for fact in (kind.folder, *kind.facts)),
)
#: Facts that ``metrics.json`` always has, empty where nothing was noted.
ALWAYS = (SECONDS, "teacher_calls", "diagnostics")
#: Facts that stand in ``metrics.json`` where there are any, in its order; others follow as they were noted.
ORDER = (
    *(fact for kind in built_in() for fact in kind.facts),
    *("signals", "rounds", "generated", "same_texts", "reading", "selection"),
)
#: Facts for later starts of the run alone: what was told already, and of what.
OWN = ("reading_of", "also_of", "models_of", "mining")
MEND = "mend it, or delete it: the report will lack the times and calls of the stages before"


class Facts:
    """Facts of a run by name: numbers for the report, and what later starts need not tell again.

    The first process writes them; every process reads what is there.

    Args:
        file: Where they are kept (``work/facts.json``).
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> dict[str, Any]:
        """The facts noted so far.

        Raises:
            DistillirError: The file is damaged.
        """
        return _checked(read_json(self.file, MEND), self.file) if self.file.is_file() else {}

    def note(self, **facts: Any) -> None:
        """Keep facts across restarts; later ones replace earlier ones of the same name."""
        if rank() == 0:
            self._write({**self.read(), **facts})

    def note_part(self, name: str, value: Any, key: str | None) -> None:
        """Keep a fact, or a part of it.

        Args:
            name: The fact's.
            value: Of the fact as a whole, or of its part.
            key: The part's, beside the parts noted before; None: the whole.
        """
        if key is None:
            self.note(**{name: value})
        else:
            self.note_parts(name, {key: value})

    def note_parts(self, name: str, parts: Mapping[str, Any]) -> None:
        """Keep parts of a fact, beside those noted before; later ones replace earlier ones of the same key."""
        self.note(**{name: {**self.read().get(name, {}), **parts}})

    def add_calls(self, calls: Mapping[str, int], *names: str) -> None:
        """Add counts of a teacher's calls to each of some facts.

        Args:
            calls: As `distillir.teachers.counted.CountedTeacher.calls` counts.
            names: Names of facts that end in ``_calls``.
        """
        noted = self.read()
        self.note(**{name: added(noted.get(name, {}), calls) for name in names})

    def hold(self, name: str, value: Any) -> bool:
        """Tell whether a fact is noted with this value, the same in every process.

        One process looks: another may come before the first has noted what it did.
        """
        return first_decides(lambda: bool(self.read().get(name) == value))

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the seconds of the block to a stage's, and name the stage in the message of an error."""
        start = time.monotonic()
        with doing(STAGES.get(stage, stage)):
            yield
        spent = time.monotonic() - start
        before: dict[str, float] = self.read().get(SECONDS, {})
        self.note_part(SECONDS, round(before.get(stage, 0.0) + spent, 2), stage)

    def forget(self, names: Sequence[str], stages: Sequence[str]) -> None:
        """Delete facts, and the seconds of stages; in this process, whichever it is."""
        noted = self.read()
        if noted:
            kept = {name: value for name, value in noted.items() if name not in names}
            seconds = {stage: spent for stage, spent in kept.get(SECONDS, {}).items() if stage not in stages}
            self._write({**kept, SECONDS: seconds})

    def _write(self, facts: Mapping[str, Any]) -> None:
        write_json(self.file, facts)


class FactsInMemory(Facts):
    """Facts of a run, and beside them those of this process, which are written nowhere."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self._noted: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        """The facts of the run so far, and those of this process."""
        return {**super().read(), **self._noted}

    def _write(self, facts: Mapping[str, Any]) -> None:
        self._noted = dict(facts)


def _checked(facts: dict[str, Any], file: Path) -> dict[str, Any]:
    """Facts as they are, where those that numbers are added to hold numbers.

    Raises:
        DistillirError: One of them holds something else.
    """
    for name, value in facts.items():
        counted = name == SECONDS or name.endswith("_calls")
        parts = value.values() if isinstance(value, dict) else ()
        if (name in DIVIDED and not isinstance(value, dict)) or any(
            counted and (isinstance(part, bool) or not isinstance(part, int | float)) for part in parts
        ):
            raise DistillirError(f"{name} is {str(value)[:60]!r} and no mapping to numbers", where=file, remedy=MEND)
    return facts


@dataclass(frozen=True)
class EvaluationFacts:
    """The results of an evaluation, for ``metrics.json``.

    Attributes:
        means: Of each system (``teacher``, ``before``, ``after``, and ``first_stage`` of one that ranks what
            others find): measure to mean over queries, the main one first.
        comparison: Before and after on each measure (`distillir.evaluation.significance.compare`).
        also: The same of each other collection by name; empty where there is none.
        collection: Name of the collection.
        split: Of the queries that were measured on.
        queries: How many.
        student: What it encodes texts as (`distillir.evaluation.index_size.index_size`).
        method: What was trained.
        hardware: Processor, in words.
        versions: Package to version.
        against_first_stage: The candidates' own order and the student after, as in ``comparison``; empty where it
            searches.
    """

    means: Mapping[str, Mapping[str, float]]
    comparison: Sequence[Mapping[str, Any]]
    also: Mapping[str, Mapping[str, Any]]
    collection: str
    split: str
    queries: int
    student: Mapping[str, Any]
    method: Composition
    hardware: str
    versions: Mapping[str, str]
    against_first_stage: Sequence[Mapping[str, Any]] = ()

    def _no_lists(self) -> dict[str, Any]:
        """Leave out the lists of stages that learn from texts alone."""
        return {} if self.method.needs_lists else {"lists": []}

    def metrics(self, noted: Mapping[str, Any]) -> dict[str, Any]:
        """The content of ``metrics.json``; `distillir.reporting.metrics.read_metrics` reads it back.

        Args:
            noted: The facts of the run.
        """
        said = [name for name in ORDER if name in noted]
        said += [name for name in noted if name not in (*ORDER, *ALWAYS, *OWN)]
        return {
            **self.means,
            "comparison": list(self.comparison),
            **({"against_first_stage": list(self.against_first_stage)} if self.against_first_stage else {}),
            **({"also": self.also} if self.also else {}),
            "seconds": noted.get(SECONDS, {}),
            "collection": self.collection,
            "split": self.split,
            "queries": self.queries,
            "student": self.student,
            "method": self.method.name,
            "plan": self.method.plan,
            "objective": self.method.objective.spec,
            "stages": [{**stage.facts(), **self._no_lists()} for stage in self.method.stages],
            "teacher_calls": noted.get("teacher_calls", {}),
            "diagnostics": noted.get("diagnostics", {}),
            **{name: noted[name] for name in said},
            "hardware": self.hardware,
            "versions": self.versions,
        }
