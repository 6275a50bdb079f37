"""CKL: contrastively weighted KL (Yang, Qiao, He and Yang, SIGIR 2024, arXiv 2406.05977). A reconstruction.

Plain lists. The form of the weights is known; gamma, beta and the form of beta_i are not. The
defaults are ours: the best of those tried on the dev split of squadshifts-wiki (benchmarks/results/methods.md).
"""

from distillir.methods.method import Method

CKL = Method(
    "ckl",
    "KL with terms weighted by the student's own probabilities, so that positives and negatives part (reconstruction)",
    "Yang et al. 2024, arXiv 2406.05977",
    "plain",
    {"ckl": {"gamma": 0.5, "beta": 0.0, "student_temperature": 0.05}},
    training={"dropout": None},
)
