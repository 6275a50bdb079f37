"""Teachers whose layers can be followed, as a recipe names them."""

from distillir.encoding.model_spec import ModelSpec, PairModelSpec
from distillir.specs.form import Form
from distillir.specs.kind import OptionKind
from distillir.specs.registry import Registry

DENSE = OptionKind("dense", "a SentenceTransformer: products of its blocks' [CLS] states", ModelSpec, "model")
MULTI_VECTOR = OptionKind(
    "multi-vector", "a MultiVectorEncoder: MaxSim of its blocks' token states", ModelSpec, "model"
)
CROSS_ENCODER = OptionKind(
    "cross-encoder", "a CrossEncoder: its head on the [CLS] state of each block", PairModelSpec, "model"
)

_ALL = (DENSE, MULTI_VECTOR, CROSS_ENCODER)
LAYERED_TEACHERS: Registry[OptionKind] = Registry(
    "layered teacher", None, OptionKind, {kind.name: kind for kind in _ALL}, unknown="{name} has no layers"
)
FORM = Form(
    "layered teacher",
    LAYERED_TEACHERS,
    "has no layers",
    "write " + ", ".join(f"{{{kind.name}: model}}" for kind in _ALL),
    bare=False,
)
