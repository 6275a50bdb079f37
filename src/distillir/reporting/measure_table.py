"""The measures of a run as a table, of text or for a notebook; columns that nothing is known for are left out."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from distillir.reporting.metrics import Metrics
from distillir.reporting.summary import COLUMNS, cells
from distillir.reporting.wording import UNKNOWN

_LEFT, _RIGHT = "text-align: left", "text-align: right; font-variant-numeric: tabular-nums"


def _table(metrics: Metrics) -> tuple[list[str], list[list[str]]]:
    """Heads and rows, a measure a row."""
    rows = [cells(metrics, measure) for measure in metrics.measures]
    known = [place for place in range(len(COLUMNS)) if any(row[place] != UNKNOWN for row in rows)]
    heads = [COLUMNS[place] for place in known]
    if heads == ["measure", "after"]:
        heads = ["measure", "mean"]
    return heads, [[row[place] for place in known] for row in rows]


def table_text(metrics: Metrics) -> str:
    """The table in columns of text, without colours."""
    heads, rows = _table(metrics)
    lines = [heads, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(heads))]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    )


def table_html(metrics: Metrics, sentences: Sequence[str] = (), paths: Mapping[str, Path] | None = None) -> str:
    """The table as HTML that a notebook shows; a gain that is significant (p < 0.05) is green, such a loss red.

    Args:
        metrics: What was measured.
        sentences: Stand above it.
        paths: Named files and folders that stand below it.
    """
    heads, rows = _table(metrics)
    parts = [f"<p>{escape(sentence)}</p>" for sentence in sentences]
    head = "".join(f'<th style="{_LEFT if not place else _RIGHT}">{name}</th>' for place, name in enumerate(heads))
    parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>")
    for measure, row in zip(metrics.measures, rows, strict=True):
        parts.append("<tr>")
        for place, (name, cell) in enumerate(zip(heads, row, strict=True)):
            style = _LEFT if not place else _RIGHT
            compared = metrics.compared(measure)
            if name == "gain" and compared is not None and compared.significant:
                style += "; color: green" if compared.difference > 0 else "; color: red"
            if name == "after":
                style += "; font-weight: bold"
            parts.append(f'<td style="{style}">{escape(cell)}</td>')
        parts.append("</tr>")
    parts.append("</tbody></table>")
    for name, path in (paths or {}).items():
        parts.append(f"<div>{escape(name)}: <code>{escape(str(path))}</code></div>")
    return f'<div class="distillir">{"".join(parts)}</div>'
