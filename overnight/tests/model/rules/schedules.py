"""The slots of schedules: each at most once, every one fired or accounted for."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.stateful import rule

from overnight.store.schedules import Schedules as Store

from .machine import Any_, Machine


class Schedules(Machine):
    """Two keepers fire what is due."""

    @rule(which=Any_)
    def tick(self, which: int) -> None:
        self.settle()
        self.run(self.stage.keepers[which % 2][1].fire())
        self.adopt_slots()

    @rule(later=st.booleans(), seconds=st.sampled_from((3600, 7300)))
    def two_keepers_see_the_same_slot(self, later: bool, seconds: float) -> None:
        """At once, or one of them when the other one has fired all there was."""
        self.tick(0)
        self.move(seconds)
        (one, _), (other, _) = self.stage.keepers
        for schedule in self.run(Store(one).read(self.stage.app.name)):
            pipeline = self.stage.app.pipeline(schedule.pipeline)
            cron = next(
                c
                for c in pipeline.crons()
                if (c.expression, c.timezone) == (schedule.cron, schedule.timezone)
            )
            due = cron.due(schedule.last_slot, schedule.now)
            if not due.fire or due.skipped is not None:
                continue
            slot = due.fire[0]
            if later:
                self.run(self.stage.keepers[1][1].fire())
            fire = [
                lambda s=session, sc=schedule, sl=slot, p=pipeline, c=cron: Store(s).fire(
                    sc, sl, p.job(c.input(sl.astimezone(c.zone))), None
                )
                for session in (one, other)
            ]
            self.run(one.own.execute("begin"))
            first = self.run(fire[0]())
            second = self.run(self.stage.together(one, other, fire[1]))
            assert (first, second) == (not later, False), "of two who saw a slot due, one fires it"
        self.adopt_slots()

    def adopt_slots(self) -> None:
        """Each slot at most once, none of the future, and every one of the past is fired or
        accounted for.
        """
        accounted = Counter[str]()
        for row in self.run(
            self.stage.watcher.fetch("select * from slots order by slot, timezone")
        ):
            accounted[row["timezone"]] += row["count"]
            place = (row["timezone"], row["slot"])
            if row["status"] != "fired" or place in self.fired:
                continue
            self.fired.add(place)
            assert row["slot"] <= self.model.now
            pipeline = self.stage.app.pipeline(row["pipeline"])
            cron = next(cron for cron in pipeline.crons() if cron.timezone == row["timezone"])
            assert (
                self.model.enqueue([pipeline.job(cron.input(row["slot"].astimezone(cron.zone)))])
                == 1
            )
        for row in self.run(self.stage.watcher.fetch("select * from schedules")):
            zone = ZoneInfo(row["timezone"])
            hours = _hours(row["last_slot"].astimezone(zone)) - _hours(
                row["created_at"].astimezone(zone)
            )
            assert accounted[row["timezone"]] == hours, "a slot was neither fired nor accounted for"


def _hours(local: datetime) -> int:
    """Whole hours that a wall clock has struck."""
    return local.toordinal() * 24 + local.hour
