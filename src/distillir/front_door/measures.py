"""Measures of one student, and how they compare with another's."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

import numpy as np
import numpy.typing as npt

from distillir.evaluation.measures import Evaluation
from distillir.evaluation.significance import Comparison
from distillir.reporting.metrics import Metrics
from distillir.retrieval.run import Run


class Measures(Mapping[str, float]):
    """Means over queries by measure, in 0 to 1. Shows itself as a table.

    Args:
        collection: The collection's name.
        split: The split whose queries were asked.
        evaluation: What was measured.
        run: What was ranked.
        comparison: Differences to another student, the main measure first.

    Attributes:
        evaluation: Values per query.
        run: The ranking that was measured.
        comparison: A comparison a measure: ``before``, ``after``, ``difference``, ``low``, ``high`` (95 % interval),
            ``p_value`` (paired t-test), ``wins``, ``losses``, ``ties``; empty where nothing was compared.
    """

    def __init__(
        self, collection: str, split: str, evaluation: Evaluation, run: Run, comparison: Sequence[Comparison] = ()
    ) -> None:
        self.collection, self.split = collection, split
        self.evaluation, self.run, self.comparison = evaluation, run, list(comparison)
        self._means = evaluation.means

    def __getitem__(self, measure: str) -> float:
        return self._means[measure]

    def __iter__(self) -> Iterator[str]:
        return iter(self._means)

    def __len__(self) -> int:
        return len(self._means)

    @property
    def per_query(self) -> Mapping[str, npt.NDArray[np.float64]]:
        """Values per query [Q] by measure; the queries' rows are ``evaluation.queries``."""
        return self.evaluation.values

    def _metrics(self) -> Metrics:
        before = {one.measure: one.before for one in self.comparison}
        compared = [asdict(one) for one in self.comparison]
        return Metrics.model_validate({"before": before, "after": self._means, "comparison": compared})

    def _headline(self) -> str:
        return f"{self.collection}, {len(self.evaluation.queries)} {self.split} queries"

    def __repr__(self) -> str:
        from distillir.reporting.measure_table import table_text

        return f"{self._headline()}\n{table_text(self._metrics())}"

    def _repr_html_(self) -> str:
        from distillir.reporting.measure_table import table_html

        return table_html(self._metrics(), [self._headline()])
