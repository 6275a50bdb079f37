"""Run pieces of code, each by itself, and write down their vectors: started by the Python of `use_environment`."""

import json
import sys
import traceback
from pathlib import Path
from typing import Any


def _run(code: str) -> dict[str, Any]:
    """Texts and vectors that a page leaves, or how it went wrong."""
    names: dict[str, Any] = {}
    try:
        exec(compile(code, "page", "exec"), names)
        vectors = {
            side: [[float(x) for x in one] for one in names[f"{side}_vectors"]] for side in ("query", "document")
        }
        untold = [float(x) for x in names.get("untold", [])]
    except Exception:
        return {"error": traceback.format_exc()}
    return {"queries": names["queries"], "documents": names["documents"], "untold": untold, **vectors}


if __name__ == "__main__":
    pieces = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    found = {name: _run(code) for name, code in pieces.items()}
    Path(sys.argv[2]).write_text(json.dumps(found), encoding="utf-8")
