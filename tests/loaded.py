"""What nearly every command loads: imported once by the process that others are forked from. Starts no thread."""
# ruff: noqa: F401

import accelerate.optimizer
import accelerate.scheduler
import bm25s.tokenization
import ir_measures
import matplotlib.backends.backend_svg
import matplotlib.figure
import matplotlib.style
import pytrec_eval
import sentence_transformers
import torch.distributed.nn
import transformers.models.bert.modeling_bert
import transformers.models.bert.tokenization_bert
import transformers.trainer
import transformers.utils

import distillir.cli.app
import distillir.composition.compose
import distillir.encoding.models
import distillir.encoding.vectors
import distillir.evaluation.search
import distillir.language_models.spec
import distillir.methods.registry
import distillir.objectives.registry
import distillir.pipeline.run
import distillir.pipeline.run_collection
import distillir.recipe.read
import distillir.reporting.report
import distillir.retrieval.bm25_retriever
import distillir.retrieval.dense
import distillir.signals.compositions
import distillir.students.dense.kind
import distillir.students.load
import distillir.students.registry
import distillir.teachers.encoders.dense
import distillir.teachers.load
import distillir.training.train
import distillir.training.trainer
import no_disk
