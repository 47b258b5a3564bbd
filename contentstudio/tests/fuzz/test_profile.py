"""Whatever a profile's file holds, it is a profile or one sentence."""

from __future__ import annotations

import json
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contentstudio.cli.check import _Answer
from contentstudio.config import Profile, Site
from contentstudio.config.load import _profile
from contentstudio.llm import prompts
from contentstudio.publish import about
from overnight.errors import ConfigError

KEYS = [*Profile.model_fields, "audiance", "", "? x", "<<", "&a x", "voice\n"]
words = st.text(st.characters(codec="utf-8"), max_size=20)
scalars = words | st.sampled_from(
    ["", "NO", "~", "1e5", "&a [*a]", "|\n  x", "'", "!!python/none x"]
)
flat = scalars | words.map(json.dumps)
values = flat | st.lists(flat, max_size=3).map(lambda items: f"[{', '.join(items)}]")
lines = st.builds(lambda key, value: f"{key}: {value}", st.sampled_from(KEYS) | words, values)
files = st.builds(
    lambda front, voice, end: f"---\n{front}{end}{voice}",
    st.lists(lines, max_size=4).map("\n".join),
    words,
    st.sampled_from(["\n---\n", "\n---", "\r\n---\r\n", "\n", ""]),
)


@pytest.fixture(scope="module")
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "profile.md"


@given(files | words)
def test_a_file_is_a_profile_or_one_sentence(path: Path, text: str) -> None:
    path.write_bytes(text.encode())
    try:
        profile = _profile(path)
    except ConfigError as error:
        assert "profile.md" in str(error) and "\n" not in str(error)
        return
    site = Site.model_validate(
        {
            "name": "garden",
            "url": "https://garden.example",
            "sources": ["https://a.example"],
            "profile": profile,
        }
    )
    assert "\0" not in prompts.profile(site) and len(prompts.profile(site)) <= 17_000
    assert all("<script" not in page.html.lower() for page in about.among(site, [], []))


@given(st.sampled_from(["audience", "voice", "authors"]), words.filter(str.strip))
def test_an_answer_to_init_is_the_value_that_toml_reads(key: str, text: str) -> None:
    try:
        line = _Answer(key)(text)
    except Exception as error:  # click's
        assert "control characters" in str(getattr(error, "message", error))
        return
    value: Any = tomllib.loads(f"value = {line}")["value"]
    expected = " ".join(text.split())
    assert value == ([{"name": expected}] if key == "authors" else expected)
