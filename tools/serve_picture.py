"""Take the picture in docs/serve.md: the query of a run that gained most, on a server of it.

distillir serve runs/quickstart --port 8108
python tools/serve_picture.py http://127.0.0.1:8108 docs/serve.png
"""

import argparse
import io
import shutil
from pathlib import Path

#: Colours of the file: the page has few.
COLOURS = 48


def take(address: str, file: Path) -> None:
    """Open the page, ask a query twice (the first wakes the models), and write what is seen.

    Args:
        address: Of the server.
        file: A PNG.
    """
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with sync_playwright() as found:
        browser = found.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 790}, color_scheme="light")
        page.goto(address)
        for _ in range(2):
            page.locator("#judged button").first.click()
            page.locator("#status", has_text="answered").wait_for()
        page.mouse.move(5, 5)
        picture = Image.open(io.BytesIO(page.screenshot()))
        browser.close()
    picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    take(given.address, given.file)
