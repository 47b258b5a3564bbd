"""Advice about schedules. Pure."""

from __future__ import annotations

MIN_ENDED = 10  # jobs of a schedule that must have ended before it is judged


def zero_work(nothing: int, ended: int) -> str | None:
    """What to tell the owner of a schedule whose jobs found nothing too often, or None."""
    if ended < MIN_ENDED or nothing * 2 <= ended:
        return None
    return (
        f"found nothing in {nothing} of its last {ended} runs: let an event start it, "
        'On("…") in place of the Cron, '
        "emitted by whoever makes the work, with a Debounce where it comes in bursts"
    )
