"""Models saved in 16 bits, with code of their own, with RoBERTa's positions: what a loader must not be surprised by."""

import json
import shutil
from pathlib import Path
from typing import Any

OWN_CODE = """
import os
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification, BertModel
if os.environ.get("RAN"):
    open(os.environ["RAN"], "a").write("x")
class MineConfig(BertConfig):
    model_type = "mine"
class MineModel(BertModel):
    config_class = MineConfig
class MineMLM(BertForMaskedLM):
    config_class = MineConfig
class MineCE(BertForSequenceClassification):
    config_class = MineConfig
"""
_CLASSES = {"AutoModel": "MineModel", "AutoModelForMaskedLM": "MineMLM", "AutoModelForSequenceClassification": "MineCE"}


def one_layer(minilm: str, folder: Path, dtype: Any = None) -> str:
    """all-MiniLM-L6-v2 cut to a layer, its weights saved in ``dtype`` (default: float32)."""
    from sentence_transformers import SentenceTransformer

    from distillir.students.slim import slim

    model = SentenceTransformer(minilm, device="cpu")
    slim(model, 1)
    if dtype is not None:
        model.to(dtype)
    model.save_pretrained(str(folder), create_model_card=False)
    return str(folder)


def with_own_code(source: str, folder: Path, auto: str = "AutoModel") -> str:
    """A copy of a BERT whose configuration names Python code in its folder; it leaves a mark in the file $RAN."""
    shutil.copytree(source, folder)
    config = json.loads((folder / "config.json").read_text())
    config["model_type"] = "mine"
    config["auto_map"] = {"AutoConfig": "mine.MineConfig", auto: f"mine.{_CLASSES[auto]}"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "mine.py").write_text(OWN_CODE)
    return str(folder)


def roberta(minilm: str, folder: Path, positions: int = 20, labels: int | None = None) -> str:
    """A tiny RoBERTa with MiniLM's tokenizer, whose padding is token 0: positions - 1 tokens can be read."""
    import torch
    from transformers import AutoTokenizer, RobertaConfig, RobertaForSequenceClassification, RobertaModel

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(minilm)
    tokenizer.model_max_length = 10**30  # as files that do not say it
    config = RobertaConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=positions, type_vocab_size=2, pad_token_id=0, num_labels=labels or 2,
    )  # fmt: skip
    model = RobertaForSequenceClassification(config) if labels else RobertaModel(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)
