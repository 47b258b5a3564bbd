"""The pages of Operations, a module for each topic. A page reads through `queries` and leaves the
rest to its template.
"""

from __future__ import annotations

from overnight.console.extension import Page
from overnight.console.pages.alerts import alerts
from overnight.console.pages.calls import call, calls
from overnight.console.pages.failures import dead
from overnight.console.pages.home import overview
from overnight.console.pages.jobs import job, jobs
from overnight.console.pages.limits import breakers, effects, money, switches
from overnight.console.pages.metrics import signals
from overnight.console.pages.review import preview as preview
from overnight.console.pages.review import review, review_item
from overnight.console.pages.schedules import schedules

PAGES = (
    Page("/", "overview.html", overview, "Home", "h", icon="home"),
    Page("/runs", "jobs.html", jobs, "Runs", "r", icon="runs"),
    Page("/calls", "calls.html", calls, "Model calls", "l", under="/runs"),
    Page("/effects", "effects.html", effects, "External writes", "e", under="/switches"),
    Page("/dead", "dead.html", dead, "Failed jobs", "d", icon="failed"),
    Page("/review", "review.html", review, "Review", "v", icon="review"),
    Page("/schedules", "schedules.html", schedules, "Schedules", "c", icon="schedule"),
    Page("/signals", "signals.html", signals, "Metrics", "s", icon="metrics"),
    Page("/switches", "switches.html", switches, "Switches and limits", "k", icon="switch"),
    Page("/budgets", "budgets.html", money, "Budgets", "m", under="/switches"),
    Page("/breakers", "breakers.html", breakers, "Breakers", "b", under="/switches"),
    Page("/alerts", "alerts.html", alerts, "Alerts", "a", icon="alert"),
    Page("/jobs/{job}", "job.html", job, under="/runs"),
    Page("/review/{job}", "review_item.html", review_item, under="/review"),
    Page("/calls/{call}", "call.html", call, under="/runs"),
)
