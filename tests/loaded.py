"""What nearly every command loads: imported once by the process that others are forked from. Starts no thread."""

import distillir.cli.app
import distillir.composition.compose
import distillir.encoding.models
import distillir.evaluation.measures
import distillir.language_models.spec
import distillir.methods.registry
import distillir.pipeline.run
import distillir.recipe.read
import distillir.reporting.report
import distillir.retrieval.bm25
import distillir.signals.compositions
import distillir.students.registry
import distillir.teachers.load
import distillir.training.train
import distillir.training.trainer  # noqa: F401
