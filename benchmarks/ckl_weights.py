"""Draw what CKL's weights do: docs/methods/ckl-weights.svg, and the numbers behind it.

python benchmarks/ckl_weights.py
"""

from pathlib import Path

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt
import torch

from distillir.objectives import ckl, kl

OUTPUT = Path(__file__).parent.parent / "docs" / "methods" / "ckl-weights.svg"
SETTINGS = ((0.5, 0.0), (1.0, 0.5), (2.0, 0.0), (5.0, 0.0))

#: One list: the positive, a negative that the teacher mistakenly prefers, and eight easier ones.
TEACHER = torch.tensor([[2.0, 2.5, 1.5, 1.2, 1.0, 0.5, 0.2, 0.0, -0.5, -1.0]])
RELEVANT = torch.zeros(1, 10, dtype=torch.bool)
RELEVANT[0, 0] = True


def gradient(student: torch.Tensor, gamma: float, beta: float) -> torch.Tensor:
    """The gradient on a list's scores [N]; gamma and beta of 0 are plain KL."""
    leaf = student.clone().requires_grad_()
    (found,) = torch.autograd.grad(ckl(leaf, TEACHER, RELEVANT, gamma=gamma, beta=beta), leaf)
    return found[0]


def fixed_point(gamma: float, beta: float, *, detach_weights: bool = True) -> torch.Tensor:
    """Where gradient descent on a list's scores, all equal at first, ends: the student's probabilities [N]."""
    leaf = torch.zeros_like(TEACHER).requires_grad_()
    optimizer = torch.optim.Adam([leaf], lr=0.02)
    for _ in range(4000):
        optimizer.zero_grad()
        if gamma == 0:
            loss = kl(leaf, TEACHER)
        else:
            loss = ckl(leaf, TEACHER, RELEVANT, gamma=gamma, beta=beta, detach_weights=detach_weights)
        torch.autograd.backward(loss)
        optimizer.step()
    return leaf.detach().softmax(dim=1)[0]


def main() -> None:
    """Draw the figure and print the fixed points."""
    plt.rcParams.update({"svg.fonttype": "none", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False})
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    q = torch.linspace(0.001, 0.999, 400)
    for number, (gamma, beta) in enumerate(SETTINGS):
        colour, label = f"C{number}", f"γ {gamma:g}, β {beta:g}"
        left.plot(q, (1 - q) ** gamma, color=colour, label=label)
        left.plot(q, q ** (gamma - beta), color=colour, linestyle="--")
    left.set(title="weight of a term (dashed: the hardest negative)", xlabel="student's probability q", ylabel="weight")
    left.legend(frameon=False)
    places = range(10)
    names = ["+", *[str(i) for i in range(1, 10)]]
    ends = {"kl": fixed_point(0.0, 0.0), **{f"γ {g:g}, β {b:g}": fixed_point(g, b) for g, b in SETTINGS}}
    width = 0.16
    for number, (gamma, beta) in enumerate(SETTINGS):
        shift = [place + (number - 1.5) * width for place in places]
        middle.bar(shift, gradient(TEACHER, gamma, beta), width, color=f"C{number}")
        right.bar(shift, ends[f"γ {gamma:g}, β {beta:g}"], width, color=f"C{number}")
    middle.axhline(0, color="gray", linewidth=0.8)
    middle.set(title="gradient where the student copies the teacher (KL: 0)", ylabel="∂L/∂s")
    right.plot(places, ends["kl"], "k_", markersize=18, label="KL: the teacher's own")
    right.set(title="probabilities at the end", ylabel="q")
    right.legend(frameon=False)
    for axes in (middle, right):
        axes.set_xticks(list(places), names)
        axes.set_xlabel("candidate (+ relevant; 1: negative that the teacher prefers)")
    figure.savefig(OUTPUT, metadata={"Date": None})
    print("| | q of the positive | q of the hardest negative | of the other eight together |\n|---|---|---|---|")
    ends["γ 1, β 0, gradient through the weights"] = fixed_point(1.0, 0.0, detach_weights=False)
    for name, end in ends.items():
        print(f"| {name} | {end[0]:.3f} | {end[1]:.3f} | {end[2:].sum():.3f} |")


if __name__ == "__main__":
    main()
