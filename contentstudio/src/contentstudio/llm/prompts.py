"""What is sent to a model: prompts from files with versions, and the texts of others, sealed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contentstudio.config import Profile, Site

CANARY_DIGITS = 20
PROFILE = "profile-1"  # the file with the rules for a profile
MAX_DESCRIPTION = 1_000  # characters of a site's title, and of its description


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


def profile(site: Site) -> str:
    """What each prompt tells a model of a site, with the rules for it. It is the same in each call
    of a site, and so the beginning of each prompt.

    It has at most 17,000 characters: `config.profile` limits what a profile says.
    """
    lines = "\n".join([*_about(site), *_of_profile(site.profile)])
    examples = {
        f"example{number}": text for number, text in enumerate(site.profile.example_texts, 1)
    }
    return f"{_text(PROFILE)}\n{lines}\n{sealed(examples) if examples else ''}\n"


def _about(site: Site) -> Iterator[str]:
    yield f"Site: {(site.title or site.name)[:MAX_DESCRIPTION]}"
    yield f"Language: {site.language}"
    if site.description:
        yield f"Description: {site.description[:MAX_DESCRIPTION]}"


def _of_profile(profile: Profile) -> Iterator[str]:
    """A line for each thing that a profile says."""
    for name, text in (
        ("Audience", profile.audience),
        ("Purpose", profile.purpose),
        ("Expertise", "; ".join(profile.expertise)),
        ("Pillars", "; ".join(profile.pillars)),
        ("Countries of the readers", ", ".join(profile.countries)),
        ("Voice", profile.voice),
        ("Rules of style", _listed(profile.style)),
        ("Words to use", "; ".join(profile.use)),
        ("Words to avoid", "; ".join(profile.avoid)),
        ("Calls to action", _listed(profile.calls_to_action)),
        ("Articles that show the voice", ", ".join(profile.example_urls)),
    ):
        if text:
            yield f"{name}: {text}"


def _listed(items: Sequence[str]) -> str:
    return "".join(f"\n- {item}" for item in items)


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
