"""distillir: turn an accurate, slow ranker into a fast retriever.

    import distillir

    recipe = {"collection": "mytext", "teacher": {"cross-encoder": "my-teacher"}, "student": "all-MiniLM-L6-v2"}
    result = distillir.run(recipe, output="runs/mine")

Each name below is loaded when it is first used, so that the import itself is quick. docs/python.md shows them all.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from distillir.base.version import __version__

if TYPE_CHECKING:
    from distillir.base.errors import DistillirError
    from distillir.front_door.collection import load_collection
    from distillir.front_door.evaluate import evaluate
    from distillir.front_door.index import index
    from distillir.front_door.mine import mine
    from distillir.front_door.result import Result
    from distillir.front_door.run import run
    from distillir.front_door.score import score
    from distillir.front_door.teaching_set import teaching_set
    from distillir.front_door.train import train

__all__ = [
    "DistillirError",
    "Result",
    "__version__",
    "evaluate",
    "index",
    "load_collection",
    "mine",
    "run",
    "score",
    "teaching_set",
    "train",
]

#: Where each name lies.
_MODULES = {
    "DistillirError": "base.errors",
    "Result": "front_door.result",
    "evaluate": "front_door.evaluate",
    "index": "front_door.index",
    "load_collection": "front_door.collection",
    "mine": "front_door.mine",
    "run": "front_door.run",
    "score": "front_door.score",
    "teaching_set": "front_door.teaching_set",
    "train": "front_door.train",
}


if not TYPE_CHECKING:  # type checkers would take any name for one of ours

    def __getattr__(name: str) -> Any:
        """Load a name when it is first used (PEP 562)."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    own = {name for name, value in globals().items() if name.startswith("__") or isinstance(value, ModuleType)}
    return sorted({*own, *__all__})
