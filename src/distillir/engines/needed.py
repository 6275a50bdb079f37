"""Libraries of engines, and addresses of servers: what is missing, and what may not stand on a command line."""

import re
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, urlsplit

from distillir.base.errors import DistillirError

#: What may not be among the parameters of an address.
_SECRETS = ("password", "passwd", "pwd", "api_key", "api-key", "apikey", "token", "sslpassword")
_PAIR = re.compile(rf"\b({'|'.join(_SECRETS)})\s*=", re.IGNORECASE)


def needed_library(name: str, engine: str) -> Any:
    """Import a library of an engine.

    Args:
        name: Its module.
        engine: The engine's name, which is the extra's too.

    Raises:
        DistillirError: It is not installed; the message has the line for pip.
    """
    try:
        return import_module(name)
    except ImportError as error:
        missing = error.name or name
        raise DistillirError(
            f"{engine} needs {missing}, which is not installed",
            where=f"--to {engine}",
            remedy=f"pip install 'distillir[{engine}]'",
        ) from None


def check_address(address: str, variables: str) -> None:
    """Refuse an address with a password or a key in it: command lines are seen by others and kept in histories.

    Args:
        address: A URL, or libpq's ``key=value`` pairs.
        variables: Where credentials belong, for the message.

    Raises:
        DistillirError: It holds one; the message does not repeat it.
    """
    try:
        parts = urlsplit(address)
        found = bool(parts.password) or any(key.casefold() in _SECRETS for key in parse_qs(parts.query))
    except ValueError:
        found = "@" in address
    if found or ("://" not in address and _PAIR.search(address)):
        raise DistillirError(
            "holds a password or a key, which others can read on a command line",
            where="--address",
            remedy=f"take it out, change it, and set {variables} in the environment",
        )
