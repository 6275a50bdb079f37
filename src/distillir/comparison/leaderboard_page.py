"""A comparison's leaderboard: for the terminal, and as an HTML page that opens offline."""

from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from distillir.comparison.leaderboard import Leaderboard, Row
from distillir.comparison.leaderboard_figure import leaderboard_figure
from distillir.reporting.page import render, write_page
from distillir.reporting.wording import elapsed, measured, p_value, signed


def leaderboard_table(board: Leaderboard) -> Table:
    """Cells, best first: mean and spread of the first measure over seeds, difference from the baseline, p value.

    A difference that is significant after correction (p < 0.05) is green, or red.
    """
    table = Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    table.add_column("")
    columns = (board.measures[0], "± seeds", f"to {board.baseline}", "p (Holm)", *board.measures[1:2], "time", "calls")
    for name in columns:
        table.add_column(Text(name), justify="right", no_wrap=True)
    for row in board.rows:
        against = row.against
        sure = against is not None and against.corrected < 0.05
        style = ("green" if against.difference > 0 else "red") if against is not None and sure else ""
        table.add_row(
            Text(row.name),
            Text(measured(row.means[board.measures[0]]), style="bold"),
            spread(row, board.measures[0]),
            Text(signed(against.difference if against else None), style=style),
            p_value(against.corrected if against else None),
            *(measured(row.means[name]) for name in board.measures[1:2]),
            elapsed(row.seconds),
            str(row.calls.get("asked", 0)),
        )
    return table


def elsewhere_table(board: Leaderboard) -> Table:
    """The cells on other collections: the first measure before and after, the change and its p value.

    A change that is significant after correction (p < 0.05) is green, or red.
    """
    table = Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    table.add_column("")
    for name in ("on", "before", board.measures[0], "± seeds", "change", "p (Holm)"):
        table.add_column(Text(name), justify="left" if name == "on" else "right", no_wrap=name != "on")
    for name in board.also:
        for row in board.rows:
            found = row.also[name]
            style = "" if found.change.corrected >= 0.05 else "green" if found.change.difference > 0 else "red"
            table.add_row(
                Text(row.name),
                Text(name),
                measured(found.before),
                Text(measured(found.means[board.measures[0]]), style="bold"),
                "–" if found.spread is None else f"{found.spread:.3f}",
                Text(signed(found.change.difference), style=style),
                p_value(found.change.corrected),
            )
    return table


def leaderboard_markdown(board: Leaderboard) -> str:
    """The table as Markdown, for a README or an issue."""
    head = [
        "cell",
        *board.measures,
        "± seeds",
        f"to {board.baseline}",
        "95 % interval",
        "p",
        "p (Holm)",
        "bytes",
        "time",
        *(said for name in board.also for said in (f"{name} {board.measures[0]}", "change", "p (Holm)")),
    ]
    lines = [head, ["---"] * len(head)]
    for row in board.rows:
        against = row.against
        tested = ["–"] * 4
        if against is not None:
            interval = f"[{signed(against.low)}, {signed(against.high)}]"
            tested = [signed(against.difference), interval, p_value(against.p_value), p_value(against.corrected)]
        means = [measured(row.means[name]) for name in board.measures]
        elsewhere = [
            said
            for found in (row.also[name] for name in board.also)
            for said in (
                measured(found.means[board.measures[0]]),
                signed(found.change.difference),
                p_value(found.change.corrected),
            )
        ]
        lines.append(
            [row.name, *means, spread(row, board.measures[0]), *tested, size(row), elapsed(row.seconds), *elsewhere]
        )
    for system, known in (("the teacher", board.teacher), ("the first stage", board.first_stage)):
        if known:
            empty = [""] * (7 + 3 * len(board.also))
            lines.append([system, *(measured(known[measure]) for measure in board.measures), *empty])
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def spread(row: Row, measure: str) -> str:
    """Standard deviation over seeds; a dash with one seed."""
    value = row.spreads[measure]
    return "–" if value is None else f"{value:.3f}"


def size(row: Row) -> str:
    """Bytes a document in the index; a dash where unknown."""
    return "–" if row.size is None else f"{row.size:,.0f}"


def leaderboard_headline(board: Leaderboard) -> str:
    """One sentence on the best cell, honest about chance."""
    best = board.rows[0]
    measure = board.measures[0]
    done = sum(len(row.seeds) for row in board.rows)
    part = "" if done == board.planned else f" ({done} of {board.planned} runs)"
    said = f"Best on {board.collection}{part}: {best.name}, {measured(best.means[measure])} {measure}"
    if best.name == board.baseline:
        return f"{said}; nothing beats the baseline"
    if best.against is None:
        return said
    sure = "p" if best.against.corrected < 0.05 else "which may be chance: p"
    corrected = p_value(best.against.corrected)
    relation = "" if corrected.startswith("<") else "= "
    return f"{said}, {signed(best.against.difference)} to {board.baseline} ({sure} {relation}{corrected})"


def render_leaderboard(board: Leaderboard, path: Path) -> None:
    """Write the page."""
    html = render(
        "leaderboard.html.j2",
        board=board,
        figure=leaderboard_figure(board),
        headline=leaderboard_headline(board),
        spread=spread,
        size=size,
    )
    write_page(path, html)
