"""Collections in BEIR form on the Hugging Face Hub, or in a local folder of the same layout."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from distillir.collections.source import Entry, Judgement, QrelsPart, Source, TextPart
from distillir.collections.text_files import to_entry
from distillir.errors import DistillirError

SPLITS = {"validation": "dev"}
QRELS_CONFIGURATIONS = ("qrels", "default")
ROWS_PER_BATCH = 1000


class HubSource(Source):
    """A repository with configurations ``corpus`` and ``queries``, and judgements beside it or inside it.

    Judgements are looked for in ``<repository>-qrels`` (BeIR's own repositories) and, where there is none, in the
    configuration ``qrels`` or ``default`` of the repository itself (MTEB's). Split ``validation`` is called ``dev``.

    Args:
        repository: ``owner/name``, or the path of a local folder with the same layout.

    Raises:
        DistillirError: The repository cannot be loaded.
    """

    def __init__(self, repository: str) -> None:
        self.origin = f"hf:{repository}"
        folder = Path(repository).expanduser()
        self._local = folder.is_dir()
        self._repository = str(folder.resolve()) if self._local else repository
        self.name = folder.resolve().name if self._local else repository

    def identity(self) -> str:
        """The repository; for a local folder also path, size and time of change of each file."""
        lines = [self._repository]
        if self._local:
            for base in (Path(self._repository), Path(f"{self._repository}-qrels")):
                for file in sorted(file for file in base.rglob("*") if file.is_file()):
                    lines.append(f"{file}\t{file.stat().st_size}\t{file.stat().st_mtime_ns}")
        return "\n".join(lines)

    def documents(self) -> TextPart:
        """Configuration ``corpus``."""
        return self._texts("corpus")

    def queries(self) -> list[TextPart]:
        """Configuration ``queries``."""
        return [self._texts("queries")]

    def judgements(self) -> list[QrelsPart]:
        """The judgements of every split."""
        return [
            QrelsPart(f"{self.origin} qrels {split}", SPLITS.get(split, split), partial(self._read_qrels, rows, split))
            for split, rows in self._find_qrels().items()
        ]

    def _texts(self, configuration: str) -> TextPart:
        found = self._load(self._repository, configuration)
        # BeIR names the split after the configuration; others have one split of any name.
        rows = found[configuration] if configuration in found else next(iter(found.values()))
        place = f"{self.origin} {configuration}"
        return TextPart(place, 0 if self._local else len(rows), partial(self._read_texts, rows, place))

    def _read_texts(self, rows: Any, place: str) -> Iterator[Entry]:
        number = 0
        for batch in self._batches(rows):
            for cells in zip(*batch.values(), strict=True):
                number += 1
                yield to_entry(dict(zip(batch, cells, strict=True)), f"{place}:{number}", number)

    def _find_qrels(self) -> dict[str, Any]:
        beside = f"{self._repository}-qrels"
        if Path(beside).is_dir() if self._local else self._exists(beside):
            return self._load(beside, None)
        for configuration in QRELS_CONFIGURATIONS:
            if configuration in self._configurations(self._repository):
                return self._load(self._repository, configuration)
        return {}

    def _read_qrels(self, rows: Any, split: str) -> Iterator[Judgement]:
        number = 0
        for batch in self._batches(rows):
            try:
                columns = (batch["query-id"], batch["corpus-id"], batch["score"])
            except KeyError as error:
                raise DistillirError(
                    f"no column {error}",
                    where=f"{self.origin} qrels {split}",
                    remedy="name it query-id, corpus-id, score",
                ) from None
            for query, document, score in zip(*columns, strict=True):
                number += 1
                if score is None or int(score) != score:
                    where = f"{self.origin} qrels {split}:{number}"
                    raise DistillirError(f"grade {score!r} is no integer", where=where, remedy="grades are integers")
                yield Judgement(number, str(query), str(document), int(score))

    def _configurations(self, repository: str) -> list[str]:
        from datasets import get_dataset_config_names

        return list(self._attempt(partial(get_dataset_config_names, repository)))

    def _exists(self, repository: str) -> bool:
        """Whether the Hub has a repository; that it cannot be asked is an error, not a no."""
        from datasets.exceptions import DatasetNotFoundError

        try:
            return bool(self._configurations(repository))
        except DistillirError as error:
            if isinstance(error.__cause__, DatasetNotFoundError):
                return False
            raise

    def _load(self, repository: str, configuration: str | None) -> dict[str, Any]:
        from datasets import load_dataset

        # Local files are streamed: `datasets` would copy them to a cache of its own, and not see one change later.
        return dict(self._attempt(partial(load_dataset, repository, configuration, streaming=self._local)))

    def _batches(self, rows: Any) -> Iterator[dict[str, list[Any]]]:
        batches = iter(rows.iter(batch_size=ROWS_PER_BATCH))
        while batch := self._attempt(partial(next, batches, None)):
            yield batch

    def _attempt(self, call: Any) -> Any:
        """Whatever goes wrong inside datasets (network, configuration, format), said in one line."""
        try:
            return call()
        except Exception as error:
            raise DistillirError(
                f"datasets cannot load it ({type(error).__name__}: {str(error)[:300]})",
                where=self.origin,
                remedy="check the name and the network; it must have configurations corpus and queries",
            ) from error
