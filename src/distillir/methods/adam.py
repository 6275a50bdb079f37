"""ADAM: adaptive dark examples (Tao et al., Findings of ACL 2024, arXiv 2212.10192). A reconstruction.

Mined negatives are too easy for the teacher: its softmax is nearly one-hot and tells little. So texts of moderate
relevance are made before tokenising, of a query's positive and its hard negatives: reinforced negatives, with a part of
the positive in them, and noisy positives, with words masked or left out. The teacher scores them, those that fill the
gap between negatives and positive are chosen, and beside each list stands a dark one of the positive and of them:

    loss = KL(list) + lambda x gate x KL(dark list)

The gate opens for queries of whose positive the teacher is confident. Known are the idea, the two kinds and that
confidence decides; every number and the operators are ours, and each is an option of `DarkSpec`.
"""

from distillir.methods.method import Method

ADAM = Method(
    "adam",
    "dark examples between negatives and positive beside each list, where the teacher is sure (reconstruction)",
    "Tao et al. 2024, arXiv 2212.10192",
    "plain",
    {"kl": {"student_temperature": 0.05}},
    signals=("dark",),
    training={"dropout": None},
)
