"""Loading of layered teachers by their specs in a recipe."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from distillir.encoding.model_options import ModelOptions
from distillir.encoding.model_spec import ModelSpec
from distillir.teachers.layered_kinds import FORM, LAYERED_TEACHERS

if TYPE_CHECKING:
    from distillir.teachers.layered import LayeredTeacher

#: A line on each kind by its name.
KINDS = LAYERED_TEACHERS.descriptions()
_OPTIONS = tuple(ModelSpec.model_fields)


def validate_layered_spec(spec: object, where: str | None) -> None:
    """Check the form of ``method.layers.teacher``, without loading anything.

    Raises:
        DistillirError: Another form; the message names the nearest known word.
    """
    FORM.read(spec, where or "method.layers.teacher")


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

    chosen = FORM.read(spec, "method.layers.teacher")
    kind, options = chosen.name, chosen.written
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


def load_layered_files(
    kind: str, folder: str, *, pooling: Literal["cls", "mean"], cache: Path | None, **options: Any
) -> "LayeredTeacher":
    """The layers of a model that a run has saved, by what its files are.

    Args:
        kind: ``dense``, ``multi-vector``, ``sparse`` or ``cross-encoder``.
        folder: The model's.
        pooling: How a text's states become one, for models that compare one.
        cache: Folder of the scores.
        options: ``precision`` and ``trust_remote_code``.
    """
    from distillir.teachers.cross_encoders.layered import LayeredCrossEncoder
    from distillir.teachers.encoders.layered import LayeredDense, LayeredMultiVector, LayeredSparse

    if kind == "cross-encoder":
        return LayeredCrossEncoder(folder, cache=cache, **options)
    encoders = {"dense": LayeredDense, "multi-vector": LayeredMultiVector, "sparse": LayeredSparse}
    return encoders[kind](folder, pooling=pooling, cache=cache, **options)


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

    chosen = FORM.read(spec, "method.layers.teacher")
    kind, options = chosen.name, chosen.written
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
