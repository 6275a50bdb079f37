"""Names of the work in progress, which errors carry along: a message can say what was being done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: What the notes of an exception (PEP 678) begin with where they are ours.
MARK = "while "


@contextmanager
def doing(what: str | Callable[[], str]) -> Iterator[None]:
    """Note on an exception that leaves the block what was being done; tracebacks show it, too.

    Args:
        what: A present participle and its object, for example ``loading the model X``; or what gives it when an error
            has come.
    """
    try:
        yield
    except Exception as error:
        note = MARK + " ".join((what if isinstance(what, str) else what()).split())
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)
        raise


def was_doing(error: BaseException) -> str:
    """The work being done, from the outermost part to the innermost; empty where nothing named itself."""
    named: list[str] = []
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        notes = [note.removeprefix(MARK) for note in getattr(cause, "__notes__", ()) if note.startswith(MARK)]
        # An error that was wrapped on its way carries the inner names, its wrapper the outer ones.
        named = [*(note for note in notes if note not in named), *named]
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return ", ".join(reversed(named))
