"""A month of contentstudio in a ledger: three sites, four weeks of nights, what readers did, and
what goes wrong. The pictures of the documents and the tests of the desk show it.

    python docs/sample/month.py postgresql://…   # fills a new database

The texts are in `articles.txt`. Everything else is made from a seed, relative to the ledger's
clock: the same articles on the same nights, so that two pictures differ only where the code does.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from pydantic_core import to_json
from sample_articles import Article, brief_of, idea_of, read, with_other_number

from contentstudio import app as studio
from contentstudio import config as settings
from contentstudio.analytics import report as reports
from contentstudio.gates.evidence import find
from contentstudio.gates.registry import GATES
from contentstudio.model import Draft, Existing, Fault, Image, Published, QueryFigures, Verdict
from contentstudio.pictures import cards
from contentstudio.pictures.port import src_of
from contentstudio.pipelines import measuring
from contentstudio.pipelines.ids import article_id
from contentstudio.pipelines.work import FiguresQuery, Gathered, Judged, Night, SiteNight, Topic
from contentstudio.publish.port import content_sha256
from contentstudio.store.results import Results
from contentstudio.store.sql import queries
from overnight import App
from overnight.engine.scheduler import declared
from overnight.llm import budgets
from overnight.observability import rollup
from overnight.pipelines.triggers import Cron
from overnight.store.database import Database
from overnight.store.migrations import migrate
from overnight.store.schedules import Schedules
from overnight.store.sql import queries as engine

HERE = Path(__file__).parent
SEED = 20
NIGHTS = 28
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
OLDER = 9  # articles from before the month
MODELS = {"brief": "claude-opus-4-8", "confirm": "claude-haiku-4-5"}
MODEL = "claude-sonnet-4-5"
STEPS = (  # of an article: seconds, calls of models, and dollars of all of them
    ("research", 95, 3, 0.062),
    ("brief", 28, 1, 0.041),
    ("generate", 74, 4, 0.118),
    ("optimize", 3, 0, 0.0),
    ("gate", 41, 2, 0.057),
    ("confirm", 12, 1, 0.019),
    ("publish", 4, 0, 0.0),
    ("ping", 1, 0, 0.0),
)
EDITOR, OWNER = "mara", "jonas"
BUSY = "anthropic: 529 overloaded_error: Overloaded"
NO_LOGIN = (
    "WordPress refuses the password of “studio” (401 rest_not_logged_in): put a new application "
    "password into CONTENTSTUDIO_SECRET_SLOW_KITCHEN"
)
AWAY = "Ghost answered 503 Service Unavailable: Upstream not reachable"
GONE = "https://old-bikes.example/feed.xml answered 404 Not Found"
OLD_PRICE, NEW_PRICE = "between 250 and 500 euros", "between 320 and 640 euros"
IDEAS = (  # site, title, decision, reason, days until it is due
    ("green-balcony", "Which herbs bear a week of frost?", "create", "asked for by mara", 2),
    ("green-balcony", "Balcony beans that need no trellis", "create", "asked for by mara", 5),
    ("green-balcony", "Moss on the soil of pots", "skip", "score 0.38, minimum 0.50", None),
    ("green-balcony", "When to repot a lemon tree", "create", "score 0.71, 3 sources", 9),
    ("green-balcony", "Best tomato varieties 2025", "drop", "we do not rank brands", None),
    ("slow-kitchen", "Panettone without a machine", "create", "asked for by jonas", 4),
    ("slow-kitchen", "Miso from yellow peas", "create", "score 0.66, 2 sources", 11),
    ("slow-kitchen", "Is raw flour safe?", "skip", "1 source: at least 2 are needed", None),
    ("slow-kitchen", "Christmas biscuits with rye", "create", "asked for by jonas", 1),
    ("city-bikes", "Which tube fits my tyre?", "create", "score 0.74, 4 sources", 3),
    ("city-bikes", "Riding on leaves: how to brake", "create", "asked for by mara", 6),
    ("city-bikes", "Belt drive after 20,000 kilometres", "skip", "no source of this year", None),
    ("city-bikes", "Carbon forks for commuters", "drop", "not for our readers", None),
)
PAIRS = (  # two articles on one query
    ("slow-kitchen", "sourdough starter not rising", "Why does my sourdough", "How long does a"),
    ("city-bikes", "bike chain maintenance", "Chain cleaning", "When is a chain"),
)
LOSING = ("Can basil survive", "Which lock for which")  # what others answer better by now
UNCLICKED = ("How to read the crumb", "Do marigolds keep", "Commuting in the rain")
CHECKS = {
    "length": "within 120 to 2500 words",
    "claims": "each sentence with a source stands in it",
    "originality": "no run of 13 words in a row is a source's",
    "rivals": "no other page of the site aims at the same query",
    "judged": "the judge found a passage for each claim",
}


@dataclass
class Rows:
    """What is to be inserted, by table. A run gets its id when all are known: in order of time."""

    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: str, **values: Any) -> dict[str, Any]:
        self.tables.setdefault(table, []).append(values)
        return values

    def run(
        self,
        job: str,
        pipeline: str,
        step: str,
        key: str,
        at: datetime,
        seconds: float = 2.0,
        **more: Any,
    ) -> dict[str, Any]:
        """A run that succeeded at its first attempt, where `more` says nothing else."""
        ended = at + timedelta(seconds=seconds)
        values: dict[str, Any] = {
            **{"status": "succeeded", "outcome": "done", "attempt": 1, "failures": 0},
            **{"input": None, "output": None, "error": None, "error_class": None, "cost_usd": 0},
            **{
                "origin": None,
                "lease_until": None,
                "due_at": at,
                "created_at": at,
                "started_at": at,
            },
            "finished_at": ended,
        }
        ids = {"job_id": job, "pipeline": pipeline, "step": step, "key": key}
        return self.add("runs", **ids, **{**values, **more})

    def failed_attempt(
        self, run: dict[str, Any], outcome: str, error: str, at: datetime, **more: Any
    ) -> None:
        """An attempt of a run that did not simply succeed; the next one, if no number is given."""
        tried = sum(each["run"] is run for each in self.tables.get("attempts", []))
        values = {"attempt": tried + 1, "error_class": "transient", "worker": "studio-1", **more}
        times = {"started_at": at - timedelta(seconds=8), "finished_at": at}
        self.add("attempts", run=run, outcome=outcome, error=error, **times, **values)


class Month:
    """Makes the rows of a month. `now` is the ledger's clock."""

    def __init__(self, app: App, config: settings.Config, now: datetime) -> None:
        self.app, self.config, self.now = app, config, now
        self.random = Random(SEED)  # noqa: S311  repeats itself, and keeps no secret
        self.rows = Rows()
        self.last = last_night(now)
        self.articles = {article.title: article for article in read()}
        free = [title for title in self.articles if title not in HELD]
        losing = [title for title in free if title.startswith(LOSING) or title in REVISED]
        others = [title for title in free if title not in losing]
        self.older = [*losing, *others[:: len(others) // OLDER][:OLDER]]

    def make(self) -> Rows:
        plan = self._plan()
        for back in reversed(range(NIGHTS)):
            night = self.last - timedelta(days=back)
            self._night(night, [title for title, when in plan.items() if when == night])
        for title in self.older:
            self._older(self.articles[title])
        self._ideas()
        self._alerts()
        self._limits()
        return self.rows

    # ── which article on which night ──────────────────────────────────────────────────────────

    def _plan(self) -> dict[str, datetime]:
        """The night of each article that is not older than the month, the sites by turns."""
        titles = [title for title in self.articles if title not in self.older]
        titles.sort(key=lambda title: (self.random.random(), title))
        held = [title for title in titles if title in HELD]
        free = [title for title in titles if title not in HELD]
        nights = [self.last - timedelta(days=back) for back in range(NIGHTS)]
        plan = {title: nights[n * NIGHTS // len(free)] for n, title in enumerate(free)}
        return {**plan, **dict.fromkeys(held, nights[0])}

    def _night(self, at: datetime, titles: Sequence[str]) -> None:
        """What one night did on all sites, and the articles that came of it."""
        sites = [site.name for site in self.config.site]
        night = Night(date=at.date(), sites=sites)
        job = self.app.pipeline("night").job(night).job_id
        self.rows.run(job, "night", "sites", "", at, 0.4, output=sites, origin="cron 0 4 * * *")
        for number, site in enumerate(sites):
            self._site_night(site, at + timedelta(seconds=2 + number))
        for number, title in enumerate(titles):
            self._article(self.articles[title], at + (8 + 4 * number) * MINUTE)

    def _site_night(self, name: str, at: datetime) -> None:
        """The research of a site: its sources, its memory, and the choice of ideas."""
        site, day = self.config.find(name), at.date()
        work = SiteNight(site=name, date=day)
        research = self.app.pipeline("research").job(work).job_id
        self.rows.run(research, "research", "plan", name, at, 0.5)
        memory = self.app.pipeline("memory").job(work).job_id
        self.rows.run(memory, "memory", "remember", name, at + MINUTE / 4, 9.0)
        for number, source in enumerate(site.sources):
            self._source(name, str(getattr(source, "feed", source)), at, number)
        topic = f"{article_id(name, 'topic', day)}"
        cost = round(self.random.uniform(0.01, 0.03), 4)
        run = self.rows.run(
            topic,
            "topic",
            "choose",
            name,
            at + 5 * MINUTE,
            34.0,
            cost_usd=cost,
            origin="event candidate.found",
        )
        self._call(run, MODEL, cost)

    def _source(self, site: str, source: str, at: datetime, number: int) -> None:
        """One source, which now and then has nothing new, or is away for a moment."""
        job = article_id(site, source.split("=")[-1].strip("'"), at.date())
        begins = at + MINUTE / 3 + number * MINUTE / 2
        given = {"site": site, "url": source, "date": at.date()}
        if "old-bikes" in source and (self.last.date() - at.date()).days < 3:
            error = {"error": GONE, "error_class": "permanent"}
            run = self.rows.run(
                job,
                "source",
                "read",
                site,
                begins,
                3.0,
                status="dead",
                outcome="error",
                input=given,
                failures=1,
                **error,
            )
            self.rows.failed_attempt(run, "error", GONE, begins, error_class="permanent")
            return
        lucky = self.random.random()
        if lucky < 0.5:
            nothing = f"unchanged since {at.date() - timedelta(days=1)}"
            self.rows.run(
                job,
                "source",
                "read",
                site,
                begins,
                1.2,
                outcome="no_work",
                input=given,
                error=nothing,
            )
            return
        run = self.rows.run(
            job,
            "source",
            "read",
            site,
            begins,
            self.random.uniform(1, 6),
            input=given,
            output={"entries": self.random.randint(1, 6)},
        )
        if lucky > 0.94:
            run |= {"attempt": 2, "failures": 1}
            self.rows.failed_attempt(run, "retry", "the server answered 502 Bad Gateway", begins)

    # ── an article ────────────────────────────────────────────────────────────────────────────

    def _article(self, article: Article, at: datetime) -> None:
        """The job of an article, as far as it came."""
        if article.title == WAITING[0]:
            article = with_other_number(article, OLD_PRICE, NEW_PRICE)
        job = article_id(article.site, article.slug, at.date())
        draft = self._with_picture(article)
        brief = brief_of(article, at)
        judged = Judged(draft=draft, verdicts=list(self._verdicts(article)))
        url = f"https://{article.site}.example/{article.slug}/"
        published = Published(url=url, action="created", sha256=content_sha256(draft))
        outputs: dict[str, Any] = {
            "research": brief.research,
            "brief": brief,
            "generate": article.draft,
            "optimize": {"draft": draft, "changes": []},
            "gate": judged,
            "confirm": judged,
            "publish": published,
            "ping": {"url": url, "state": "accepted", "urls": 1},
        }
        topic = Topic(site=article.site, slug=article.slug, date=at.date())
        end = self._steps(article, job, at, topic, outputs)
        if article.title == TAKEN_DOWN:
            end = ("unpublished", min(end[1] + timedelta(days=2), self.now - HOUR))
        self._kept(article, draft, job, at, url, end)

    def _steps(
        self, article: Article, job: str, at: datetime, given: Any, outputs: dict[str, Any]
    ) -> tuple[str, datetime]:
        """The runs of an article; its state, and since when."""
        outage = at.date() == (self.last - timedelta(days=9)).date()
        for step, seconds, calls, usd in STEPS:
            cost = round(usd * self.random.uniform(0.7, 1.4), 4)
            took = seconds * self.random.uniform(0.6, 1.6)
            run = self.rows.run(
                job,
                "article",
                step,
                article.site,
                at,
                took,
                input=given,
                output=outputs[step],
                cost_usd=cost,
                origin="event topic.validated" if step == "research" else None,
            )
            for number in range(calls):
                self._call(run, MODELS.get(step, MODEL), cost / calls, number / calls)
            if outage and step == "generate":
                at = self._held_up(run, at)
            state = self._stop(article, run, step)
            if state is not None:
                return state, run["finished_at"] or run["started_at"]
            decided = self._decided(article, run, step)
            given, at = outputs[step], (decided or run["finished_at"]) + timedelta(seconds=1)
            at += 90 * (timedelta(seconds=1) if step == "gate" else timedelta())
        return "published", at

    def _held_up(self, run: dict[str, Any], at: datetime) -> datetime:
        """The night on which the provider of models was overloaded for two hours."""
        for wait in (2, 8, 30, 80):
            self.rows.failed_attempt(run, "retry", BUSY, at + wait * MINUTE)
        run |= {"attempt": 5, "failures": 4, "started_at": at + 120 * MINUTE}
        run["finished_at"] = at + 122 * MINUTE
        return at

    def _stop(self, article: Article, run: dict[str, Any], step: str) -> str | None:
        """The state in which an article stands that did not come further than this step."""
        title = article.title
        if title == PLANNED and step == "brief":
            why = 'brief: This site has autonomy = "brief", so a person approves each brief'
            self._wait(run, why)
            return "briefed"
        if title in WAITING and title != PLANNED and step == "gate":
            failed = [v for v in run["output"].verdicts if not v.passed]
            waits = "autonomy: Each article of this site waits for a person before it is published."
            why = "\n".join([*(f"{v.gate}: {v.reason}" for v in failed)] or [waits])
            self._wait(run, why)
            return "review"
        if title in FAILING and step == "publish":
            return self._failed(run, FAILING[title])
        return None

    def _wait(self, run: dict[str, Any], why: str) -> None:
        run |= {"status": "needs_review", "outcome": "review", "error": why}
        self.rows.failed_attempt(
            run, "review", why, run["finished_at"], error_class=None, attempt=run["attempt"]
        )

    def _failed(self, run: dict[str, Any], error: str) -> str:
        if error == NO_LOGIN:
            run |= {"status": "dead", "outcome": "error", "failures": 1, "output": None}
            run |= {"error": error, "error_class": "permanent"}
            self.rows.failed_attempt(
                run, "error", error, run["finished_at"], error_class="permanent"
            )
            return "ready"
        run |= {"status": "queued", "outcome": None, "failures": 3, "attempt": 3, "output": None}
        run |= {"error": error, "error_class": "transient", "due_at": self.now + 6 * MINUTE}
        for back in (100, 60, 20):
            self.rows.failed_attempt(run, "retry", error, self.now - back * MINUTE)
        run |= {"finished_at": None, "started_at": self.now - 20 * MINUTE}
        return "ready"

    def _decided(self, article: Article, run: dict[str, Any], step: str) -> datetime | None:
        """When a person decided what the autonomy of a site leaves to them; None where it is
        nothing.
        """
        asks = {"slow-kitchen": "gate", "city-bikes": "brief"}.get(article.site)
        if asks != step:
            return None
        at: datetime = run["finished_at"]
        decided = at + self.random.randint(20, 120) * MINUTE
        self.rows.failed_attempt(run, "review", "autonomy", at, error_class=None)
        run["finished_at"] = decided
        by = EDITOR if self.random.random() < 0.7 else OWNER
        self.rows.add(
            "actions", verb="approve", target=run["job_id"], step=step, reason="", by=by, at=decided
        )
        return decided

    def _verdicts(self, article: Article) -> Iterable[Verdict]:
        for gate in GATES:
            name = gate.__name__.rpartition(".")[2]
            if article.title == WAITING[0] and name == "claims":
                yield self._wrong_number(article)
            elif article.title == WAITING[1] and name == "promises":
                yield self._promise(article)
            else:
                yield Verdict(gate=name, passed=True, reason=CHECKS.get(name, "nothing found"))

    def _wrong_number(self, article: Article) -> Verdict:
        sentences = article.draft.sentences()
        number = next(n for n, each in enumerate(sentences, 1) if OLD_PRICE in each.text)
        text = sentences[number - 1].text
        fault = Fault(
            place=f"sentence {number}",
            text=text,
            reason="its source has other numbers: 320, 640",
            passage=text.replace(OLD_PRICE, NEW_PRICE),
        )
        return Verdict(
            gate="claims",
            passed=False,
            reason=f"sentence {number} has other numbers than its source: 250, 500",
            faults=(fault,),
        )

    def _promise(self, article: Article) -> Verdict:
        number, last = len(article.draft.sentences()), article.draft.sentences()[-1]
        reason = f"sentence {number} promises more than anybody can keep"
        fault = Fault(
            place=f"sentence {number}", text=last.text, reason="a promise without a source"
        )
        return Verdict(gate="promises", passed=False, reason=reason, faults=(fault,))

    def _with_picture(self, article: Article) -> Draft:
        """The draft with a picture: its card, stored as a picture of its own."""
        site = self.config.find(article.site)
        data = cards.featured(article.title, site.title, site.color)
        sha = hashlib.sha256(data).hexdigest()
        image = Image(src=src_of(sha), alt=article.title, width=cards.WIDTH, height=cards.HEIGHT)
        self.rows.add(
            "pictures",
            sha256=sha,
            media_type="image/webp",
            data=f"\\x{data.hex()}",
            width=cards.WIDTH,
            height=cards.HEIGHT,
            kept_at=self.now,
        )
        self.rows.add(
            "article_pictures",
            site=article.site,
            slug=article.slug,
            picture=sha,
            origin="card",
            image=image,
            job_id="sample",
            chosen_at=self.now,
        )
        return article.draft.model_copy(update={"images": [image]})

    def _kept(
        self,
        article: Article,
        draft: Draft,
        job: str,
        at: datetime,
        url: str,
        end: tuple[str, datetime],
    ) -> None:
        """What the studio's own tables have of an article."""
        state, since = end
        site, slug = article.site, article.slug
        idea = idea_of(article, at)
        for page in article.snapshots:
            self.rows.add("snapshots", **page.model_dump(), read_at=at - 2 * MINUTE)
        for evidence in find(draft, article.snapshots):
            self.rows.add(
                "evidence", job_id=job, site=site, slug=slug, **asdict(evidence), checked_at=since
            )
        self._idea(
            site,
            slug,
            article.title,
            "create",
            "2 sources, nothing similar here",
            at,
            signals=[each.model_dump() for each in idea.signals],
        )
        self.rows.add(
            "choices",
            site=site,
            slug=slug,
            chosen_by="sample",
            found_on=at.date(),
            title=article.title,
            decision="create",
            reason="2 sources, nothing similar here",
            target=slug,
            score=0.7,
            factors={},
            url=article.snapshots[0].url,
            snapshots=[page.sha256 for page in article.snapshots],
            chosen_at=at,
        )
        is_up = state == "published"
        self.rows.add(
            "articles",
            site=site,
            slug=slug,
            job_id=job,
            title=article.title,
            language="en",
            url=url if is_up else None,
            state=state,
            created_at=at - 2 * MINUTE,
            changed_at=since,
        )
        was_up = state in ("published", "unpublished")
        kind = "published" if was_up else "queued"
        self.rows.add(
            "documents",
            site=site,
            slug=slug,
            kind=kind,
            title=article.title,
            text=draft.prose(),
            sha256=content_sha256(draft),
            url=url if is_up else None,
            job_id=job,
            updated_at=since,
        )
        if was_up:
            self._published(article, draft, job, at, since, url, is_up=is_up)

    def _published(
        self,
        article: Article,
        draft: Draft,
        job: str,
        begun: datetime,
        at: datetime,
        url: str,
        *,
        is_up: bool,
    ) -> None:
        """What stands on the site, or stood there, and its versions."""
        sha = content_sha256(draft)
        state: Any = "published" if is_up else "draft"
        existing = Existing(url=url, sha256=sha, state=state, fingerprint=sha[:16])
        names = {"site": article.site, "slug": article.slug}
        self.rows.add("publications", **names, job_id=job, begun=[], existing=existing, at=at)
        if article.title in REVISED:
            shorter = draft.model_copy(update={"sections": draft.sections[:-1]})
            self._version(names, shorter, job, begun)
        self._version(names, draft, job, at)
        if not is_up:
            self.rows.add(
                "actions",
                verb="unpublish",
                target=job,
                step=None,
                reason="the owner of the recipe asked for it",
                by=OWNER,
                at=at,
            )
            return
        self.rows.add(
            "listings",
            **names,
            url=url,
            job_id=job,
            changed_at=at,
            told_at=at,
            submitted_at=at,
            accepted_at=at,
            indexed=at < self.now - timedelta(days=4),
            verdict="Submitted and indexed" if at < self.now - timedelta(days=4) else None,
        )
        self._figures(article, begun.date())

    def _version(self, names: dict[str, str], draft: Draft, job: str, at: datetime) -> None:
        times = {"at": at, "first_at": at, "withdrawn": False}
        sha = content_sha256(draft)
        self.rows.add("versions", **names, sha256=sha, draft=draft, job_id=job, **times)

    def _older(self, article: Article) -> None:
        """An article from before the month, whose runs are gone."""
        at = self.last - timedelta(days=self.random.randint(70, 140))
        job = article_id(article.site, article.slug, at.date())
        url = f"https://{article.site}.example/{article.slug}/"
        self._kept(
            article,
            article.draft,
            job,
            at,
            url,
            ("published", self.last - timedelta(days=11) if article.title in REVISED else at),
        )

    # ── what readers did ──────────────────────────────────────────────────────────────────────

    def _figures(self, article: Article, since: date) -> None:
        """Clicks and visits of each day: an article rises for some weeks, and then stands."""
        appeal, place = self.random.lognormvariate(4.3, 0.7), self.random.uniform(2.5, 14)
        unclicked = article.title.startswith(UNCLICKED)
        if unclicked:
            appeal, place = max(appeal, 90.0), self.random.uniform(4, 8)
        today = self.now.date()
        for age in range(1, (today - since).days):
            day = since + timedelta(days=age)
            if today - day > timedelta(days=75):
                continue
            week = 0.8 if day.weekday() >= 5 else 1.0
            rise = 1 - math.exp(-age / 9)
            fall = 1.0
            if article.title.startswith(LOSING) and today - day < timedelta(days=33):
                fall = 0.3
            shown = int(appeal * rise * week * fall * self.random.uniform(0.75, 1.25))
            position = round(place + 18 * math.exp(-age / 6) + self.random.uniform(-0.4, 0.4), 2)
            share = 0.004 if unclicked else 0.3 / max(position, 1.0)
            clicks = sum(self.random.random() < share for _ in range(shown))
            names = {"site": article.site, "slug": article.slug, "day": day}
            if shown and today - day >= timedelta(days=3):
                self.rows.add(
                    "article_results",
                    **names,
                    source="search_console",
                    clicks=clicks,
                    impressions=shown,
                    position=max(position, 1.0),
                    visits=0,
                )
            if article.site == "green-balcony":
                self.rows.add(
                    "article_results",
                    **names,
                    source="plausible",
                    clicks=0,
                    impressions=0,
                    position=None,
                    visits=int(clicks * 1.4) + self.random.randint(0, 3),
                )

    # ── what stands beside ────────────────────────────────────────────────────────────────────

    def _call(self, run: dict[str, Any], model: str, cost: float, into: float = 0.2) -> None:
        """A call of a model, which a run paid for."""
        took: timedelta = run["finished_at"] - run["started_at"]
        at = run["started_at"] + took * into
        self.rows.add(
            "llm_calls",
            run=run,
            job_id=run["job_id"],
            step=run["step"],
            pipeline=run["pipeline"],
            key=run["key"],
            attempt=run["attempt"],
            provider="anthropic",
            model=model,
            request_hash=f"{self.random.getrandbits(128):032x}",
            status="stored",
            answer="{}",
            stop_reason="end_turn",
            input_tokens=int(cost * 160_000),
            cost_usd=round(cost, 6),
            output_tokens=int(cost * 28_000),
            started_at=at,
            finished_at=at + took * 0.2,
        )

    def _idea(
        self,
        site: str,
        slug: str,
        title: str,
        decision: str,
        reason: str,
        at: datetime,
        **more: Any,
    ) -> None:
        names = ("substance", "freshness", "support", "demand", "fit", "competition")
        factors = {name: round(self.random.uniform(0.35, 1), 2) for name in names}
        score = round(sum(factors.values()) / len(factors), 2)
        values = {"signals": [], "origin": "query", "due": None, "wish": "", "urls": [], **more}
        person = {"created_by": None, "decided_by": None, "job": "sample"}
        self.rows.add(
            "ideas",
            site=site,
            slug=slug,
            title=title,
            factors=factors,
            decision=decision,
            score=score,
            reason=reason,
            found_on=at.date(),
            created_at=at,
            decided_at=at,
            **{**person, **values},
        )

    def _ideas(self) -> None:
        from contentstudio.text.slugs import slug_of

        for number, (site, title, decision, reason, due) in enumerate(IDEAS):
            by = next((who for who in (EDITOR, OWNER) if who in reason), None)
            at = self.last + 5 * MINUTE - number * timedelta(hours=9)
            day = None if due is None else self.now.date() + timedelta(days=due)
            origin = "wish" if by else "query"
            signals = [{"kind": origin, "text": title, "url": None, "weight": 1.0}]
            self._idea(
                site,
                slug_of(title),
                title,
                decision,
                reason,
                at,
                due=day,
                origin=origin,
                signals=signals,
                created_by=by,
                decided_by=by,
            )
            if decision == "create":
                self.rows.add(
                    "articles",
                    site=site,
                    slug=slug_of(title),
                    job_id=None,
                    title=title,
                    language=None,
                    url=None,
                    state="idea",
                    created_at=at,
                    changed_at=at,
                )

    def _alerts(self) -> None:
        dead = [run for run in self.rows.tables["runs"] if run["status"] == "dead"]
        for step, error in (("article/publish", NO_LOGIN), ("source/read", GONE)):
            of_step = [run for run in dead if f"{run['pipeline']}/{run['step']}" == step]
            self.rows.add(
                "alerts",
                kind="dead_letter",
                subject=step,
                text=error,
                job_id=of_step[-1]["job_id"],
                count=len(of_step),
                first_at=of_step[0]["finished_at"],
                last_at=of_step[-1]["finished_at"],
                resolved_at=None,
            )
        opened = self.now - 52 * MINUTE
        self._alert("breaker", "cms city-bikes", f"cms city-bikes is open: {AWAY}", opened, None)
        outage = self.last - timedelta(days=9)
        self._alert(
            "breaker",
            "writer",
            f"writer is open: {BUSY}",
            outage + 40 * MINUTE,
            outage + 124 * MINUTE,
        )
        spent = self.last - timedelta(days=16, hours=-2)
        self._alert(
            "budget",
            "key:green-balcony",
            "the budget of the day is spent",
            spent,
            spent + 18 * HOUR,
        )

    def _alert(
        self, kind: str, subject: str, text: str, at: datetime, resolved: datetime | None
    ) -> None:
        times = {"first_at": at, "last_at": at, "resolved_at": resolved}
        self.rows.add(
            "alerts", kind=kind, subject=subject, text=text, job_id=None, count=1, **times
        )

    def _limits(self) -> None:
        """What holds work now: the CMS of one site is away."""
        self.rows.add(
            "breakers",
            name="cms city-bikes",
            key="city-bikes",
            failures=5,
            errors=[],
            opened_at=self.now - 52 * MINUTE,
            open_until=self.now + 6 * MINUTE,
            error=AWAY,
        )
        paused = self.last - timedelta(days=12)
        for verb, at, why in (
            ("pause", paused, "the domain moves to another host"),
            ("resume", paused + 9 * HOUR, "it has moved"),
        ):
            self.rows.add(
                "actions",
                verb=verb,
                target="key:slow-kitchen",
                step=None,
                reason=why,
                by=OWNER,
                at=at,
            )


WAITING = (  # at their gate, the first one with a number that its source does not have
    "Grinding your own flour: is it worth it?",
    "Aphids on balcony plants: what helps without spray",
    "Tempeh at home, step by step",
    "Broth from leftovers",
    "Tubeless on a commuter bike: worth the mess?",
)
PLANNED = WAITING[-1]  # its brief waits
REVISED = (  # of those from before the month
    "How much sun do tomatoes need on a balcony?",
    "Why does my sourdough not rise?",
    "Which lock for which street?",
)
TAKEN_DOWN = "Salt-baked celeriac for Sunday"
FAILING = {
    "Kimchi for beginners": NO_LOGIN,
    "Which vegetables ferment best?": NO_LOGIN,
    "A baking stone or a pot?": NO_LOGIN,
    "Setting the saddle height in two minutes": AWAY,
    "Squeaking disc brakes": AWAY,
}
HELD = (*WAITING, *FAILING)


def load_config() -> settings.Config:
    """The config of the three sites, whose nights begin at four in a zone where that was some hours
    ago: whoever looks at the month comes in the morning.
    """
    config = settings.load(HERE / "contentstudio.toml")
    ahead = (4 - last_night(datetime.now(UTC)).hour + 12) % 24 - 12
    zone = f"Etc/GMT{-ahead:+d}" if ahead else "UTC"
    research = config.research.model_copy(update={"timezone": zone})
    return config.model_copy(update={"research": research})


def last_night(now: datetime) -> datetime:
    """When the latest night of the month began: six hours ago, on the hour."""
    return (now - 6 * HOUR).replace(minute=0, second=0, microsecond=0)


async def fill(database: Database, config: settings.Config | None = None) -> App:
    """Fill a new database, which has the tables of contentstudio already; its app."""
    config = config or load_config()
    app = studio.build(config)
    (clock,) = await database.fetch("select ledger_now() as now")
    month = Month(app, config, clock["now"].astimezone(UTC))
    rows = month.make()
    await _insert_all(database, rows)
    await _declare(database, app, month)
    for site in config.site:
        await _report(database, app, config, month, site.name)
    while not await rollup.add(database):
        pass
    await rollup.sample(database)
    return app


async def _insert_all(database: Database, rows: Rows) -> None:
    """Every row, runs first: in order of time, for their ids are."""
    runs = sorted(rows.tables.pop("runs"), key=lambda run: run["created_at"])
    for number, run in enumerate(runs, 1):
        run["id"] = number
    await _insert(database, "runs", runs)
    await database.fetch(
        "select setval(pg_get_serial_sequence('runs', 'id'), %(last)s)", {"last": len(runs)}
    )
    for table, many in rows.tables.items():
        linked = [{**row, "run_id": row["run"]["id"]} if "run" in row else row for row in many]
        await _insert(
            database, table, [{k: v for k, v in row.items() if k != "run"} for row in linked]
        )


async def _insert(database: Database, table: str, rows: Sequence[dict[str, Any]]) -> None:
    """Rows of a table, which name the same columns; its other columns have their defaults."""
    columns = ", ".join(f'"{name}"' for name in rows[0])
    sql = (  # of names that stand in this file
        f"insert into {table} ({columns}) overriding system value select {columns} "  # noqa: S608
        f"from jsonb_populate_recordset(null::{table}, %(rows)s::jsonb) on conflict do nothing"
    )
    await database.fetch(sql, {"rows": to_json(list(rows)).decode()})


async def _declare(database: Database, app: App, month: Month) -> None:
    """The schedules and the budgets of the app, as a worker would write them down."""
    crons = [
        (name, trigger)
        for name, pipeline in app.pipelines.items()
        for trigger in pipeline.on
        if isinstance(trigger, Cron)
    ]
    await Schedules(database).note(app.name, [declared(name, cron) for name, cron in crons])
    await budgets.declare(database, app)
    slots = [
        {
            **{"app": app.name, "pipeline": "night", "cron": "0 4 * * *"},
            **{"slot": month.last - timedelta(days=back), "status": "fired", "count": 1},
            "timezone": month.config.research.timezone,
            "job_id": app.pipeline("night").job(_night_of(month, back)).job_id,
            "at": month.last - timedelta(days=back),
        }
        for back in range(NIGHTS)
    ]
    await _insert(database, "slots", slots)


def _night_of(month: Month, back: int) -> Night:
    day = (month.last - timedelta(days=back)).date()
    return Night(date=day, sites=[site.name for site in month.config.site])


async def _report(
    database: Database, app: App, config: settings.Config, month: Month, site: str
) -> None:
    """The last report on the figures of a site, as its job left it."""
    results = Results(database)
    last = await results.last_day(site)
    assert last is not None
    articles = await results.articles(site, last)
    merges = reports.merges(
        site,
        _queries(month, site),
        await results.addresses(site),
        {each.slug: each.title for each in articles},
    )
    query = FiguresQuery(site=site, source="search_console", date=month.last.date())
    job = app.pipeline("results").job(query).job_id
    gathered = Gathered(site=site, rows=len(articles), merges=tuple(merges))
    report = await measuring.made(results, config, gathered)
    rows, at = Rows(), month.last + MINUTE
    rows.run(job, "results", "search", site, at, 4.0, input=query, output=gathered)
    rows.run(job, "results", "report", site, at + MINUTE, 0.3, input=gathered, output=report)
    await _insert(database, "runs", rows.tables["runs"])


def _queries(month: Month, site: str) -> list[QueryFigures]:
    """For what two articles of a site are shown."""
    found = []
    for name, query, *beginnings in PAIRS:
        for beginning, shown in zip(beginnings, (340, 210), strict=True):
            slug = next(a.slug for t, a in month.articles.items() if t.startswith(beginning))
            url = f"https://{name}.example/{slug}/"
            if name == site:
                found.append(QueryFigures(query=query, url=url, impressions=shown))
    return found


@asynccontextmanager
async def at_work(database: Database) -> AsyncIterator[None]:
    """As if a worker lived as long as this block."""
    connection = await database.connect()
    hello = {"worker": "studio-1", "lock_key": 20, "host": "studio", "pid": 1}
    await connection.execute(engine["worker_hello"], hello)
    try:
        yield
    finally:
        await connection.close()


async def main(url: str) -> None:
    async with Database(url) as database:
        await migrate(database, queries)
        await fill(database)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
