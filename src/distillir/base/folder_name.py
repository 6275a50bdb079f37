"""A folder's name for what a user has named: what file systems take."""

import re

import xxhash


def folder_name(name: str, default: str) -> str:
    """A name in lower case without odd characters, and a few letters of a hash where that loses something.

    Args:
        name: Any text.
        default: Stands for a name of which nothing is left.
    """
    plain = re.sub(r"[^\w.-]+", "-", name.casefold()).strip("-.")[:60] or default
    return plain if plain == name else f"{plain}-{xxhash.xxh3_64_hexdigest(name.encode())[:6]}"
