"""Published and measured figures, run again: rows of ``benchmarks/reproduce``.

python tools/reproduce.py list
python tools/reproduce.py show ROW                         # what it shows, its commands and expected figures
python tools/reproduce.py run ROW --collection PATH        # its commands, then `check`; goes on where it was stopped
python tools/reproduce.py check ROW                        # found beside expected; exit code 1 where one is too far off
python tools/reproduce.py page [--check]                   # docs/reproduce.md from the rows
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from reproduction.found import compare
from reproduction.page import page, shown
from reproduction.rows import Row, Rows, RowsError, read_rows
from reproduction.run import filled, run

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reproduce.md"


def check(row: Row, output: Path) -> int:
    """Print found beside expected; returns 1 where one is further off than its tolerance, else 0."""
    compared = compare(row, output)
    width = max([len(one.figure.called) for one in compared], default=0)
    print(f"{'':{width}}  expected    found  difference  tolerance")
    for one in compared:
        verdict = "within" if one.holds else "TOO FAR OFF"
        print(
            f"{one.figure.called:{width}}  {one.figure.value:8.3f} {one.found:8.3f}  {one.difference:+10.4f}"
            f"  {one.within:9.3f}  {verdict}"
        )
    if row.tolerance:
        print(f"tolerance: {' '.join(row.tolerance.because.split())}")
    if row.missing:
        print(f"not known: {' '.join(row.missing.split())}")
    return 0 if all(one.holds for one in compared) else 1


def listed(rows: Rows) -> str:
    """A line a row."""
    width = max(len(name) for name, _ in rows.all())
    lines = []
    for group in rows.groups:
        lines.append(group.title)
        lines += [
            f"  {name:{width}}  {row.status:13}  {' '.join(row.shows.split())}" for name, row in group.rows.items()
        ]
    return "\n".join(lines)


def folders(rows: Rows, row: Row, given: Sequence[str]) -> dict[str, str]:
    """Folders of collections: ``PATH`` is the row's, ``NAME=PATH`` that of another."""
    found = {}
    for one in given:
        name, equals, path = one.partition("=")
        found.update({name: path} if equals and name in rows.collections else {row.collection: one})
    # Commands run in the root, and the folder was named from here.
    return {name: str(Path(path).resolve()) if Path(path).exists() else path for name, path in found.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, default=ROOT / "benchmarks" / "reproduce", help="folder of rows")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("list", help="every row")
    maker = verbs.add_parser("page", help="write docs/reproduce.md")
    maker.add_argument("--check", action="store_true", help="exit code 1 where it is not what the rows give")
    for verb in ("show", "run", "check"):
        asked = verbs.add_parser(verb, help=f"{verb} a row")
        asked.add_argument("row", metavar="ROW")
        if verb != "show":
            asked.add_argument("--output", type=Path, help="the row's folder [default: runs/reproduce/ROW]")
        if verb == "run":
            asked.add_argument("--collection", action="append", default=[], metavar="[NAME=]PATH", help="a folder")
    given = parser.parse_args(arguments)
    try:
        return _do(given)
    except RowsError as error:
        print(f"reproduce: {error}", file=sys.stderr)
        return 2


def _do(given: argparse.Namespace) -> int:
    rows = read_rows(given.rows)
    if given.verb == "list":
        print(listed(rows))
        return 0
    if given.verb == "page":
        text = page(rows)
        if not given.check:
            PAGE.write_text(text, encoding="utf-8")
        elif PAGE.read_text(encoding="utf-8") != text:
            print(f"{PAGE} is not what the rows give: python tools/reproduce.py page", file=sys.stderr)
            return 1
        return 0
    row = rows.row(given.row)
    if given.verb == "show":
        print(shown(rows, given.row, row))
        return 0
    output = given.output.resolve() if given.output else ROOT / "runs" / "reproduce" / given.row
    if given.verb == "run":
        short = output.relative_to(ROOT) if output.is_relative_to(ROOT) else output
        run(filled(rows, row, str(short), folders(rows, row, given.collection)), output, ROOT)
    return check(row, output)


if __name__ == "__main__":
    sys.exit(main())
