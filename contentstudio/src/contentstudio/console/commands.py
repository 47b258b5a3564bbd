"""The commands of the studio's buttons, which the API takes as JSON, too."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from overnight.operations.commands import NeededReason, OnReview

MOST_VERSIONS = 1_000_000
MOST_WORDS = 1_000_000  # characters of an article as Markdown
NO_NUL = r"^[^\x00]*$"

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NO_NUL)]
Text = Annotated[str, StringConstraints(max_length=10_000, pattern=NO_NUL)]


class Wish(BaseModel):
    """What every verb on an article takes."""

    model_config = ConfigDict(extra="forbid", strict=True)
    site: Name
    slug: Name
    reason: Text = Field("", description="why; saved in the audit log")


class Overwrite(OnReview):
    """What it takes to publish ours in the place of a person's version."""

    reason: NeededReason


class Change(OnReview):
    """What it takes to change one text of an article; no words take it out."""

    place: Name
    text: Text = Field("", description="the new words; none: it is cut")


class Revise(Wish):
    """What it takes to put other words in the place of an article's."""

    words: Annotated[str, StringConstraints(min_length=1, max_length=MOST_WORDS, pattern=NO_NUL)]
    revision: Name = Field(
        description="of the words that were edited: nothing is saved over others"
    )


class Back(Wish):
    to: int | None = Field(
        None, ge=1, lt=MOST_VERSIONS, description="the version's number; none: the one before"
    )


class AddIdea(BaseModel):
    """What it takes to have an article written on what readers ask."""

    model_config = ConfigDict(extra="forbid", strict=True)
    site: Name
    question: Name
    urls: Text = Field("", description="pages to read for it, with blanks between them")
    due: str = Field("", pattern=r"^(\d{4}-\d{2}-\d{2})?$", description="YYYY-MM-DD")
    brief: Text = Field("", description="what the article should be like")
    reason: Text = Field("", description="why; saved in the audit log")


class MoveIdea(Wish):
    """What it takes to move an idea to another day."""

    due: str = Field(
        "", pattern=r"^(\d{4}-\d{2}-\d{2})?$", description="YYYY-MM-DD; none: it has no due day"
    )


class OrderIdea(Wish):
    """What it takes to give an idea its place in the order of its site."""

    to: Literal["first", "up", "down", "before", "after", "none"] = Field(
        description="the place; `none`: its score decides again"
    )
    beside: Text = Field("", description="the slug of the idea that `before` and `after` mean")


class Drop(Wish):
    reason: NeededReason
