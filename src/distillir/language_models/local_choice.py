"""The odds of two answers, by a model that transformers runs (monoT5, duoT5, instruction models)."""

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
from distillir.language_models.answer import LEAST_SHARE
from distillir.language_models.asker import UNANSWERED, Asker
from distillir.language_models.fitting import Fitted
from distillir.language_models.local import (
    check_language_model,
    chunked,
    language_model_fingerprint,
    load_language_model,
)
from distillir.language_models.prompt import Prompt

# So many answers that say nothing, from the first on: the rest will say nothing either.
_HOPELESS = 20


class LocalChoice(Asker):
    """log p(yes) - log p(no) of the first word of the answer: the difference of two logits.

    An encoder-decoder is asked as published (MiuLab/PairDistill; monoT5, duoT5). Decoder-only models are ours: asked in
    their chat template, or with ``Answer:`` behind the prompt. Documents are cut to equal shares, so that the end of
    the prompt is read (ours; the original cuts the whole at its end).

    Args:
        model: Folder, hub name or ``.gguf`` file; loaded when the first question is asked.
        prompt: The question.
        max_length: Tokens of the whole; None: the prompt's.
        precision: ``auto`` (bf16 where the device computes it in hardware), ``float32`` or ``bf16``.
        chat: See `distillir.language_models.local.load_language_model`.
        trust_remote_code: Whether code that comes with the model may run.
        least_share: Probability that the two words must have together, else there is no answer (`UNANSWERED`); 0, as
            published: none. Below `distillir.language_models.answer.LEAST_SHARE` they are counted all the same.

    Raises:
        DistillirError: There is no such model.
    """

    def __init__(
        self,
        model: str,
        prompt: Prompt,
        *,
        max_length: int | None = None,
        precision: str = "auto",
        chat: bool | None = None,
        trust_remote_code: bool = False,
        least_share: float = 0.0,
    ) -> None:
        check_language_model(model, trust_remote_code=trust_remote_code)
        self.trust_remote_code = trust_remote_code
        self.model, self.prompt, self.chat = model, prompt, chat
        self.name = Path(model).name
        self.max_length, self._wanted_length = max_length or prompt.max_length, max_length
        self.precision = resolve_precision(precision, pick_device())
        self.least_share = least_share
        self._neither = self._imitated = self._tail = 0

    def fingerprint(self) -> str:
        """See `Asker.fingerprint`."""
        own = language_model_fingerprint(self.model, self.precision, trust_remote_code=self.trust_remote_code)
        identity = ["choice", own, self.prompt.template, self.prompt.cue]
        identity += [self.prompt.yes, self.prompt.no, str(self.max_length), self.precision, str(self.chat)]
        return xxhash.xxh3_128_hexdigest(json.dumps(identity).encode())

    def kept_under(self) -> str:
        """See `Asker.kept_under`: answers of another least share are others."""
        own = self.fingerprint()
        return xxhash.xxh3_128_hexdigest(f"{own} of {self.least_share}".encode()) if self.least_share else own

    def formerly(self) -> str | None:
        """See `Asker.formerly`: odds whatever the share."""
        return self.fingerprint() if self.least_share else None

    def counts(self) -> dict[str, int]:
        """Number of unusual answers, by the reason.

        ``neither``: the likeliest word was another one; the odds of the two count all the same, as published.
        ``tail``: both together had hardly any probability.
        """
        return {"neither": self._neither, "tail": self._tail, "imitated": self._imitated}

    def length(self, query: str, documents: Sequence[str]) -> int:
        """See `Asker.length`."""
        return len(self.prompt.text(query, *documents))

    def reads(self, query: str, document: str) -> bool:
        """See `Asker.reads`."""
        return self._fitted.reads(document)

    @cached_property
    def _fitted(self) -> Fitted:
        loaded = load_language_model(
            self.model,
            chat=self.chat,
            precision=self.precision,
            max_length=self._wanted_length,
            trust_remote_code=self.trust_remote_code,
        )
        return Fitted(self.prompt, loaded, min(self.max_length, loaded.positions or self.max_length))

    @cached_property
    def _words(self) -> tuple[int, int]:
        """First tokens of the two answers."""
        loaded = self._fitted.loaded
        space = "" if loaded.seq2seq or loaded.chat else " "
        found = [
            loaded.tokenizer(space + word, add_special_tokens=False)["input_ids"]
            for word in (self.prompt.yes, self.prompt.no)
        ]
        if not all(found) or found[0][0] == found[1][0]:
            raise DistillirError(
                f"its tokenizer does not tell {self.prompt.yes!r} from {self.prompt.no!r} by their first token",
                where=self.model,
                remedy="choose other answers, or another model",
            )
        return found[0][0], found[1][0]

    def ask(self, queries: Sequence[str], documents: Sequence[tuple[str, ...]]) -> Iterator[tuple[Rows, Scores]]:
        """See `Asker.ask`.

        Raises:
            DistillirError: The two words have hardly any probability in all answers, of 20 or more or of the whole.
        """
        held, unread = np.empty(0, dtype=np.int64), 0
        for places, odds, share in self._odds(queries, documents):
            self._tail += int((share < max(self.least_share, LEAST_SHARE)).sum())
            # Not `>=`: where the model computes no number, that is told as such (`check_finite`), not as an odd answer.
            known = ~(share < self.least_share)
            self.readable = self.readable or bool(known.any())
            held, unread = np.concatenate([held, places[~known]]), unread + int((~known).sum())
            if not self.readable and unread >= _HOPELESS:
                raise self._unreadable()
            yield places[known], odds[known]
            if self.readable and len(held):
                yield held, np.full(len(held), UNANSWERED, dtype=np.float32)
                held = held[:0]
        if not self.readable and unread:
            raise self._unreadable()

    def _odds(
        self, queries: Sequence[str], documents: Sequence[tuple[str, ...]]
    ) -> Iterator[tuple[Rows, Scores, Scores]]:
        """Places [B], log-odds [B] and the probability of both words together [B]."""
        import torch

        loaded, words = self._fitted.loaded, list(self._words)
        model = loaded.model
        start_token = getattr(model.generation_config, "decoder_start_token_id", None)
        if start_token is None:
            start_token = getattr(model.config, "decoder_start_token_id", None) or 0
        for part in chunked(len(queries)):
            self._imitated += sum(any(map(self.prompt.imitated_by, given)) for given in documents[part])
            rows = self._fitted.ids(queries[part], documents[part])
            for places, features in loaded.batches(rows):
                if loaded.seq2seq:
                    features["decoder_input_ids"] = torch.full((len(places), 1), start_token, device=model.device)
                else:
                    features["logits_to_keep"] = 1
                with torch.inference_mode(), autocast(self.precision, model.device):
                    logits = model(**features).logits[:, -1].float()
                self._neither += int((~torch.isin(logits.argmax(dim=1).cpu(), torch.tensor(words))).sum())
                odds = (logits[:, words[0]] - logits[:, words[1]]).cpu().numpy()
                share = (logits[:, words].logsumexp(dim=1) - logits.logsumexp(dim=1)).exp().cpu().numpy()
                yield places + part.start, np.asarray(odds, dtype=np.float32), np.asarray(share, dtype=np.float32)

    def _unreadable(self) -> DistillirError:
        return DistillirError(
            f"{self.prompt.yes} and {self.prompt.no} together have less than {self.least_share:g} of the probability",
            where=self.model,
            remedy="use an instruction model that does not think first, a template and answers that fit it, or another "
            "least_share",
        )
