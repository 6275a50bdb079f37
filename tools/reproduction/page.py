"""A row in words, and the page of all rows."""

import textwrap
from collections.abc import Iterator

from reproduction.rows import Figure, Repeated, Row, Rows, Source

#: Figures of a row in the tables.
SHOWN = 4

INTRODUCTION = """\
# Reproduce a figure

<!-- Written by `python tools/reproduce.py page` from benchmarks/reproduce; do not edit here. -->

Each row is a figure, or a few of one table, with the commands that give it, the collection, and how far off a repeat
may be. **Measured here**: the figures are those of our result page, at its commit and on its machine; where a row was
repeated by this program since, it says when and what was found (the tests repeat `tiny`). **Not run here**: the figures
are the paper's; the recipe is complete, and nobody has run it here, so that nothing is promised of it.

```console
$ make reproduce                                             # the rows
$ make reproduce ROW=tiny                                    # runs one, and compares
$ make reproduce ROW=methods-scifact COLLECTION=path/to/scifact
$ python tools/reproduce.py show ROW                         # its commands, to run by hand
$ python tools/reproduce.py run ROW --collection PATH        # as make does; of another collection: NAME=PATH
$ python tools/reproduce.py check ROW                        # compares what a run left, without running it
```

Commands run in the root of the repository, in the environment of the `python` that is called (`make setup`, or
`pip install '.[demo,irds]'`); a row that was stopped goes on where it was. The exit code is 0 where every figure is
within its tolerance, 1 where one is not, 2 where a command failed. What several rows need (teachers, small models) is
made in `runs/` once; a row's own folder is `runs/reproduce/ROW`. Seconds are those of the result page, of comparisons
the sum of the trainings and searches that it gives. Until commit 1a9a90d the teacher's own figure was of
`candidates.depth` documents; commands of rows from before say `evaluation.teacher_depth`, so that it still is. How to
add a row: [contributing](contributing.md#add-a-row-that-can-be-reproduced).
"""


def _number(value: float) -> str:
    return f"{value:,.0f}" if value.is_integer() else f"{value:.3f}"


def _expected(figure: Figure) -> str:
    return ("+" if figure.over and figure.value > 0 else "") + _number(figure.value)


def _line(text: str) -> str:
    return " ".join(text.split())


def _wrapped(text: str) -> str:
    return textwrap.fill(_line(text), 120, break_long_words=False, break_on_hyphens=False)


def _taken(row: Row) -> str:
    parts = []
    if row.seconds is not None:
        minutes = row.seconds / 60
        parts.append(f"{row.seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min")
    if row.memory is not None:
        parts.append(f"{row.memory:g} GiB")
    if row.gpus is not None:
        parts.append(f"{row.gpus} GPU{'s' if row.gpus > 1 else ''}")
    return ", ".join(parts)


def _source(source: Source) -> str:
    parts = [source.paper, source.where, source.page]
    parts += [f"commit {source.commit}"] if source.commit else []
    return "; ".join(filter(None, [*parts, source.machine]))


def shown(rows: Rows, name: str, row: Row) -> str:
    """A row for the terminal."""
    collection = rows.collections[row.collection]
    lines = [
        f"{name} ({row.status}): {_line(row.shows)}",
        f"source: {_source(row.source)}",
        f"collection: {row.collection}: {_line(collection.name)}. {_line(collection.get)}",
    ]
    lines += [f"took: {_taken(row)}"] if _taken(row) else []
    lines += ["commands:", *(f"  {command}" for command in rows.commands(row))]
    lines += ["expected:"] if row.expected else []
    lines += [f"  {one.called}: {_expected(one)} +- {_number(row.within(one))}" for one in row.expected]
    lines += [f"tolerance: {_line(row.tolerance.because)}"] if row.tolerance else []
    lines += [f"not known: {_line(row.missing)}"] if row.missing else []
    lines += [f"remarks: {_line(row.remarks)}"] if row.remarks else []
    lines += [f"repeated: {_repeated(row.repeated)}"] if row.repeated else []
    return "\n".join(lines)


def page(rows: Rows) -> str:
    """The text of ``docs/reproduce.md``."""
    parts = [INTRODUCTION]
    for group in rows.groups:
        parts.append("\n".join(_overview(group.title, group.about, group.rows)))
    parts.append("\n".join(_collections(rows)))
    parts.append("\n".join(_preparations(rows)))
    parts.append("## The rows\n")
    for group in rows.groups:
        parts += ["\n".join(_section(name, row)) for name, row in group.rows.items()]
    return "\n".join(parts).rstrip() + "\n"


def _overview(title: str, about: str, rows: dict[str, Row]) -> Iterator[str]:
    yield f"## {title}\n\n{_wrapped(about)}\n"
    yield "| row | collection | expected | status | took |\n|---|---|---|---|---|"
    for name, row in sorted(rows.items(), key=lambda item: (item[1].collection, list(rows).index(item[0]))):
        yield f"| [`{name}`](#{name}) | {row.collection} | {_cell(_short(row))} | {row.status} | {_taken(row)} |"
    yield ""


def _short(row: Row) -> str:
    """The first few figures, each measure named once."""
    said, measure = [], ""
    for one in row.expected[:SHOWN]:
        said.append(f"{one.called if one.called_measure != measure else one.called_system} **{_expected(one)}**")
        measure = one.called_measure
    more = f", {len(row.expected) - SHOWN} more" if len(row.expected) > SHOWN else ""
    return ", ".join(said) + more or "none is known"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _collections(rows: Rows) -> Iterator[str]:
    yield "## The collections\n\n| name | published as | how to get it |\n|---|---|---|"
    for name, spec in rows.collections.items():
        yield f"| `{name}` | {_cell(_line(spec.name))} | {_cell(_line(spec.get))} |"
    yield ""


def _preparations(rows: Rows) -> Iterator[str]:
    yield "## What rows need\n\nMade by `run` before the row's own commands.\n"
    for name, one in rows.preparations.items():
        after = f" (after {', '.join(f'`{other}`' for other in one.after)})" if one.after else ""
        yield _wrapped(f"**`{name}`**{after}: {one.shows}") + "\n\n```console"
        yield from (f"$ {command}" for command in one.commands)
        yield "```\n"


def _section(name: str, row: Row) -> Iterator[str]:
    yield f"### {name}\n"
    yield _wrapped(f"{row.shows} **{row.status[0].upper()}{row.status[1:]}.**") + "\n"
    took = f" Took: {_taken(row)}." if _taken(row) else ""
    yield _wrapped(f"Source: {_linked(row.source)}. Collection: `{row.collection}`.{took}")
    needs = f"\nAfter {', '.join(f'`{one}`' for one in row.after)} ([what rows need](#what-rows-need)).\n"
    yield needs if row.after else ""
    yield "```console"
    yield from (f"$ {command}" for command in row.commands)
    yield "```\n"
    if row.expected:
        yield "| figure | expected | tolerance |\n|---|---|---|"
        yield from (_figure(row, one) for one in row.expected)
        yield ""
    yield from (_wrapped(f"{what}: {text}") + "\n" for what, text in _notes(row))


def _figure(row: Row, one: Figure) -> str:
    return f"| {_cell(one.called)} | {_expected(one)} | {_number(row.within(one))} |"


def _notes(row: Row) -> Iterator[tuple[str, str]]:
    if row.tolerance:
        yield "Tolerance", row.tolerance.because
    if row.missing:
        yield "Not known", row.missing
    if row.remarks:
        yield "Before you run it", row.remarks
    if row.repeated:
        yield "Repeated", _repeated(row.repeated)


def _repeated(one: Repeated) -> str:
    return f"{one.date.isoformat()}, commit {one.commit}, {one.machine}: {_line(one.found)}"


def _linked(source: Source) -> str:
    plain = _source(source)
    return plain.replace(source.page, f"[{source.page.split('/')[-1]}](../{source.page})") if source.page else plain
