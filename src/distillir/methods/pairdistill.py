"""PairDistill: pairwise relevance distillation (Huang and Chen, EMNLP 2024, arXiv 2410.01383).

A pairwise teacher is asked about pairs of candidates that lie close in the pointwise teacher's order. Lists hold the
documents of a query's pairs and are filled to 64 from the rest; the pointwise teacher's best is taken for the positive,
whatever is judged. Constants from MiuLab/PairDistill, ColBERT/colbert/training/training.py and
dpr-scale/dpr_scale/task/dpr_pair_distill_task.py:

    late interaction: KL(own list) + 3 x pair KL + cross-entropy of the best among other lists' documents
    dense:            KL(list and other lists' documents, to which the teacher gives nothing) + 6 x pair KL

The dense weight is 1 in the authors' code, whose embeddings of other processes are detached when they are gathered:
averaged over its 6 processes, the KL has a sixth of its gradient, the pair KL all of it. Late interaction compares
batches of 4 lists (train.py: 32 queries, 4 processes, 2 accumulated batches). No weight decay, clipping at 2.0
(adamw.yaml, amp.py). Dense: 6 queries in each of 6 processes, 3e-5, 10,000 warm-up steps of some 22,500 (808,731
queries, one epoch; inferred).

As other methods here, dense students divide cosines by 0.05 (the original takes raw dot products). Sparse students (not
in the paper) are trained as dense ones are. Shared towers are our default, separate ones the original's (dense).
"""

from distillir.methods.method import Method
from distillir.plans.plan import Plan
from distillir.plans.stage import Stage

PLAN = Plan(
    "pairdistill",
    "the documents of a query's pairs, filled to 64 at random; other lists' documents as negatives; no judgements",
    (Stage(),),
    {
        "queries_per_step": 36,
        "candidates_per_query": 64,
        "sample": "random",
        "in_batch": "all",
        "pseudo_positives": "always",
        "learning_rate": 3e-5,
        "warmup": 0.45,
        "weight_decay": 0.0,
        "max_grad_norm": 2.0,
    },
    students={"multi-vector": {"queries_per_step": 32, "learning_rate": 1e-5, "warmup": 0.1}},
    lists_in_batch={"multi-vector": 4},
)

PAIRDISTILL = Method(
    "pairdistill",
    "list distillation and the preferences of a pairwise teacher among close ranks; needs no judgements",
    "Huang and Chen 2024, arXiv 2410.01383",
    "pairdistill",
    {"kl": {"student_temperature": 0.05}},
    signals=("pairs",),
    objectives={"multi-vector": {"kl": {"own_list": True}, "info_nce": {"own_negatives": False}}},
    training={"dropout": None},
)
