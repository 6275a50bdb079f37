"""The methods and plans by name."""

from distillir.methods.adam import ADAM
from distillir.methods.auto import AUTO
from distillir.methods.baselines import INFO_NCE, KL, MARGIN_MSE, RANKNET, SIGNALS_ALONE
from distillir.methods.ckl import CKL
from distillir.methods.cl_drd import CL_DRD
from distillir.methods.cl_drd import PLAN as CL_DRD_PLAN
from distillir.methods.lead import LEAD
from distillir.methods.lead import PLAN as LEAD_PLAN
from distillir.methods.method import Method
from distillir.methods.pairdistill import PAIRDISTILL
from distillir.methods.pairdistill import PLAN as PAIRDISTILL_PLAN
from distillir.methods.vectors import VECTORS
from distillir.plans.plan import Plan
from distillir.plans.stage import Stage
from distillir.specs.registry import Registry

PLAIN_PLAN = Plan("plain", "every query once an epoch, each with some of its candidates, in shuffled order", (Stage(),))

_METHODS = (AUTO, KL, MARGIN_MSE, RANKNET, INFO_NCE, CL_DRD, CKL, ADAM, PAIRDISTILL, LEAD, VECTORS, SIGNALS_ALONE)
_PLANS = (PLAIN_PLAN, CL_DRD_PLAN, PAIRDISTILL_PLAN, LEAD_PLAN)
METHODS: Registry[Method] = Registry(
    "method", "distillir.methods", Method, {method.name: method for method in _METHODS}, unknown="no method {name}"
)
PLANS: Registry[Plan] = Registry(
    "plan", "distillir.plans", Plan, {plan.name: plan for plan in _PLANS}, unknown="no plan {name}"
)


def get_method(name: str) -> Method:
    """The method of a name.

    Raises:
        DistillirError: There is none; the message names the nearest.
    """
    return METHODS.get(name, "method")


def get_plan(name: str) -> Plan:
    """The plan of a name.

    Raises:
        DistillirError: There is none; the message names the nearest.
    """
    return PLANS.get(name, "method.plan")
