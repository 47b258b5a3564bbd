"""What several tasks write at the same moment goes in one statement; each has its own result."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from overnight.errors import LedgerUnavailable, OvernightError, Refused, TooSlow
from overnight.store import group_commit
from overnight.store.group_commit import GroupCommit


class Statements:
    """A database that writes down what it is sent; each statement is on its way until `go` is
    set.
    """

    def __init__(self, refusal: type[OvernightError] = Refused) -> None:
        self.sent: list[list[str]] = []
        self.handed_back: list[str] = []
        self.go = asyncio.Event()
        self.refusal = refusal
        self.group: GroupCommit[str] = GroupCommit(self.write, unclaimed=self.handed_back.append)

    async def write(self, texts: Sequence[str]) -> list[str]:
        self.sent.append(list(texts))
        await self.go.wait()
        if "bad" in texts:
            raise self.refusal("no")
        return [text.upper() for text in texts]

    async def begin(self, *texts: str) -> list[asyncio.Task[str]]:
        """Tasks that write, the first one's statement on its way already."""
        tasks = []
        for text in texts:
            tasks.append(asyncio.create_task(self.group.add(text)))
            while not self.sent:
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        return tasks


async def test_what_comes_during_a_statement_makes_up_the_next_one() -> None:
    database = Statements()
    tasks = await database.begin("a", "b", "c")
    assert database.sent == [["a"]], "the first one waits for nobody"
    database.go.set()
    assert await asyncio.gather(*tasks) == ["A", "B", "C"]
    assert database.sent == [["a"], ["b", "c"]]
    assert await database.group.add("d") == "D"


@pytest.mark.parametrize(("most", "characters"), [(2, 1_000), (1_000, 3)])
async def test_a_statement_has_a_limited_size(
    most: int, characters: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "MOST", most)
    monkeypatch.setattr(group_commit, "CHARACTERS", characters)
    database = Statements()
    tasks = await database.begin("aa", "bb", "cc", "dd")
    database.go.set()
    assert await asyncio.gather(*tasks) == ["AA", "BB", "CC", "DD"]
    assert database.sent == [["aa"], ["bb", "cc"], ["dd"]]


@pytest.mark.parametrize("bad", [0, 1, 2])
async def test_what_is_refused_is_refused_alone(bad: int) -> None:
    database = Statements()
    texts = ["b", "c", "d"]
    texts[bad] = "bad"
    tasks = await database.begin("a", *texts)
    database.go.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results.pop(bad + 1), Refused)
    assert [str(result).lower() for result in results] == ["a", *(t for t in texts if t != "bad")]


@pytest.mark.parametrize("outage", [LedgerUnavailable, TooSlow])
async def test_an_outage_is_told_to_all_and_tried_once(outage: type[OvernightError]) -> None:
    database = Statements(outage)
    tasks = await database.begin("a", "bad", "c")
    database.go.set()
    first, *others = await asyncio.gather(*tasks, return_exceptions=True)
    assert first == "A"
    assert [type(error) for error in others] == [outage, outage]
    assert database.sent == [["a"], ["bad", "c"]]


async def test_who_is_cancelled_before_its_statement_writes_nothing() -> None:
    database = Statements()
    first, second, third = await database.begin("a", "b", "c")
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    database.go.set()
    assert await asyncio.gather(first, third) == ["A", "C"]
    assert (database.sent, database.handed_back) == ([["a"], ["c"]], [])


async def test_a_result_whose_task_is_gone_is_handed_back() -> None:
    database = Statements()
    (first,) = await database.begin("a")
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert first.cancelled()
    database.go.set()
    assert await database.group.add("b") == "B"
    assert database.handed_back == ["A"]


async def test_a_refusal_whose_task_is_gone_is_handed_to_nobody() -> None:
    database = Statements()
    (first,) = await database.begin("bad")
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    database.go.set()
    assert await database.group.add("b") == "B"
    assert database.handed_back == []


async def test_what_nobody_waits_for_is_written_too() -> None:
    database = Statements()
    database.go.set()
    database.group.add_soon("a")
    database.group.add_soon("bad")
    assert await database.group.add("b") == "B"
    assert database.sent == [["a", "bad", "b"], ["a"], ["bad"], ["b"]]
