"""A real headless Chromium, and pages on which nothing may go wrong."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

CHROMIUM = os.environ.get("OVERNIGHT_CHROMIUM") or shutil.which("chromium")
QUIET = [  # Chromium's own business, such as updates, is none of these tests'
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
LEFT = ("net::ERR_ABORTED",)  # what was under way when the page was left
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
REFUSED = "Failed to load resource: the server responded with a status of"
# The sum of what moves without anybody's doing. Up to 0.1 a page is good: https://web.dev/articles/cls
MAX_SHIFT = 0.1
WATCH = """window.moved = [];
window.shifts = new PerformanceObserver(list => moved.push(...list.getEntries()));
shifts.observe({type: 'layout-shift', buffered: true})"""
# Once what comes after the page is there and two frames are drawn: how much moved, and what.
MOVED = """async () => {
  for (let n = 0; n < 2; n++) await new Promise(requestAnimationFrame);
  const own = [...moved, ...shifts.takeRecords()].filter(each => !each.hadRecentInput);
  const names = own.flatMap(each => each.sources).map(each => each.node?.outerHTML?.slice(0, 120));
  return [own.reduce((sum, each) => sum + each.value, 0), names];
}"""
# The rules that may say something else in another look than light.
RULES: dict[str, tuple[str, ...]] = {
    "light": (),
    "dark": ("color-contrast", "link-in-text-block"),
    "phone": ("target-size", "scrollable-region-focusable"),
}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 860}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 860}},
    "phone": {
        "color_scheme": "light",
        "viewport": {"width": 390, "height": 844},
        "is_mobile": True,
        "has_touch": True,
    },
}


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    assert CHROMIUM, (
        "there is no chromium: apt-get install chromium, or name it with OVERNIGHT_CHROMIUM"
    )
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        await browser.close()


def pictures() -> Path | None:
    """The folder for pictures of every page that OVERNIGHT_SCREENSHOTS names."""
    named = os.environ.get("OVERNIGHT_SCREENSHOTS")
    return Path(named) if named else None


@asynccontextmanager
async def page_of(
    browser: Browser, look: str = "light", *, answers: tuple[int, ...] = (), **more: Any
) -> AsyncIterator[Page]:
    """A page on which nothing may go wrong: no script's error, no refused asset, nothing that a
    text of ours ran. `answers` are the statuses of the refusals that a test is about.
    """
    context = await browser.new_context(**LOOKS[look], **more)
    await context.add_init_script(WATCH)
    page = await context.new_page()
    wrong: list[str] = []
    expected = tuple(f"{REFUSED} {status}" for status in answers)

    def note(said: ConsoleMessage) -> None:
        if said.type in ("error", "warning") and not (expected and said.text.startswith(expected)):
            wrong.append(said.text)

    page.on("console", note)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "requestfailed",
        lambda request: wrong.append(request.url) if request.failure not in LEFT else None,
    )
    page.on("dialog", lambda dialog: wrong.append(f"a dialog: {dialog.message}"))
    yield page
    assert wrong == [], wrong
    assert await page.title() != "run"
    await context.close()


async def check_width(page: Page) -> None:
    """Nothing of a page is to be scrolled to sideways, and no button stands outside its table."""
    wide, window = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= window, f"{page.url} is wider than the window"
    outside = await page.evaluate(
        "[...document.querySelectorAll('table.rows td.press button')].filter(button =>"
        " button.getBoundingClientRect().right > "
        "button.closest('table').getBoundingClientRect().right).length"
    )
    assert outside == 0, f"{page.url} has buttons outside their table"


async def check_steady(page: Page) -> None:
    """Nothing of a page moves while it is loaded, nor when what comes after it arrives."""
    await page.wait_for_function("() => !document.querySelector('[data-unchecked]')")
    moved, what = await page.evaluate(MOVED)
    assert moved < MAX_SHIFT, f"{page.url} moves by {moved:.3f}: {what}"


@cache
def axe() -> str:
    """The script of axe-core, as a package for Playwright has it."""
    return (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


async def check_axe(
    page: Page, schemes: tuple[Scheme, ...] = SCHEMES, rules: tuple[str, ...] = ()
) -> None:
    """axe finds nothing serious against WCAG 2.2 AA, or against these rules of it alone. Frames are
    pages of their own.
    """
    await page.evaluate(f"window.axe || (() => {{ {axe()} }})()")
    options = {
        "runOnly": {"type": "rule", "values": rules} if rules else {"type": "tag", "values": WCAG},
        "resultTypes": ["violations"],
        "iframes": False,
    }
    for scheme in schemes:
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        results = await page.evaluate("options => axe.run(document, options)", options)
        faults = [
            f"{fault['id']}: {fault['help']}: {node['html']} {node['failureSummary']}"
            for fault in results["violations"]
            if fault["impact"] in ("serious", "critical")
            for node in fault["nodes"]
        ]
        assert faults == [], f"{page.url}, {scheme}: " + "\n".join(faults[:20])
