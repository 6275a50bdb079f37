"""Small language models with random weights and a real tokenizer: every number they give can be checked."""

from pathlib import Path
from typing import Any

CHAT = "{% for m in messages %}[CLS] {{ m.content }} [SEP]{% endfor %}{% if add_generation_prompt %} answer{% endif %}"


def save_t5(minilm: str, folder: Path) -> str:
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(0)
    config = T5Config(
        vocab_size=30522, d_model=32, d_kv=8, d_ff=64, num_layers=1, num_heads=4, decoder_start_token_id=0,
        initializer_factor=4.0,
    )  # fmt: skip
    return _save(T5ForConditionalGeneration(config), minilm, folder)


def save_gpt2(minilm: str, folder: Path, chat: bool = False) -> str:
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(1)
    config = GPT2Config(vocab_size=30522, n_embd=32, n_layer=2, n_head=4, n_positions=512, initializer_range=0.4)
    return _save(GPT2LMHeadModel(config), minilm, folder, CHAT if chat else None)


def _save(model: Any, minilm: str, folder: Path, chat: str | None = None) -> str:
    from transformers import AutoTokenizer

    model.save_pretrained(str(folder))
    tokenizer = AutoTokenizer.from_pretrained(minilm)
    tokenizer.chat_template = chat
    tokenizer.save_pretrained(str(folder))
    return str(folder)


def let_it_end(folder: str) -> None:
    """Make the end the last token that a model may write: one of random weights would never come to it."""
    from transformers import GenerationConfig

    settings = GenerationConfig.from_pretrained(folder)
    settings.eos_token_id = settings.forced_eos_token_id = 102
    settings.save_pretrained(folder)
