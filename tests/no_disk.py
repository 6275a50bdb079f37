"""Nothing waits for the disk: what is imported after this, and forked. Tests kill processes; no test cuts the power."""

import os
import sqlite3
from typing import Any

_connect = sqlite3.connect


def _quick(*arguments: Any, **options: Any) -> sqlite3.Connection:
    connection: sqlite3.Connection = _connect(*arguments, **options)
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def _no_wait(descriptor: object) -> None:
    """What was written is what every process reads, whether it lies on the disk or not."""


setattr(os, "fsync", _no_wait)  # noqa: B010
setattr(sqlite3, "connect", _quick)  # noqa: B010
