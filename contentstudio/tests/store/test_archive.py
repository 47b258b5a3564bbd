"""The archive: full-text search over everything that was ever read, in every language."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, cast

import pytest

from contentstudio.model import Snapshot
from contentstudio.search.port import Hit
from contentstudio.store.archive import Archive
from contentstudio.store.snapshots import Snapshots
from contentstudio.store.sql import queries
from overnight import Context
from overnight.store.database import Database
from overnight.store.migrations import Migration
from overnight.testing import Clock

NOBODY = cast(Context[Any], None)  # the archive asks nobody, so it needs no attempt
TOMATO = (
    "Tomato seeds keep for four years in a dry jar. Label each packet with the year. "
    "A cool cupboard is enough, and an airtight tin is better."
)
COMPOST = "A compost heap needs air. Turn the heap once a month, and keep it damp."


async def keep(
    database: Database,
    text: str,
    url: str = "https://a.example/",
    title: str = "A page",
    language: str | None = "en",
) -> Snapshot:
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    snapshot = Snapshot(url=url, title=title, text=text, sha256=sha256, language=language)
    await Snapshots(database).keep(snapshot)
    return snapshot


async def find(
    database: Database, query: str, language: str = "en", limit: int = 10
) -> Sequence[Hit]:
    return await Archive(database).find(NOBODY, "garden", query, language=language, limit=limit)


async def urls(database: Database, query: str, language: str = "en") -> list[str]:
    return [hit.url for hit in await find(database, query, language)]


async def test_a_hit_tells_the_page_its_text_and_its_snapshot(database: Database) -> None:
    kept = await keep(database, TOMATO, "https://a.example/seeds", "Saving seeds")
    await keep(database, COMPOST, "https://a.example/compost")
    (hit,) = await find(database, "how long do tomato seeds keep?")
    assert (hit.url, hit.title, hit.sha256) == (kept.url, "Saving seeds", kept.sha256)
    assert "Tomato seeds keep for four years" in hit.text


@pytest.mark.parametrize(
    ("language", "text", "query"),
    [
        ("en", "The gardener watered his plants.", "watering a plant"),
        ("de", "Die Gärtnerin goss ihre Pflanzen.", "Pflanze"),
        ("fr", "Les jardiniers arrosent les plantes.", "plante arrosée"),
        ("es", "Los jardineros riegan las plantas.", "jardinero planta"),
        ("it", "I giardinieri annaffiano le piante.", "pianta"),
        ("ru", "Садовники поливают растения.", "растение"),
        ("pl", "Ogrodnicy podlewają rośliny.", "rośliny"),  # compared as it stands
        ("en", "The gardener's self-watering pots (2025): “cheap”.", "self watering pot cheap"),
    ],
)
async def test_words_are_compared_by_the_rules_of_the_language(
    database: Database, language: str, text: str, query: str
) -> None:
    await keep(database, text, language=language)
    assert await urls(database, query, language) == ["https://a.example/"]


@pytest.mark.parametrize(
    ("language", "text", "query"),
    [
        ("zh", "今天我们谈谈堆肥的好处和方法。", "堆肥方法"),
        ("ja", "今日はトマトの種の保存について話します。", "トマトの種"),
        ("th", "วันนี้เราจะพูดถึงปุ๋ยหมักในสวน", "ปุ๋ยหมัก"),
        ("ko", "오늘은 퇴비를 만드는 방법을 알아봅니다.", "방법을"),
    ],
)
async def test_scripts_without_blanks_are_found_by_a_part(
    database: Database, language: str, text: str, query: str
) -> None:
    await keep(database, text, language=language)
    await keep(database, "全く違う話。 อื่น ๆ 다른", "https://b.example/", language=language)
    assert await urls(database, query, language) == ["https://a.example/"]


async def test_a_text_whose_language_is_unknown_is_found(database: Database) -> None:
    await keep(database, "Tomato seeds keep.", language=None)
    assert await urls(database, "tomato seeds") == ["https://a.example/"]


async def test_a_text_in_another_language_is_left_out(database: Database) -> None:
    await keep(database, "Kompost Kompost Kompost", language="de")
    assert await urls(database, "Kompost") == []


async def test_only_the_newest_text_of_a_page_is_found(database: Database, clock: Clock) -> None:
    await keep(database, "Tomato seeds keep for two years.")
    await clock.move(60)
    await keep(database, "This page moved.")
    assert await urls(database, "tomato seeds") == []
    await clock.move(60)
    await keep(database, "Tomato seeds keep for two years.")
    assert await urls(database, "tomato seeds") == ["https://a.example/"]


async def test_one_text_at_two_addresses_is_one_hit(database: Database, clock: Clock) -> None:
    await keep(database, TOMATO, "https://a.example/seeds")
    await clock.move(60)
    await keep(database, TOMATO, "https://b.example/seeds")
    assert await urls(database, "tomato seeds") == ["https://b.example/seeds"]


async def test_more_of_the_words_go_before_more_often(database: Database) -> None:
    await keep(database, "Seeds, seeds, seeds: tomato " + "seeds " * 40, "https://often.example/")
    await keep(database, TOMATO, "https://all.example/")
    await keep(database, "A tomato.", "https://few.example/")
    assert await urls(database, "tomato seeds dry jar") == [
        "https://all.example/",
        "https://often.example/",
    ]


async def test_a_title_counts_more_and_a_long_text_less(database: Database) -> None:
    await keep(database, "Some words on mulch.", "https://text.example/")
    await keep(database, "Mulch here. " + "More words. " * 2_000, "https://long.example/")
    await keep(database, "Some other words.", "https://title.example/", title="Mulch")
    assert await urls(database, "mulch") == [
        "https://title.example/",
        "https://text.example/",
        "https://long.example/",
    ]


@pytest.mark.parametrize(
    "query",
    ["", " ", "???", "how to be", "'", "a & | ! ( ) <-> :*", "\\", "%s", "word " * 10_000, "ปุ๋"],
)
async def test_no_query_is_an_error(database: Database, query: str) -> None:
    await keep(database, TOMATO)
    assert await find(database, query) == []


@pytest.mark.parametrize(
    "text",
    [
        "".join(map(chr, range(0x4E00, 0x9FFF))) * 10,
        " ".join(f"{chr(0x400 + n % 200)}{n}" for n in range(100_000)),
        " ".join(chr(0x20000 + n % 40_000) * 2 for n in range(300_000)),
        "-".join(f"https://{n}.example/a/b?c={n}@x" for n in range(50_000)),
        "x" * 1_000_000,
        "a\u0301" * 200_000,
    ],
    ids=["han", "cyrillic", "astral", "urls", "one word", "marks"],
)
async def test_a_text_of_any_size_is_kept(database: Database, text: str) -> None:
    await keep(database, text + " compost", title="Compost " + text)
    assert await urls(database, "compost") == ["https://a.example/"]


async def test_the_words_go_with_their_text(database: Database) -> None:
    await keep(database, TOMATO)
    await database.fetch("delete from page_snapshots")
    await database.fetch("delete from snapshots")
    assert await database.fetch("select from snapshot_words") == []


async def test_what_was_read_before_the_migration_is_found(database: Database) -> None:
    """The file may run again, and takes in what it lacks."""
    await keep(database, TOMATO)
    await database.fetch("truncate snapshot_words")
    (text,) = [text for number, _, text in queries.migrations() if number == 14]
    async with await database.connect() as connection:
        for statement in Migration("contentstudio", 14, "archive", text).statements():
            await connection.execute(statement)
    assert await urls(database, "tomato seeds") == ["https://a.example/"]
