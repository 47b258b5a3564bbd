"""What people ask of an app's pipelines, and no worker does all the time."""

from __future__ import annotations

import re

from overnight.pipelines.app import App
from overnight.pipelines.events import On


def behind(app: App, breaker: str) -> list[str]:
    """The steps (`pipeline/step`) that wait while a breaker is open: those that name it, with some
    key put in.
    """
    steps = [(p.name, step) for p in app.pipelines.values() for step in p.steps.values()]
    return [
        f"{pipeline}/{step.name}"
        for pipeline, step in steps
        if step.breaker is not None
        and re.fullmatch(
            re.escape(step.breaker).replace(re.escape("{key}"), ".*"), breaker, re.DOTALL
        )
    ]


def debounces(app: App, event: str) -> float:
    """For how many seconds a job of this event may wait in which a later event takes its place; 0
    for none.
    """
    triggers = [on for p in app.pipelines.values() for on in p.on if isinstance(on, On)]
    waits = [on.debounce.seconds for on in triggers if on.event == event and on.debounce]
    return max(waits, default=0.0)
