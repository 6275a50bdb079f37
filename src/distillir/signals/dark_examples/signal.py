"""The signal ``dark``: texts of moderate relevance beside each list (ADAM)."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from distillir.base.errors import DistillirError
from distillir.base.hashes import hash_of_json_64
from distillir.signals.dark_examples.spec import DarkSpec
from distillir.signals.place import Costs, Place
from distillir.signals.signal import Signal, SignalKind

if TYPE_CHECKING:
    from distillir.objectives.weighted_sum import WeightedSum
    from distillir.signals.dark_examples.training import DarkTraining
    from distillir.signals.preferences.signal import Preferences
    from distillir.signals.recipe_parts import RecipeParts


class DarkExamples(Signal[DarkSpec]):
    """Dark examples that a recipe wants.

    Attributes:
        preferred: Who asks a pairwise teacher about them; None for nobody (`distillir.signals.compositions`).
    """

    compares = frozenset({"teacher"})
    needs_positive = True
    preferred: "Preferences | None" = None

    def check(self, recipe: "RecipeParts") -> None:
        """Refuse dark examples that nobody can score or that are never made."""
        if recipe.teacher is None:
            raise DistillirError(
                "dark examples are scored by the teacher, and the recipe has none",
                where="method.dark",
                remedy="name a teacher (in place of teaching)",
            )
        made = {"reinforced": self.spec.reinforced, "noisy": self.spec.noisy}
        if not any(made[kind] for kind in self.spec.kinds):
            raise DistillirError(
                f"of {' and '.join(self.spec.kinds)} none is made",
                where="method.dark",
                remedy="set method.dark.reinforced or method.dark.noisy above 0",
            )

    def objective(self, objective: "WeightedSum") -> "WeightedSum":
        """What is compared on dark lists: of the lists' objective what learns from the teacher, unless it is named.

        And what learns from preferences, where pairs of dark examples are asked about.
        """
        from distillir.objectives.weighted_sum import WeightedSum, parse_objective

        chosen = objective if self.spec.objective is None else parse_objective(self.spec.objective)
        parts = [part for part in chosen.parts if part[0].needs & {"teacher", "labels"}]
        if not parts:
            raise DistillirError(
                f"{' + '.join(chosen.names)} learns from judgements alone, and the teacher alone judges dark examples",
                where="method.dark",
                remedy="set method.dark.objective to one that learns from the teacher, such as kl",
            )
        if self.preferred is not None:
            parts += [part for part in objective.parts if "pairs" in part[0].needs]
        return WeightedSum(parts)

    def told(self, objective: "WeightedSum") -> dict[str, Any]:
        """The objective of dark lists, and its weight."""
        return {"dark": {"objective": self.objective(objective).spec, "weight": self.spec.weight}}

    def suffix(self, *, expected: bool, own: bool) -> str:
        """See `Signal.suffix`; a method of other objectives is no longer known for its dark examples."""
        return "" if expected and own else f" + {self.kind.title}"

    def shared(self, recipe: "RecipeParts") -> str:
        """See `Signal.shared`."""
        return hash_of_json_64(
            [
                self.spec.making().model_dump(),
                recipe.query_seed,
                recipe.training.max_length,
                recipe.training.pseudo_positives,
            ]
        )

    def prepare(self, place: Place) -> None:
        """Make dark texts, and have the teacher score them."""
        from distillir.signals.dark_examples.prepare import make_dark_set

        make_dark_set(place, self.spec, place.folder(self))

    def check_files(self, place: Place) -> None:
        """See `Signal.check_files`."""
        from distillir.signals.dark_examples.prepare import check_dark_set

        check_dark_set(place, self.spec, place.folder(self))

    def open(self, place: Place, objective: "WeightedSum") -> "DarkTraining":
        """See `Signal.open`."""
        from distillir.signals.dark_examples.dark_lists import DarkLists
        from distillir.signals.dark_examples.dark_set import open_dark_set
        from distillir.signals.dark_examples.training import DarkTraining

        examples = open_dark_set(place.folder(self))
        self.check_files(place)
        pairs = None if self.preferred is None else self.preferred.among_dark(place, examples)
        lists = DarkLists(examples, place.known_lists(), self.spec, place.first_row, pairs)
        return DarkTraining(lists, self.objective(objective), self.spec.weight)

    def work(self, costs: Costs) -> Iterator[tuple[str, Callable[[], float | None]]]:
        """Texts, and their scores."""
        made = costs.queries * (self.spec.reinforced + self.spec.noisy)
        yield f"at most {made} dark examples and their scores", partial(costs.new_texts, made)

    def documents_beside(self) -> int:
        """The positive and its dark examples."""
        return self.spec.count + 1


DARK_EXAMPLES = SignalKind(
    "dark",
    "dark examples: texts of moderate relevance, made of a query's positive and negatives, beside each list (ADAM)",
    DarkSpec,
    DarkExamples,
    source="Tao et al. 2024, arXiv 2212.10192",
    title="dark examples",
    method="adam",
    folder="dark",
    product="dark examples",
    doing="making dark examples",
    facts=("dark", "gate", "dark_calls"),
    shares=True,
    stage_facts=("gate",),
    wanted=lambda spec: bool(spec.count),
)
