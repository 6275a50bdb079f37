"""The default method: the teacher's scores and the judgements, at temperatures and a rate that fit them (ours).

    loss = KL(list) + cross-entropy of the positive among its own list and the other lists' documents

The judged positive stands in every list; where nothing is judged the teacher's best candidate stands for it. The
temperatures, the labels' weight and the learning rate are settled before training (`distillir.composition.settled`) and
written into the recipe of the run. ``method: kl`` is the plain form, to compare with. What each part is worth:
benchmarks/results/default.md.
"""

from distillir.methods.method import Method

OBJECTIVE = {
    "kl": {"student_temperature": "auto", "teacher_temperature": "auto"},
    "info_nce": {"weight": "auto", "temperature": "auto"},
}

AUTO = Method(
    "auto",
    "the default: KL to the teacher and cross-entropy of the positive, temperatures and rate settled by the run",
    "ours, of kl and info_nce",
    "plain",
    OBJECTIVE,
    training={
        "sample": "positive_random",
        "in_batch": True,
        "pseudo_positives": True,
        "learning_rate": "auto",
        # Of two, four and what a choice of the best gives: benchmarks/results/default.md.
        "epochs": 4.0,
    },
)
