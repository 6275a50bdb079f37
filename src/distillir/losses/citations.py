"""BibTeX entries of the objectives' sources."""

from collections.abc import Iterable

BIBTEX = {
    "kl": """
@misc{hinton2015distilling,
    title = {Distilling the Knowledge in a Neural Network},
    author = {Geoffrey Hinton and Oriol Vinyals and Jeff Dean},
    year = {2015},
    eprint = {1503.02531},
    archivePrefix = {arXiv},
}
""",
    "margin_mse": """
@misc{hofstaetter2020improving,
    title = {Improving Efficient Neural Ranking Models with Cross-Architecture Knowledge Distillation},
    author = {Sebastian Hofst{\\"a}tter and Sophia Althammer and Michael Schr{\\"o}der and
        Mete Sertkan and Allan Hanbury},
    year = {2020},
    eprint = {2010.02666},
    archivePrefix = {arXiv},
}
""",
    "ranknet": """
@inproceedings{burges2005learning,
    title = {Learning to Rank Using Gradient Descent},
    author = {Chris Burges and Tal Shaked and Erin Renshaw and Ari Lazier and
        Matt Deeds and Nicole Hamilton and Greg Hullender},
    booktitle = {Proceedings of the 22nd International Conference on Machine Learning},
    year = {2005},
}
""",
    "info_nce": """
@misc{oord2018representation,
    title = {Representation Learning with Contrastive Predictive Coding},
    author = {Aaron van den Oord and Yazhe Li and Oriol Vinyals},
    year = {2018},
    eprint = {1807.03748},
    archivePrefix = {arXiv},
}
""",
}


def cite(names: Iterable[str]) -> str:
    """The entries of some objectives, each once, in order."""
    return "".join(BIBTEX.get(name, "") for name in dict.fromkeys(names))
