"""That a model is switched off is told as long as the config names it, and no longer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contentstudio import app as studio
from contentstudio.config import Config, Writing
from overnight.operations import queries
from overnight.store.database import Database
from overnight.store.ledger import Ledger
from overnight.store.records import Alert

Write = Callable[..., Config]


async def left_after_a_start(database: Database, config: Config, *models: str) -> list[str]:
    await Ledger(database).alert([Alert("model_end", model, "It goes.") for model in models])
    await Ledger(database).alert([Alert("breaker", "anthropic/old", "It is open.")])
    async with studio.build(config).resources(database):
        rows = await queries.alerts(database)
    assert "breaker" in [row["kind"] for row in rows]
    return sorted(row["subject"] for row in rows if row["kind"] == "model_end")


@pytest.mark.parametrize(
    ("writing", "left"),
    [
        ({"model": "claude-old"}, ["anthropic/claude-old"]),
        ({"model": "claude-new"}, []),
        ({"model": "claude-new", "fallback": {"model": "claude-old"}}, ["anthropic/claude-old"]),
        (
            {"section": {"provider": "openai", "model": "old"}, "openai": {"prices": "groq"}},
            ["groq/old"],
        ),
    ],
)
async def test_the_alert_of_a_model_no_longer_configured_is_closed(
    database: Database,
    write_config: Write,
    monkeypatch: pytest.MonkeyPatch,
    writing: dict[str, Any],
    left: list[str],
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test-0123456789")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
    config = write_config(["https://a.example/"]).model_copy(
        update={"writing": Writing.model_validate(writing)}
    )
    assert await left_after_a_start(database, config, "anthropic/claude-old", "groq/old") == left


async def test_without_a_model_none_is_told_of(database: Database, write_config: Write) -> None:
    assert (
        await left_after_a_start(
            database, write_config(["https://a.example/"]), "anthropic/claude-old"
        )
        == []
    )
