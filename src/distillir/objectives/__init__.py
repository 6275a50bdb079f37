"""Objectives: pure functions of student scores and a teacher's signals, one small file for each."""

from distillir.objectives.bce import bce
from distillir.objectives.ckl import ckl
from distillir.objectives.info_nce import info_nce
from distillir.objectives.kl import kl
from distillir.objectives.lambda_mrr import lambda_mrr
from distillir.objectives.layer_kl import layer_kl
from distillir.objectives.margin_mse import margin_mse
from distillir.objectives.objective import Objective
from distillir.objectives.pair_kl import pair_kl
from distillir.objectives.ranknet import ranknet
from distillir.objectives.registry import get, names
from distillir.objectives.vector_match import vector_match
from distillir.objectives.weighted_sum import WeightedSum, parse_objective

__all__ = [
    "Objective",
    "WeightedSum",
    "bce",
    "ckl",
    "get",
    "info_nce",
    "kl",
    "lambda_mrr",
    "layer_kl",
    "margin_mse",
    "names",
    "pair_kl",
    "parse_objective",
    "ranknet",
    "vector_match",
]
