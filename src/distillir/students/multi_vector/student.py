"""Multi-vector students (late interaction, ColBERT): one vector a token, compared by MaxSim."""

import string
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from distillir.encoding.blocks import block_outputs
from distillir.students.chunks import Chunk, chunks, each_chunk
from distillir.students.student import Student

PROJECTION = 128
QUERY_LENGTH = 32
#: Markers before queries and documents: tokens that BERT keeps unused, or else plain text.
_MARKERS = (("[unused0]", "[unused1]"), ("[Q]", "[D]"))


class MultiVectorStudent(Student):
    """A MultiVectorEncoder; scores are its MaxSim, by sentence-transformers' own function."""

    def embed(
        self, model: Any, features: Mapping[str, Any], cut: Sequence[Chunk], *, task: str, recompute: bool = False
    ) -> list[Tensor]:
        """Token vectors [tokens that count, D] of each text, float32; see `Student.embed`."""

        def encode(part: dict[str, Any]) -> tuple[Tensor, Tensor]:
            found = model(part, task=task)
            return found["token_embeddings"].float(), found["attention_mask"].bool()

        return [
            vectors[counts]
            for padded, mask in each_chunk(encode, features, cut, recompute)
            for vectors, counts in zip(padded, mask, strict=True)
        ]

    def embed_layers(
        self,
        model: Any,
        features: Mapping[str, Any],
        cut: Sequence[Chunk],
        *,
        task: str,
        layers: Sequence[int],
        pooling: str,
        recompute: bool = False,
    ) -> tuple[list[Tensor], list[list[Tensor]]]:
        """Token vectors of each text, and token states [tokens that count, H] of each for each of some blocks.

        See `Student.embed_layers`; every token is compared, so that ``pooling`` plays no part.
        """
        blocks = self.blocks

        def encode(part: dict[str, Any]) -> tuple[Tensor, Tensor, list[Tensor]]:
            with block_outputs(blocks) as states:
                found = model(part, task=task)
            chosen = [states[number].float() for number in layers]
            return found["token_embeddings"].float(), found["attention_mask"].bool(), chosen

        vectors: list[Tensor] = []
        own: list[list[Tensor]] = [[] for _ in layers]
        for tokens, masks, chosen in each_chunk(encode, features, cut, recompute):
            vectors += [row[mask] for row, mask in zip(tokens, masks, strict=True)]
            for kept, states in zip(own, chosen, strict=True):
                kept += [row[mask] for row, mask in zip(states, masks, strict=True)]
        return vectors, own

    def layer_scores(self, queries: list[list[Tensor]], documents: list[list[Tensor]]) -> Tensor:
        """MaxSim [K, Q, T] of token states, as they are (LEAD normalises the last output alone)."""
        return torch.stack([self._maxsim(one, other) for one, other in zip(queries, documents, strict=True)])

    def select_layers(self, states: list[list[Tensor]], rows: Tensor) -> list[list[Tensor]]:
        """States of some texts."""
        return [[layer[row] for row in rows.tolist()] for layer in states]

    def scores(self, queries: list[Tensor], documents: list[Tensor], wanted: Tensor | None = None) -> Tensor:
        """Scores [Q, T]: the sum over a query's vectors of the best match in the document, some documents at a time."""
        return self._maxsim(queries, documents)

    def _maxsim(self, queries: list[Tensor], documents: list[Tensor]) -> Tensor:
        parts = []
        with torch.autocast(documents[0].device.type, enabled=False):
            asked, asked_mask = padded(queries)
            for start, end, _ in chunks([len(vectors) for vectors in documents], TOKENS_AT_ONCE):
                read, read_mask = padded(documents[start:end])
                parts.append(self.model.similarity(asked, read, a_mask=asked_mask, b_mask=read_mask))
        return torch.cat(parts, dim=1)

    def select(self, embedded: list[Tensor], rows: Tensor) -> list[Tensor]:
        """Token vectors of some texts."""
        return [embedded[row] for row in rows.tolist()]


#: Padded token vectors of documents that are compared at once.
TOKENS_AT_ONCE = 16_384


def padded(texts: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Token vectors of several texts in one tensor [T, L, D], and which of them are real [T, L].

    By one gather, whose gradient is one scatter: padding text by text (torch's ``pad_sequence``, sentence-transformers'
    ``maxsim`` of lists) has a gradient that copies the whole tensor once for each text.
    """
    lengths = torch.tensor([len(vectors) for vectors in texts])
    places = torch.arange(int(lengths.max())).expand(len(texts), -1)
    mask = places < lengths.unsqueeze(1)
    starts = (lengths.cumsum(0) - lengths).unsqueeze(1)
    flat = torch.cat(list(texts))
    index = torch.where(mask, starts + places, 0).to(flat.device)
    mask = mask.to(flat.device)
    return flat[index] * mask.unsqueeze(2), mask


def multi_vector_of(model: Any, *, prompts: Mapping[Any, str] | None = None, seed: int = 0) -> Any:
    """A MultiVectorEncoder that starts from a dense model's transformer.

    As in ColBERT: a new projection to 128 dimensions without bias, a marker before queries and one before documents,
    queries filled up with masks to 32 tokens, no punctuation among a document's vectors.

    Args:
        model: A SentenceTransformer; its transformer goes into the new model.
        prompts: Of ``query`` and ``document``, put behind the markers; none by default.
        seed: Of the projection.

    Source:
        Khattab and Zaharia 2020 (ColBERT, arXiv 2004.12832), stanford-futuredata/ColBERT colbert/modeling.
    """
    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.base.modules import Dense, Normalize
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
    from transformers import AddedToken

    transformer = model[0]
    tokenizer = transformer.tokenizer
    known = tokenizer.get_vocab()
    query, document = next((pair for pair in _MARKERS if all(marker in known for marker in pair)), _MARKERS[-1])
    if query in known:
        markers = [AddedToken(marker, normalized=False, special=True) for marker in (query, document)]
        tokenizer.add_special_tokens({"additional_special_tokens": markers})
    if tokenizer.mask_token is not None:
        transformer.query_expansion = {"strategy": "fixed", "length": QUERY_LENGTH}
    else:
        transformer.query_length = QUERY_LENGTH
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        projection = Dense(
            in_features=transformer.get_embedding_dimension(),
            out_features=PROJECTION,
            bias=False,
            activation_function=torch.nn.Identity(),
            module_input_name="token_embeddings",
        )
    mask = MultiVectorMask(skiplist_words=[mark for mark in string.punctuation if mark in known])
    return MultiVectorEncoder(
        modules=[transformer, projection, mask, Normalize(module_input_name="token_embeddings")],
        prompts={
            "query": f"{query} {(prompts or {}).get('query', '')}",
            "document": f"{document} {(prompts or {}).get('document', '')}",
        },
        device=str(model.device),
        trust_remote_code=model.trust_remote_code,
    )
