"""Fingerprints of what each product of a run is made from."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from distillir.base.errors import DistillirError
from distillir.collections import Qrels
from distillir.composition.compose import compose
from distillir.encoding.fingerprint import file_hash, model_fingerprint
from distillir.pipeline.products import SIGNAL_FOLDERS
from distillir.pipeline.queries import evaluation_qrels, evaluation_queries, training_qrels, training_queries
from distillir.pipeline.run_folder import RunFolder
from distillir.pipeline.selection_queries import dev_queries, selection_queries
from distillir.pipeline.signal_place import SignalPlace, asked_queries
from distillir.retrieval.sources import MODEL_SOURCES, read_sources
from distillir.signals.signal import JUDGEMENTS
from distillir.specs.outside import code_file
from distillir.teaching.fingerprint import lists_fingerprint
from distillir.teaching.teaching_set import open_teaching_set

#: What an input is called in messages ("other documents") by its fingerprint (hex).
Fingerprints = dict[str, str]


class Inputs:
    """Fingerprints of a run's inputs as they are now; each is computed once.

    An input that is not there any more (a stage's files that the user has deleted) is left out.

    Args:
        folder: The run's. Its collection must be open already in every process.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder, self.recipe = folder, folder.recipe

    def of(self, product: str) -> Fingerprints:
        """Fingerprints of the inputs of a product by its name in `distillir.pipeline.products.PRODUCTS`."""
        return _OF[product](self)

    @cached_property
    def texts(self) -> Fingerprints:
        """Documents and queries of the collection, those made of documents included."""
        collection = self.folder.collection
        return {"documents": collection.corpus.fingerprint, "queries": collection.queries.fingerprint}

    @cached_property
    def sources(self) -> Fingerprints:
        """Models and files that candidates come from."""
        return dict(self._of_sources(self.recipe.candidates.from_))

    def _of_sources(self, sources: Any) -> Iterator[tuple[str, str]]:
        for kind, options in read_sources(sources):
            if kind == "trec":
                path = Path(options["path"])
                if path.is_file():
                    yield f"content of {path}", file_hash(path)
            if kind in MODEL_SOURCES:
                model = options.get("model")
                if model is not None:
                    yield f"weights or settings of {model}", model_fingerprint(model)
                else:
                    yield from (self.initial_student | self.kept).items()
            if options.get("first") not in (None, "index"):
                yield from self._of_sources(options["first"])
            yield from _of_code(kind)

    @cached_property
    def code(self) -> Fingerprints:
        """Files with code of the user's own that the student is trained by; teachers tell themselves apart."""
        composed = compose(self.recipe)
        objectives = [objective.name for stage in composed.stages for objective, _, _ in stage.objective.parts]
        signals = [
            word for signal in composed.signals for word in (signal.kind.name, *_words(signal.spec.model_dump()))
        ]
        names = [self.recipe.student.kind, self.recipe.method.name, composed.plan, *objectives, *signals]
        return {said: content for name in names for said, content in _of_code(name)}

    @cached_property
    def teacher(self) -> Fingerprints:
        """The recipe's teacher, or the teaching set that it brings."""
        from distillir.teachers.load import load_teacher

        if self.recipe.teaching is not None:
            if not Path(self.recipe.teaching).exists():
                return {}
            lists = open_teaching_set(Path(self.recipe.teaching), self.folder.collection)
            return {f"content of {self.recipe.teaching}": lists_fingerprint(lists, scores=lists.has_scores)}
        if self.recipe.teacher is None:
            return {}
        teacher = load_teacher(self.recipe.teacher)
        return {"weights or settings of the teacher": teacher.fingerprint(self.folder.collection)}

    @property
    def named_student(self) -> Fingerprints:
        """The model that the recipe names as student; the run keeps a copy, so it may be gone by now."""
        with suppress(DistillirError):
            return {f"weights or settings of {self.recipe.student.model}": model_fingerprint(self.recipe.student.model)}
        return {}

    @cached_property
    def initial_student(self) -> Fingerprints:
        """The student before training, as the run keeps it."""
        path = self.folder.initial_student
        return {"weights of the student before training": model_fingerprint(path)} if path.is_dir() else {}

    @cached_property
    def kept(self) -> Fingerprints:
        """Vectors that the student keeps of documents; empty where it encodes them."""
        return self.recipe.student.own_kind.kept()

    @cached_property
    def readied(self) -> Fingerprints:
        """Vectors and queries that the student before training was fitted to, or the seed that its projection has.

        Empty where it encodes documents.
        """
        if not self.kept:
            return {}
        documents, seed = self.recipe.student.documents, str(self.recipe.query_seed)
        drawn = {"seed of the random projection": seed} if documents and documents.projection == "random" else {}
        return self.kept | self.texts | {"training queries": _of_arrays(asked_queries(self.folder))} | drawn

    @property
    def student(self) -> Fingerprints:
        """The trained student."""
        path = self.folder.student
        return {"weights of the student": model_fingerprint(path)} if path.is_dir() else {}

    @cached_property
    def training_judgements(self) -> Fingerprints:
        """Judgements of the split that is learnt from."""
        return {"judgements of the training queries": _of_qrels(training_qrels(self.folder))}

    @cached_property
    def training(self) -> Fingerprints:
        """Queries that are learnt from."""
        return {"training queries": _of_arrays(training_queries(self.folder))}

    @cached_property
    def evaluation(self) -> Fingerprints:
        """Queries that are measured on."""
        return {"evaluation queries": _of_arrays(evaluation_queries(self.folder))}

    @cached_property
    def evaluation_judgements(self) -> Fingerprints:
        """Judgements of the queries that are measured on; for queries held out they are the teacher's run."""
        if self.recipe.evaluation.split is None:
            return self.file(self.folder.teacher_run)
        return {"judgements of the evaluation queries": _of_qrels(evaluation_qrels(self.folder))}

    @cached_property
    def others(self) -> Fingerprints:
        """Texts of other collections, and the queries of them that are measured on."""
        found: Fingerprints = {}
        for other in self.folder.others:
            found[f"documents of {other.name}"] = other.collection.corpus.fingerprint
            found[f"queries of {other.name}"] = other.collection.queries.fingerprint
            found[f"evaluation queries of {other.name}"] = _of_arrays(other.rows)
        return found

    @cached_property
    def other_judgements(self) -> Fingerprints:
        """Judgements of other collections."""
        return {f"judgements of {other.name}": _of_qrels(other.qrels) for other in self.folder.others}

    def other_runs(self) -> Fingerprints:
        """Rankings of other collections."""
        paths = sorted(self.folder.other_runs.glob("*/*.trec"))
        return {name: value for path in paths for name, value in self.file(path).items()}

    @cached_property
    def teaching(self) -> Fingerprints:
        """The teaching set of the run."""
        path = self.folder.teaching
        if not path.is_dir():
            return {}
        lists = open_teaching_set(path, self.folder.collection)
        return {"teaching set": lists_fingerprint(lists, scores=lists.has_scores)}

    @cached_property
    def dev(self) -> Fingerprints:
        """Queries of a dev split that the student is chosen by."""
        chosen = dev_queries(self.folder)
        return {} if chosen is None else {"queries to choose by": _of_arrays(chosen.rows)}

    @cached_property
    def selection(self) -> Fingerprints:
        """Fingerprints of the selection of the best student; empty where the last one is kept."""
        folder = self.folder
        if not folder.teaching.is_dir():
            return {}
        chosen = selection_queries(folder, open_teaching_set(folder.teaching, folder.collection))
        if chosen is None:
            return {}
        qrels = folder.collection.qrels(chosen.split) if chosen.split else training_qrels(folder)
        kept = np.isin(qrels.queries, chosen.rows)
        judged = qrels.queries[kept], qrels.documents[kept], qrels.grades[kept]
        own = {
            "queries to choose by": _of_arrays(chosen.rows),
            "judgements to choose by": _of_arrays(*judged),
            "precision to choose by": self.recipe.evaluation.precision,
        }
        return own | (self.file(folder.selection_candidates) if chosen.split else {})

    def file(self, path: Path) -> Fingerprints:
        """A file of the run folder."""
        return {str(path.relative_to(self.folder.path)): file_hash(path)} if path.is_file() else {}

    def ranked(self) -> Fingerprints:
        """The candidates that a student ranks which does not search."""
        return {} if self.recipe.student.own_kind.searches else self.file(self.folder.evaluation_candidates)

    def signals(self) -> Fingerprints:
        """Fingerprints of the inputs of signals, and of their answers in the run."""
        found = {name: value for signal in compose(self.recipe).signals for name, value in signal.inputs().items()}
        for path in (self.folder.path / name for name in SIGNAL_FOLDERS.values()):
            files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else []
            if files:
                told = " ".join(f"{file.relative_to(path)} {file_hash(file)}" for file in files)
                found[f"{path.name}/"] = xxhash.xxh3_128_hexdigest(told.encode("utf-8", "surrogateescape"))
        return found

    def texts_alone(self) -> Fingerprints:
        """Texts that are learnt from where nothing in the recipe needs candidates."""
        if compose(self.recipe).needs_lists:
            return {}
        found = {"texts that are learnt from": _of_arrays(*SignalPlace.of_run(self.folder).texts())}
        return found | (self.training_judgements if JUDGEMENTS in compose(self.recipe).needs else {})

    def later_rounds(self) -> Fingerprints:
        """Sources and teacher, where a stage mines anew while the student is trained."""
        anew = any(stage.mine for stage in compose(self.recipe).stages)
        return self.sources | self.teacher if anew else {}


def _of_arrays(*arrays: Any) -> str:
    digest = xxhash.xxh3_128()
    for values in arrays:
        digest.update(f"{len(values)} ".encode() + np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def _of_qrels(qrels: Qrels) -> str:
    return _of_arrays(qrels.queries, qrels.documents, qrels.grades)


def _judged(inputs: Inputs) -> Fingerprints:
    """Training judgements, where mining looks at them."""
    wanted = inputs.recipe.candidates
    return inputs.training_judgements if wanted.add_judged or wanted.exclude_judged else {}


def _words(value: Any) -> Iterator[str]:
    """Every text in a value of a recipe, keys of mappings included: a name of code may stand anywhere."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (*_words(key), *_words(inner))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _words(inner)


def _of_code(name: str) -> Iterator[tuple[str, str]]:
    """The content of the file that code of the user's own is in; nothing for any other kind."""
    file = code_file(name)
    if file is not None:
        yield f"code of {name}", file_hash(file)


_OF: dict[str, Callable[[Inputs], Fingerprints]] = {
    "initial student": lambda i: i.named_student | i.readied | dict(_of_code(i.recipe.student.kind)),
    "candidates": lambda i: i.texts | i.training | _judged(i) | i.sources,
    "evaluation candidates": lambda i: i.texts | i.evaluation | i.sources,
    "selection candidates": lambda i: i.texts | i.dev | i.sources,
    "teaching set": lambda i: i.texts | i.training_judgements | i.file(i.folder.candidates) | i.teacher,
    "teacher's run": lambda i: i.texts | i.file(i.folder.evaluation_candidates) | i.teacher,
    "run before training": lambda i: i.texts | i.evaluation | i.initial_student | i.ranked() | i.kept,
    "run of the documents' model": lambda i: i.texts | i.evaluation | i.kept,
    "runs before training on other collections": lambda i: i.others | i.initial_student | i.kept,
    "student": lambda i: (
        i.texts
        | i.initial_student
        | (i.texts_alone() or i.teaching)
        | i.signals()
        | i.later_rounds()
        | i.selection
        | i.code
        | i.kept
    ),
    "run after training": lambda i: i.texts | i.evaluation | i.student | i.ranked() | i.kept,
    "runs after training on other collections": lambda i: i.others | i.student | i.kept,
    "metrics": lambda i: (
        i.texts
        | i.evaluation_judgements
        | i.others
        | i.other_judgements
        | i.other_runs()
        | i.file(i.folder.before_run)
        | i.file(i.folder.after_run)
        | i.file(i.folder.documents_run)
        | i.kept
        | i.file(i.folder.teacher_run)
    ),
}
