"""A model puts the signals of a night together and names them as a reader would: one cheap call.

What it answers is checked by code; what does not hold is named as without a model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from contentstudio import config as settings
from contentstudio.config import Site
from contentstudio.llm import prompts
from contentstudio.llm.models import Models
from contentstudio.model import Demand
from contentstudio.research import ideas, naming
from contentstudio.research.ideas import Story
from contentstudio.text.lengths import width
from overnight import Context

IDEAS = "ideas-1"  # the file in `llm/templates`
STORIES, QUERIES = 40, 40  # signals of a night that a model sees, the longest and the most wanted
TOLD = 600  # characters of a page that stand in the prompt
WORDS = 25  # of an answer for each signal


class Named(BaseModel):
    """An idea as a model gives it: its title, and the ids of the signals that speak for it."""

    model_config = ConfigDict(extra="forbid")

    title: str
    signals: list[str] = Field(min_length=1)


class Answer(BaseModel):
    """The ideas of a night."""

    model_config = ConfigDict(extra="forbid")

    ideas: list[Named]


async def named(
    ctx: Context[Any],
    models: Models,
    site: Site,
    stories: Sequence[Story],
    demands: Sequence[Demand],
) -> list[Story]:
    """The ideas of a night by a model; without it what the model left out. Raises what
    `Models.ask` raises.
    """
    shown = dict(zip(map("p{}".format, range(1, STORIES + 1)), stories, strict=False))
    queries = dict(zip(map("q{}".format, range(1, QUERIES + 1)), demands, strict=False))
    answer, _ = await models.ask(
        ctx,
        "ideas",
        prompts.instructions(IDEAS, prompts.canary(ctx.job_id, settings.canary_key())),
        question(site, shown, queries),
        Answer,
        words=WORDS * (len(shown) + len(queries)),
    )
    return joined(answer, shown, queries, site, stories, demands)


def question(site: Site, stories: Mapping[str, Story], demands: Mapping[str, Demand]) -> str:
    """The prompt: the same signals give the same words."""
    pages = {name: _told(story) for name, story in stories.items()}
    queries = {name: demand.query for name, demand in demands.items()}
    return (
        f"{prompts.profile(site)}Subjects: {', '.join(site.subjects) or '-'}\n\n"
        f"{prompts.sealed(pages | queries)}"
    )


def _told(story: Story) -> str:
    titles = "\n".join(story.source_titles)
    return f"{titles}\n\n{story.pages[0].text[:TOLD]}"


def joined(
    answer: Answer,
    shown: Mapping[str, Story],
    query_ids: Mapping[str, Demand],
    site: Site,
    stories: Sequence[Story],
    demands: Sequence[Demand],
) -> list[Story]:
    """The ideas of an answer that hold, and the others as they are named without a model. Pure.

    One holds if it names signals that there are and no other one has, and a title that is no
    source's.
    """
    sources = [title for story in stories for title in story.source_titles]
    used: set[str] = set()
    made = list[Story]()
    for idea in answer.ideas:
        ids, title = set(idea.signals), " ".join(idea.title.split())
        if (
            ids <= shown.keys() | query_ids.keys()
            and not ids & used
            and 5 <= width(title) <= site.gates.max_title
            and naming.is_apart(title, sources)
        ):
            used |= ids
            made.append(_story(title, sorted(ids), shown, query_ids))
    taken = {id(shown[name]) for name in used & shown.keys()}
    queries = {query_ids[name].query for name in used & query_ids.keys()}
    rest = [story for story in stories if id(story) not in taken]
    return [
        *made,
        *ideas.asked(rest, [each for each in demands if each.query not in queries], site.language),
    ]


def _story(
    title: str, ids: Sequence[str], shown: Mapping[str, Story], query_ids: Mapping[str, Demand]
) -> Story:
    pages = [page for name in ids if name in shown for page in shown[name].pages]
    queries = tuple(query_ids[name] for name in ids if name in query_ids)
    return Story(
        tuple(sorted(pages, key=lambda page: (-page.words, page.url))),
        title,
        "",
        "query" if queries else "story",
        queries,
    )
