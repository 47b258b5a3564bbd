"""A CMS that is away: what is to be published there waits and says for what, and is published once
when it is back.

No test waits itself: the ledger's clock is moved from one due time to the next.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from drafts import small_draft
from fault_proxy import Proxy
from publishing_jobs import Jobs

from contentstudio import articles
from contentstudio import config as settings
from contentstudio.model import Draft
from contentstudio.publish import slug_drafts
from overnight.operations import dead_letters
from overnight.operations.filters import Filter
from overnight.store.database import Database

pytestmark = pytest.mark.contract

HOUR, DAY = 3_600.0, 86_400.0
OUTAGE = 70 * 60.0
MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)


def draft(slug: str = "compost", site: str = "garden") -> Draft:
    return small_draft(slug, site=site, tags=["soil"])


class House(Jobs):
    """A studio with a site on a Ghost behind a proxy, and another one that is a folder."""

    def __init__(self, database: Database, file: Path, proxy: Proxy, store: Any) -> None:
        super().__init__(database, file)
        self.proxy, self.store = proxy, store
        self.configure()

    def configure(self, *, url: str = "", window: str = "", publishing: str = "") -> None:
        url = url or self.proxy.url
        site = (
            "[[site]]\nname = '{0}'\nurl = 'https://{0}.example'\nsources = ['https://a.example']\n"
        )
        self.file.write_text(
            "[writing]\nwriter = 'offline'\noffline_articles = "
            f"'publish'\n[publishing]\n{publishing}\n"
            f"{site.format('garden')}publish = {{ to = 'ghost', url = '{url}', private = "
            f"true }}\n{window}\n"
            f"{site.format('shed')}",
            "utf-8",
        )

    def break_down(self, fault: str, **headers: str) -> None:
        """Nothing gets through from now on."""
        self.proxy.headers = headers
        for method in ("GET", "POST", "PUT"):
            self.proxy.fault(fault, method, "/", times=10**9)

    async def row(self, job: str = "one") -> dict[str, Any]:
        found = await self.database.one(
            "select status, outcome, error, failures, attempt, due_at, "
            "extract(epoch from due_at - ledger_now())::float8 as waits "
            "from runs where job_id = %s and step in ('publish', 'unpublish')",
            [job],
        )
        assert found is not None
        return found

    def slugs(self) -> list[str]:
        """The slugs of the posts that readers see, and that there are no others."""
        assert {post["status"] for post in self.store.posts.values()} <= {"published"}
        return sorted(post["slug"] for post in self.store.posts.values())


@pytest.fixture
async def house(
    database: Database,
    tmp_path: Path,
    ghost_module: Any,
    ghost_server: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    monkeypatch.setenv("CONTENTSTUDIO_SECRET_GARDEN", ghost_module.KEY)
    monkeypatch.setattr(slug_drafts, "PAUSES", (0.0, 0.0))
    with Proxy(ghost_server.port) as proxy:
        made = House(database, tmp_path / "contentstudio.toml", proxy, ghost_server.store)
        await made.clock.set(MONDAY)
        yield made


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses connections, for it is taken and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize(
    "fault", ["502 before", "503 before", "429 before", "reset before", "502 after", "reset after"]
)
async def test_an_outage_of_more_than_an_hour_ends_no_lone_article(
    house: House, fault: str
) -> None:
    """Those `after` are carried out: the answers alone are lost, and what was written is found when
    it is asked for.
    """
    house.break_down(fault)
    await house.begin("one", draft())
    await house.work_for(OUTAGE)
    row = await house.row()
    assert (row["status"], row["outcome"]) == ("queued", "retry")
    assert (
        "not done since 2026-11-23 12:00 UTC, and tried again until 2026-11-24 12:00 UTC"
        in row["error"]
    )
    assert (
        row["failures"] <= 5 + OUTAGE / 600
    )  # once its breaker is open, one probe each ten minutes
    house.proxy.heal()
    await house.work_for(HOUR / 2)
    assert (await house.row())["status"] == "succeeded"
    assert house.slugs() == ["compost"]


async def test_a_server_that_is_down_is_waited_for_like_a_wrong_answer(
    house: House, closed_port: int
) -> None:
    house.configure(url=f"http://127.0.0.1:{closed_port}")
    await house.begin("one", draft())
    await house.work_for(OUTAGE)
    assert "tried again until" in (await house.row())["error"]
    house.configure()
    await house.work_for(HOUR / 2)
    assert (await house.row())["status"] == "succeeded"
    assert house.slugs() == ["compost"]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("asks", "seconds"),
    [
        ("1800", 1_800),
        ("in half an hour, as a date", 1_800),
        ("604800", HOUR),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1),
        ("soon", 1),
    ],
)
async def test_a_cms_rests_as_long_as_it_asks_for_at_most_an_hour(
    house: House, status: int, asks: str, seconds: float
) -> None:
    if asks.endswith("as a date"):
        asks = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    house.break_down(f"{status} before", **{"Retry-After": asks})
    await house.begin("one", draft())
    await house.work_for(0.01)
    assert (await house.row())["failures"] == 1
    assert (await house.row())["waits"] == pytest.approx(
        seconds, rel=0.3, abs=300 if seconds > 60 else 1
    )


async def test_a_window_that_closes_meanwhile_is_waited_for(house: House) -> None:
    window = "window = { hours = ['08:00', '18:00'] }"
    house.configure(window=window)
    await house.clock.set(MONDAY.replace(hour=17, minute=30))
    house.break_down("502 before")
    await house.begin("one", draft())
    await house.work_for(OUTAGE)
    row = await house.row()
    assert (row["status"], row["outcome"]) == ("queued", "snooze")
    assert row["error"].startswith("the window of “garden” is closed")
    assert "first failure 2026-11-23 17:30 UTC" in row["error"]
    assert f"{row['due_at']:%Y-%m-%d %H:%M}" == "2026-11-24 08:00"
    house.proxy.heal()
    asked = len(house.proxy.told)
    await house.work_for(DAY / 2)
    assert (len(house.proxy.told), house.slugs()) == (asked, [])  # nobody asks while it is closed
    await house.work_for(2 * HOUR)
    assert (await house.row())["status"] == "succeeded"
    assert house.slugs() == ["compost"]


async def test_a_weekly_window_is_waited_for_once_more_then_given_up(house: House) -> None:
    house.configure(window="window = { days = ['mon'], hours = ['08:00', '12:30'] }")
    house.break_down("502 before")
    await house.begin("one", draft())
    await house.work_for(6 * DAY)
    assert f"{(await house.row())['due_at']:%Y-%m-%d %H:%M}" == "2026-11-30 08:00"
    await house.work_for(2 * DAY)
    row = await house.row()
    assert row["status"] == "queued"  # to the end of that window, and no try was left out
    await house.work_for(7 * DAY)
    row = await house.row()
    assert row["status"] == "dead"
    assert "since 2026-11-23 12:00 UTC" in row["error"]


async def test_an_outage_of_two_days_is_a_dead_letter_with_its_start(house: House) -> None:
    house.break_down("503 before")
    await house.begin("one", draft())
    await house.work_for(2 * DAY)
    row = await house.row()
    assert row["status"] == "dead"
    assert "“garden” cannot be written to since 2026-11-23 12:00 UTC" in row["error"]
    assert "was answered 503" in row["error"]
    assert "replay it" in row["error"]
    house.proxy.heal()
    await dead_letters.replay(None, house.database, Filter(job="one"))
    await house.work()
    assert (await house.row())["status"] == "succeeded"
    assert house.slugs() == ["compost"]


async def test_a_replay_has_all_its_hours_again(house: House) -> None:
    house.configure(publishing="retry_hours = 2")
    house.break_down("503 before")
    await house.begin("one", draft())
    await house.work_for(4 * HOUR)
    assert (await house.row())["status"] == "dead"
    await dead_letters.replay(None, house.database, Filter(job="one"))
    await house.work_for(OUTAGE)
    assert (
        "not done since 2026-11-23 16:00 UTC, and tried again until 2026-11-23 18:00"
        in (await house.row())["error"]
    )


async def test_the_articles_of_a_site_share_its_breaker_and_all_arrive(house: House) -> None:
    slugs = ["beans", "compost", "leeks", "mulch", "roses", "turnips"]
    house.break_down("502 before")
    for slug in slugs:
        await house.begin(slug, draft(slug))
    await house.work_for(OUTAGE)
    rows = [await house.row(slug) for slug in slugs]
    assert {row["status"] for row in rows} == {"queued"}
    assert sum(row["failures"] for row in rows) <= 2 * len(slugs) + OUTAGE / 600
    house.proxy.heal()
    await house.work_for(HOUR / 2)
    assert {(await house.row(slug))["status"] for slug in slugs} == {"succeeded"}
    assert house.slugs() == slugs


async def test_another_site_goes_on_meanwhile(house: House) -> None:
    house.break_down("502 before")
    await house.begin("one", draft())
    await house.work_for(HOUR)
    assert (await house.publish("two", draft(site="shed")))["status"] == "succeeded"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
async def test_a_refusal_ends_at_once(house: House, status: int) -> None:
    house.break_down(f"{status} before")
    await house.begin("one", draft())
    await house.work_for(0.01)
    row = await house.row()
    assert (row["status"], row["failures"]) == ("dead", 1)


async def test_an_article_is_unpublished_when_the_cms_is_back(house: House) -> None:
    assert (await house.publish("one", draft()))["status"] == "succeeded"
    house.break_down("502 before")
    started = await articles.ask(
        house.app,
        settings.load(house.file),
        house.database,
        "unpublish",
        "garden",
        "compost",
        reason="a mistake in it",
    )
    await house.work_for(OUTAGE)
    assert "tried again until" in (await house.row(started.job_id))["error"]
    house.proxy.heal()
    await house.work_for(HOUR / 2)
    assert (await house.row(started.job_id))["status"] == "succeeded"
    assert [post["status"] for post in house.store.posts.values()] == ["draft"]


async def test_a_requested_version_is_retried_for_hours_not_by_windows(house: House) -> None:
    assert (await house.publish("one", draft()))["status"] == "succeeded"
    house.configure(window="window = { days = ['sat'] }", publishing="retry_hours = 3")
    house.break_down("502 before")
    started = await articles.ask(
        house.app, settings.load(house.file), house.database, "publish", "garden", "compost"
    )
    await house.work_for(HOUR)
    assert "tried again until 2026-11-23 15:" in (await house.row(started.job_id))["error"]
    await house.work_for(3 * HOUR)
    assert (await house.row(started.job_id))["status"] == "dead"
