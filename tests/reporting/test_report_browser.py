"""The report in a real browser: it renders, on a desk and on a phone, by day and by night, without a complaint."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from example_run import make_run_directory

from distillir.collections import Collection
from distillir.reporting import render_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.real
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-logging=stderr", "--allow-file-access-from-files",
]  # fmt: skip
DARK = "--blink-settings=preferredColorScheme=0"

# Measures a page inside a frame of a given width, since the page itself may run no script.
FRAME = """<!doctype html><title>frame</title><body style="margin:0"><p id="said"></p>
<iframe id="frame" src="report.html" style="width:{width}px;height:900px;border:0"></iframe>
<script>
document.getElementById("frame").onload = (event) => {{
  const page = event.target.contentDocument;
  const shown = [...page.querySelectorAll("figure svg")].map((s) => s.getBoundingClientRect()).filter((b) => b.width);
  const outside = [...page.querySelectorAll("figure svg")].filter((s) => s.getBoundingClientRect().width).flatMap((s) =>
    [...s.querySelectorAll("text")].filter((t) => {{
      const a = t.getBoundingClientRect(), b = s.getBoundingClientRect();
      return a.left < b.left - 3 || a.right > b.right + 3 || a.top < b.top - 3 || a.bottom > b.bottom + 3;
    }}));
  const smallest = Math.round(Math.min(...shown.map((b) => Math.min(b.width, b.height))));
  document.getElementById("said").textContent =
    [page.documentElement.scrollWidth, shown.length, smallest, outside.map((t) => t.textContent)].join("|");
}};
</script>"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, tiny: Collection) -> Path:
    return render_report(make_run_directory(tmp_path_factory.mktemp("browser") / "run", tiny), tiny)


def browse(page: Path, profile: Path, *flags: str) -> tuple[str, list[str]]:
    """Open a page; give the DOM (with ``--dump-dom``) and what the page's console said."""
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", *flags, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def shoot(page: Path, folder: Path, width: int, *flags: str) -> npt.NDArray[np.float32]:
    """A screenshot as brightness [height, width] between 0 and 1."""
    import matplotlib.image

    picture = folder / "picture.png"
    browse(page, folder / "profile", f"--screenshot={picture}", f"--window-size={width},2400", *flags)
    pixels: npt.NDArray[np.float32] = matplotlib.image.imread(picture)[..., :3].mean(axis=-1)
    return pixels


def test_renders_every_part_without_a_complaint(report: Path, tmp_path: Path) -> None:
    dom, complaints = browse(report, tmp_path, "--dump-dom")
    assert complaints == []
    assert dom.count("<figure") == 10 and dom.count("<svg") == 12
    assert len(re.findall(r"<path|<use", dom)) > 100
    for section in ("gain", "queries", "training", "teacher", "layers", "time", "again"):
        assert f'<section id="{section}">' in dom


def test_a_complaint_would_be_seen_and_the_page_may_load_nothing(report: Path, tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt.html"
    html = report.read_text(encoding="utf-8").replace(
        "<main>", '<main><img src="other.png"><script>document.title="ran"</script>'
    )
    spoilt.write_text(html, encoding="utf-8")
    dom, complaints = browse(spoilt, tmp_path / "profile", "--dump-dom")
    assert len(complaints) == 2 and all("Content Security Policy" in line for line in complaints)
    assert "<title>ran" not in dom


@pytest.mark.parametrize(("width", "figures"), [(1200, 10), (390, 10), (320, 10)])
def test_fits_desk_and_phone(report: Path, tmp_path: Path, width: int, figures: int) -> None:
    shutil.copy(report, tmp_path / "report.html")
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.format(width=width))
    dom, _ = browse(frame, tmp_path / "profile", "--dump-dom", "--window-size=1400,1000")
    said = re.search(r'id="said">([^<]*)<', dom)
    assert said is not None
    page_width, shown, smallest, outside = said.group(1).split("|")
    assert int(page_width) == width  # nothing sticks out to the side
    assert int(shown) == figures  # of the two drawings of a figure, one
    assert int(smallest) >= 60
    assert outside == ""  # no words of a figure are cut off


@pytest.mark.parametrize("width", [1200, 390])
def test_is_drawn_in_light_and_dark(report: Path, tmp_path: Path, width: int) -> None:
    light = shoot(report, tmp_path, width)
    dark = shoot(report, tmp_path, width, DARK)
    for picture, paper in ((light, 1.0), (dark, 0.1)):
        inked = np.abs(picture - paper) > 0.2
        assert abs(float(np.median(picture)) - paper) < 0.1
        assert 0.03 < inked.mean() < 0.5  # neither blank nor black
        bands = np.array_split(inked, 12)
        assert sum(bool(band.any()) for band in bands) >= 11  # from top to bottom
        assert len(np.unique(np.round(picture, 2))) > 20
