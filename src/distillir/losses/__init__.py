"""The objectives as ``loss=`` for sentence-transformers' own trainers."""

from distillir.losses.ckl_loss import CKLLoss
from distillir.losses.info_nce_loss import InfoNCELoss
from distillir.losses.kl_loss import KLLoss
from distillir.losses.lambda_mrr_loss import LambdaMRRLoss
from distillir.losses.layer_kl_loss import LayerKLLoss
from distillir.losses.margin_mse_loss import MarginMSELoss
from distillir.losses.pair_kl_loss import PairKLLoss
from distillir.losses.ranknet_loss import RankNetLoss
from distillir.losses.weighted_sum_loss import WeightedSumLoss

__all__ = [
    "CKLLoss",
    "InfoNCELoss",
    "KLLoss",
    "LambdaMRRLoss",
    "LayerKLLoss",
    "MarginMSELoss",
    "PairKLLoss",
    "RankNetLoss",
    "WeightedSumLoss",
]
