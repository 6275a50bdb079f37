"""The signal ``vectors``: the student's vectors follow a dense model's (EmbedDistill, LEAF)."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distillir.base.arrays import Rows
from distillir.base.errors import DistillirError
from distillir.signals.place import Costs, Place
from distillir.signals.signal import TEXTS, Signal, SignalKind
from distillir.signals.vectors.models import check_model, check_student, settled, student_width_by_files, width_by_files
from distillir.signals.vectors.spec import PROJECTION, WHERE, VectorSpec

if TYPE_CHECKING:
    from distillir.objectives.weighted_sum import WeightedSum
    from distillir.plans.settings import TrainingSettings
    from distillir.signals.recipe_parts import RecipeParts
    from distillir.signals.vectors.training import VectorTraining


class Vectors(Signal[VectorSpec]):
    """Vectors that a recipe wants the student's to follow."""

    needs = frozenset({TEXTS})
    _width: int | None = None
    _faster: float = 2.0

    @property
    def trains_along(self) -> tuple[str, ...]:
        """A linear map, where the widths of the two models differ by their files."""
        return (PROJECTION,) if self._across and self.beside_lists else ()

    @property
    def _across(self) -> bool:
        """True where the widths of the two models differ by their files."""
        wanted = self.spec.width or (self.spec.model and width_by_files(self.spec.model))
        return None not in (self._width, wanted) and self._width != wanted

    @property
    def beside_lists(self) -> bool:
        """See `Signal.beside_lists`: a weight of 0 is of the first stage alone."""
        return self.spec.weight > 0

    def first_stage(self, training: "TrainingSettings") -> "TrainingSettings | None":
        """See `Signal.first_stage`: steps of twice as many texts as theirs have queries, at a higher rate (ours)."""
        if self.spec.first is None:
            return None
        rate, own = training.learning_rate, self.spec.first_learning_rate
        return training.model_copy(
            update={
                "epochs": self.spec.first,
                "learning_rate": own or (rate if isinstance(rate, str) else self._faster * rate),
                "queries_per_step": 2 * training.queries_per_step,
                "in_batch": False,
                "batches": "shuffled",
                "select": "none",
            }
        )

    def check(self, recipe: "RecipeParts") -> None:
        """Refuse a student without vectors; find the model where the recipe names it elsewhere."""
        check_student(recipe)
        self.spec = settled(self.spec, recipe)
        self._width = student_width_by_files(recipe)
        self._faster = recipe.student.own_kind.first_rate
        if self._across and not self.beside_lists:
            raise DistillirError(
                "across widths a linear map is learnt along, and it would be lost after the first stage",
                where=f"{WHERE}.weight",
                remedy="give vectors a weight above 0",
            )

    def texts_alone(self, place: Place) -> tuple[Rows, Rows]:
        """See `Signal.texts_alone`; the corpus too."""
        from distillir.signals.vectors.texts import texts_alone

        return texts_alone(place, self.spec)

    def teachers(self) -> Iterator[tuple[str, Any, bool]]:
        """The model, where one is known."""
        if self.spec.model is not None:
            yield WHERE, self.spec.form(), False

    def check_models(self, recipe: "RecipeParts") -> None:
        """See `Signal.check_models`."""
        check_model(self.spec, recipe)

    def told(self, objective: "WeightedSum") -> dict[str, Any]:
        """The model, what is compared, and its weight."""
        spec = self.spec
        told = {"model": spec.model, "of": spec.sides, "loss": spec.loss, "weight": spec.weight}
        return {"vectors": told | ({} if spec.first is None else {"first": spec.first})}

    def inputs(self) -> dict[str, str]:
        """The model; kept vectors are among the student's inputs."""
        from distillir.encoding.fingerprint import model_fingerprint

        if self.spec.model is None:
            return {}
        return {"weights of the model whose vectors are followed": model_fingerprint(self.spec.model)}

    def prepare(self, place: Place) -> None:
        """Encode the texts of the stage; a finished run needs that no more."""
        from distillir.signals.vectors.prepare import make_vectors

        if not place.trained:
            make_vectors(place, self.spec, place.folder(self))

    def check_files(self, place: Place) -> None:
        """See `Signal.check_files`."""
        from distillir.signals.vectors.prepare import RECORD, check_record

        if (place.folder(self) / RECORD).is_file():
            check_record(place, self.spec, place.folder(self))

    @property
    def _opened(self) -> VectorSpec:
        """The spec of a stage; where the weight is 0, that is the first one, in which nothing stands beside."""
        return self.spec if self.spec.weight else self.spec.model_copy(update={"weight": 1.0})

    def open(self, place: Place, objective: "WeightedSum") -> "VectorTraining":
        """See `Signal.open`."""
        from distillir.encoding.model_files import similarity_name
        from distillir.signals.vectors.prepare import open_vectors
        from distillir.signals.vectors.training import VectorTraining

        record, targets = open_vectors(place, self.spec, place.folder(self))
        kept = place.recipe.student.own_kind.index_kept
        similarity = kept.similarity if self.spec.model is None else similarity_name(self.spec.model)
        return VectorTraining(
            self._opened, targets, record.source, unit_length=similarity == "cosine", before=place.along(PROJECTION)
        )

    def measure(self, place: Place) -> None:
        """Cosines of the student's vectors before training and now."""
        from distillir.signals.vectors.nearness import measure_nearness

        measure_nearness(place, self.spec)

    def work(self, costs: Costs) -> Iterator[tuple[str, Callable[[], float | None]]]:
        """Texts that the model reads."""
        if self.spec.model is None:
            return
        told = f"vectors of the {' and '.join(self.spec.sides)} that are learnt from, by {self.spec.model}"
        yield told, partial(costs.vectors, self.spec.form(), self.spec.sides)

    def rehearsal(self, costs: Costs) -> "VectorTraining | None":
        """Made-up vectors of the model's width."""
        from distillir.signals.vectors.teacher_vectors import MadeVectors
        from distillir.signals.vectors.training import VectorTraining

        kept = costs.recipe.student.own_kind.index_kept
        width = self.spec.width or (kept.width if self.spec.model is None else width_by_files(self.spec.model))
        if width is None:
            return None
        quick = self._opened.model_copy(update={"projection": "random"})
        return VectorTraining(quick, {side: MadeVectors(width) for side in self.spec.sides})

    def save_card(self, place: Place, folder: Path) -> None:
        """A card beside the linear map."""
        from distillir.signals.vectors.card import projection_card

        (folder / "README.md").write_text(projection_card(str(self.spec.model)), encoding="utf-8")


VECTORS = SignalKind(
    "vectors",
    "the student's vectors of texts follow those of a dense model; texts alone suffice (EmbedDistill, LEAF)",
    VectorSpec,
    Vectors,
    source="Kim et al. 2023, arXiv 2301.12005; Vujanic and Rueckstiess 2025, arXiv 2509.12539",
    method="vectors",
    folder="vectors",
    doing="encoding texts whose vectors are followed",
    product="vectors",
    facts=("vectors",),
    after=("teaching set",),
    leaves=(PROJECTION,),
)
