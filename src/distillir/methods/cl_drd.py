"""CL-DRD: curriculum learning for dense retrieval distillation (Zeng, Zamani and Vinay, SIGIR 2022, arXiv 2204.13679).

Three stages from easy to hard: at first only the teacher's five best are ordered, above a group of hard and a group of
remaining candidates; then ten; then the whole list. The teacher's scores enter nowhere, its order alone. Constants from
HansiZeng/CL-DRD trainer/multistep-curriculum/nway_listwise_{1,2,3}.py; 4,000 warm-up steps of some 251,470 (502,939
queries, 8 a step, 4 epochs) and of 125,735 are 1.6 % and 3.2 %, which short runs keep as shares.

Not known, and so options with a default (reconstruction): where the hard group ends and the remaining begins (``cut``),
and whether the paper's lists were drawn once or anew (``redraw``; the code reads prepared files).
"""

from distillir.methods.method import Method
from distillir.plans.plan import Plan
from distillir.plans.stage import GradedSpec, Stage

PLAN = Plan(
    "cl-drd",
    "three stages of lists of 30: the teacher's 5, 10, then 30 best in order above two unordered groups",
    (
        Stage(lists=GradedSpec(top=5, hard=12, remaining=13), learning_rate=7e-6, epochs=4, warmup=0.016),
        Stage(lists=GradedSpec(top=10, hard=10, remaining=10), learning_rate=3e-6, epochs=2, warmup=0.032),
        Stage(lists=GradedSpec(top=30, hard=0, remaining=0), learning_rate=3e-6, epochs=2, warmup=0.032),
    ),
    {"queries_per_step": 8},
)

CL_DRD = Method(
    "cl-drd",
    "curriculum in three stages; pairs by the teacher's order, weighted by the change of a reciprocal rank",
    "Zeng et al. 2022, arXiv 2204.13679",
    "cl-drd",
    "lambda_mrr",
    training={"dropout": None},
)
