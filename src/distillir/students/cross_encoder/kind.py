"""The kind ``cross-encoder``: query and document read together, one score; it ranks what others find."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from distillir.base.errors import DistillirError
from distillir.base.progress import say
from distillir.encoding.model_files import first_module_path, model_kind, read_model_json, resolve_model
from distillir.encoding.model_options import PLAIN, ModelOptions
from distillir.students.pair_kind import PairKind, Scorer

if TYPE_CHECKING:
    from distillir.base.arrays import Rows
    from distillir.collections import Collection
    from distillir.students.student import Student

#: Seed of the head that an encoder gets.
HEAD_SEED = 0
#: Pairs whose scoring is timed.
_TIMED = 128

_USAGE = """from sentence_transformers import CrossEncoder

model = CrossEncoder("path/to/this/folder")
# Scores are raw logits (its activation is Identity), no probabilities: higher is better, any real number, and what was
# taught are differences between documents of one query (by margin_mse on the teacher's scale, by other objectives on
# one of their own). Of several queries they are not on one scale, so that one threshold for all means nothing.
print(model.rank("...", ["...", "..."]))
"""


class CrossEncoderKind(PairKind):
    """A CrossEncoder with one label; any encoder becomes one by a new head."""

    name = "cross-encoder"
    description = "query and document read together, one score; ranks what others find (any encoder, CrossEncoder)"
    elsewhere = "Scores are raw logits (activation Identity): it orders a query's candidates, and searches nothing."

    def owns(self, model: Any) -> bool:
        """See `StudentKind.owns`."""
        from sentence_transformers import CrossEncoder

        return isinstance(model, CrossEncoder)

    def start(self, name: str, *, device: str | None = None, options: ModelOptions = PLAIN) -> Any:
        """See `StudentKind.start`; its scores are raw logits from now on, and its prompt stands before queries."""
        import torch

        from distillir.encoding.identity import resolved_prompts
        from distillir.encoding.text_limits import text_limits
        from distillir.teachers.cross_encoders.load import is_cross_encoder, open_cross_encoder, pair_prompt

        self.refuse(name, options)
        if is_cross_encoder(name):
            model = open_cross_encoder(name, device=device, options=options)
            if model.num_labels != 1:
                raise DistillirError(
                    f"gives {model.num_labels} labels where a cross-encoder student gives one score",
                    where=name,
                    remedy="choose one with num_labels 1, or the encoder that it was made of",
                )
        else:
            say(f"{name} has no scoring head: the student gets a new one, drawn from a fixed seed ({HEAD_SEED})")
            length = text_limits(name, self.model_kind, options=options).tokens
            given = ModelOptions.of({"query": resolved_prompts(name, options).get("query")}, options.trust_remote_code)
            folder, first = Path(resolve_model(name)), first_module_path(name)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(HEAD_SEED)
                encoder = str(folder / first) if first and folder.is_dir() else name
                model = open_cross_encoder(encoder, device=device, options=given, num_labels=1)
            if length is not None and length < model.max_seq_length:  # sentence-transformers asks the tokenizer alone
                model.max_seq_length = length
        if not getattr(model.tokenizer, "is_fast", False):
            raise DistillirError("has no fast tokenizer, which joins query and document as ids", where=name)
        prompt = pair_prompt(model)
        # Texts are made tokens one by one: none but the query may have the prompt.
        model.prompts = {**model.prompts, "query": prompt or "", "document": ""}
        model.default_prompt_name = "query" if prompt else None
        model.activation_fn = torch.nn.Identity()
        return model

    def refuse(self, name: str, options: ModelOptions = PLAIN) -> None:
        """Refuse, by its files alone, a model that no cross-encoder can be made of.

        Args:
            name: As in `distillir.students.load.load_student`, like the next.
            options: See there.

        Raises:
            DistillirError: It is of another kind, compares two documents, or is a decoder without a scoring head; or a
                prompt is wanted before documents.
        """
        from transformers.models.auto import modeling_auto

        from distillir.teachers.cross_encoders.load import check_cross_encoder, is_cross_encoder

        if options.document is not None:
            raise DistillirError(
                "a cross-encoder has one prompt, before the query",
                where="student.prompts.document",
                remedy="leave it out",
            )
        found = model_kind(name)
        if found not in ("dense", self.model_kind):
            raise DistillirError(
                f"is a {found} model", where=name, remedy=f"set student.kind to {found}, or name an encoder"
            )
        config = _config(name)
        headed = any(str(each).endswith("ForSequenceClassification") for each in config.get("architectures") or [])
        family = config.get("model_type")
        written = family in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
        if written and family not in modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES and not headed:
            raise DistillirError(
                "is a decoder without a scoring head (it scores by words, or writes)",
                where=name,
                remedy="let it teach ({prompt: model}, {query-likelihood: model}), and name an encoder here",
            )
        if headed and not is_cross_encoder(name):
            check_cross_encoder(name)  # it compares two documents

    def student(self, model: Any) -> "Student":
        """See `StudentKind.student`."""
        from distillir.students.cross_encoder.student import CrossEncoderStudent

        return CrossEncoderStudent(model)

    def layers_refusal(self, model: str) -> DistillirError | None:
        """See `StudentKind.layers_refusal`: as in LEAD the head scores each layer, which not every family's can."""
        from distillir.teachers.cross_encoders.layered import FAMILIES, other_family

        family = str(_config(model).get("model_type"))
        return None if family in FAMILIES else other_family(family, model)

    def scorer(
        self, model: Any, *, max_length: int | None = None, precision: str = "float32", trust_remote_code: bool = False
    ) -> Scorer:
        """Raw logits, as a cross-encoder that teaches gives them; see `PairKind.scorer`."""
        from distillir.teachers.cross_encoders.load import load_cross_encoder
        from distillir.teachers.cross_encoders.pair_scores import score_pairs

        if isinstance(model, str):
            own = ModelOptions(trust_remote_code=trust_remote_code)
            model = load_cross_encoder(model, max_length=max_length, options=own)

        def score(pairs: Any) -> Any:
            found = np.empty(len(pairs), dtype=np.float32)
            for places, scores in score_pairs(model, pairs, precision=precision):
                found[places] = scores
            return found

        return score

    def size(self, model: str, collection: "Collection", query_rows: "Rows", **options: Any) -> dict[str, Any]:
        """Parameters, layers, and pairs a second on this machine: of `_TIMED` random ones; see `StudentKind.size`."""
        from distillir.encoding.blocks import block_stacks
        from distillir.teachers.cross_encoders.load import load_cross_encoder
        from distillir.teachers.cross_encoders.pair_scores import resolve_pair_precision

        loaded = load_cross_encoder(model, options=options.get("options", PLAIN))
        precision = resolve_pair_precision(options.get("precision", "float32"), loaded.device)
        parameters = sum(each.numel() for each in loaded.parameters())
        stacks = block_stacks(loaded.transformers_model)
        layers = len(stacks[0][2]) if stacks else 0
        draw = np.random.default_rng(0)
        documents = collection.corpus.texts(draw.integers(0, len(collection.corpus), _TIMED).tolist())
        pairs = list(zip(collection.queries.texts(draw.choice(query_rows, _TIMED).tolist()), documents, strict=True))
        score = self.scorer(loaded, precision=precision)
        score(pairs[:8])  # the first call builds kernels
        begun = time.monotonic()
        score(pairs)
        speed = _TIMED / max(time.monotonic() - begun, 1e-9)
        told = [
            ("Size", f"{parameters / 1e6:.1f} M", f"parameters, {layers} layers"),
            ("Speed", f"{speed:.0f}", f"pairs a second ({precision}, this machine, {_TIMED} random pairs)"),
        ]
        return {"parameters": parameters, "layers": layers, "pairs_per_second": round(speed, 1), "told": told}

    def usage(self) -> str:
        """See `StudentKind.usage`; with the scale of the scores."""
        return _USAGE


def _config(name: str) -> dict[str, Any]:
    """The configuration of a model's transformer."""
    first = first_module_path(name)
    return read_model_json(name, f"{first}/config.json" if first else "config.json")


CROSS_ENCODER = CrossEncoderKind()
