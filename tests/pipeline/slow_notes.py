"""The command line with a first process that is slow to note what it did; others then look before it has."""

import time
from typing import Any

from distillir.base.processes import rank
from distillir.cli import main
from distillir.pipeline.facts import Facts

_note = Facts.note


def _slow(self: Facts, **facts: Any) -> None:
    if rank() == 0:
        time.sleep(0.5)
    _note(self, **facts)


setattr(Facts, "note", _slow)  # noqa: B010
main()
