"""Collections in BEIR form on the Hugging Face Hub, or in a local folder of the same layout."""

from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.base.files import file_state
from distillir.base.hub import hub_or_cache
from distillir.collections.key_names import Kind
from distillir.collections.qrels_file import record_judgements
from distillir.collections.record_texts import RecordTexts
from distillir.collections.source import QrelsPart, Source, TextPart
from distillir.collections.text_keys import Unread

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
        """The repository; for a local folder also path, size and times of each file."""
        lines = [self._repository]
        if self._local:
            for base in (Path(self._repository), Path(f"{self._repository}-qrels")):
                for file in sorted(file for file in base.rglob("*") if file.is_file()):
                    lines.append(f"{file}\t{file_state(file)}")
        return "\n".join(lines)

    def documents(self) -> TextPart:
        """Configuration ``corpus``."""
        return self._texts("corpus", "document")

    def queries(self) -> list[TextPart]:
        """Configuration ``queries``."""
        return [self._texts("queries", "query")]

    def judgements(self) -> list[QrelsPart]:
        """The judgements of every split."""
        parts = []
        for split, rows in self._find_qrels().items():
            place, unread = f"{self.origin} qrels {split}", Unread()
            read = partial(record_judgements, partial(self._records, rows), place, unread)
            parts.append(QrelsPart(place, SPLITS.get(split, split), read, partial(_unread_note, place, unread)))
        return parts

    def _texts(self, configuration: str, kind: Kind) -> TextPart:
        found = self._load(self._repository, configuration)
        # BeIR names the split after the configuration; others have one split of any name.
        chosen = configuration if configuration in found else next(iter(found))
        rows, place = found[chosen], f"{self.origin} {configuration}"
        texts = RecordTexts(place, partial(self._records, rows), kind)
        others = [split for split in found if split != chosen]
        return TextPart(
            place, 0 if self._local else len(rows), texts.read, notes=partial(_text_notes, texts, place, chosen, others)
        )

    def _records(self, rows: Any) -> Iterator[tuple[int, dict[str, Any]]]:
        number = 0
        for batch in self._batches(rows):
            for cells in zip(*batch.values(), strict=True):
                number += 1
                yield number, dict(zip(batch, cells, strict=True))

    def _find_qrels(self) -> dict[str, Any]:
        beside = f"{self._repository}-qrels"
        if Path(beside).is_dir() if self._local else self._exists(beside):
            return self._load(beside, None)
        for configuration in QRELS_CONFIGURATIONS:
            if configuration in self._configurations(self._repository):
                return self._load(self._repository, configuration)
        return {}

    def _configurations(self, repository: str) -> list[str]:
        from datasets import get_dataset_config_names

        return list(self._attempt(partial(get_dataset_config_names, repository)))

    def _exists(self, repository: str) -> bool:
        """Tell whether the Hub has a repository; a Hub that cannot be reached is an error, not a no."""
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
        """Call, and turn any error of the library datasets (network, configuration, format) into one line."""
        silence = ""
        try:
            with nullcontext("") if self._local else hub_or_cache() as silence:
                return call()
        except Exception as error:
            if silence:
                raise DistillirError(
                    f"the Hub does not answer ({silence})", where=self.origin, remedy="check the name and the network"
                ) from error
            raise DistillirError(
                f"datasets cannot load it ({type(error).__name__}: {str(error)[:300]})",
                where=self.origin,
                remedy="check the name and the network; it must have configurations corpus and queries",
            ) from error


def _unread_note(place: str, unread: Unread) -> list[str]:
    note = unread.note()
    return [] if note is None else [f"{place}: {note}"]


def _text_notes(texts: RecordTexts, place: str, chosen: str, others: list[str]) -> list[str]:
    """Notes on the texts, and on the splits of a configuration that were passed over."""
    left = [f"{place}: only split {chosen!r} is read, not {', '.join(others)}"] if others else []
    return [*left, *texts.notes()]
