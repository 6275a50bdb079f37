"""LEAD: liberal feature-based distillation (Sun et al., WSDM 2024, arXiv 2212.05225).

Every transformer block of teacher and student ranks the candidates by itself. Blocks of both are drawn, paired in
order, and the student's follow the teacher's, those of them more that find the gold document better. The teacher is
trained along, and nothing but the weights is detached (microsoft/SimXNS, LEAD/util.py and LEAD/*.sh):

    loss = NLL(student) + NLL(teacher) + KL(t || s) + KL(s || t) + sum over drawn pairs k of w_k KL(t_k || s_k)

Dense and multi-vector teachers compare all documents of the batch, in all processes; cross-encoders the query's own
list. A frozen teacher (``layers: {joint: false}``) leaves NLL(teacher) and KL(s || t) out, as the authors' code does.
Student and teacher are clipped apart (run_LEAD.py). The positive is a query's first one (``--shuffle_positives`` is
unset). How many queries and negatives a step has stands in an appendix that could not be had: the recipe's own defaults
hold (reconstruction). As other methods here, cosines are divided by 0.05 where the original takes raw products.
"""

from distillir.methods.method import Method
from distillir.plans.plan import Plan
from distillir.plans.stage import Stage

PLAN = Plan(
    "lead",
    "the first judged positive and random candidates; with dense and multi-vector teachers all documents of the batch",
    (Stage(),),
    {
        "sample": "first_positive",
        "in_batch": "all",
        "learning_rate": 5e-5,
        "weight_decay": 0.0,
        "max_grad_norm": 2.0,
    },
    teachers={"multi-vector": {"learning_rate": 2e-5}},  # both *cb* scripts
)

LEAD = Method(
    "lead",
    "the student's layers follow those of a teacher that is trained along; any two architectures",
    "Sun et al. 2024, arXiv 2212.05225",
    "lead",
    {"info_nce": {"temperature": 0.05}},
    signals=("layers",),
    training={"dropout": None},
)
