"""A static site as readers meet it: light, dark, on a phone, with words and tables that are too
wide for it.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from eyes import LOOKS, check_width, page_of
from PIL import Image
from playwright.async_api import Browser, Page

from contentstudio.config import Site
from contentstudio.model import Draft
from contentstudio.publish import StaticSite, own_pages

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
IMPRINT = (
    f"# Imprint\n\n{LONG}, `{LONG}`\n\n```\n{LONG} "
    f"{LONG}\n```\n\n|{'a|' * 9}\n|{'-|' * 9}\n|{f'{LONG}|' * 9}\n"
)
NIGHT = datetime(2026, 3, 1, 4, tzinfo=UTC)
PAGES = {
    "index": "/",
    "index-2": "/page/2/",
    "tag": "/tags/soil/",
    "tag-2": "/tags/soil/page/2/",
    "article": "/a-24/",
    "about": "/about/",
    "imprint": "/imprint/",
    "missing": "/no/such/page/here",
}


class Handler(SimpleHTTPRequestHandler):
    """Shows 404.html where there is no file, as web servers are told to; with 200, for a 404 is an
    error of a page.
    """

    def send_head(self) -> Any:
        path = Path(self.translate_path(self.path))
        if not (path / "index.html").is_file() and not path.is_file():
            self.path = "/404.html"
        return super().send_head()

    def log_message(self, *_: object) -> None: ...


def draft(number: int) -> Draft:
    sentence = {"text": f"A heap of {LONG} is warm.", "source": "s1", "quoted": True}
    blocks = [
        [sentence, {"text": "A heap is warm."}],
        {"kind": "list", "items": [[sentence], [sentence]]},
        {"kind": "quote", "sentences": [sentence]},
        {
            "kind": "table",
            "head": [LONG, "b", "c", "d", "e"],
            "rows": [[[sentence], [], [], [], [sentence]]],
        },
    ]
    return Draft.model_validate(
        {
            **{
                "site": "garden",
                "slug": f"a-{number}",
                "title": f"{LONG} {number}",
                "writer": "offline",
            },
            **{"description": f"What {LONG} is, and number {number}.", "tags": ["Soil", LONG]},
            "sections": [
                {"heading": f"{heading} {LONG}", "paragraphs": blocks} for heading in "ABCDE"
            ],
            "references": [
                {
                    "id": "s1",
                    "url": f"https://{'long' * 14}.example/",
                    "title": LONG,
                    "sha256": "0" * 64,
                }
            ],
            "images": [{"src": "heap.png", "alt": "A heap"}],
        }
    )


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A site of 25 articles with own pages, served on loopback."""
    folder = tmp_path_factory.mktemp("site")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    url = f"http://127.0.0.1:{server.server_port}"
    told = {
        "name": "garden",
        "url": url,
        "title": f"The Garden of {LONG}",
        "sources": ["https://a.example"],
    }
    own = [
        own_pages.parsed("about.md", "# About us\n\nWe grow."),
        own_pages.parsed("imprint.md", IMPRINT),
    ]
    site = StaticSite(
        Site.model_validate({**told, "description": LONG, "color": "#ffcc00"}), folder, own
    )
    picture = io.BytesIO()
    Image.new("RGB", (1600, 900), "#aa2266").save(picture, "PNG")
    for number in range(25):
        site.publish(
            draft(number),
            published_at=NIGHT + timedelta(hours=number),
            pictures={"heap.png": picture.getvalue()},
        )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield url
    server.shutdown()
    thread.join()
    server.server_close()


async def check_fit(page: Page) -> None:
    await check_width(page)
    assert page.viewport_size is not None
    wide = await page.evaluate(
        "document.documentElement.scrollWidth"
    )  # a phone zooms out where a page is too wide
    assert wide <= page.viewport_size["width"], page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("look", ["light", "phone"])
async def test_every_page_of_a_static_site_fits(
    browser: Browser, url: str, look: str, scheme: Any, pictures: Path | None
) -> None:
    async with page_of(browser, look) as page:
        await page.emulate_media(color_scheme=scheme)
        assert page.viewport_size == LOOKS[look]["viewport"]
        for name, path in PAGES.items():
            await page.goto(url + path)
            await check_fit(page)
            assert await page.locator("h1").count() == 1
            if pictures is not None:
                await page.screenshot(
                    path=pictures / f"static-{name}-{look}-{scheme}.png", full_page=True
                )


async def test_readers_find_a_way_from_a_missing_page_to_an_article(
    browser: Browser, url: str
) -> None:
    async with page_of(browser, "phone") as page:
        await page.goto(f"{url}/no/such/page/here")
        await page.get_by_role("main").get_by_role("link").click()
        await page.get_by_role("link", name="Older articles").click()
        await page.wait_for_url("**/page/2/")
        await page.locator(".articles a").first.click()
        await page.locator(".topics a").first.click()
        await page.wait_for_url("**/tags/soil/")
        await page.locator(".articles a").last.click()
        await page.locator(".related a").first.click()
        await page.get_by_role("contentinfo").get_by_role("link", name="Imprint").click()
        await page.wait_for_url("**/imprint/")


async def test_a_picture_keeps_its_space_and_the_focus_is_visible(
    browser: Browser, url: str
) -> None:
    async with page_of(browser, "phone") as page:
        await page.route(
            "**/heap.png",
            lambda route: route.fulfill(status=200, content_type="image/png", body=b""),
        )
        await page.goto(f"{url}/a-3/")
        width, height = await page.evaluate(
            "(() => { const box = document.querySelector('article img').getBoundingClientRect();"
            " return [box.width, box.height]; })()"
        )
        assert height == pytest.approx(width * 9 / 16, abs=1)
        await page.keyboard.press("Tab")
        style = "getComputedStyle(document.activeElement).outlineStyle"
        assert await page.evaluate(f"[document.activeElement.className, {style}]") == [
            "skip",
            "solid",
        ]
