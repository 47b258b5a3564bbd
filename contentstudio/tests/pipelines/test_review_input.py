"""The one input of the steps that judge: what jobs in flight have stored in its place is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from contentstudio import pipelines
from contentstudio.config import Config
from contentstudio.model import Draft, Published, Verdict
from contentstudio.pipelines.work import Judged, ReviewInput, Unpublished
from contentstudio.review.preview import preview
from contentstudio.seo import Change, Optimized
from overnight.pipelines.pipeline import dump

DRAFT = {
    "site": "garden",
    "slug": "mulch",
    "title": "Mulch",
    "description": "What mulch does.",
    "sections": [
        {
            "heading": "Mulch",
            "paragraphs": [
                [{"text": "It rots.", "source": "s1", "quoted": False}],
                {"kind": "list", "ordered": True, "items": [[{"text": "Straw."}]]},
                {"kind": "table", "head": ["a"], "rows": [[[{"text": "One."}]]]},
            ],
        }
    ],
    "references": [{"id": "s1", "url": "https://a.example/", "title": "A", "sha256": "0"}],
    "writer": "offline",
}
CHANGE = {"what": "title", "before": "M", "after": "Mulch"}
VERDICT = {"gate": "length", "passed": True, "reason": "Long enough.", "checked": True}
JUDGED = {"draft": DRAFT, "verdicts": [VERDICT], "over": None, "changes": [CHANGE]}


def garden() -> Config:
    site = {"name": "garden", "url": "https://garden.example", "sources": ["https://a.example/"]}
    return Config.model_validate({"site": [site]})


def read(step: str, stored: dict[str, Any]) -> ReviewInput:
    (article,) = (p for p in pipelines.build(garden()) if p.name == "article")
    work = article.steps[step].input.validate_json(json.dumps(stored))
    assert isinstance(work, ReviewInput)
    assert work.draft == Draft.model_validate(DRAFT)
    return work


@pytest.mark.parametrize("step", ["gate", "confirm"])
@pytest.mark.parametrize(
    ("stored", "changes", "verdicts", "over"),
    [
        (DRAFT, 0, 0, None),  # a person's edit, or the output of a pipeline that did not optimize
        ({"draft": DRAFT}, 0, 0, None),
        ({"draft": DRAFT, "changes": [CHANGE]}, 1, 0, None),
        ({"draft": DRAFT, "verdicts": [VERDICT]}, 0, 1, None),
        (JUDGED, 1, 1, None),
        ({**JUDGED, "over": "gone"}, 1, 1, "gone"),
    ],
)
def test_what_the_steps_before_and_persons_have_stored_is_read(
    step: str, stored: dict[str, Any], changes: int, verdicts: int, over: str | None
) -> None:
    work = read(step, stored)
    assert (len(work.changes), len(work.verdicts), work.over) == (changes, verdicts, over)
    assert dump(work.judged()) == dump(
        Judged(
            draft=work.draft,
            verdicts=[Verdict(**VERDICT)] * verdicts,
            changes=(Change(**CHANGE),) * changes,
            over=over,
        )
    )


def test_what_optimizing_gives_is_read_as_it_is_stored() -> None:
    optimized = Optimized(draft=Draft.model_validate(DRAFT), changes=(Change(**CHANGE),))
    assert read("gate", json.loads(dump(optimized))).changes == optimized.changes


@pytest.mark.parametrize("stored", [{"title": "Mulch"}, {**JUDGED, "more": 1}, [DRAFT], None])
def test_what_is_no_draft_is_refused(stored: Any) -> None:
    with pytest.raises(ValidationError):
        read("gate", stored)


def test_each_output_in_review_is_shown_according_to_its_kind() -> None:
    url = "https://garden.example/mulch/"
    assert "It rots." in preview(JUDGED)
    assert "Long enough." in preview(JUDGED)
    left = Published(url=url, action="left", sha256="0", over="gone").model_dump(mode="json")
    assert preview(left) == f"What stands there now: {url}"
    assert preview({"url": url, "action": "left", "sha256": "0"}) == preview(left)
    kept = Unpublished(url=url, state="left").model_dump(mode="json")
    assert preview(kept) == f"What stands there now: {url}"
