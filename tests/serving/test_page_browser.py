"""The page in a real browser: query, click, keyboard alone, light and dark, narrow and wide, hostile texts."""

import shutil
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from served_run import (  # noqa: F401 - fixtures
    HOSTILE,
    SCRIPT,
    address,
    hostile_collection,
    run_folder,
    served,
    serving,
)

from distillir.serving.served import Served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as found:
        started = found.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    with _page(browser, address) as found:
        yield found


class _page:  # noqa: N801 - used as a function
    """A page that complains of nothing, asks nobody else, and shows the list of queries."""

    def __init__(self, browser: Any, address: str, width: int = 1400, **options: Any) -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 800}, **options)
        self.address, self.complaints = address, list[str]()

    def __enter__(self) -> Any:
        self.page.set_default_timeout(200_000)  # machines that do other things beside are slow
        self.page.on("console", lambda told: self.complaints.append(told.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._note)
        self.page.goto(self.address)
        self.page.wait_for_selector("#judged li")
        return self.page

    def _note(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:")):
            self.complaints.append(f"asked {request.url}")

    def __exit__(self, *error: object) -> None:
        self.page.close()
        # The browser itself logs each answer of 4xx and 5xx.
        assert [told for told in self.complaints if "the server responded with a status of 4" not in told] == []


def _ask(page: Any, query: str) -> None:
    page.fill("#query", query)
    page.keyboard.press("Enter")
    page.locator("#status", has_text="answered").wait_for()


def test_query_click_and_text(page: Any) -> None:
    _ask(page, "how do bees keep warm in winter")
    assert page.locator(".system > h3").all_inner_texts()[0].startswith("before")
    assert page.locator("section.system").count() == 3 and page.locator(".hit mark").count() > 3
    assert "ms" in page.inner_text(".system > h3 small") and page.locator(".hit .facts :text('was')").count() > 0
    title = page.locator("[data-system=bm25] .open").first
    words = title.inner_text()
    title.click()
    page.wait_for_selector("dialog[open]")
    assert page.inner_text("#document-title") == words and page.locator("#document-text mark").count() > 0
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0


def test_a_document_of_markup_is_shown_as_text(page: Any) -> None:
    _ask(page, "bees honey script")
    hit = page.locator(f"[data-system=bm25] li[data-id={_quoted(HOSTILE)}]")
    assert hit.locator("p").inner_text() == SCRIPT and hit.locator("b, img, script").count() == 0
    hit.locator(".open").click()
    page.wait_for_selector("dialog[open]")
    assert page.inner_text("#document-text") == SCRIPT and page.inner_text("#document-title") == HOSTILE
    assert "ran" not in page.title()
    page.keyboard.press("Escape")
    _ask(page, "<img src=x onerror=\"document.title='ran'\">")
    assert "ran" not in page.title() and page.locator("main img").count() == 0


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def test_by_keyboard_alone(page: Any) -> None:
    def focused(what: str) -> Any:
        return page.evaluate(f"document.activeElement.{what}")

    def tab_to(selector: str, most: int = 60) -> None:
        for _ in range(most):
            page.keyboard.press("Tab")
            if page.evaluate(f"document.activeElement.matches({selector!r})"):
                return
        raise AssertionError(f"{selector} is not reached by Tab")

    page.keyboard.press("Tab")
    assert focused("className") == "skip"
    page.keyboard.press("/")
    assert focused("id") == "query"
    page.keyboard.type("how do bees keep warm")
    page.keyboard.press("Enter")
    page.wait_for_selector(".hit")
    tab_to(".open")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"  # where the focus is can be seen
    words = focused("innerText")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    assert page.inner_text("#document-title") == words
    page.keyboard.press("Escape")
    assert focused("innerText") == words  # back where it was
    tab_to("#judged button", most=300)
    asked = page.evaluate("document.activeElement.firstChild.textContent")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-system=teacher]")
    assert page.input_value("#query") == asked and page.locator("#judged [aria-current=true]").count() == 1
    page.keyboard.press("Shift+Tab")
    tab_to("#theme", most=300)


def test_evaluation_queries_show_their_judgements(page: Any, served: Served) -> None:
    query = next(each for each in served.queries.listed if each.after)
    page.locator(f"#judged button[data-id={_quoted(query.id)}]").click()
    page.wait_for_selector(".hit.good")
    assert "✓ relevant" in page.locator(".hit.good").first.inner_text()
    assert f"{query.relevant} judged relevant" in page.inner_text("#status")
    page.select_option("#order", "true")
    page.locator(f"#judged li:first-child button[data-id={_quoted(served.queries.listed[-1].id)}]").wait_for()


def test_the_teacher_is_asked_by_a_button(page: Any) -> None:
    _ask(page, "how do bees keep warm")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/teacher" in request.url else None)
    after = page.locator("[data-system=after] li").evaluate_all("all => all.map(one => one.dataset.id)")
    page.click("#teacher")
    page.wait_for_selector("[data-system='teacher of these']")
    ordered = page.locator("[data-system='teacher of these'] li").evaluate_all("all => all.map(one => one.dataset.id)")
    assert sorted(ordered) == sorted(after[:10]) and len(asked) == 1


def test_a_paid_teacher_is_asked_after_a_word(browser: Any, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    assert served.teacher is not None
    monkeypatch.setattr(served.teacher, "paid", True)
    with serving(served) as address, _page(browser, address) as page:
        _ask(page, "how do bees keep warm")
        page.click("#teacher")
        assert "may cost money" in page.inner_text("#teacher-word")
        page.wait_for_timeout(300)
        assert page.locator("[data-system='teacher of these']").count() == 0
        page.click("#teacher")
        page.wait_for_selector("[data-system='teacher of these']")


def test_what_is_refused_is_a_line_on_the_page(page: Any) -> None:
    for query, why in (("a" * 100_000, "100,000 characters"), ("   ", "Type a query first")):
        page.fill("#query", query)
        page.keyboard.press("Enter")
        page.locator("#problem", has_text=why).wait_for()
    _ask(page, "bees\u0001honey")
    assert page.inner_text("#problem") == ""


@pytest.mark.parametrize("width", [320, 768, 1400])
def test_nothing_sticks_out_to_the_side(browser: Any, address: str, width: int) -> None:
    with _page(browser, address, width) as page:
        page.locator("#judged button").first.click()
        page.wait_for_selector("[data-system=teacher]")
        _fits(page, width)
        page.locator(".open").last.click()
        page.wait_for_selector("dialog[open]")
        _fits(page, width)
        page.goto(f"{address}/docs")
        _fits(page, width)


def _fits(page: Any, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = """[...document.querySelectorAll("button, input, select, h1, h2, h3, li, p")].filter((one) => {
      const box = one.getBoundingClientRect();
      return box.width && !one.closest(".wide, .hidden, .skip") && (box.right > innerWidth + 1 || box.left < -1);
    }).map((one) => one.outerHTML.slice(0, 80))"""
    assert page.evaluate(outside) == []


def test_light_and_dark_by_the_system_and_by_the_button(browser: Any, address: str) -> None:
    for scheme, other in (("light", "dark"), ("dark", "light")):
        with _page(browser, address, color_scheme=scheme) as page:
            assert _paper(page) is (scheme == "light")
            while page.inner_text("#theme") != f"Theme: {other}":
                page.click("#theme")
            assert _paper(page) is (other == "light")
            page.reload()
            assert _paper(page) is (other == "light")  # kept


def _paper(page: Any) -> bool:
    """Whether the page is light."""
    red = page.evaluate("getComputedStyle(document.body).backgroundColor").split("(")[1].split(",")[0]
    return int(red) > 128


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(browser: Any, address: str, scheme: str) -> None:
    contrast = """() => {
      const light = (color) => { const c = color.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
        .map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126*c[0]+.7152*c[1]+.0722*c[2]; };
      const ground = (one) => { while (one) { const c = getComputedStyle(one).backgroundColor;
        if (!/, 0\\)$/.test(c)) return c; one = one.parentElement; } return "rgb(255,255,255)"; };
      const low = [];
      for (const one of document.querySelectorAll("p, span, small, button, label, h1, h2, h3, mark, legend, a")) {
        if (!one.textContent.trim() || !one.getBoundingClientRect().width) continue;
        const a = light(getComputedStyle(one).color), b = light(ground(one));
        const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        if (ratio < 4.5) low.push(`${one.tagName}.${one.className} ${ratio.toFixed(2)}`);
      }
      return [...new Set(low)];
    }"""
    with _page(browser, address, color_scheme=scheme) as page:
        page.locator("#judged button").first.click()
        page.wait_for_selector("[data-system=teacher]")
        assert page.evaluate(contrast) == []  # WCAG AA


def test_a_screen_reader_finds_its_way(page: Any) -> None:
    _ask(page, "how do bees keep warm")
    tree = page.locator("body").aria_snapshot()
    for part in ("banner", "search", "main", "complementary", "contentinfo", "status", "list", 'searchbox "Query"'):
        assert part in tree, part
    assert page.locator("section.system[aria-labelledby]").count() == 3
    named = """[...document.querySelectorAll("button, input, select")].filter((one) =>
      !(one.textContent.trim() || one.labels?.length || one.ariaLabel)).length"""
    assert page.evaluate(named) == 0
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1 and all(after <= before + 1 for before, after in pairwise(levels))
