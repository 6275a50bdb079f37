"""SPLADE's pooling without a masked-LM head's logits of all tokens and words in memory at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor


@contextmanager
def active_words_only(model: Any) -> Iterator[None]:
    """Let SPLADE compute through the words that are active alone; value and gradient are the same.

    A word's weight is log(1 + relu(.)) of its largest logit over the tokens, so that the gradient meets that one logit,
    and none where it is not positive. The masked-LM head's logits of all tokens and words are therefore made without
    a graph, some texts at a time, and only the largest positive ones are computed again with one: a third of the time
    and half the memory (benchmarks/results/students.md).

    Args:
        model: A SparseEncoder; other models, pooling by sum, and heads that do more than multiply at their end are left
            as they are.
    """
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sparse_encoder.modules import SpladePooling

    modules = list(model.modules())
    poolings = [m for m in modules if isinstance(m, SpladePooling) and m.pooling_strategy == "max"]
    heads = [m.auto_model for m in modules if isinstance(m, Transformer) and m.transformer_task == "fill-mask"]
    decoder = heads[0].get_output_embeddings() if len(heads) == len(poolings) == 1 else None
    if decoder is None or not _ends_in(heads[0], decoder):
        yield
        return
    pooling = poolings[0]
    pooling.forward = _ActiveWords(pooling, decoder)
    decoder.forward = _unchanged
    try:
        yield
    finally:
        del pooling.forward, decoder.forward


def _unchanged(hidden: Tensor) -> Tensor:
    return hidden


def _ends_in(head: Any, decoder: Any) -> bool:
    """Tell whether a masked language model's logits come straight from its decoder, with nothing done after it."""
    if type(decoder) is not torch.nn.Linear:
        return False
    made: list[Tensor] = []
    hook = decoder.register_forward_hook(lambda _, __, output: made.append(output))
    was_training = head.training
    try:
        with torch.no_grad():
            ids = torch.ones((1, 4), dtype=torch.long, device=decoder.weight.device)
            logits = head.eval()(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    finally:
        hook.remove()
        head.train(was_training)
    return len(made) == 1 and torch.equal(made[0], logits)


class _ActiveWords:
    """SPLADE's pooling by maximum, computed from the inputs [T, L, D] of the masked-LM head's last layer."""

    def __init__(self, pooling: Any, decoder: torch.nn.Linear) -> None:
        self.pooling, self.decoder = pooling, decoder

    def __call__(self, features: dict[str, Any]) -> dict[str, Any]:
        hidden, mask = _padded(features)
        padding = (mask == 0).unsqueeze(-1)
        weight, bias = self.decoder.weight, self.decoder.bias
        size = max(1, LOGITS_AT_ONCE // (hidden.shape[1] * len(weight)))
        found = []
        with torch.no_grad():
            for first in range(0, len(hidden), size):
                part = slice(first, first + size)
                logits = torch.nn.functional.linear(hidden[part], weight, bias).masked_fill_(padding[part], 0.0)
                largest, token = logits.max(dim=1)
                # What is not a number is active too: it must reach the loss and the check of vectors.
                text, word = (~(largest <= 0)).nonzero(as_tuple=True)
                found.append((text + first, token[text, word], word))
        text, token, word = (torch.cat(parts) for parts in zip(*found, strict=True))
        with torch.autocast(hidden.device.type, enabled=False):
            logit = (hidden[text, token].float() * weight[word].float()).sum(dim=1)
            if bias is not None:
                logit = logit + bias[word].float()
            value = torch.log1p(torch.relu(logit))
            if self.pooling.activation_function == "log1p_relu":
                value = torch.log1p(value)
            vectors = value.new_zeros(len(hidden), len(weight)).index_put((text, word), value)
        return {**features, "sentence_embedding": vectors}


def _padded(features: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Token states [T, L, D] and their mask [T, L], also of texts that flash attention left side by side."""
    if "cu_seq_lens_q" not in features:
        return features["token_embeddings"], features["attention_mask"]
    lengths = features["cu_seq_lens_q"].diff()
    texts = torch.split(features["token_embeddings"][0], lengths.tolist())
    mask = torch.arange(int(lengths.max()), device=lengths.device) < lengths.unsqueeze(1)
    return torch.nn.utils.rnn.pad_sequence(list(texts), batch_first=True), mask


#: Numbers that stand in memory at once while the largest logit of each word is looked for.
LOGITS_AT_ONCE = 1 << 23
