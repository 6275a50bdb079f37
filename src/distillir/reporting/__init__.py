"""Reports of a run's gain: the HTML page and the terminal's table."""

from distillir.reporting.metrics import ComparisonFigures, Metrics, read_metrics
from distillir.reporting.report import render_report
from distillir.reporting.summary import headline, summary_table

__all__ = ["ComparisonFigures", "Metrics", "headline", "read_metrics", "render_report", "summary_table"]
