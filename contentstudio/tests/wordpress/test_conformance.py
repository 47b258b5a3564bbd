"""WordPress passes the suite that every publisher passes: see `publish/test_publishers.py`."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

_spec = spec_from_file_location(
    "publishers_suite", Path(__file__).parents[1] / "publish" / "test_publishers.py"
)
assert _spec is not None and _spec.loader is not None
suite = sys.modules["publishers_suite"] = module_from_spec(_spec)
_spec.loader.exec_module(suite)
globals().update({name: value for name, value in vars(suite).items() if name.startswith("test_")})


@pytest.fixture
def place(wordpress: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def posts(slug: str) -> list[dict[str, str]]:
        return [post for post in wordpress.posts(f"{slug}%") if post["status"] != "trash"]

    def edit(slug: str) -> None:
        (post,) = posts(slug)
        words = post["content"].replace("<p>", "<p>A person was here. ", 1)
        with wordpress.client("owner") as owner:
            owner.post(f"/posts/{post['id']}", json={"content": words}).raise_for_status()

    def take_away(slug: str) -> None:
        (post,) = posts(slug)
        with wordpress.client("owner") as owner:
            owner.delete(f"/posts/{post['id']}").raise_for_status()

    monkeypatch.setenv("CONTENTSTUDIO_SECRET_GARDEN", wordpress.passwords["editor"])
    config = suite.loaded(
        tmp_path,
        f"{{ to = 'wordpress', user = 'editor', url = '{wordpress.url}', private = true, "
        f"category = 'Notes' }}",
    )
    return suite.Place(
        config, lambda slug: [post["content"] for post in posts(slug)], edit, take_away
    )
