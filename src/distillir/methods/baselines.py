"""The baselines: plain lists with one loss; and no lists at all.

A cosine lies in [-1, 1], and a softmax over such numbers is nearly flat, so the baselines with a softmax divide the
student's scores by 0.05 (CADET, arXiv 2505.19274, uses 0.05; SimLM, arXiv 2207.02578, 0.02). `margin_mse` and
`ranknet` have no temperature: they take raw scores, as their authors do.
"""

from distillir.methods.method import Method

KL = Method(
    "kl",
    "list distillation: KL between teacher's and student's softmax over each list",
    "Hinton et al. 2015, arXiv 1503.02531; over lists: ColBERTv2, arXiv 2112.01488",
    "plain",
    {"kl": {"student_temperature": 0.05}},
)
MARGIN_MSE = Method(
    "margin_mse",
    "n-way MarginMSE: squared difference of teacher's and student's score margins",
    "Hofstaetter et al. 2020, arXiv 2010.02666",
    "plain",
    "margin_mse",
)
RANKNET = Method(
    "ranknet",
    "RankNet on the teacher's order of each pair",
    "Burges et al. 2005; as a distillation loss: Rank-DistiLLM, arXiv 2405.07920",
    "plain",
    "ranknet",
)
INFO_NCE = Method(
    "info_nce",
    "no distillation: cross-entropy on the judged positive, to compare with",
    "van den Oord et al. 2018, arXiv 1807.03748",
    "plain",
    {"info_nce": {"temperature": 0.05}},
)
#: For signals that a recipe names: without one it is refused.
SIGNALS_ALONE = Method(
    "signals",
    "no lists are compared: the recipe's signals are all that is learnt from",
    "ours",
    "plain",
    None,
)
