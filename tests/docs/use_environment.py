"""An environment for libraries that do not go together with the tests' own: beside it, and reading from it."""

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv-use"
CONSTRAINTS = ROOT / "constraints-use.txt"


def environment(packages: list[str]) -> Path:
    """The Python that has the packages, installed where they are not yet.

    A ``.pth`` file names the tests' own packages, so that pip takes torch and its kin for installed; what must be of
    another version is put beside them, and comes first.

    Args:
        packages: Names, whose versions `CONSTRAINTS` has.
    """
    python = FOLDER / "bin" / "python"
    shared = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    wanted = "\n".join([sys.version, *shared, *packages, CONSTRAINTS.read_text(encoding="utf-8")])
    stamp, told = FOLDER / "made-of", hashlib.sha256(wanted.encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == told:
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", FOLDER], check=True)
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True).stdout.strip()
    (Path(own) / "shared.pth").write_text("\n".join(shared) + "\n")
    install: list[str | Path] = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-c",
        CONSTRAINTS,
        *packages,
    ]
    subprocess.run([python, *install], check=True)
    stamp.write_text(told)
    return python
