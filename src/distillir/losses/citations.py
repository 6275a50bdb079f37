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
    "layer_kl": """
@inproceedings{sun2024lead,
    title = {{LEAD}: Liberal Feature-based Distillation for Dense Retrieval},
    author = {Hao Sun and Xiao Liu and Yeyun Gong and Anlei Dong and Jingwen Lu and Yan Zhang and
        Linjun Yang and Rangan Majumder and Nan Duan},
    booktitle = {Proceedings of the 17th ACM International Conference on Web Search and Data Mining},
    year = {2024},
}
""",
    "pair_kl": """
@inproceedings{huang2024pairdistill,
    title = {{PairDistill}: Pairwise Relevance Distillation for Dense Retrieval},
    author = {Chao-Wei Huang and Yun-Nung Chen},
    booktitle = {Proceedings of the 2024 Conference on Empirical Methods in Natural Language Processing},
    pages = {18225--18237},
    year = {2024},
}
""",
    "lambda_mrr": """
@inproceedings{zeng2022curriculum,
    title = {Curriculum Learning for Dense Retrieval Distillation},
    author = {Hansi Zeng and Hamed Zamani and Vishwa Vinay},
    booktitle = {Proceedings of the 45th International ACM SIGIR Conference},
    pages = {1979--1983},
    year = {2022},
    eprint = {2204.13679},
    archivePrefix = {arXiv},
}
""",
    "ckl": """
@inproceedings{yang2024weighted,
    title = {Weighted {KL}-Divergence for Document Ranking Model Refinement},
    author = {Yingrui Yang and Yifan Qiao and Shanxiu He and Tao Yang},
    booktitle = {Proceedings of the 47th International ACM SIGIR Conference},
    year = {2024},
    eprint = {2406.05977},
    archivePrefix = {arXiv},
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
    "bce": """
@misc{nogueira2019passage,
    title = {Passage Re-ranking with {BERT}},
    author = {Rodrigo Nogueira and Kyunghyun Cho},
    year = {2019},
    eprint = {1901.04085},
    archivePrefix = {arXiv},
}
""",
}


def cite(names: Iterable[str]) -> str:
    """The entries of some objectives, each once, in order."""
    return "".join(BIBTEX.get(name, "") for name in dict.fromkeys(names))
