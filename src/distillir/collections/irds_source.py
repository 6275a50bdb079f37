"""Collections of the ir_datasets catalogue: https://ir-datasets.com."""

import difflib
from collections.abc import Iterator
from typing import Any

from distillir.base.errors import DistillirError
from distillir.collections.grades import read_grade
from distillir.collections.source import Entry, Judgement, QrelsPart, Source, TextPart

TITLES = ("title", "headline")
TEXTS = ("text", "body", "abstract")


class IrdsSource(Source):
    """A dataset id of ir_datasets and, where it has them, its subsets over the same corpus.

    ``beir/scifact`` gives ``beir/scifact/train`` and ``beir/scifact/test`` as splits ``train`` and ``test``. An id
    without subsets is one split, named by its last part (``msmarco-passage/dev/small``: ``small``), ``test`` where it
    has only one part (``vaswani``).

    Args:
        identifier: The dataset id.
        splits: Subsets to take, ``dev-small`` for ``dev/small``; these may be without judgements. Default: the
            subsets directly below the id that have judgements.

    Raises:
        DistillirError: ir_datasets is not installed, or does not know the id, or the id has no documents.
    """

    def __init__(self, identifier: str, splits: tuple[str, ...] | None = None) -> None:
        self.name, self.origin = identifier, f"irds:{identifier}"
        registry = _registry()
        try:
            self._base = registry[identifier]
        except KeyError:
            near = difflib.get_close_matches(identifier, list(registry), n=1)
            raise DistillirError(
                "no such dataset in ir_datasets",
                where=self.origin,
                remedy=f"did you mean irds:{near[0]}?" if near else "see https://ir-datasets.com for the ids",
            ) from None
        if not self._base.has("docs"):
            raise DistillirError("this dataset has no documents", where=self.origin, remedy="choose another id")
        self._subsets: dict[str, Any] = {}
        for full in sorted(registry):
            if full.startswith(f"{identifier}/"):
                subset, below = registry[full], full.removeprefix(f"{identifier}/")
                split = below.replace("/", "-")
                wanted = split in splits if splits is not None else subset.has("qrels") and "/" not in below
                if wanted and subset.has("queries") and _same_corpus(subset, self._base):
                    self._subsets[split] = subset
        if self._base.has("qrels") and not self._subsets:
            last = identifier.rpartition("/")[2]
            self._subsets["test" if last == identifier else last] = self._base

    def identity(self) -> str:
        """The id and its subsets: the content under an id of ir_datasets does not change.

        Fields that earlier versions did not read are named, so that an import without them is not taken.
        """
        fields = _fields(self._base, "docs_cls")
        mark = ["headline"] if "headline" in fields and "title" not in fields else []
        return "\n".join([self.origin, *self._subsets, *mark])

    def notes(self) -> list[str]:
        """Notes on the fields of documents and queries that are not read."""
        documents = _fields(self._base, "docs_cls")
        title = next((field for field in TITLES if field in documents), None)
        text = next((field for field in TEXTS if field in documents), None)
        left = [field for field in documents if field not in ("doc_id", title, text)]
        notes = []
        if left and text is not None:
            notes.append(f"{self.origin}: text is {text!r}; fields of documents not read: {', '.join(left)}")
        queries = _fields(next(iter(self._subsets.values()), self._base), "queries_cls")
        default = "text" if "text" in queries else "title" if "title" in queries else ""
        left = [field for field in queries if field not in ("query_id", default)]
        if left and default:
            notes.append(f"{self.origin}: query is {default!r}; fields of queries not read: {', '.join(left)}")
        return notes

    def documents(self) -> TextPart:
        """The corpus."""
        try:
            count = self._base.docs_count() or 0
        except Exception:  # some datasets know no count before they are downloaded; it is for the bar only
            count = 0
        return TextPart(self.origin, count, self._documents)

    def queries(self) -> list[TextPart]:
        """The queries of the id itself and of each subset."""
        parts = {split: subset for split, subset in self._subsets.items() if subset.has("queries")}
        own = {None: self._base} if self._base.has("queries") and self._base not in parts.values() else {}
        return [
            TextPart(self.origin, 0, lambda subset=subset: self._queries(subset), split)  # type: ignore[misc]
            for split, subset in [*own.items(), *parts.items()]
        ]

    def judgements(self) -> list[QrelsPart]:
        """The judgements of each subset that has some."""
        return [
            QrelsPart(f"{self.origin} {split}", split, lambda subset=subset: self._judgements(subset))  # type: ignore[misc]
            for split, subset in self._subsets.items()
            if subset.has("qrels")
        ]

    def _documents(self) -> Iterator[Entry]:
        for number, document in enumerate(self._stream(self._base.docs_iter), start=1):
            title = next((value for f in TITLES if isinstance(value := getattr(document, f, None), str) and value), "")
            text = next((value for f in TEXTS if isinstance(value := getattr(document, f, None), str) and value), None)
            if text is None:
                text, title = document.default_text(), ""
            yield Entry(number, document.doc_id, text, title)

    def _queries(self, subset: Any) -> Iterator[Entry]:
        for number, query in enumerate(self._stream(subset.queries_iter), start=1):
            yield Entry(number, query.query_id, query.default_text())

    def _judgements(self, subset: Any) -> Iterator[Judgement]:
        for number, judgement in enumerate(self._stream(subset.qrels_iter), start=1):
            grade = read_grade(getattr(judgement, "relevance", None))
            if grade is None:
                raise DistillirError(
                    f"a judgement without an integer as its relevance ({', '.join(judgement._fields)})",
                    where=f"{self.origin}:{number}",
                    remedy="choose another id",
                )
            subtopic = str(getattr(judgement, "subtopic_id", ""))
            yield Judgement(number, judgement.query_id, judgement.doc_id, grade, subtopic=subtopic)

    def _stream(self, start: Any) -> Iterator[Any]:
        stream = iter(self._attempt(start))
        while (item := self._attempt(lambda: next(stream, None))) is not None:
            yield item

    def _attempt(self, call: Any) -> Any:
        """Call, and turn any error of ir_datasets (download, licence, format) into one line."""
        try:
            return call()
        except DistillirError:
            raise
        except Exception as error:
            raise DistillirError(
                f"ir_datasets cannot read it ({type(error).__name__}: {error})",
                where=self.origin,
                remedy="check the network and https://ir-datasets.com for what this dataset needs",
            ) from error


def _registry() -> Any:
    try:
        import ir_datasets
    except ImportError:
        raise DistillirError(
            "ir_datasets is not installed", where="irds:", remedy="pip install 'distillir[irds]'"
        ) from None
    return ir_datasets.registry


def _same_corpus(subset: Any, base: Any) -> bool:
    return bool(subset.has("docs") and subset.docs_handler() == base.docs_handler())


def _fields(dataset: Any, kind: str) -> tuple[str, ...]:
    """Names of the fields of a dataset's documents or queries, empty where it has none; nothing is downloaded."""
    try:
        return tuple(getattr(dataset, kind)()._fields)
    except AttributeError:
        return ()
