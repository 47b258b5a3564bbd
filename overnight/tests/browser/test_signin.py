"""Who is not in yet, or may not: the login, the return from a provider of sign-ins, and the pages
of refusals, as a person meets them.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx2
import oidc_provider_mock
import pytest
from eyes import LOOKS, check_axe, check_steady, check_width, page_of
from playwright.async_api import Browser, Page, Route

from overnight import App, http
from overnight.console import extension, site
from overnight.console.access import Access
from overnight.console.extension import Console
from overnight.console.oidc import Provider
from overnight.store.database import Database

PASSWORD = "a long enough password"
FORGE = """() => {
  const form = Object.assign(document.createElement("form"), {method: "post", action: "/do/pause"})
  document.body.append(form)
  form.submit()
}"""
# The provider of these tests warns of a library of its own, and asks for a style from elsewhere.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
ELSEWHERE = re.compile("^https:")


async def fail(*_: object) -> dict[str, Any]:
    raise RuntimeError("a fault of ours")


BROKEN = extension.Page("/broken", "search.html", fail)
Served = Callable[[Access], AbstractAsyncContextManager[str]]


@pytest.fixture
def served(app: App, database: Database) -> Served:
    """Serves the console to those whom an access knows, with a page that fails; its address."""

    @asynccontextmanager
    async def served(access: Access) -> AsyncIterator[str]:
        with http.listen("127.0.0.1", 0) as listener:
            built = site.build(app, database, access, own=Console(pages=(BROKEN,)))
            async with http.served(built, listener) as url:
                yield url

    return served


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A provider at another site than the console, as browsers see it: localhost, not 127.0.0.1."""
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def access(issuer: str) -> Access:
    members = {"view": ["readers"], "operate": ["operators"]}
    provider = Provider(issuer, "console-1", members, client_secret="a secret of the client")
    return Access({"operate": PASSWORD}, provider)


async def log_in(page: Page, url: str, password: str) -> None:
    await page.goto(f"{url}/login")
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Log in").click()


async def without_elsewhere(page: Page) -> None:
    """What the pages of the provider ask of other servers is not there."""

    async def answer(route: Route) -> None:
        await route.fulfill(content_type="text/css", body="")

    await page.route(ELSEWHERE, answer)


async def sign_in(page: Page, address: str, issuer: str, person: str, group: str) -> None:
    """Ask for a page, and sign in at the provider as a person of a group."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        known = await client.put(f"{issuer}/users/{person}", json={"groups": [group]})
        assert known.status_code == 204
    await without_elsewhere(page)
    await page.goto(address)
    await page.get_by_role("link", name="Sign in at localhost").click()
    await page.get_by_placeholder("sub").fill(person)
    await page.get_by_role("button", name="Authorize").click()


async def check(page: Page, look: str, heading: str) -> None:
    """A page is as it has to be for everybody."""
    await page.get_by_role("heading", name=heading, level=1).wait_for()
    await check_steady(page)
    await check_width(page)
    await check_axe(page, (LOOKS[look]["color_scheme"],))


async def test_who_signs_in_elsewhere_comes_back_to_the_page(
    browser: Browser, served: Served, access: Access, issuer: str
) -> None:
    async with served(access) as url, page_of(browser) as page:
        await sign_in(page, f"{url}/runs", issuer, "ann", "operators")
        await page.wait_for_url(f"{url}/runs*")
        await page.get_by_role("button", name="Log out ann").click()
        await page.wait_for_url(f"{url}/login*")
        await page.goto(f"{url}/runs")
        assert page.url.startswith(f"{url}/login")


async def test_who_has_no_role_is_told_so_on_the_login_page(
    browser: Browser, served: Served, access: Access, issuer: str
) -> None:
    async with served(access) as url, page_of(browser, answers=(403,)) as page:
        await sign_in(page, url, issuer, "eve", "others")
        await page.get_by_role("alert").get_by_text("eve has no role here").wait_for()
        await check_axe(page)
        await page.goto(url)
        assert page.url.startswith(f"{url}/login")


@pytest.mark.parametrize("look", LOOKS)
async def test_the_login_and_refusals_are_pages_like_others(
    browser: Browser, served: Served, access: Access, look: str
) -> None:
    async with served(access) as url, page_of(browser, look, answers=(403, 404, 500)) as page:
        await page.goto(url)
        await check(page, look, "nightshop")
        await log_in(page, url, "a wrong password")
        await page.get_by_role("alert").get_by_text("not the password").wait_for()
        await check(page, look, "nightshop")
        await log_in(page, url, PASSWORD)
        await page.wait_for_url(f"{url}/")
        for path, heading in (
            ("/nowhere", "Page not found"),
            ("/jobs/0000000000000000", "Page not found"),
            ("/broken", "Error"),
        ):
            await page.goto(url + path)
            await check(page, look, heading)
        await page.evaluate(FORGE)
        await check(page, look, "Not allowed")
        assert await page.locator("main[data-live]").count() == 0  # it is no page to come back to
