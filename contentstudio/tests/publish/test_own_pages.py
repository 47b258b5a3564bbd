"""The owner's own pages: their titles, addresses and words, and that no markup of theirs runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import html

from contentstudio.publish import own_pages
from contentstudio.publish.own_pages import OwnPage, parsed
from overnight.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# About us\n\nWe grow.", "About us"),
        ("\ufeff# About us #\r\n\r\nWe grow.", "About us"),
        ("---\ntitle: Who we are\n---\n# About us\n\nWe grow.", "Who we are"),
        ('+++\ntitle = "Who we are"\n+++\nWe grow.', "Who we are"),
        ("We grow.", "About us"),
        ("#About\n\nWe grow.", "About us"),
        ("", "About us"),
    ],
)
def test_a_title_is_from_front_matter_first_line_or_file_name(text: str, title: str) -> None:
    page = parsed("about-us.md", text)
    assert (page.title, page.slug) == (title, "about-us")
    assert "<h1" not in page.html
    assert page.html.count("About us") == 0


@pytest.mark.parametrize(
    ("file", "slug"), [("Über uns.md", "uber-uns"), ("公式.md", "公式"), ("IMPRINT.md", "imprint")]
)
def test_the_address_is_made_of_the_name(file: str, slug: str) -> None:
    assert parsed(file, "x").slug == slug


def test_a_description_is_from_front_matter_or_the_first_words() -> None:
    assert (
        parsed("a.md", "---\ndescription: In short.\n---\n# A\n\nLong.").description == "In short."
    )
    assert (
        parsed("a.md", "# A\n\nWe *gr*ow.\n\n- all\n- sorts & more").description
        == "We grow. all sorts & more"
    )
    long = parsed("a.md", f"# A\n\n{'word ' * 90}").description
    assert (len(long) <= 160, long[-6:]) == (True, " word…")


def test_markdown_becomes_markup_with_one_title_for_the_page() -> None:
    page = parsed(
        "a.md",
        "# A\n\n# B\n\n## C\n\n[we](mailto:we@a.example)\n\n| x | y |\n|---|---|\n| 1 | 2 |\n",
    )
    tree = html.fragment_fromstring(page.html, create_parent="div")
    assert [h.tag for h in tree.xpath("//h1 | //h2")] == ["h2", "h2"]
    assert tree.xpath("//a/@href") == ["mailto:we@a.example"]
    assert tree.xpath("//td/text()") == ["1", "2"]


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "![x](javascript:alert(1))",
        "[x](data:text/html,x)",
        '<a href="https://a.example" onclick="x()">x</a>',
        "<style>*{}</style>",
        "<iframe src=https://a.example></iframe>",
    ],
)
def test_no_markup_of_a_file_becomes_a_part_of_the_page(hostile: str) -> None:
    tree = html.fragment_fromstring(
        parsed("a.md", f"# A\n\n{hostile}\n\nand {hostile}").html, create_parent="div"
    )
    assert not tree.xpath("//script | //style | //iframe | //@onclick | //@onerror")
    assert not [url for url in tree.xpath("//@href | //@src") if not url.startswith("https:")]


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    for name in ("imprint.md", "about.md", "notes.txt"):
        (tmp_path / name).write_text(f"# {name}\n", "utf-8")
    assert [page.slug for page in own_pages.read(tmp_path)] == ["about", "imprint"]


def test_two_files_with_one_address_are_an_error_that_names_both(tmp_path: Path) -> None:
    for name in ("About us.md", "about-us.md"):
        (tmp_path / name).write_text("x", "utf-8")
    with pytest.raises(
        ConfigError, match=r"About us\.md and about-us\.md .* /about-us/: rename one"
    ):
        own_pages.read(tmp_path)


def test_a_file_that_is_not_utf8_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "about.md").write_bytes("# Über".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"about\.md is not UTF-8"):
        own_pages.read(tmp_path)


def test_a_page_at_the_address_of_an_article_is_an_error() -> None:
    page = OwnPage("about", "About", "", "", "about.md")
    own_pages.refuse_collisions([page], {"compost": 1})
    with pytest.raises(ConfigError, match=r"about\.md and an article have one address, /about/"):
        own_pages.refuse_collisions([page], {"about": 1})


def test_what_an_editor_leaves_beside_a_page_is_no_page(tmp_path: Path) -> None:
    (tmp_path / "about.md").write_text("# About\n\nUs.\n", "utf-8")
    (tmp_path / ".#about.md").symlink_to("someone@host.123")
    (tmp_path / ".draft.md").write_text("# Not yet\n", "utf-8")
    assert [page.slug for page in own_pages.read(tmp_path)] == ["about"]


def test_no_link_leads_out_of_the_folder_of_pages(tmp_path: Path) -> None:
    (tmp_path / "secret.env").write_text("the secret", "utf-8")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "about.md").symlink_to(tmp_path / "secret.env")
    with pytest.raises(ConfigError, match="a link out of its folder"):
        own_pages.read(tmp_path / "pages")
