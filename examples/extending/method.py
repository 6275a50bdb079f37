"""A method: a plan and an objective under one name; each is one of the package's or ``module:NAME``."""

from distillir.methods.method import Method

METHOD = Method(
    name="listmle-short-first",
    description="likelihood of the teacher's order, short lists first",
    source="Xia et al. 2008",
    plan="plan:PLAN",
    objective={"objective:LISTMLE": {"student_temperature": 0.1}},
    training={"candidates_per_query": 4},
)
