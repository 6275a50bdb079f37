"""The signal ``pairs``: a pairwise teacher's preferences among close candidates (PairDistill)."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from distillir.signals.place import Costs, Place
from distillir.signals.preferences.spec import PairSpec
from distillir.signals.signal import Signal, SignalKind

if TYPE_CHECKING:
    from distillir.objectives.weighted_sum import WeightedSum
    from distillir.signals.dark_examples.dark_example_set import DarkExampleSet
    from distillir.signals.preferences.pair_lists import PairLists
    from distillir.signals.preferences.training import PairTraining
    from distillir.signals.recipe_parts import RecipeParts


class Preferences(Signal[PairSpec]):
    """Pairs that a recipe wants.

    Attributes:
        dark: Dark examples that the teacher is asked about too; None for none.
    """

    compares = frozenset({"teacher"})
    dark: Signal[Any] | None = None

    def teachers(self) -> Iterator[tuple[str, Any, bool]]:
        """The pairwise teacher."""
        yield "method.pairs.teacher", self.spec.teacher, True

    def check_models(self, recipe: "RecipeParts") -> None:
        """See `Signal.check_models`."""
        from distillir.teachers.load_pairwise import load_pairwise

        load_pairwise(self.spec.teacher)

    def beside(self, objective: "WeightedSum", recipe: "RecipeParts", *, expected: bool) -> "WeightedSum":
        """The objective, with `pair_kl` where the recipe does not name it itself."""
        from distillir.objectives.weighted_sum import WeightedSum, parse_objective

        if "pairs" in objective.needs:
            return objective
        # The published weight is that beside the published KL.
        published = expected and "kl" in objective.names
        part = self.spec.part(recipe.student.own_kind, published)
        return WeightedSum([*objective.parts, *parse_objective(part).parts])

    def prepare(self, place: Place) -> None:
        """Sample pairs, and ask about them; then about those of dark examples."""
        from distillir.signals.preferences.dark_pairs import make_dark_pairs
        from distillir.signals.preferences.prepare import make_pairs

        place.prepare_student()
        make_pairs(place, self.spec, place.folder(self))
        if self.dark is not None:
            make_dark_pairs(place, self.spec, place.folder(self.dark), place.folder(self))

    def check_files(self, place: Place) -> None:
        """See `Signal.check_files`."""
        from distillir.signals.dark_examples.dark_example_set import TEXTS, open_dark_set
        from distillir.signals.preferences.pair_set import DARK_PAIRS, PAIRS
        from distillir.signals.preferences.prepare import check_pairs

        target = place.folder(self)
        if not (target / PAIRS).is_file():
            return
        check_pairs(place, self.spec, target)
        if self.dark is not None and (target / DARK_PAIRS).is_file() and (place.folder(self.dark) / TEXTS).is_dir():
            self.among_dark(place, open_dark_set(place.folder(self.dark)))

    def among_dark(self, place: Place, examples: "DarkExampleSet") -> "PairLists":
        """Preferences among positives and dark examples."""
        from distillir.signals.preferences.dark_pairs import open_dark_pairs

        return open_dark_pairs(place, self.spec, examples, place.folder(self))

    def open(self, place: Place, objective: "WeightedSum") -> "PairTraining":
        """See `Signal.open`."""
        from distillir.signals.preferences.prepare import open_pair_lists
        from distillir.signals.preferences.training import PairTraining

        return PairTraining(open_pair_lists(place, self.spec, place.folder(self)))

    def work(self, costs: Costs) -> Iterator[tuple[str, Callable[[], float | None]]]:
        """Questions."""
        asked = costs.queries * self.spec.per_query * (2 if self.spec.both_orders else 1)
        rounds = costs.recipe.method.rounds - 1
        again = f", and what is new in each of {rounds} further rounds" if rounds > 0 else ""
        yield f"{asked} questions to the pairwise teacher{again}", lambda: None

    def rehearsal(self, costs: Costs) -> "PairTraining":
        """Neighbours of each list as pairs, none of which is preferred."""
        from distillir.signals.preferences.pair_lists import PairLists
        from distillir.signals.preferences.pair_set import Pairs
        from distillir.signals.preferences.training import PairTraining

        sizes = [min(self.spec.per_query, max(len(rows) - 1, 0)) for rows in costs.rows]
        first = np.concatenate([np.empty(0, dtype=np.int64), *(np.arange(size, dtype=np.int64) for size in sizes)])
        even = np.zeros(len(first), dtype=np.float32)
        lists = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
        made_up = Pairs(lists, first, first + 1, even, np.full_like(even, np.nan))
        return PairTraining(PairLists(made_up, first=self.spec.documents == "first"))


PREFERENCES = SignalKind(
    "pairs",
    "a pairwise teacher's preferences among candidates of close ranks (PairDistill)",
    PairSpec,
    Preferences,
    source="Huang and Chen 2024, arXiv 2410.01383",
    method="pairdistill",
    folder="pairs",
    doing="asking about pairs",
    product="pairs",
    facts=("pairs", "pair_calls", "dark_pairs"),
    calls=("pair_calls",),
    after=("teaching set", "initial student", "dark examples"),
    gives=frozenset({"pairs", "preferences"}),
    lacking=(
        "{by} compares a pairwise teacher's preferences, and the recipe names none",
        "write method: {name: pairdistill, pairs: {teacher: {cross-encoder: folder}}}; "
        "distillir train-teacher --pairwise makes one",
    ),
)
