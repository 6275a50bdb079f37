"""Preparation of the vectors that a stage follows: encoded once, and a record of what they are of."""

from dataclasses import asdict, dataclass
from pathlib import Path

from distillir.base.errors import DistillirError
from distillir.base.files import read_json, write_json
from distillir.base.processes import Write
from distillir.base.progress import say
from distillir.signals.place import Place
from distillir.signals.vectors.spec import VectorSpec
from distillir.signals.vectors.teacher_vectors import Targets
from distillir.signals.vectors.texts import followed_texts, source_name, target_vectors, vectors_fingerprint

#: In the folder of the signal's answers. The vectors themselves lie in the cache of encoded texts.
RECORD = "vectors.json"


@dataclass(frozen=True)
class VectorRecord:
    """The texts that were encoded for a stage.

    Attributes:
        source: Identity of all that the vectors depend on (hex).
        model: The model's name in the recipe.
        width: Numbers of a vector.
        texts: How many queries and documents.
    """

    source: str
    model: str
    width: int
    texts: dict[str, int]


def make_vectors(place: Place, spec: VectorSpec, target: Path) -> None:
    """Encode the texts of a stage; what is there already is kept.

    Args:
        place: The stage of the run.
        spec: Whose vectors, of which texts.
        target: Folder of the record.
    """
    rows = followed_texts(place, spec)

    def encode() -> Write:
        found = target_vectors(place, spec, rows)
        width = next(iter(found.values())).width
        texts = {side: len(own) for side, own in rows.items()}
        told = " and ".join(f"{count} {side}" for side, count in texts.items())
        name = source_name(place.recipe, spec)
        say(f"Vectors of {name}: {told}, {width} numbers each")
        record = VectorRecord(vectors_fingerprint(place, spec, rows), name, width, texts)
        return lambda: write_json(target / RECORD, asdict(record))

    if not place.make_once(target / RECORD, encode, timed="vectors"):
        check_record(place, spec, target)


def check_record(place: Place, spec: VectorSpec, target: Path) -> VectorRecord:
    """The record of a stage's vectors.

    Raises:
        DistillirError: It is missing, damaged, or of another model, other settings or other texts.
    """
    file = target / RECORD
    place.need(file, "score")
    try:
        record = VectorRecord(**read_json(file, "delete it"))
    except TypeError as error:
        raise DistillirError(f"is no record of vectors ({error})", where=file, remedy="delete it") from None
    if record.source != vectors_fingerprint(place, spec, followed_texts(place, spec)):
        raise DistillirError("is of another model, other settings or other texts", where=file, remedy="delete it")
    return record


def open_vectors(place: Place, spec: VectorSpec, target: Path) -> tuple[VectorRecord, dict[str, Targets]]:
    """The record, and vectors by side; what the cache has lost since is encoded again.

    Raises:
        DistillirError: As `check_record`, or a vector cannot be made.
    """
    record = check_record(place, spec, target)
    return record, target_vectors(place, spec, followed_texts(place, spec))
