"""What two versions of an article say otherwise, sentence by sentence. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from contentstudio.model import Draft
from contentstudio.verify.judgement import lines

AROUND = 1  # texts that are the same and are shown before and after a change


@dataclass(frozen=True, slots=True)
class Difference:
    """A text of one version or of both. Of `skipped` ones, which are the same, `count` says how
    many they are.
    """

    change: Literal["same", "added", "removed", "skipped"]
    text: str = ""
    kind: str = ""
    count: int = 1


def differences(before: Draft, after: Draft) -> list[Difference]:
    """The texts in reading order, the old ones before those in their place; empty where both
    versions say the same.
    """
    old, new = _texts(before), _texts(after)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    found: list[Difference] = []
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            first, last = start == new_start == 0, (end, new_end) == (len(old), len(new))
            found += _same(old[start:end], first=first, last=last)
            continue
        found += [Difference("removed", text, kind) for kind, text in old[start:end]]
        found += [Difference("added", text, kind) for kind, text in new[new_start:new_end]]
    return found if any(each.change in ("added", "removed") for each in found) else []


def _texts(draft: Draft) -> list[tuple[str, str]]:
    """Each text with its kind: its number changes with what comes before it."""
    return [
        (line.place.rstrip("0123456789 "), " ".join(line.text.split()))
        for line in lines(draft)
        if line.text.strip()
    ]


def _same(texts: list[tuple[str, str]], *, first: bool, last: bool) -> Iterator[Difference]:
    """Texts that both have: those beside a change are shown, how many the others are is said."""
    head, tail = 0 if first else AROUND, 0 if last else AROUND
    if len(texts) <= head + tail + 1:
        yield from (Difference("same", text, kind) for kind, text in texts)
        return
    yield from (Difference("same", text, kind) for kind, text in texts[:head])
    yield Difference("skipped", count=len(texts) - head - tail)
    yield from (Difference("same", text, kind) for kind, text in texts[len(texts) - tail :])
