"""Categories and tags as WordPress names them: found by the name that people know, by an author's
account too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contentstudio.model import Draft

Make = Callable[..., Draft]
Desk = Any  # of conftest.py


def made(desk: Desk, name: str, **fields: Any) -> int:
    with desk.wordpress.client("owner") as owner:
        answer = owner.post("/categories", json={"name": name, **fields})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])


def categories(desk: Desk) -> list[int]:
    with desk.wordpress.client("owner") as owner:
        (post,) = owner.get("/posts", params={"slug": "compost"}).json()
    found: list[int] = post["categories"]
    return found


@pytest.mark.parametrize("user", ["author", "editor"])
@pytest.mark.parametrize(
    ("name", "called"),
    [("Soil & Earth", "soil & earth"), ("R&D", "R&D"), ("Дом & сад", "дом & сад"), ("C++", "c++")],
)
async def test_a_category_with_signs_in_its_name_is_found(
    desk: Desk, draft: Make, user: str, name: str, called: str
) -> None:
    number = made(desk, name)
    desk.configure(user, category=called)
    ending = await desk.publish("one", draft())
    assert (ending["status"], ending["output"]["differs"]) == ("succeeded", []), ending["error"]
    assert categories(desk) == [number]


async def test_a_category_is_found_among_over_a_hundred_similar_ones(
    desk: Desk, draft: Make
) -> None:
    rows = ", ".join(f"('Soil & water {n:03}', 'soil-{n}', 0)" for n in range(230)).replace(
        "&", "&amp;"
    )
    desk.wordpress.sql(f"insert into wp_terms (name, slug, term_group) values {rows}")
    desk.wordpress.sql(
        "insert into wp_term_taxonomy (term_id, taxonomy, description) "
        "select term_id, 'category', '' from wp_terms where slug like 'soil-%'"
    )
    number = made(desk, "Soil & zinc")
    desk.configure("author", category="Soil & Zinc")
    ending = await desk.publish("one", draft())
    assert ending["status"] == "succeeded", ending["error"]
    assert categories(desk) == [number]


@pytest.mark.parametrize("user", ["author", "editor"])
async def test_of_nested_categories_of_one_name_the_outermost_is_meant(
    desk: Desk, draft: Make, user: str
) -> None:
    made(desk, "News", parent=made(desk, "Sport"), slug="news-of-sport")
    outermost = made(desk, "News")
    desk.configure(user, category="News")
    await desk.publish("one", draft())
    assert categories(desk) == [outermost]


async def test_a_nested_category_is_used_and_none_is_made_beside_it(
    desk: Desk, draft: Make
) -> None:
    nested = made(desk, "News", parent=made(desk, "Sport"))
    desk.configure(category="News")
    await desk.publish("one", draft())
    assert categories(desk) == [nested]


async def test_of_two_nested_categories_of_one_name_the_slug_decides(
    desk: Desk, draft: Make
) -> None:
    for parent in ("Sport", "World"):
        number = made(desk, "News", parent=made(desk, parent), slug=f"news-{parent.lower()}")
    desk.configure(category="News")
    ending = await desk.publish("one", draft())
    assert ending["status"] == "dead"
    assert "name the slug of one instead, of news-sport, news-world" in ending["error"]
    desk.configure(category="news-world")
    ending = await desk.publish("two", draft())
    assert ending["status"] == "succeeded", ending["error"]
    assert categories(desk) == [number]
