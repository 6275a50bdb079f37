"""The command that renames the keys of a file, for messages: there is no option that names them."""

import json
import re
from collections.abc import Mapping, Sequence

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def renaming(wanted: Mapping[str, str | None], seen: Sequence[str], place: str) -> str:
    """Write the command that renames keys of objects, or columns of Parquet.

    Args:
        wanted: The key that a file must have, to the one it has for it; None: those not known are taken in their order.
        seen: The keys the file has, in their order.
        place: Where it was seen; its ending tells the form.
    """
    rest = [name for name in seen if name not in wanted.values()]
    pairs = [(key, name if name is not None else rest.pop(0) if rest else "") for key, name in wanted.items()]
    pairs = [(key, name) for key, name in pairs if name]
    if ".parquet" in place or ".arrow" in place or place.startswith("hf:"):
        names = {name: key for key, name in pairs if key != name}
        return (
            f"rename the columns, for example: python -c \"import pandas; pandas.read_parquet('FILE')"
            f".rename(columns={names}).to_parquet('NEW.parquet')\""
        )
    taken = ", ".join(f"{_key(key)}: {key_path(name)}" for key, name in pairs)
    return f"rename the keys, for example: jq -c '(arrays | .[]), objects | {{{taken}}}' FILE > NEW.jsonl"


def _key(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else _text(name)


def key_path(name: str) -> str:
    """Return the jq path of a key, such as ``.name`` or ``.["odd name"]``."""
    return f".{name}" if _PLAIN.fullmatch(name) else f".[{_text(name)}]"


def _text(name: str) -> str:
    """Quote a name for jq, so that no quotation mark in it ends the shell's."""
    return json.dumps(name, ensure_ascii=False).replace("'", "\\u0027")
