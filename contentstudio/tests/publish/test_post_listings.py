"""The posts that a CMS lists: one that is odd spoils no listing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contentstudio import config as settings
from contentstudio import publish
from contentstudio.publish.cms_client import Answer, CmsClient
from contentstudio.publish.port import OwnPost
from overnight.errors import Permanent

pytestmark = pytest.mark.contract

CASES = Path(__file__).parents[1] / "cases"
WHOLE = json.loads((CASES / "24-wp-post-null-date.json").read_text("utf-8"))[2]
GHOST = {
    **{"id": "1", "slug": "s1", "url": "https://a.example/s1/", "title": "T", "html": "<p>x</p>"},
    **{"published_at": "2026-01-02T03:04:05.000Z", "updated_at": "2026-01-02T03:04:05.000Z"},
}
Listed = Callable[..., AsyncIterator[OwnPost]]


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Listed:
    """The posts of a site whose CMS answers with these pages, one after another, and the last one
    from then on.
    """

    async def posts(to: str, *pages: Answer) -> AsyncIterator[OwnPost]:
        answers = list(pages)

        async def ask(
            self: CmsClient, method: str, path: str, *, allow: tuple[int, ...] = (), **_: Any
        ) -> Answer:
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if answer.status >= 300 and answer.status not in allow:
                raise Permanent(f"{method} {path} was answered {answer.status}")
            return answer

        monkeypatch.setattr(CmsClient, "ask", ask)
        monkeypatch.setenv(
            "CONTENTSTUDIO_SECRET_GARDEN", "6748592f4b9b7700010f6564:" + "0123456789abcdef" * 4
        )
        file = tmp_path / "contentstudio.toml"
        user = ", user = 'u'" if to == "wordpress" else ""
        site = "[[site]]\nname = 'garden'\nurl = 'https://a.example'\nsources = ['https://b.example']\n"
        file.write_text(f"{site}publish = {{ to = '{to}'{user} }}\n", "utf-8")
        config = settings.load(file)
        async with publish.opened(config, config.site[0]) as publisher:
            async for post in publisher.posts():
                yield post

    return posts


def answer(data: Any, status: int = 200, **headers: str) -> Answer:
    import httpx2

    return Answer(
        status,
        data,
        httpx2.Headers({name.replace("_", "-"): value for name, value in headers.items()}),
    )


def ghost_page(*posts: Any) -> Answer:
    return answer({"posts": list(posts), "meta": {"pagination": {"next": None}}})


async def test_posts_without_a_gmt_date_are_listed_with_their_date(listed: Listed) -> None:
    posts = json.loads((CASES / "24-wp-post-null-date.json").read_text("utf-8"))
    found = [post async for post in listed("wordpress", answer(posts))]
    assert [post.slug for post in found] == ["s1", "s2", "s3"]
    assert {post.published_at for post in found} == {datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)}


@pytest.mark.parametrize("field", sorted(WHOLE))
@pytest.mark.parametrize(
    "value", [None, "", "0000-00-00T00:00:00", "-0001-11-30T00:00:00", 7, [], {}, "\0\ud800"]
)
@pytest.mark.parametrize("to", ["wordpress", "ghost"])
async def test_an_odd_field_of_one_post_does_not_hide_the_others(
    listed: Listed, to: str, field: str, value: Any
) -> None:
    whole = WHOLE if to == "wordpress" else GHOST
    ghost_names = {
        "link": "url",
        "date_gmt": "published_at",
        "modified_gmt": "updated_at",
        "content": "html",
    }
    name = field if to == "wordpress" else ghost_names.get(field, field)
    odd = {**whole, name: value}
    missing = {key: kept for key, kept in odd.items() if key != name}
    posts = [odd, missing, "no post", None, whole]
    page = answer(posts) if to == "wordpress" else ghost_page(*posts)
    found = [post async for post in listed(to, page)]
    assert {post.url for post in found} == {
        "https://a.example/s3/" if to == "wordpress" else "https://a.example/s1/"
    }
    for post in found:
        (post.url + post.slug + post.title + post.html).encode()
        assert "\0" not in post.title + post.html


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"slug": 404}, "slug", "404"),
        ({"title": None}, "title", "s3"),
        ({"title": "As plain text &amp; more"}, "title", "As plain text & more"),
        ({"content": {"rendered": "", "protected": True}}, "html", ""),
        ({"date_gmt": "2026-02-01T00:00:00"}, "published_at", datetime(2026, 2, 1, tzinfo=UTC)),
        (
            {"date_gmt": None, "date": "2026-03-01T00:00:00"},
            "published_at",
            datetime(2026, 3, 1, tzinfo=UTC),
        ),
        (
            {"date_gmt": "2026-02-01T01:00:00+01:00"},
            "published_at",
            datetime(2026, 2, 1, tzinfo=UTC),
        ),
        ({"modified_gmt": None}, "modified", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (
            {"date_gmt": None, "modified_gmt": None},
            "published_at",
            datetime(1970, 1, 1, tzinfo=UTC),
        ),
    ],
)
async def test_an_odd_field_is_read_as_far_as_it_can_be(
    listed: Listed, changes: dict[str, Any], field: str, value: Any
) -> None:
    (post,) = [post async for post in listed("wordpress", answer([{**WHOLE, **changes}]))]
    assert getattr(post, field) == value


async def test_a_page_that_is_gone_when_requested_ends_the_list(listed: Listed) -> None:
    first = [{**WHOLE, "link": f"https://a.example/{n}/"} for n in range(100)]
    gone = answer({"code": "rest_post_invalid_page_number"}, 400)
    found = [post async for post in listed("wordpress", answer(first, X_WP_TotalPages="2"), gone)]
    assert len(found) == 100


async def test_a_post_that_moved_to_the_next_page_is_listed_once(listed: Listed) -> None:
    posts = [{**WHOLE, "link": f"https://a.example/{n}/"} for n in range(3)]
    pages = [answer(posts[:2], X_WP_TotalPages="2"), answer(posts[1:], X_WP_TotalPages="2")]
    found = [post.url async for post in listed("wordpress", *pages)]
    assert found == [post["link"] for post in posts]


@pytest.mark.parametrize("refusal", [answer(None, 400), answer({"code": "rest_no_route"})])
async def test_a_first_page_that_is_no_list_of_posts_is_an_error(
    listed: Listed, refusal: Answer
) -> None:
    with pytest.raises(Permanent):
        [post async for post in listed("wordpress", refusal)]
