"""What waits for review, as a person reads it in a terminal."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, TypeAdapter

from contentstudio.brief import Brief
from contentstudio.pipelines.work import Judged
from contentstudio.review import text


class AtSite(BaseModel):
    """What `Published` and `Unpublished` say of a version that is not ours: where it stands."""

    url: str


# The outputs with which steps ask a person: of the one that plans, of those that judge, and of
# those that publish.
_waiting: TypeAdapter[Brief | Judged | AtSite] = TypeAdapter(Brief | Judged | AtSite)


def preview(output: Any) -> str:
    """The brief; or the article, its sources, and what the gates said; or where a person's version
    stands.
    """
    match _waiting.validate_python(output):
        case Brief() as plan:
            return text.brief(plan)
        case Judged(draft=draft, verdicts=verdicts):
            faults = [fault for verdict in verdicts for fault in verdict.faults]
            return f"{text.article(text.marked(draft, faults))}\n\n{text.verdicts(verdicts)}"
        case AtSite(url=url):
            return f"What stands there now: {url}"
