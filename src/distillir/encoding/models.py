"""Load a model by the name a recipe gives it."""

import os
from typing import Any

from distillir.encoding.device import pick_device
from distillir.encoding.loading import one_line_errors
from distillir.encoding.model_files import check_kind, headless, model_kind, resolve_model
from distillir.errors import DistillirError


def load_sentence_transformer(
    name: str | os.PathLike[str], *, max_length: int | None = None, device: str | None = None
) -> Any:
    """Load a SentenceTransformer, in evaluation mode.

    Args:
        name: See `resolve_model`.
        max_length: Truncate texts to this many tokens (default: the model's own).
        device: A torch device; None takes `pick_device`.

    Raises:
        DistillirError: It cannot be loaded, is of another kind, or ``max_length`` is beyond its positions.
    """
    from sentence_transformers import SentenceTransformer

    check_kind(name, "dense")
    return _load(SentenceTransformer, name, max_length, device)


def load_multi_vector(name: str | os.PathLike[str], *, max_length: int | None = None, device: str | None = None) -> Any:
    """Load a MultiVectorEncoder, in evaluation mode: folders of sentence-transformers, PyLate and Stanford ColBERT.

    Arguments and errors as `load_sentence_transformer`; a model of another kind is refused, for its projection would be
    a new one, drawn at random.
    """
    from sentence_transformers import MultiVectorEncoder

    check_kind(name, "multi-vector")
    return _load(MultiVectorEncoder, name, max_length, device)


def load_sparse(name: str | os.PathLike[str], *, max_length: int | None = None, device: str | None = None) -> Any:
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
        model = _load(SparseEncoder, name, max_length, device)
        if str(model.similarity_fn_name) != "dot":
            raise DistillirError(f"compares sparse vectors by {model.similarity_fn_name}, not by dot", where=str(name))
        return model
    _need_mlm_head(name)

    def build(path: str, device: str) -> Any:
        transformer = Transformer(path, transformer_task="fill-mask")
        words = transformer.auto_model.get_output_embeddings().weight.shape[0]
        pooling = SpladePooling(pooling_strategy="max", embedding_dimension=words)
        return SparseEncoder(modules=[transformer, pooling], device=device)

    return _load(build, name, max_length, device)


def _need_mlm_head(name: str | os.PathLike[str]) -> None:
    """Refuse a model whose files hold no masked-LM head: transformers would draw one at random.

    Raises:
        DistillirError: There is none.
    """
    from transformers import AutoModelForMaskedLM

    with one_line_errors(str(name)):
        _, told = AutoModelForMaskedLM.from_pretrained(resolve_model(name), output_loading_info=True)
    if told["missing_keys"]:
        raise headless(name)


def _load(make: Any, name: str | os.PathLike[str], max_length: int | None, device: str | None) -> Any:
    path = resolve_model(name)
    with one_line_errors(str(name)):
        model = make(path, device=device or pick_device())
    if max_length is not None:
        set_max_length(model, max_length, str(name))
    model.eval()
    return model


def set_max_length(model: Any, max_length: int, name: str) -> None:
    """Truncate a sentence-transformers model's texts to ``max_length`` tokens.

    Raises:
        DistillirError: The model has not that many positions.
    """
    config = getattr(getattr(model, "transformers_model", None), "config", None)
    positions = getattr(config, "max_position_embeddings", None)
    if positions is not None and max_length > positions:
        raise DistillirError(
            f"max_length {max_length} is more than the model's {positions} positions",
            where=name,
            remedy=f"choose at most {positions}",
        )
    model.max_seq_length = max_length
