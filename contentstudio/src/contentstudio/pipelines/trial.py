"""For the trial of this branch only: the step `research` without a search."""

from __future__ import annotations

from contentstudio.brief import Research
from contentstudio.pipelines import briefing
from contentstudio.pipelines.work import Ctx, RequestedTopic, Topic


async def research(ctx: Ctx, topic: RequestedTopic | Topic) -> Research:
    """What the texts of a topic say."""
    return await briefing.research_of_topic(ctx, topic)
