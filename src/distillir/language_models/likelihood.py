"""Query likelihood: the probability of a query after a document, by a decoder without instruction tuning."""

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import xxhash

from distillir.base.arrays import Rows, Scores
from distillir.base.errors import DistillirError
from distillir.encoding.device import pick_device
from distillir.encoding.precision import autocast, resolve_precision
from distillir.encoding.reading import cut, fits, shorten_text
from distillir.language_models.asker import Asker
from distillir.language_models.local import (
    LanguageModel,
    check_language_model,
    chunked,
    language_model_fingerprint,
    load_language_model,
)
from distillir.language_models.prompt import folded

TEMPLATE = "Document: {document}\nQuery:"
QUERY_TOKENS = 64


class QueryLikelihood(Asker):
    """Mean log P(token of the query | document, tokens before it), nats, by a decoder.

    Query likelihood (Ponte and Croft 1998) by a language model as in UPR (Sachan et al. 2022, arXiv 2204.07496), whose
    prompt asks an instruction model for a question; the template here is ours and is for base models too.

    Args:
        model: Folder, hub name or ``.gguf`` file of a decoder; loaded when the first question is asked.
        template: What stands before the query, with ``{document}``.
        max_length: Tokens of document and query.
        precision: ``auto``, ``float32`` or ``bf16``.
        trust_remote_code: Whether code that comes with the model may run.

    Raises:
        DistillirError: There is no such model.
    """

    def __init__(
        self,
        model: str,
        *,
        template: str = TEMPLATE,
        max_length: int = 512,
        precision: str = "auto",
        trust_remote_code: bool = False,
    ) -> None:
        check_language_model(model, trust_remote_code=trust_remote_code)
        self.model, self.template, self.max_length = model, template, max_length
        self.trust_remote_code = trust_remote_code
        self.name = Path(model).name
        self.precision = resolve_precision(precision, pick_device())

    def fingerprint(self) -> str:
        """See `Asker.fingerprint`."""
        own = language_model_fingerprint(self.model, self.precision, trust_remote_code=self.trust_remote_code)
        identity = ["query-likelihood", own, self.template]
        identity += [str(self.max_length), self.precision]
        return xxhash.xxh3_128_hexdigest(json.dumps(identity).encode())

    def length(self, query: str, documents: Sequence[str]) -> int:
        """See `Asker.length`."""
        return len(query) + len(documents[0])

    def reads(self, query: str, document: str) -> bool:
        """See `Asker.reads`."""
        return fits(self._loaded.tokenizer, folded(document), self._document_tokens)

    @cached_property
    def _loaded(self) -> LanguageModel:
        loaded = load_language_model(
            self.model,
            chat=False,
            precision=self.precision,
            max_length=self.max_length,
            trust_remote_code=self.trust_remote_code,
        )
        if loaded.seq2seq:
            raise DistillirError("has an encoder", where=self.model, remedy="query likelihood takes a decoder")
        return loaded

    @cached_property
    def _document_tokens(self) -> int:
        frame = len(self._loaded.ids([self.template.format(document="")])[0])
        return max(1, self.max_length - frame - QUERY_TOKENS - 2)

    def ask(self, queries: Sequence[str], documents: Sequence[tuple[str, ...]]) -> Iterator[tuple[Rows, Scores]]:
        """See `Asker.ask`; the mean log-likelihood in place of odds."""
        import torch

        loaded = self._loaded
        model, tokenizer = loaded.model, loaded.tokenizer
        for part in chunked(len(queries)):
            texts = cut(tokenizer, [folded(text) for (text,) in documents[part]], self._document_tokens)
            before = loaded.ids([self.template.format(document=text) for text in texts])
            read = [shorten_text(tokenizer, f" {folded(query)}", QUERY_TOKENS) for query in queries[part]]
            asked = tokenizer(read, add_special_tokens=False)["input_ids"]
            asked = [ids[:QUERY_TOKENS] for ids in asked]
            rows = [[*front, *ids] for front, ids in zip(before, asked, strict=True)]
            for places, features in loaded.batches(rows):
                sizes = torch.tensor([len(asked[place]) for place in places.tolist()])
                most = max(int(sizes.max()), 1)
                with torch.inference_mode(), autocast(self.precision, model.device):
                    logits = model(**features, logits_to_keep=most + 1).logits[:, :-1].float()
                wanted = features["input_ids"][:, -most:]
                found = logits.log_softmax(dim=2).gather(2, wanted.unsqueeze(2)).squeeze(2).cpu()
                # Padding is on the left: a query's tokens are the last ones.
                own = torch.arange(most) >= most - sizes.unsqueeze(1)
                means = torch.where(own, found, 0.0).sum(dim=1) / sizes.clamp(min=1)
                yield places + part.start, np.asarray(means.numpy(), dtype=np.float32)
