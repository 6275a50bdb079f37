"""Result of a run: its measures, its student and its report, read from its folder."""

import os
from functools import cached_property
from pathlib import Path
from typing import Any

from distillir.base.errors import DistillirError
from distillir.front_door.forms import as_path
from distillir.front_door.one_line import one_line
from distillir.front_door.stages import student_of_run


class Result:
    """The result of a run, read from its folder: of `distillir.run`, or of one that the command line wrote.

    In a notebook it shows its measures as a table, in a terminal likewise.

    Args:
        path: The folder.
        allow_code: Whether Python code runs that the recipe names as ``module:NAME``, when the student is loaded.

    Attributes:
        path: The folder.
        report: The HTML report (a path), one page that opens offline.

    Raises:
        DistillirError: The folder holds no run that has been evaluated.

    Example:
        ```python
        import distillir

        result = distillir.Result("runs/mine")
        print(result.metrics["after"]["nDCG@10"], result.student.encode_query(["how are bees fed"]).shape)
        ```
    """

    def __init__(self, path: "str | os.PathLike[str]", *, allow_code: bool = False) -> None:
        self._allow_code = allow_code
        self.path = as_path(path)
        self.report: Path = self.path / "report.html"
        if not (self.path / "metrics.json").is_file():
            raise DistillirError(
                "holds no run that has been evaluated", where=self.path, remedy="make it with distillir.run"
            )

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """All of ``metrics.json``.

        ``before``, ``after`` and (where there is one) ``teacher`` map measures to means over queries, in 0 to 1;
        ``comparison`` has differences with intervals and p-values (docs/evaluate.md).
        """
        from distillir.base.files import read_json

        return read_json(self.path / "metrics.json", "make it anew with distillir evaluate")

    @cached_property
    def student(self) -> Any:
        """The trained model, loaded when it is first used.

        A SentenceTransformer for a dense student, a MultiVectorEncoder or SparseEncoder for the other kinds.
        """
        return one_line(_load)(self.path, allow_code=self._allow_code)

    def __repr__(self) -> str:
        from distillir.reporting.measure_table import table_text
        from distillir.reporting.metrics import read_metrics
        from distillir.reporting.summary import beside, headline

        metrics = read_metrics(self.path / "metrics.json")
        lines = [headline(metrics), *beside(metrics), table_text(metrics)]
        return "\n".join([*lines, f"Student: {self.path / 'student'}", f"Report:  {self.report}"])

    def _repr_html_(self) -> str:
        from distillir.reporting.measure_table import table_html
        from distillir.reporting.metrics import read_metrics
        from distillir.reporting.summary import beside, headline

        metrics = read_metrics(self.path / "metrics.json")
        folder = {"Student": self.path / "student", "Report": self.report}
        return table_html(metrics, [headline(metrics), *beside(metrics)], folder)


def _load(folder: Path, *, allow_code: bool) -> Any:
    """The student of a run, for `one_line`, which lets code run where it is allowed."""
    return student_of_run(folder)
