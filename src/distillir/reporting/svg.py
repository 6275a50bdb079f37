"""Matplotlib drawings as SVG that lives inside a page: its fonts, its colours (light and dark), no ids that clash.

Text stays text, set in the page's font, so that any script shows, words can be found and copied, and the file is
the same on every machine (matplotlib lays out with the DejaVu font it brings along).
"""

import io
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

# A colour nobody else uses stands for each of the page's colours until the SVG is written; then it becomes
# `var(--name)`, which the page sets for light, dark and print.
COLOURS = {
    name: f"#0000{number:02x}"
    for number, name in enumerate(
        ("ink", "soft", "line", "paper", "before", "after", "teacher", "gain", "loss"), start=0xA1
    )
}
UNIT = 72.0  # matplotlib's SVG has 72 units an inch

STYLE = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 12,
    "text.color": COLOURS["ink"],
    "axes.labelcolor": COLOURS["soft"],
    "axes.labelsize": 12,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.titlecolor": COLOURS["soft"],
    "axes.edgecolor": COLOURS["line"],
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 2 / UNIT,
    "figure.constrained_layout.h_pad": 2 / UNIT,
    "grid.color": COLOURS["line"],
    "grid.linewidth": 0.8,
    "xtick.color": COLOURS["line"],
    "ytick.color": COLOURS["line"],
    "xtick.labelcolor": COLOURS["soft"],
    "ytick.labelcolor": COLOURS["soft"],
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 11,
    "legend.handlelength": 1.2,
    "lines.linewidth": 2,
    "lines.solid_capstyle": "round",
}


def draw(name: str, label: str, size: tuple[float, float], paint: Callable[["Canvas"], None]) -> Markup:
    """Draw with matplotlib and give the drawing as an ``<svg>`` element.

    Args:
        name: Prefix of every id inside; no two drawings of a page may share it.
        label: What the drawing shows, in words, for those who do not see it.
        size: Width and height of the view box; text in it is 12 high.
        paint: Draws on the matplotlib figure it is given.

    Returns:
        An SVG element that scales to the width of its parent, the same bytes for the same input.
    """
    import matplotlib.style
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as Canvas

    with (
        matplotlib.style.context("default"),  # whatever the user's matplotlibrc says
        matplotlib.rc_context({**STYLE, "svg.hashsalt": name}),
        warnings.catch_warnings(),
    ):
        # Layout measures text in DejaVu; what it has no glyph for, the browser's fonts show.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        canvas = Canvas(figsize=(size[0] / UNIT, size[1] / UNIT))
        FigureCanvasSVG(canvas)
        paint(canvas)
        if (layout := canvas.get_layout_engine()) is not None:
            # Laid out here: savefig, where it has a layout to make, draws a figure twice.
            layout.execute(canvas)
            with matplotlib.rc_context({"figure.constrained_layout.use": False}):
                canvas.set_layout_engine(None)
        written = _written(canvas, name)
    return _embed(written, name, label)


def _written(canvas: "Canvas", name: str) -> str:
    """A stand-alone SVG file of the figure of that name."""
    written = io.StringIO()
    canvas.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()


def _embed(svg: str, name: str, label: str) -> Markup:
    """Make a stand-alone SVG file a part of a page."""
    inside = svg[svg.index("<svg") :]
    box = re.search(r'viewBox="([^"]*)"', inside)
    body = re.sub(r"<metadata>.*?</metadata>", "", inside[inside.index(">") + 1 :], flags=re.DOTALL)
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    body = re.sub(r" font-family: [^;\"]*;?", "", body)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = body.replace("url(#", f"url(#{name}-").replace('xlink:href="#', f'href="#{name}-')
    for colour, value in COLOURS.items():
        body = body.replace(value, f"var(--{colour})")
    body = re.sub(r"<(?:path|use|text|rect)\b[^>]*>", _rounded, body)
    body = re.sub(r"\s*\n\s*", "\n", body)
    start = Markup('<svg class="{}" viewBox="{}" role="img" aria-label="{}">').format(
        name, box.group(1) if box else "", label
    )
    return start + Markup(body)


def _rounded(tag: re.Match[str]) -> str:
    """Coordinates to a hundredth of a unit, finer than any screen shows: it halves the page."""
    return re.sub(r"(?<=[\s\"(])-?\d+\.\d{3,}", lambda number: f"{float(number.group()):.2f}", tag.group())
