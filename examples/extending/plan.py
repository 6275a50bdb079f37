"""A plan: first short lists of the teacher's best and some others, then lists as the recipe's training has them."""

from distillir.plans.plan import Plan
from distillir.plans.stage import GradedSpec, Stage

PLAN = Plan(
    name="short-first",
    description="the teacher's best two and two drawn from further down, then plain lists at half the rate",
    stages=(
        Stage(lists=GradedSpec(top=2, hard=1, remaining=1), learning_rate=1e-4, epochs=1),
        Stage(learning_rate=5e-5, epochs=1),
    ),
)
