"""Ids as they stand in TREC files, whose columns white space parts."""

import re
from urllib.parse import quote, unquote


def encode_id(identifier: str) -> str:
    """An id as it stands in a TREC file: whitespace and ``%`` as ``%XX`` (of UTF-8), all else as it is."""
    return re.sub(r"[\s%]", lambda found: quote(found.group(), safe=""), identifier)


def decode_id(field: str) -> str:
    """The id that `encode_id` made ``field`` of."""
    return unquote(field)
