"""The engines that an index may be made in, by name."""

from collections.abc import Sequence

from distillir.base.errors import DistillirError
from distillir.base.yaml_file import load_yaml
from distillir.engines.engine import PRECISIONS, EngineKind
from distillir.specs.form import Form
from distillir.specs.registry import Registry

#: Engines of installed packages are entry points of the group ``distillir.engines``.
ENGINES: Registry[EngineKind] = Registry(
    "engine",
    "distillir.engines",
    EngineKind,
    {
        "lancedb": "distillir.engines.lance:LANCEDB",
        "pgvector": "distillir.engines.postgres:PGVECTOR",
        "qdrant": "distillir.engines.qdrant:QDRANT",
    },
)
ENGINE_FORM = Form("engine", ENGINES, "names no engine", "write for example --to lancedb", between=" ")


def engine_options(kind: EngineKind, settings: Sequence[str]) -> object:
    """Options of an engine, checked.

    Args:
        kind: The engine.
        settings: ``KEY=VALUE`` each, the value in YAML.

    Raises:
        DistillirError: Another form, an unknown key, or a value that cannot be.
    """
    values = {}
    for setting in settings:
        key, sign, text = setting.partition("=")
        if not sign or not key.strip():
            raise DistillirError(f"{setting!r} is not key=value", where="--set")
        values[key.strip()] = load_yaml(text, f"--set {key}")
    return ENGINE_FORM.read({kind.name: values} if values else kind.name, "--set").options


def check_layout(kind: EngineKind, encoding: str, precision: str, hybrid: bool) -> None:
    """Refuse what an engine has not.

    Args:
        kind: The engine.
        encoding: ``dense``, ``sparse`` or ``multi-vector``.
        precision: Of the numbers that are searched.
        hybrid: Whether documents are to be found by their words too.

    Raises:
        DistillirError: It has not; the message says what it has.
    """
    if precision not in PRECISIONS:
        raise DistillirError(
            f"{precision!r} is no precision", where="--precision", remedy=f"choose one of: {', '.join(PRECISIONS)}"
        )
    if encoding not in kind.holds:
        others = [name for name, other in ENGINES.builtin().items() if encoding in other.holds]
        raise DistillirError(
            f"has no {encoding} vectors{_reason(kind, encoding)}",
            where=f"--to {kind.name}",
            remedy=f"choose {' or '.join(others)}" if others else None,
        )
    if precision not in kind.holds[encoding]:
        raise DistillirError(
            f"has no {encoding} vectors in {precision}{_reason(kind, precision)}",
            where=f"--to {kind.name}",
            remedy=f"choose --precision {' or '.join(kind.holds[encoding])}",
        )
    if hybrid and kind.words is None:
        raise DistillirError(
            f"has no search by words here{_reason(kind, 'hybrid')}",
            where=f"--to {kind.name}",
            remedy="leave --hybrid out",
        )
    if hybrid and encoding != "dense":
        raise DistillirError(
            f"--hybrid joins words with dense vectors, and these are {encoding}", remedy="leave --hybrid out"
        )


def _reason(kind: EngineKind, word: str) -> str:
    return f" ({kind.lacks[word]})" if word in kind.lacks else ""
