"""Loading models by name: the one place that decides precision, prompts, and if a model's own code may run.

Weights are float32 whatever a folder says (most of today's checkpoints say bfloat16): a model that is trained in 16
bits loses most of its steps to rounding, and ``precision: float32`` would be no more than a word. What is computed in
is decided later, by `distillir.encoding.precision`.
"""

import os
from collections.abc import Callable
from typing import Any

from distillir.base.errors import DistillirError
from distillir.encoding.device import pick_device
from distillir.encoding.identity import resolved_prompts
from distillir.encoding.loading import one_line_errors
from distillir.encoding.model_files import (
    ADAPTER,
    check_kind,
    headless,
    model_kind,
    read_model_json,
    resolve_model,
    unmerged,
)
from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.encoding.positions import fit_to_positions, set_max_length
from distillir.encoding.tokenizer_files import check_vocabularies


def load_sentence_transformer(
    name: str | os.PathLike[str],
    *,
    max_length: int | None = None,
    device: str | None = None,
    options: ModelOptions = PLAIN,
) -> Any:
    """Load a SentenceTransformer, in evaluation mode.

    Args:
        name: See `resolve_model`.
        max_length: Truncate texts to this many tokens (default: the model's own).
        device: A torch device; None takes `pick_device`.
        options: Its prompts, and whether code of its own may run.

    Raises:
        DistillirError: It cannot be loaded, is of another kind, or ``max_length`` is beyond its positions.
    """
    from sentence_transformers import SentenceTransformer

    check_kind(name, "dense")
    return load_named(SentenceTransformer, name, max_length=max_length, device=device, options=options)


def load_multi_vector(
    name: str | os.PathLike[str],
    *,
    max_length: int | None = None,
    device: str | None = None,
    options: ModelOptions = PLAIN,
) -> Any:
    """Load a MultiVectorEncoder, in evaluation mode: folders of sentence-transformers, PyLate and Stanford ColBERT.

    Arguments and errors as `load_sentence_transformer`; a model of another kind is refused, for its projection would be
    a new one, drawn at random.
    """
    from sentence_transformers import MultiVectorEncoder

    check_kind(name, "multi-vector")
    return load_named(MultiVectorEncoder, name, max_length=max_length, device=device, options=options)


def load_sparse(
    name: str | os.PathLike[str],
    *,
    max_length: int | None = None,
    device: str | None = None,
    options: ModelOptions = PLAIN,
) -> Any:
    """Load a SparseEncoder, in evaluation mode: one that sentence-transformers saved, or a masked language model.

    Arguments and errors as `load_sentence_transformer`. A masked language model (SPLADE checkpoints are saved as such)
    gets SPLADE's pooling: per word the maximum over tokens of log(1 + relu(logit)) (Formal et al. 2021, SPLADE v2,
    arXiv 2109.10086); a model without a head for that is refused.
    """
    from sentence_transformers import SparseEncoder
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sparse_encoder.modules import SpladePooling

    check_kind(name, "sparse")
    if model_kind(name) == "sparse":
        model = load_named(SparseEncoder, name, max_length=max_length, device=device, options=options)
        if str(model.similarity_fn_name) != "dot":
            raise DistillirError(f"compares sparse vectors by {model.similarity_fn_name}, not by dot", where=str(name))
        return model
    _need_mlm_head(name, options)

    def build(path: str, *, device: str, trust_remote_code: bool, model_kwargs: dict[str, Any]) -> Any:
        trust = {"trust_remote_code": trust_remote_code}
        transformer = Transformer(
            path,
            transformer_task="fill-mask",
            model_kwargs={**model_kwargs, **trust},
            processor_kwargs=dict(trust),
            config_kwargs=dict(trust),
        )
        words = transformer.auto_model.get_output_embeddings().weight.shape[0]
        pooling = SpladePooling(pooling_strategy="max", embedding_dimension=words)
        return SparseEncoder(modules=[transformer, pooling], device=device, **trust)

    return load_named(build, name, max_length=max_length, device=device, options=options)


def _need_mlm_head(name: str | os.PathLike[str], options: ModelOptions) -> None:
    """Refuse a model whose files hold no masked-LM head: transformers would draw one at random.

    Raises:
        DistillirError: There is none.
    """
    from transformers import AutoModelForMaskedLM

    with one_line_errors(str(name)):
        _, told = AutoModelForMaskedLM.from_pretrained(
            resolve_model(name), output_loading_info=True, trust_remote_code=options.trust_remote_code
        )
    if told["missing_keys"]:
        raise headless(name)


def load_named(
    make: Callable[..., Any],
    name: str | os.PathLike[str],
    *,
    max_length: int | None = None,
    device: str | None = None,
    options: ModelOptions = PLAIN,
    **more: Any,
) -> Any:
    """Load any sentence-transformers model: weights in float32, no more tokens than positions, prompts as asked for.

    Args:
        make: The model's class, or what takes the same arguments.
        name: See `resolve_model`.
        max_length: Truncate texts to this many tokens (default: the model's own).
        device: A torch device; None takes `pick_device`.
        options: Its prompts, and whether code of its own may run.
        more: Further arguments of ``make``.

    Returns:
        The model, in evaluation mode.

    Raises:
        DistillirError: It cannot be loaded, has code of its own that may not run, an adapter that is not merged, a
            tokenizer that knows no word, or fewer positions than ``max_length``.
    """
    path = resolve_model(name)
    refuse_adapter(name)
    prompts = resolved_prompts(name, options)
    arguments = weights_in_float32(name)
    with one_line_errors(str(name)):
        model = make(
            path,
            device=device or pick_device(),
            trust_remote_code=options.trust_remote_code,
            model_kwargs=dict(arguments),
            **more,
        )
        if "dtype" in arguments:
            widen(model)
    check_vocabularies(model, name)
    fit_to_positions(model)
    if max_length is not None:
        set_max_length(model, max_length, str(name))
    model.prompts = {**model.prompts, **prompts}
    model.eval()
    return model


def weights_in_float32(name: str | os.PathLike[str]) -> dict[str, Any]:
    """Arguments of transformers' ``from_pretrained`` that load weights in float32; empty for quantised models.

    Weights of 8 or 4 bits are no numbers by themselves: they stay as they are.
    """
    import torch

    return {} if read_model_json(name, "config.json").get("quantization_config") else {"dtype": torch.float32}


def widen(model: Any) -> None:
    """Convert to float32, exactly, the parts that were loaded in 16 bits (projections, modules of the model's own)."""
    import torch

    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.dtype in (torch.float16, torch.bfloat16):
            tensor.data = tensor.data.float()


def refuse_adapter(name: str | os.PathLike[str]) -> None:
    """Refuse a hub model that is an adapter, as `resolve_model` does a folder.

    Raises:
        DistillirError: It is one.
    """
    if read_model_json(name, ADAPTER):
        raise unmerged(name)
