"""The table of an index's measures in the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

_NAMES = {"exact": "exact search, float32", "engine": "{engine}", "hybrid": "{engine}, vector and words"}


def index_table(told: Mapping[str, Any]) -> Table:
    """A row for exact search, one for the engine, one for its search by vector and words.

    Args:
        told: What `distillir.engines.index.make_index` gives.
    """
    results: Mapping[str, Mapping[str, Any]] = told["results"]
    measures = [name for name in results["exact"] if name != "ms"]
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for name in ("recall@10", *measures, "ms a query (p50)", "p95"):
        table.add_column(name, justify="right")
    for name, found in results.items():
        recall, times = found.get("recall@10"), found.get("ms", {})
        cells = ["" if recall is None else f"{recall:.3f}", *(f"{found[measure]:.3f}" for measure in measures)]
        cells += [f"{times[q]:.1f}" if q in times else "" for q in ("p50", "p95")]
        table.add_row(_NAMES[name].format(engine=told["engine"]), *cells)
    return table


def index_lines(told: Mapping[str, Any]) -> list[str]:
    """Lines on an index for the terminal."""
    form = told["record"]
    return [
        f"{told['documents']} documents in {told['place']}: {form['kind of vectors']}, {form['dimensions']} "
        f"dimensions, {form['precision']}; {told['index']}",
        f"Asked {told['queries']} queries, one after the other; recall@10 is the share of exact search's first ten "
        "(the same vectors, float32) that the engine has",
    ]
