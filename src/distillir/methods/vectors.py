"""Vectors alone: the student's vectors of texts follow a dense model's (LEAF, EmbedDistill). A reconstruction.

    loss = mean over texts of 1 - cos(p(s), t)

with ``t`` the model's vector, ``s`` the student's and ``p`` a linear map where their widths differ. No judgements, no
candidates, no scores: the texts of the collection, and its training queries where the recipe has any, each once an
epoch.

LEAF (Vujanic and Rueckstiess 2025, arXiv 2509.12539) is this, with texts of many collections and a linear layer that
the student keeps. Its loss is the squared distance of vectors of length 1, which is twice the above, as others retell
it; its learning rate, batches and epochs are not known (**reconstruction**: the recipe's own defaults). EmbedDistill
(Kim et al. 2023, arXiv 2301.12005) adds the Euclidean distance of queries' and documents' vectors to the distillation
of scores, with a weight that is not known: ``method: {name: kl, vectors: {loss: distance}}``.
"""

from distillir.methods.method import Method

VECTORS = Method(
    "vectors",
    "the student's vectors follow those of a dense model; texts alone suffice (reconstruction)",
    "Vujanic and Rueckstiess 2025, arXiv 2509.12539; Kim et al. 2023, arXiv 2301.12005",
    "plain",
    None,
    signals=("vectors",),
    training={"dropout": None},
)
