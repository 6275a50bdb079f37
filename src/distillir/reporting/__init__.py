"""Reports of a run's gain: the HTML page and the terminal's table."""

from distillir.reporting.metrics import Comparison, Metrics, read_metrics
from distillir.reporting.report import render_report
from distillir.reporting.summary import headline, summary_table

__all__ = ["Comparison", "Metrics", "headline", "read_metrics", "render_report", "summary_table"]
