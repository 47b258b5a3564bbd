"""What a reviewer is shown and does: one dossier as text, page and JSON; approve, edit and reject
bound to its seal.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner, Result
from lxml import html

from contentstudio import app as studio
from contentstudio import console
from contentstudio.cli.main import cli
from contentstudio.config import Config
from contentstudio.demo.web import HARD, DemoWeb
from contentstudio.memory.embeddings import Lexical
from contentstudio.review import Dossier, gather, page, text
from contentstudio.seo import Change
from contentstudio.store.documents import Documents
from overnight import http
from overnight.console import actions, site
from overnight.console.access import Access, Visitor
from overnight.console.extension import Console, Context
from overnight.errors import IllegalTransition
from overnight.operations import reviews, runs
from overnight.operations.decisions import Approve, Edit
from overnight.store.database import Database
from overnight.testing import Clock, run_until_idle

pytestmark = pytest.mark.large  # of `make test-large`

Write = Callable[..., Config]
Ask = Callable[..., Result]


@pytest.fixture
def config(
    web: DemoWeb, write_config: Write, monkeypatch: pytest.MonkeyPatch, database: Database
) -> Config:
    monkeypatch.setenv("OVERNIGHT_DATABASE_URL", database.url)
    return write_config([web.url + HARD])


@pytest.fixture
async def waiting(config: Config, database: Database, clock: Clock) -> Dossier:
    """The dossier of an article that is too hard to read, so that it waits for a person."""
    app = studio.build(config)
    await runs.start(app, database, "night", {"date": "2026-11-23", "sites": ["garden"]})
    await run_until_idle(app, database, clock=clock)
    return await dossier_of(config, database)


@pytest.fixture
def ask(config: Config, tmp_path: Path) -> Ask:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(
            cli, ["--config", str(tmp_path / "contentstudio.toml"), *arguments]
        )

    return run


async def dossier_of(config: Config, database: Database) -> Dossier:
    (row,) = await database.fetch("select job_id from runs where step = 'gate'")
    dossier = await gather(database, config, row["job_id"])
    assert dossier is not None
    return dossier


async def test_the_dossier_has_page_verdicts_and_claims_with_sources(
    waiting: Dossier, web: DemoWeb
) -> None:
    assert (waiting.site, waiting.step, waiting.status) == ("garden", "gate", "needs_review")
    assert not waiting.verdicts[0].passed
    assert waiting.verdicts[0].gate == "readability"
    assert all(verdict.passed for verdict in waiting.verdicts[1:])
    cited = [(n, s) for n, s in enumerate(waiting.draft.sentences(), 1) if s.source]
    assert [(claim.number, claim.text) for claim in waiting.claims] == [
        (n, s.text) for n, s in cited
    ]
    for claim in waiting.claims:
        assert (claim.verdict, claim.url) == ("supported", web.url + HARD)
        assert " ".join((claim.passage or "").split()) == claim.text
        assert claim.dated.startswith("of 2026-")
    assert waiting.page is not None
    assert html.fromstring(waiting.page).findtext(".//h1") == waiting.draft.title


async def test_a_person_sees_what_failed_first_and_what_to_press(
    waiting: Dossier, ask: Ask
) -> None:
    told = (await asyncio.to_thread(ask, "review", waiting.job_id[:6])).stdout
    assert waiting.draft.title in told
    assert told.index("FAILED  readability") < told.index("passed  sources")
    assert f"Claims beside their sources: {len(waiting.claims)} supported" in told
    assert f"approve {waiting.job_id} --rev {waiting.seal[:8]}" in told
    assert (
        max(
            len(line)
            for line in told.partition(" approve ")[0].splitlines()[:-1]
            if "://" not in line
        )
        <= 80
    )


async def test_what_optimizing_changed_is_shown(waiting: Dossier) -> None:
    changed = waiting.model_copy(
        update={"changes": (Change(what="title", before="Old words", after="New words"),)}
    )
    assert "changed title: Old words → New words" in text.told(changed)
    assert html.fromstring(page.page(changed)).xpath(
        "//td[text()='Old words']/following-sibling::td[1]/text()"
    ) == ["New words"]


async def test_a_script_gets_the_whole_dossier(waiting: Dossier, ask: Ask) -> None:
    told = json.loads((await asyncio.to_thread(ask, "review", waiting.job_id, "--json")).stdout)[
        "dossier"
    ]
    assert Dossier.model_validate(told) == waiting


async def test_the_page_has_the_article_in_a_sandbox_and_no_script(waiting: Dossier) -> None:
    assert waiting.page is not None
    hostile = waiting.model_copy(update={"notes": ["</ul><script>alert(1)</script>"]})
    shown = html.fromstring(page.page(hostile, "approve it"))
    (frame,) = shown.iter("iframe")
    assert frame.get("sandbox") == ""
    assert frame.get("srcdoc") == waiting.page
    assert list(shown.iter("script")) == []
    assert "</ul><script>alert(1)</script>" in shown.text_content()
    (policy,) = shown.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy.startswith("default-src 'none'")
    assert [cell.text_content() for cell in shown.xpath("//td[@class='failed']")] == ["failed"]


async def test_a_markdown_edit_is_judged_again_with_its_own_evidence(
    waiting: Dossier, config: Config, database: Database, clock: Clock, ask: Ask, tmp_path: Path
) -> None:
    file = tmp_path / "article.md"
    told = await asyncio.to_thread(
        ask, "review", waiting.job_id, "--markdown", str(file), "--html", str(file) + ".html"
    )
    assert f"wrote {file}.html and {file}" in told.stdout
    heading = f"## {waiting.draft.sections[0].heading}\n"
    text = file.read_text("utf-8").replace(waiting.draft.title, "A plain title")
    assert heading in text
    file.write_text(
        text.replace(heading, f"{heading}Nobody ever said this of rabbits. [s1]\n", 1), "utf-8"
    )
    edit = ("edit", waiting.job_id, "--input", f"@{file}", "--rev", waiting.seal[:8])
    assert (await asyncio.to_thread(ask, *edit)).exit_code == 0
    await run_until_idle(studio.build(config), database, clock=clock)
    after = await dossier_of(config, database)
    assert after.draft.title == "A plain title"
    assert len(after.claims) == len(waiting.claims) + 1
    assert after.claims[0].verdict == "not_found"
    assert {claim.verdict for claim in after.claims[1:]} == {"supported"}
    verdicts = await database.one("select count(distinct attempt) as n from verdicts")
    assert verdicts == {"n": 2}


async def test_lists_quotes_tables_of_an_edit_are_judged_and_published(
    waiting: Dossier, config: Config, database: Database, clock: Clock, ask: Ask, tmp_path: Path
) -> None:
    file = tmp_path / "article.md"
    await asyncio.to_thread(ask, "review", waiting.job_id, "--markdown", str(file))
    words = file.read_text("utf-8")
    heading = f"## {waiting.draft.sections[0].heading}\n"
    quote = next(sentence.text for sentence in waiting.draft.sentences() if sentence.quoted)
    blocks = (
        "- Rabbits like it. [s1]\n- One item.\n\n>> {}  [s1]\n\n| What |\n| --- |\n| Hay, "
        "they say. [s1] |\n\n"
    )
    file.write_text(words.replace(heading, heading + blocks.format(quote), 1), "utf-8")
    edit = ("edit", waiting.job_id, "--input", f"@{file}", "--rev", waiting.seal[:8])
    assert (await asyncio.to_thread(ask, *edit)).exit_code == 0
    app = studio.build(config)
    await run_until_idle(app, database, clock=clock)
    after = await dossier_of(config, database)
    assert [(claim.number, claim.text) for claim in after.claims[:3]] == [
        (1, "Rabbits like it."),
        (3, quote),
        (4, "Hay, they say."),
    ]
    assert [claim.verdict for claim in after.claims[:3]] == ["not_found", "supported", "not_found"]
    assert f"- Rabbits like it. [s1]\n- One item.\n\n> “{quote[:20]}" in text.told(after)
    assert "| What\n| Hay, they say. [s1]\n" in text.told(after)
    await asyncio.to_thread(ask, "review", waiting.job_id, "--markdown", str(file))
    assert "- Rabbits like it. [s1]\n- One item.\n\n>> " in file.read_text("utf-8")
    await reviews.decide(app, database, waiting.job_id, Approve(after.seal))
    await run_until_idle(app, database, clock=clock)
    (published,) = config.folder(config.site[0]).glob("*/index.html")
    for shown in (published.read_text("utf-8"), after.page or ""):
        assert [
            words.text_content()
            for words in html.fromstring(shown).xpath("//ul/li | //blockquote | //td")
        ] == [
            "Rabbits like it.1",
            "One item.",
            f"{quote}1",
            "Hay, they say.1",
        ]


async def test_steps_and_callouts_of_an_edit_are_judged_and_published(
    waiting: Dossier, config: Config, database: Database, clock: Clock, ask: Ask, tmp_path: Path
) -> None:
    file = tmp_path / "article.md"
    await asyncio.to_thread(ask, "review", waiting.job_id, "--markdown", str(file))
    heading = f"## {waiting.draft.sections[0].heading}\n"
    blocks = (
        "1. **Feed it**\n   Rabbits like it. [s1]\n2. **Wait**\n   One night.\n\n"
        "!!! warning No hay\nHay, they say. [s1]\n\n"
    )
    words = file.read_text("utf-8").replace(heading, heading + blocks, 1)
    file.write_text(words, "utf-8")
    edit = ("edit", waiting.job_id, "--input", f"@{file}", "--rev", waiting.seal[:8])
    assert (await asyncio.to_thread(ask, *edit)).exit_code == 0
    app = studio.build(config)
    await run_until_idle(app, database, clock=clock)
    after = await dossier_of(config, database)
    assert [(claim.number, claim.text) for claim in after.claims[:2]] == [
        (1, "Rabbits like it."),
        (3, "Hay, they say."),
    ]
    shown = text.told(after)
    assert "1. Feed it\n   Rabbits like it. [s1]\n2. Wait\n   One night.\n" in shown
    assert "! WARNING: No hay\n! Hay, they say. [s1]\n" in shown
    await asyncio.to_thread(ask, "review", waiting.job_id, "--markdown", str(file))
    assert blocks in file.read_text("utf-8")
    await reviews.decide(app, database, waiting.job_id, Approve(after.seal))
    await run_until_idle(app, database, clock=clock)
    (published,) = config.folder(config.site[0]).glob("*/index.html")
    for written in (published.read_text("utf-8"), after.page or ""):
        steps = html.fromstring(written).xpath("//ol[@class='steps']/li")
        assert [" ".join(one.text_content().split()) for one in steps] == [
            "Feed it Rabbits like it.1",
            "Wait One night.",
        ]
        assert html.fromstring(written).xpath("string(//aside/p[2])") == "Hay, they say.1"


async def test_an_edit_with_an_unknown_kind_of_block_is_one_sentence(
    waiting: Dossier, ask: Ask, tmp_path: Path
) -> None:
    draft = waiting.draft.model_dump(mode="json")
    draft["sections"][0]["paragraphs"].append({"kind": "video", "src": "a.mp4"})
    file = tmp_path / "article.json"
    file.write_text(json.dumps(draft), "utf-8")
    told = await asyncio.to_thread(
        ask, "edit", waiting.job_id, "--input", f"@{file}", "--rev", waiting.seal[:8]
    )
    assert "“video” is not a kind of block" in str(told.exception)


async def test_a_decision_on_an_article_changed_since_shown_is_refused(
    waiting: Dossier, config: Config, database: Database, clock: Clock
) -> None:
    app = studio.build(config)
    changed = waiting.draft.model_copy(update={"title": "Another title"})
    await reviews.decide(
        app, database, waiting.job_id, Edit(waiting.seal, changed.model_dump(mode="json"))
    )
    await run_until_idle(app, database, clock=clock)
    with pytest.raises(
        IllegalTransition, match=r"what you saw of job .* is not what stands there now: look again"
    ):
        await reviews.decide(app, database, waiting.job_id, Approve(waiting.seal))
    assert not list(config.folder(config.site[0]).glob("*/index.html"))


async def test_what_was_approved_is_published_as_it_was_shown(
    waiting: Dossier, config: Config, database: Database, clock: Clock, ask: Ask
) -> None:
    approve = ("approve", waiting.job_id, "--rev", waiting.seal[:8])
    assert (await asyncio.to_thread(ask, *approve)).exit_code == 0
    await run_until_idle(studio.build(config), database, clock=clock)
    (file,) = config.folder(config.site[0]).glob("*/index.html")
    assert waiting.page is not None
    shown, there = (
        html.fromstring(text).find(".//article") for text in (waiting.page, file.read_text("utf-8"))
    )
    assert [s.text_content() for s in shown.iter("section")] == [
        s.text_content() for s in there.iter("section")
    ]
    told = (await asyncio.to_thread(ask, "review", waiting.job_id)).stdout
    assert "It does not wait for review" in told


async def test_a_rejection_by_command_is_in_the_memory_at_once(
    waiting: Dossier, database: Database, ask: Ask
) -> None:
    reject = (
        "reject",
        waiting.job_id,
        "--rev",
        waiting.seal[:8],
        "--reason",
        "nobody understands it",
    )
    assert (await asyncio.to_thread(ask, *reject)).exit_code == 0
    (known,) = await database.fetch(
        "select kind, reason from documents where slug = %(s)s", {"s": waiting.draft.slug}
    )
    assert known == {"kind": "rejected", "reason": "nobody understands it"}


async def test_a_rejection_in_the_console_is_in_the_memory_at_once(
    waiting: Dossier, config: Config, database: Database
) -> None:
    context = Context(studio.build(config), database, Console())
    form = {"job": waiting.job_id, "revision": waiting.seal, "reason": "not ours"}
    action = actions.permitted(context, "reject", Visitor("ann", "edit", None))
    await actions.carry_out(context, action, await actions.read_form(context, action, form))
    (known,) = await database.fetch(
        "select kind, reason from documents where slug = %(s)s", {"s": waiting.draft.slug}
    )
    assert known == {"kind": "rejected", "reason": "not ours"}


@pytest.fixture
async def marked(waiting: Dossier, config: Config, database: Database) -> Dossier:
    """The same, with its second sentence at fault."""
    fault = {
        "place": "sentence 2",
        "text": waiting.draft.sentences()[1].text,
        "reason": "Its source says otherwise.",
        "passage": "It is <b>not</b> so.",
    }
    await database.fetch(
        "update runs set output = jsonb_set(output, '{verdicts}', (select jsonb_agg(case when "
        "v->>'gate' = 'readability' then v || jsonb_build_object('faults', %s::jsonb) else v end) "
        "from jsonb_array_elements(output->'verdicts') v)) where step = 'gate'",
        [json.dumps([fault])],
    )
    return await dossier_of(config, database)


async def test_what_has_to_change_stands_beside_its_passage(marked: Dossier, ask: Ask) -> None:
    (mark,) = marked.marks
    assert (mark.place, mark.text) == ("sentence 2", marked.draft.sentences()[1].text)
    told = (await asyncio.to_thread(ask, "review", marked.job_id)).stdout
    assert f"⟦{mark.text.split()[0]}" in told
    assert "Marked in the article" in told
    assert "↳ It is <b>not</b> so." in told
    shown = html.fromstring(page.page(marked))
    assert [each.text_content() for each in shown.iter("mark")] == [mark.text]
    assert "It is <b>not</b> so." in shown.text_content()


async def test_a_marked_sentence_is_cut_or_changed_and_judged_again(
    marked: Dossier, config: Config, database: Database, clock: Clock, ask: Ask
) -> None:
    change = ("change", marked.job_id, "sentence 2", "--rev", marked.seal[:8])
    told = await asyncio.to_thread(ask, *change, "--text", "Hay is all they need.")
    assert told.exit_code == 0, told.output
    assert "changed: sentence 2 of job" in told.stdout
    await run_until_idle(studio.build(config), database, clock=clock)
    after = await dossier_of(config, database)
    before = [sentence.text for sentence in marked.draft.sentences()]
    texts = [sentence.text for sentence in after.draft.sentences()]
    assert texts == [before[0], "Hay is all they need.", *before[2:]]
    stale = await asyncio.to_thread(ask, *change, "--cut")
    assert stale.exit_code != 0, "it was changed since"
    again = ("change", marked.job_id, "sentence 2", "--rev", after.seal[:8], "--cut", "--json")
    told = await asyncio.to_thread(ask, *again)
    assert json.loads(told.stdout)["changed"] == {"job_id": marked.job_id, "place": "sentence 2"}
    await run_until_idle(studio.build(config), database, clock=clock)
    cut = await dossier_of(config, database)
    assert [s.text for s in cut.draft.sentences()] == [before[0], *before[2:]]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "choose one: --text with the new words, or --cut"),
        (("--text", "Words.", "--cut"), "choose one"),
        (("--text", " "), "--text needs words"),
    ],
)
async def test_a_change_has_words_or_is_a_cut(
    marked: Dossier, ask: Ask, options: tuple[str, ...], says: str
) -> None:
    told = await asyncio.to_thread(ask, "change", marked.job_id, "sentence 2", *options)
    assert says in str(told.exception)


async def test_the_console_cuts_what_it_shows_as_marked(
    marked: Dossier, config: Config, database: Database, clock: Clock
) -> None:
    app, own = studio.build(config), console.build(config)
    built = site.build(app, database, Access({}), own=own)
    with http.listen("127.0.0.1", 0) as listener:
        async with (
            http.served(built, listener) as url,
            httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
        ):
            text = (await client.get(f"/review/{marked.job_id}")).text
            shown = html.fromstring(text)
            (mark,) = shown.iter("mark")
            assert mark.text_content() == marked.marks[0].text
            save, cut = shown.xpath("//form[@action='/do/change-place']")
            assert save.fields["text"] == marked.marks[0].text
            pressed = await client.post(
                "/do/change-place", data=dict(cut.fields), headers={"origin": url}
            )
            assert "done=" in pressed.headers["location"]
    await run_until_idle(app, database, clock=clock)
    after = await dossier_of(config, database)
    before = [sentence.text for sentence in marked.draft.sentences()]
    assert [s.text for s in after.draft.sentences()] == [before[0], *before[2:]]


async def test_an_edit_rejects_nothing(
    waiting: Dossier, config: Config, database: Database
) -> None:
    edit = Edit(waiting.seal, waiting.draft.model_dump(mode="json"))
    await reviews.decide(studio.build(config), database, waiting.job_id, edit)
    assert await database.fetch("select kind from documents where kind = 'rejected'") == []


async def test_posts_on_the_same_query_are_shown_with_their_similarity(
    waiting: Dossier, config: Config, database: Database, ask: Ask
) -> None:
    memory = Documents(database, Lexical())
    await memory.keep_own_post(
        "garden", "https://garden.example/far/", "A word on something else", "Text."
    )
    assert (await dossier_of(config, database)).rivals == ()
    await memory.keep_own_post(
        "garden", "https://garden.example/near/", f"{waiting.draft.title} today", "Text."
    )
    await memory.keep_own_post(
        "garden", "https://garden.example/same/", waiting.draft.title, "Text."
    )
    dossier = await dossier_of(config, database)
    same, near = dossier.rivals
    assert (same.url, same.likeness) == ("https://garden.example/same/", 1.0)
    assert (near.title, 0.5 < near.likeness < 1) == (f"{waiting.draft.title} today", True)
    told = (await asyncio.to_thread(ask, "review", waiting.job_id)).stdout
    assert "Posts of the site on the same query" in told
    assert "https://garden.example/near/" in told
    assert f"{near.likeness:.0%} of the words" in told
    shown = html.fromstring(page.page(dossier)).text_content()
    assert "https://garden.example/same/" in shown
    assert "100%" in shown


async def test_no_edit_moves_an_article_to_another_site(
    waiting: Dossier, config: Config, database: Database, clock: Clock
) -> None:
    app = studio.build(config)
    elsewhere = waiting.draft.model_copy(update={"site": "other"})
    await reviews.decide(
        app, database, waiting.job_id, Edit(waiting.seal, elsewhere.model_dump(mode="json"))
    )
    await run_until_idle(app, database, clock=clock)
    (run,) = await database.fetch("select status, error from runs where step = 'gate'")
    assert run["status"] == "dead"
    assert "this article is for the site “other”, the job for “garden”" in run["error"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("review", "--html", "x.html"), "name the job of an article"),
        (("review", "ffff"), "there is no job"),
        (("edit", "JOB", "--input", "@missing.md"), "cannot read missing.md"),
    ],
)
async def test_what_cannot_be_shown_is_one_sentence(
    waiting: Dossier, ask: Ask, arguments: tuple[str, ...], says: str
) -> None:
    told = await asyncio.to_thread(ask, *(waiting.job_id if a == "JOB" else a for a in arguments))
    assert says in str(told.exception)


async def test_a_line_that_is_no_sentence_is_named(
    waiting: Dossier, ask: Ask, tmp_path: Path
) -> None:
    file = tmp_path / "article.md"
    file.write_text("# Title\n\n## Heading\n\nWords. [s9]\n", "utf-8")
    told = await asyncio.to_thread(
        ask, "edit", waiting.job_id, "--input", f"@{file}", "--rev", waiting.seal[:8]
    )
    assert "line 5: [s9] is no source" in str(told.exception)
