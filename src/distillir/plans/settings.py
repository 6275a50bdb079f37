"""The training part of a recipe."""

from typing import Annotated, Literal

from pydantic import Field

from distillir.base.tracker import TrackerName
from distillir.specs.part import Part

#: Settings that change nothing that is learnt: a training goes on under others, and no fingerprint knows them.
IDLE = ("report_to", "loader_workers")
#: What names the tracker, for messages.
REPORT_TO = "training.report_to"


class TrainingSettings(Part):
    """Settings of training; every value has a default that suits a small encoder on a small machine."""

    epochs: float = Field(2.0, gt=0, le=1e6, description="times each training query is seen; may be a fraction")
    queries_per_step: int = Field(16, ge=1, description="queries in one optimiser step, over all processes")
    candidates_per_query: int | None = Field(8, ge=2, description="candidates in an example; null takes the whole list")
    sample: Literal["top", "random", "top_random", "stratified", "positive_random", "first_positive"] = Field(
        "top_random",
        description="which candidates: the teacher's best, random ones, its best and random others, its best and one "
        "of each part of the range of its scores, the judged one that the teacher scores best and random others, "
        "or the first judged one in the order of the candidates and others that are not judged relevant (LEAD); where "
        "positives are compared, a judged one is among them whatever is drawn",
    )
    batches: Literal["shuffled", "overlapping"] = Field(
        "shuffled",
        description="overlapping (ours): related queries share a step, each with all of its candidates encoded there",
    )
    pseudo_positives: bool | Literal["always"] = Field(
        False,
        description="for info_nce, ckl and bce: the teacher's best candidate stands for a missing judged positive; "
        "always: in place of a judged one too",
    )
    in_batch: bool | Literal["all"] = Field(
        False,
        description="the documents of the batch's other lists, in all processes, join each list as negatives, except "
        "the query's own candidates; all: these too",
    )
    mask_positives: bool = Field(
        True,
        description="no document that is judged relevant to a query, or has the text of one that is under whatever id, "
        "is a negative of it, in its own list or from others; false: as the authors' code, which knows ids alone",
    )
    learning_rate: Annotated[float, Field(gt=0)] | Literal["auto"] = Field(
        5e-5, description="peak learning rate of AdamW; auto: by the student's width, 7e-4 at 128, 1e-4 at 384"
    )
    weight_decay: float = Field(0.01, ge=0, description="AdamW's weight decay")
    warmup: float = Field(0.1, ge=0, le=1, description="share of the steps over which the learning rate rises")
    schedule: Literal["linear", "cosine", "constant_with_warmup"] = Field("linear", description="what follows")
    max_grad_norm: float = Field(
        1.0, gt=0, description="gradients are clipped to this norm, a joint teacher's by its own"
    )
    dropout: float | None = Field(
        0.0, ge=0, lt=1, description="dropout while training; null: the model's own, as the authors of methods train"
    )
    gradient_accumulation: int = Field(1, ge=1, description="batches a step is divided into; the gradient is the same")
    grad_cache: bool = Field(False, description="encode twice to hold one chunk's activations: long lists fit")
    max_length: int | None = Field(
        None, ge=8, description="tokens of a text that training reads; null: as many as the student does"
    )
    token_budget: int = Field(4096, ge=64, description="padded tokens encoded at once")
    precision: Literal["auto", "float32", "bf16"] = Field(
        "auto",
        description="auto: bf16 autocast where the processor or GPU has it and the student is wide enough for it",
    )
    checkpoint_seconds: float = Field(120.0, ge=0, description="seconds between checkpoints")
    select: Literal["auto", "dev", "none"] = Field(
        "auto",
        description="dev: measure the student while it is trained, on queries that are neither learnt from nor "
        "reported, and keep the best; none: keep the last; auto: dev with the method auto, none with any other",
    )
    select_queries: int = Field(160, ge=1, description="queries that it is measured on, at most")
    select_measures: int = Field(
        5, ge=1, description="times it is measured in a training (in each stage), beside once before the first step"
    )
    patience: int | None = Field(
        None,
        ge=1,
        description="measures in a row without a rise after which training stops; null: never, since a learning rate "
        "that falls to 0 lifts a student once more at the end",
    )
    loader_workers: Annotated[int, Field(ge=0, le=64)] | Literal["auto"] = Field(
        "auto",
        description="processes that make batches beside each training process; auto: 2 where it has a GPU, else none",
    )
    report_to: TrackerName = Field(
        "none", description="tracker that is told losses, measures and the recipe, besides log.jsonl: see docs/train.md"
    )
