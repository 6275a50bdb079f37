"""Write a multi-vector model as a folder that PyLate reads, which sentence-transformers 6 writes otherwise."""

import json
from pathlib import Path

from distillir.base.errors import DistillirError
from distillir.base.files import atomic_directory, write_json
from distillir.encoding.model_files import model_kind
from distillir.encoding.models import load_multi_vector
from distillir.encoding.saving import save_model

_MODULES = (
    ("", "sentence_transformers.models.Transformer"),
    ("1_Dense", "pylate.models.Dense.Dense"),
)


def write_pylate(model: str, output: Path) -> None:
    """Write a folder for ``pylate.models.ColBERT``, which sentence-transformers' MultiVectorEncoder reads too.

    Facts of the format: lightonai/pylate pylate/models/colbert.py and Dense.py (1.6).

    Args:
        model: A folder or name of a multi-vector model.
        output: Folder to write.

    Raises:
        DistillirError: The model is no transformer with one projection, which is all that the format holds.
    """
    from safetensors.torch import save_file
    from sentence_transformers.base.modules import Dense, Normalize, Router, Transformer
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    if (kind := model_kind(model)) != "multi-vector":
        raise DistillirError(f"is a {kind} model, and PyLate folders are for multi-vector ones", where=model)
    loaded = load_multi_vector(model, device="cpu")
    modules = list(loaded.children())
    if isinstance(modules[0], Router):
        inner = Path(model) / "query-encoder"
        raise DistillirError(
            "has encoders of its own for queries and for documents, and a PyLate folder holds one",
            where=model,
            remedy=f"name its query encoder: {inner}" if inner.is_dir() else "load it with sentence-transformers",
        )
    if [type(module) for module in modules] != [Transformer, Dense, MultiVectorMask, Normalize]:
        raise DistillirError(
            f"is made of {', '.join(type(module).__name__ for module in modules)}; a PyLate folder holds a transformer "
            "and a projection, whose vectors are masked and normalised",
            where=model,
        )
    transformer, projection, mask, _ = modules
    for side in ("query", "document"):
        if len(loaded.prompts.get(side, "").split()) > 1:
            raise DistillirError(
                f"puts {loaded.prompts[side]!r} before a {side}, and a PyLate folder holds one marker there",
                where=model,
                remedy="load it with sentence-transformers (MultiVectorEncoder)",
            )
    expansion = transformer.query_expansion or {}
    length = expansion.get("length") or transformer.query_length or loaded.max_seq_length
    settings = {
        "model_type": "ColBERT",
        "prompts": {},
        "default_prompt_name": None,
        "similarity_fn_name": "MaxSim",
        # PyLate puts these in as tokens, without the blank that parts a prompt from its text.
        "query_prefix": loaded.prompts.get("query", "").rstrip(),
        "document_prefix": loaded.prompts.get("document", "").rstrip(),
        "query_length": length,
        "document_length": loaded.max_seq_length,
        "do_query_expansion": bool(expansion),
        "attend_to_expansion_tokens": bool(expansion.get("attend", False)),
        "skiplist_words": list(mask.skiplist_words),
    }
    with atomic_directory(output) as folder:
        save_model(transformer.auto_model, folder)
        transformer.tokenizer.save_pretrained(folder)
        lengths = {"max_seq_length": loaded.max_seq_length, "do_lower_case": False}
        write_json(folder / "sentence_bert_config.json", lengths)
        write_json(folder / "config_sentence_transformers.json", settings)
        listed = [{"idx": i, "name": str(i), "path": path, "type": kind} for i, (path, kind) in enumerate(_MODULES)]
        (folder / "modules.json").write_text(json.dumps(listed, indent=2), encoding="utf-8")
        (folder / "1_Dense").mkdir()
        kept = {key: value for key, value in projection.get_config_dict().items() if not key.startswith("module_")}
        write_json(folder / "1_Dense" / "config.json", {"use_residual": False, **kept})
        weights = {name: value.contiguous() for name, value in projection.state_dict().items()}
        save_file(weights, folder / "1_Dense" / "model.safetensors")
