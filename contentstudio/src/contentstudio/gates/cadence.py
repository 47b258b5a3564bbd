"""A site publishes at most so many articles a day: search engines punish what is made at scale."""

from __future__ import annotations

from contentstudio.gates.input import Case, failed, known, passed
from contentstudio.model import Verdict


def check(case: Case) -> Verdict:
    """Count the site's other articles of the day (UTC)."""
    others, most = (
        known(case.others_today, "how many articles the site has today"),
        case.gates.per_day,
    )
    day = known(case.today, "today's date")
    if others >= most:
        return failed(
            "cadence",
            f"The daily limit of {case.site.name} is reached: {others} of {most} on {day}.",
        )
    return passed(
        "cadence",
        f"Daily limit of {case.site.name}: {others + 1} of {most} on {day}.",
    )
