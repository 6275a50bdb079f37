"""The signal ``layers``: layers of the student follow a teacher's (LEAD)."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from distillir.base.errors import DistillirError
from distillir.base.progress import say
from distillir.encoding.model_files import own_pooling
from distillir.signals.layers.spec import LayerSpec
from distillir.signals.place import Costs, Place
from distillir.signals.signal import CANDIDATES, Signal, SignalKind

if TYPE_CHECKING:
    from distillir.objectives.weighted_sum import WeightedSum
    from distillir.signals.layers.training import LayerTraining
    from distillir.signals.recipe_parts import RecipeParts

#: Beside the run's ``log.jsonl``: which layers were compared, and their weights.
LAYER_LOG = "layers.jsonl"


class Layers(Signal[LayerSpec]):
    """Layers that a recipe wants."""

    needs = frozenset({CANDIDATES})
    needs_positive = True

    @property
    def trains_along(self) -> tuple[str, ...]:
        """A joint teacher."""
        return ("teacher",) if self.spec.joint else ()

    def check(self, recipe: "RecipeParts") -> None:
        """Refuse layers that nobody has, and a joint teacher that cannot score what it is to compare."""
        from distillir.teachers.load_layered import KINDS

        if recipe.student.towers != "shared":
            raise DistillirError(
                f"layers are compared of one encoder, and the student's towers are {recipe.student.towers}",
                where="method.layers",
                remedy="set student.towers to shared, or leave layers out",
            )
        if self.spec.teacher is None:
            raise DistillirError(
                "layers are wanted, and "
                + (
                    f"the recipe's teacher ({recipe.teacher!r}) has none"
                    if recipe.teacher is not None
                    else "the recipe names no teacher that has some"
                ),
                where="method.layers.teacher",
                remedy=f"name a model as {', '.join(f'{{{kind}: model}}' for kind in KINDS)}",
            )

    def teachers(self) -> Iterator[tuple[str, Any, bool]]:
        """The teacher with layers."""
        yield "method.layers.teacher", self.spec.teacher, False

    def check_models(self, recipe: "RecipeParts") -> None:
        """Look at both models with layers, and say where these are compared by states that the models do not use."""
        from distillir.teachers.layered_kinds import FORM
        from distillir.teachers.load_layered import load_layered

        refusal = recipe.student.own_kind.layers_refusal(recipe.student.model)
        if refusal is not None:
            raise DistillirError(str(refusal), where="method.layers")
        try:
            load_layered(self.spec.teacher, self.spec.pooling)
        except DistillirError as error:
            raise DistillirError(str(error), where="method.layers.teacher") from None
        chosen = FORM.read(self.spec.teacher, "method.layers.teacher")
        dense = {str(chosen.options.model)} if chosen.name == "dense" else set()
        dense |= {recipe.student.model} if recipe.student.own_kind.pooled else set()
        other = {name: own_pooling(name) for name in sorted(dense) if own_pooling(name) != self.spec.pooling}
        if other and self.spec.pooling == "cls":
            named = " and ".join(f"{name} (which pools by {own})" for name, own in other.items())
            say(
                f"Layers of {named} are compared by [CLS] states, as published: they may rank next to nothing by "
                "these. The report's curve of layers shows it; method.layers.pooling: mean is the other way."
            )

    def beside(self, objective: "WeightedSum", recipe: "RecipeParts", *, expected: bool) -> "WeightedSum":
        """The objective of a method that has layers (LEAD), with KL(t || s) of outputs where the teacher is frozen."""
        from distillir.objectives.weighted_sum import WeightedSum, parse_objective
        from distillir.teachers.encoders.kinds import DENSE
        from distillir.teachers.registry import FORM as POINTWISE

        layers = self.spec
        if layers.joint or not expected:
            return objective
        if not layers.response or "kl" in objective.names:
            return objective
        # Other lists' documents have no score of a frozen teacher: its KL, like its layers, is of the query's own list.
        options: dict[str, Any] = {"own_list": True}
        if recipe.student.own_kind.cosine_scale:
            options["student_temperature"] = layers.cosine_temperature
        if recipe.teacher is not None and POINTWISE.read(recipe.teacher, "teacher").kind is DENSE:
            options["teacher_temperature"] = layers.cosine_temperature
        part = parse_objective({"kl": {"weight": layers.response, **options}})
        return WeightedSum([*objective.parts, *part.parts])

    def suffix(self, *, expected: bool, own: bool) -> str:
        """See `Signal.suffix`; where the teacher is frozen against the method, or trained along beside another."""
        if expected:
            return "" if self.spec.joint else ", frozen teacher"
        return f" + {self.kind.title}" + (" of a joint teacher" if self.spec.joint else "")

    def inputs(self) -> dict[str, str]:
        """The teacher."""
        from distillir.encoding.fingerprint import model_fingerprint
        from distillir.teachers.layered_kinds import FORM

        model = FORM.read(self.spec.teacher, "method.layers.teacher").options.model
        return {"weights of the teacher with layers": model_fingerprint(model)}

    def prepare(self, place: Place) -> None:
        """Score lists by every layer of a frozen teacher; a finished run needs that no more."""
        from distillir.signals.layers.prepare import make_layers

        if not self.spec.joint and not place.trained:
            make_layers(place, self.spec, place.folder(self))

    def check_files(self, place: Place) -> None:
        """See `Signal.check_files`."""
        from distillir.signals.layers.layer_set import LAYERS as FILE
        from distillir.signals.layers.prepare import open_layer_set

        if not self.spec.joint and (place.folder(self) / FILE).is_file():
            open_layer_set(place, self.spec, place.folder(self))

    def open(self, place: Place, objective: "WeightedSum") -> "LayerTraining":
        """A frozen teacher's scores, or a teacher to train along."""
        from distillir.signals.layers.prepare import open_layer_set
        from distillir.signals.layers.training import LayerTraining
        from distillir.teachers.load_layered import load_joint

        log = place.path / LAYER_LOG
        if self.spec.joint:
            teacher = load_joint(self.spec.teacher, place.along(LayerTraining.along))
            return LayerTraining(self.spec, teacher=teacher, log=log)
        return LayerTraining(self.spec, open_layer_set(place, self.spec, place.folder(self)), log=log)

    def measure(self, place: Place) -> None:
        """Quality of each layer as a ranker; none of students whose documents are kept, which have no layers."""
        if not place.recipe.student.own_kind.encodes_documents:
            return
        from distillir.signals.layers.layer_quality import layer_quality

        layer_quality(place, self.spec)

    def work(self, costs: Costs) -> Iterator[tuple[str, Callable[[], float | None]]]:
        """Scores of a frozen teacher's layers."""
        if not self.spec.joint:
            yield f"about {costs.pairs} pairs by each layer of the teacher", partial(costs.layers, self.spec.teacher)

    def rehearsal(self, costs: Costs) -> "LayerTraining":
        """A joint teacher as it is, or random scores of a frozen one's layers."""
        from distillir.signals.layers.layer_set import LayerSet
        from distillir.signals.layers.training import LayerTraining
        from distillir.teachers.load_layered import load_joint, load_layered

        if self.spec.joint:
            return LayerTraining(self.spec, teacher=load_joint(self.spec.teacher))
        depth, draw = load_layered(self.spec.teacher, self.spec.pooling).depth, np.random.default_rng(4)
        scores = [draw.standard_normal((depth, len(rows))).astype(np.float32) for rows in costs.rows]
        return LayerTraining(self.spec, LayerSet(depth, scores))

    def save_card(self, place: Place, folder: Path) -> None:
        """The card of a teacher that was trained along."""
        from distillir.signals.layers.card import teacher_card

        (folder / "README.md").write_text(
            teacher_card(place.recipe.method.name, place.collection.name, self.spec), encoding="utf-8"
        )


LAYERS = SignalKind(
    "layers",
    "layers of the student follow those of a teacher, trained along (LEAD) or frozen",
    LayerSpec,
    Layers,
    source="Sun et al. 2024, arXiv 2212.05225",
    method="lead",
    folder="layers",
    doing="scoring by layers",
    product="layers",
    facts=("layer_calls",),
    calls=("layer_calls",),
    after=("teaching set",),
    leaves=(LAYER_LOG, "teacher"),
)
