"""Files of a package that import each other in a circle, by grimp, which import-linter builds on.

Imports within functions count as those at the top of a file do; imports for types alone do not. import-linter's own
contract (``acyclic_siblings``) names an import to take out and not the way round, and sees none through an
``__init__.py``.

Usage: ``python tools/check_cycles.py [PACKAGE]``; exit code 1 where there is a circle.
"""

import sys

import grimp


def circles(package: str) -> list[list[str]]:
    """The shortest circle through each import that is part of one, as modules in the order in which they import."""
    graph = grimp.build_graph(package, exclude_type_checking_imports=True, cache_dir=None)
    found: dict[frozenset[str], list[str]] = {}
    for importer in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            back = graph.find_shortest_chain(importer=imported, imported=importer)
            if back is not None:
                found.setdefault(frozenset(back), [importer, *back])
    return list(found.values())


def main(package: str) -> int:
    """Print each circle; returns how many there are."""
    found = circles(package)
    for circle in found:
        print(" -> ".join(circle))
    print(f"circles of imports: {len(found) or 'none'}")
    return len(found)


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:] or ["distillir"]) else 0)
