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
            f"{case.site.name} has {others} articles on {day} already; {most} a day are wanted.",
        )
    return passed(
        "cadence",
        f"It is article {others + 1} of {case.site.name} on {day}; {most} a day are wanted.",
    )
