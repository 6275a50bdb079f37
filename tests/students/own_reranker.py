"""A kind of student without encodings, as a user would write one: a cross-encoder that ranks candidates."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from distillir.encoding.model_files import resolve_model
from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.students.pair_kind import PairKind, Scorer
from distillir.students.pair_student import PairStudent
from distillir.students.student import Student


class CrossEncoderStudent(PairStudent):
    """Logits of a CrossEncoder, of [CLS] query [SEP] document [SEP]."""

    def pair_scores(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        joined = [torch.cat([query, document[1:]])[: self.model.max_seq_length] for query, document in pairs]
        sides = [(torch.arange(len(ids)) >= len(query)).long() for (query, _), ids in zip(pairs, joined, strict=True)]
        pad = torch.nn.utils.rnn.pad_sequence
        ids = pad(joined, batch_first=True, padding_value=self.model.tokenizer.pad_token_id)
        mask = pad([torch.ones_like(each) for each in joined], batch_first=True)
        types = pad(sides, batch_first=True).to(ids.device)
        logits: Tensor = self.model.transformers_model(input_ids=ids, attention_mask=mask, token_type_ids=types).logits
        return logits[:, 0].float()


class Reranker(PairKind):
    """Any encoder with a new head, or a CrossEncoder that was saved before."""

    name = "reranker"
    description = "a cross-encoder that ranks candidates"
    no_objectives: Mapping[str, str] = {"margin_mse": "their logits have no scale"}

    def owns(self, model: Any) -> bool:
        from sentence_transformers import CrossEncoder

        return isinstance(model, CrossEncoder)

    def start(self, name: str, *, device: str | None = None, options: ModelOptions = PLAIN) -> Any:
        from sentence_transformers import CrossEncoder

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return CrossEncoder(resolve_model(name), num_labels=1, device=device)

    def student(self, model: Any) -> Student:
        return CrossEncoderStudent(model)

    def scorer(
        self, model: Any, *, max_length: int | None = None, precision: str = "float32", trust_remote_code: bool = False
    ) -> Scorer:
        loaded = self.start(model) if isinstance(model, str) else model
        return lambda pairs: loaded.predict(list(pairs), activation_fn=torch.nn.Identity(), show_progress_bar=False)


RERANKER = Reranker()
