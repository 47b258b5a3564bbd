"""A person changes one text of an article that waits for review, or takes one out: the rest stays
as it is, and the gates look at it again.
"""

from __future__ import annotations

from itertools import count

from contentstudio import places
from contentstudio.config import Config
from contentstudio.model import Draft, Sentence
from contentstudio.review.dossier import gather
from overnight import App
from overnight.errors import UserError
from overnight.operations import reviews
from overnight.operations.decisions import Edit
from overnight.store.database import Database, Row


async def change(
    app: App,
    database: Database,
    config: Config,
    job_id: str,
    place: str,
    text: str,
    *,
    revision: str | None = None,
    reason: str = "",
    by: str | None = None,
) -> Row:
    """Put other words in a place of the article of a job; none take it out. `revision` is what
    was reviewed, if the person says it. Returns the row of the run. Raises `UserError`.
    """
    dossier = await gather(database, config, job_id)
    if dossier is None or dossier.status != "needs_review":
        raise UserError(
            f"no article of job {job_id} waits for review, so its words cannot be changed"
        )
    draft = changed(dossier.draft, place, " ".join(text.split()))
    decision = Edit(
        revision or dossier.seal, draft.model_dump(mode="json"), reason or _said(place, text)
    )
    return await reviews.decide(app, database, job_id, decision, by=by)


def changed(draft: Draft, place: str, text: str) -> Draft:
    """The draft with other words at a place, or without it. Raises `UserError` where that cannot
    be.
    """
    known = {each.place for each in places.texts(draft)}
    if place not in known:
        raise UserError(
            f"the article has no place “{place[:40]}”: write it as the review does, such as "
            "“sentence 3” or “heading 1”"
        )
    if text:
        return _reworded(places.replaced(draft, {place: text}), place, draft)
    try:
        return places.without(draft, {place})
    except (KeyError, ValueError):
        raise UserError(
            f"“{place}” cannot be cut: only a sentence or a question can, and some text has to stay"
        ) from None


def _reworded(draft: Draft, place: str, before: Draft) -> Draft:
    """A sentence in a person's own words quotes nobody, and states no note."""
    numbers = count(1)

    def own(sentence: Sentence) -> Sentence:
        if f"sentence {next(numbers)}" != place:
            return sentence
        return sentence.model_copy(update={"quoted": False, "notes": ()})

    return draft if draft == before else draft.map_sentences(own)


def _said(place: str, text: str) -> str:
    return f"{place}: {'other words' if text.strip() else 'cut'}"
