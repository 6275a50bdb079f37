"""Loading of layered teachers by their specs in a recipe."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distillir.base.errors import DistillirError
from distillir.base.suggestions import nearest
from distillir.encoding.model_options import SIDES, ModelOptions, check_prompts

if TYPE_CHECKING:
    from distillir.teachers.layered import LayeredTeacher

KINDS = {
    "dense": "a SentenceTransformer: products of its blocks' [CLS] states",
    "multi-vector": "a MultiVectorEncoder: MaxSim of its blocks' token states",
    "cross-encoder": "a CrossEncoder: its head on the [CLS] state of each block",
}
_OPTIONS = ("model", "max_length", "precision", "prompts", "trust_remote_code")


def validate_layered_spec(spec: object, where: str | None) -> None:
    """Check the form of ``method.layers.teacher``, without loading anything.

    Raises:
        DistillirError: Another form; the message names the nearest known word.
    """
    if not isinstance(spec, Mapping):
        known = ", ".join(f"{{{kind}: model}}" for kind in KINDS)
        raise DistillirError(f"{spec!r} has no layers", where=where, remedy=f"write {known}")
    if len(spec) != 1:
        remedy = "write {dense: name}, or {dense: {model: name, max_length: 128}}"
        raise DistillirError(f"{len(spec)} keys where one names a teacher's kind", where=where, remedy=remedy)
    kind, value = next(iter(spec.items()))
    if kind not in KINDS:
        raise DistillirError(f"{kind!r} has no layers", where=where, remedy=nearest(str(kind), KINDS))
    options = value if isinstance(value, Mapping) else {"model": value}
    for key in options:
        if key not in _OPTIONS:
            raise DistillirError(f"unknown key {key!r}", where=where, remedy=nearest(str(key), _OPTIONS))
    place = f"{where}.{kind}.prompts" if where else f"{kind}.prompts"
    check_prompts(options.get("prompts"), place, ("query",) if kind == "cross-encoder" else SIDES)
    if not isinstance(options.get("trust_remote_code", False), bool):
        raise DistillirError("trust_remote_code is no switch", where=where, remedy="give true or false")
    if not isinstance(options.get("model"), str):
        raise DistillirError("no model is named", where=where, remedy=f"write {{{kind}: name}}")


def layered_form(teacher: Any) -> dict[str, Any] | None:
    """A recipe's teacher in the form of `validate_layered_spec`; None where it is of a kind that has no layers."""
    if not isinstance(teacher, Mapping) or len(teacher) != 1 or next(iter(teacher)) not in KINDS:
        return None
    kind, value = next(iter(teacher.items()))
    options = value if isinstance(value, Mapping) else {"model": value}
    return {kind: {key: options[key] for key in _OPTIONS if options.get(key) is not None}}


def load_layered(spec: Mapping[str, Any], pooling: Any = "cls", *, cache: Path | None = None) -> "LayeredTeacher":
    """Make the layered teacher that a recipe names; its model is loaded when a score is missing.

    Args:
        spec: As in `validate_layered_spec`.
        pooling: Of dense models.
        cache: Folder of the scores of all teachers.

    Raises:
        DistillirError: As `validate_layered_spec`, or a model that is not there or of another kind.
    """
    from distillir.encoding.identity import check_own_code, resolved_prompts
    from distillir.encoding.model_files import check_kind, resolve_model
    from distillir.teachers.cross_encoders.layered import LayeredCrossEncoder, check_head
    from distillir.teachers.cross_encoders.load import check_cross_encoder
    from distillir.teachers.encoders.layered import LayeredDense, LayeredMultiVector

    validate_layered_spec(spec, "method.layers.teacher")
    kind, value = next(iter(spec.items()))
    options = dict(value) if isinstance(value, Mapping) else {"model": value}
    resolve_model(options["model"])
    own = ModelOptions.of(options.get("prompts"), bool(options.get("trust_remote_code")))
    check_own_code(options["model"], own)
    resolved_prompts(options["model"], own)
    if kind == "cross-encoder":
        check_cross_encoder(options["model"])
        check_head(options["model"])
        return LayeredCrossEncoder(**options, cache=cache)
    check_kind(options["model"], kind)
    if kind == "dense":
        return LayeredDense(**options, pooling=pooling, cache=cache)
    return LayeredMultiVector(**options, cache=cache)


def load_joint(spec: Mapping[str, Any], trained: Path | None = None) -> Any:
    """The model of a teacher that is to be trained along.

    Args:
        spec: As in `validate_layered_spec`.
        trained: Its folder, where it has been trained before.

    Raises:
        DistillirError: As `load_layered`.
    """
    from distillir.encoding.model_files import check_kind, resolve_model
    from distillir.encoding.models import load_multi_vector, load_sentence_transformer
    from distillir.teachers.cross_encoders.load import load_cross_encoder

    validate_layered_spec(spec, "method.layers.teacher")
    kind, value = next(iter(spec.items()))
    options = value if isinstance(value, Mapping) else {"model": value}
    name = str(options["model"]) if trained is None else str(trained)
    resolve_model(name)
    length, trust = options.get("max_length"), bool(options.get("trust_remote_code"))
    # A teacher that was trained along has its prompts in its folder.
    own = ModelOptions.of(options.get("prompts") if trained is None else None, trust)
    if kind == "cross-encoder":
        return load_cross_encoder(name, max_length=length, options=own)
    check_kind(name, kind)
    load = load_sentence_transformer if kind == "dense" else load_multi_vector
    return load(name, max_length=length, options=own)
