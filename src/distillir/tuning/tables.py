"""The worth of each key, as a table in the terminal."""

from rich.table import Table

from distillir.tuning.result import SearchResult


def worth_table(result: SearchResult) -> Table:
    """A line for each choice of a key, or third of its range: trials, those pruned, the best measure."""
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name, right in (("key", 0), ("importance", 1), ("value", 0), ("trials", 1), ("pruned", 1), ("best", 1)):
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    order = sorted(result.keys, key=lambda key: -result.importances.get(key, 0.0))
    for name in order:
        share = f"{result.importances[name]:.2f}" if name in result.importances else ""
        for number, part in enumerate(result.keys[name]):
            first = number == 0
            best = "" if part.best is None else f"{part.best:.4f}{' *' if part.best == result.best else ''}"
            table.add_row(
                name if first else "", share if first else "", part.values, str(part.trials), str(part.pruned), best
            )
    return table
