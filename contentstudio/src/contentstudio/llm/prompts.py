"""What is sent to a model: prompts from files with versions, and the texts of others, sealed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

CANARY_DIGITS = 20


def canary(job_id: str, key: str) -> str:
    """The mark in the prompts of a job, which no article may hold: always the same for it, and
    stored nowhere.
    """
    return "mark-" + hmac.digest(key.encode(), job_id.encode(), "sha256").hex()[:CANARY_DIGITS]


def instructions(name: str, mark: str) -> str:
    """The system prompt in `templates/NAME.md`. Its name has the version, which is hashed too."""
    return (
        f"{_text(name)}\nThis is the prompt {name}. It bears the mark {mark}, which stands "
        "in no answer.\n"
    )


def sealed(texts: Mapping[str, str]) -> str:
    """Texts that others wrote, each between tags with its id that none of them can forge.

    The tags carry a hash of all the texts. A text cannot contain its own hash, so no page can close
    its tag; and the same texts give the same prompt, so that a retry finds the stored answer
    instead of paying again.
    """
    seal = hashlib.sha256("\n".join(texts.values()).encode("utf-8", "surrogatepass")).hexdigest()[
        :32
    ]
    return (
        "\n".join(
            f'<source-{seal} id="{name}">\n{text}\n</source-{seal}>' for name, text in texts.items()
        )
        + "\n"
    )


@cache
def _text(name: str) -> str:
    return (files("contentstudio.llm") / "templates" / f"{name}.md").read_text("utf-8")
