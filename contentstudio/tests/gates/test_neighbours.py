"""The gate against duplicates looks into the memory."""

from __future__ import annotations

from contentstudio.gates.input import Neighbour
from contentstudio.memory.embeddings import Lexical
from contentstudio.model import Draft, Section, Sentence
from contentstudio.store.documents import Documents
from overnight.store.database import Database


def draft(slug: str, site: str = "garden") -> Draft:
    section = Section(heading="A heading", paragraphs=[[Sentence(text=f"All about {slug}.")]])
    told = {
        "site": site,
        "slug": slug,
        "title": slug.title(),
        "description": "",
        "references": [],
        "writer": "w",
    }
    return Draft(**told, sections=[section])


async def test_similar_documents_are_all_written_ones_but_the_article(database: Database) -> None:
    memory = Documents(database, Lexical())
    await memory.keep_draft(draft("mulch"), "published", "1", "https://garden.example/mulch/")
    await memory.keep_draft(draft("straw"), "queued", "2")
    await memory.keep_draft(draft("tar"), "queued", "3")
    assert await memory.reject("3", "not here")
    await memory.keep_own_post("garden", "https://garden.example/old/", "Old", "All about old.")
    await memory.keep_draft(
        draft("moon", site="sky"), "published", "4", "https://sky.example/moon/"
    )
    await database.fetch(
        "insert into documents (site, slug, kind, title, text, sha256) "
        "values ('garden', 'c', 'chosen', 'Chosen', 'A source', '0')"
    )
    found = await memory.beside("garden", "mulch")
    assert sorted(found, key=lambda one: one.title) == [
        Neighbour("Moon", "All about moon.", "published"),
        Neighbour("Old", "All about old.", "owner"),
        Neighbour("Straw", "All about straw.", "queued"),
        Neighbour("Tar", "All about tar.", "rejected"),
    ]
    assert "Mulch" in [one.title for one in await memory.beside("sky", "mulch")]
